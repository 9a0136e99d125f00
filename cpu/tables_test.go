package cpu

import (
	"math"
	"testing"

	"adainfilter/model"
	"adainfilter/model/hdr"
	"adainfilter/model/lut"
)

// light is the cd/m2 that a signal of PQ stands for (BT.2100 table 4).
func light(signal float64) float64 {
	p := math.Pow(signal, 32./2523)
	return 10000 * math.Pow(max(p-0.8359375, 0)/(18.8515625-18.6875*p), 16384./2610)
}

// TestHighlights stylises a ramp in PQ up to 1000 cd/m2, with the built-in network and next to no style, and demands that highlights keep their
// light: within 30 % from 200 cd/m2 on, which is what the network's own reproduction of a ramp is good for, the brightest within 10 %, and
// none beyond the source's peak, which they pass without the tables.
func TestHighlights(t *testing.T) {
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(w, model.Options{Precision: model.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	style, err := model.BuiltinStyle(model.DefaultNetwork, model.DefaultStyle)
	if err != nil {
		t.Fatal(err)
	}
	const width, height = 512, 64
	src, dst := model.NewImage(model.RGB, width, height), model.NewImage(model.RGB, width, height)
	for i := range src.Planes[0].Data {
		x := i / 3 % width
		src.Planes[0].Data[i] = byte(math.Round(255 * 0.7518 * float64(x) / (width - 1)))
	}
	before, after := hdr.Source{Transfer: hdr.PQ, Peak: 1000}.Tables()
	stylized := func(before, after *lut.Table) (worst, brightest, top float64) {
		s := &model.Stylization{Style: style.Stats, Alpha: 0.01, Before: before, After: after}
		if err := e.Stylize(dst, src, s); err != nil {
			t.Fatal(err)
		}
		for band := 0; band < width; band += 16 {
			var got, want float64
			for i := range height * 16 {
				at := 3 * (i/16*width + band + i%16)
				for c := range 3 {
					got += light(float64(dst.Planes[0].Data[at+c])/255) / (3 * height * 16)
					want += light(float64(src.Planes[0].Data[at+c])/255) / (3 * height * 16)
				}
			}
			if off := math.Abs(got/want - 1); want >= 200 {
				worst, brightest, top = max(worst, off), off, max(top, got)
			}
		}
		return worst, brightest, top
	}
	worst, brightest, top := stylized(before, after)
	_, _, plain := stylized(nil, nil)
	t.Logf("highlights are off by up to %.1f %% of their light, the brightest by %.1f %%; up to %.0f cd/m2, without tables %.0f", 100*worst, 100*brightest, top, plain)
	if !(worst < 0.3 && brightest < 0.1) {
		t.Errorf("highlights are off by %.1f %% of their light, the brightest by %.1f %%, wanted at most 30 and 10", 100*worst, 100*brightest)
	}
	if !(top <= 1005) || !(plain > 1005) {
		t.Errorf("the brightest has %.0f cd/m2, wanted at most the peak of 1000; without tables %.0f, wanted more than that", top, plain)
	}
}
