package cpu

import (
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// TestDeepRamp demands that a ramp of 10 bits keeps its steps through the built-in network, where the style hardly counts: rounding to 8
// bits anywhere would leave 256.
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
		levels := map[int]bool{}
		first := ref.Channels(dst)[0]
		for i := range first.Width * first.Height {
			levels[first.Get(i%first.Width, i/first.Width)] = true
		}
		t.Logf("%v: %d levels", f, len(levels))
		if len(levels) < 900 {
			t.Errorf("%v: %d levels are left of 1024, wanted 900", f, len(levels))
		}
	}
}
