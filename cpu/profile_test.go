package cpu

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestProfile demands each convolution once, in order, times that add up to no more than the frames took, and the same result.
func TestProfile(t *testing.T) {
	w := modeltest.RandomWeights(5, model.Lite)
	opened, err := Open(w, model.Options{Threads: 2, Precision: model.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	e := opened.(*Engine)
	src := model.NewImage(model.NV12, 97, 65)
	modeltest.Fill(src, 3)
	stats, err := e.Statistics(src)
	if err != nil {
		t.Fatal(err)
	}
	s := &model.Stylization{Style: stats, Alpha: 1}
	want, got := model.NewImage(src.Format, 97, 65), model.NewImage(src.Format, 97, 65)
	if err := e.Stylize(want, src, s); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	layers, peak, err := e.Profile(got, src, s, 3)
	took := time.Since(start).Seconds() * 1e3
	if err != nil {
		t.Fatal(err)
	}
	for i := range src.Format.Planes() {
		if !bytes.Equal(got.Planes[i].Data, want.Planes[i].Data) {
			t.Errorf("plane %d differs from that of a frame that is not measured", i)
		}
	}
	var names, wanted []string
	sum, alone := 0.0, 0.0
	for _, l := range layers {
		sum, alone = sum+l.MS, alone+l.Alone
		if l.Algorithm == "" {
			continue
		}
		names = append(names, strings.Split(l.Layers, ", ")...)
		if !(l.MS > 0 && l.GFLOPS > 0 && l.Share > 0 && l.Share == l.GFLOPS/peak && l.Chunks > 1 && l.Alone == 0) {
			t.Errorf("%+v with a peak of %v GFLOP/s", l, peak)
		}
	}
	for _, l := range w.Widths.Layers()[1:] {
		wanted = append(wanted, l.Name)
	}
	if !slices.Equal(names, wanted) {
		t.Errorf("layers %v, wanted %v", names, wanted)
	}
	if !(alone > 0 && alone < layers[len(layers)-1].MS) {
		t.Errorf("one thread alone works %v ms of %+v", alone, layers[len(layers)-1])
	}
	if !(sum > 0 && sum < took) || !(peak > 0.1) {
		t.Errorf("%v ms in the layers of a frame, %v ms for three and the peak, which is %v GFLOP/s", sum, took, peak)
	}
	if _, _, err := e.Profile(got, src, s, 0); err == nil {
		t.Error("no run at all is measured")
	}
}
