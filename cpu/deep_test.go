package cpu

import (
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// TestDeepRamp demands that a ramp of 10 bits keeps steps of 10 bits through the built-in network, where the style hardly counts: rounding to 8
// bits anywhere would leave 256 levels. Not all of the 1024 can be there, since the network steepens some parts of the ramp and flattens others.
func TestDeepRamp(t *testing.T) {
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := Open(w, model.Options{Precision: model.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	for _, f := range []model.Format{model.P010, model.V210, model.GBRx10} {
		src, dst := model.NewImage(f, 1024, 64), model.NewImage(f, 1024, 64)
		src.Colorimetry.FullRange = true
		dst.Colorimetry = src.Colorimetry
		for c, channel := range ref.Channels(src) {
			for i := range channel.Width * channel.Height {
				v := 512
				if c == 0 || f == model.GBRx10 {
					v = i % channel.Width
				}
				channel.Set(i%channel.Width, i/channel.Width, v)
			}
		}
		style, err := engine.Statistics(src)
		if err != nil {
			t.Fatal(err)
		}
		if err := engine.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 0.01}); err != nil {
			t.Fatal(err)
		}
		levels, least, most := map[int]bool{}, 1023, 0
		first := ref.Channels(dst)[0]
		for i := range first.Width * first.Height {
			v := first.Get(i%first.Width, i/first.Width)
			levels[v], least, most = true, min(least, v), max(most, v)
		}
		t.Logf("%v: %d levels, from %d to %d", f, len(levels), least, most)
		if len(levels) < 700 {
			t.Errorf("%v: %d levels from %d to %d, wanted 700 or more", f, len(levels), least, most)
		}
	}
}
