package cuda

import (
	"bytes"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// onlyRounded is for what differs from the reference by the order of float32 sums alone.
var onlyRounded = modeltest.Tolerance{Levels: 1, Share: 0.002}

// TestProcessingSize holds the engine against itself at the small size, with the reference's way there and back.
func TestProcessingSize(t *testing.T) {
	each(t, func(t *testing.T) {
		e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
		for i, f := range formats() {
			s := model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1, ProcessingSize: 16 + i%2}
			whole := s
			whole.ProcessingSize = 0
			src, got := pair(f, 37, 29-i%2)
			w, h := s.Size(src.Width, src.Height)
			small := model.NewImage(f, w, h)
			ref.Reduce(small, src)
			made, want := model.NewImage(f, small.Width, small.Height), model.NewImage(f, src.Width, src.Height)
			if err := e.Stylize(made, small, &whole); err != nil {
				t.Fatal(err)
			}
			ref.Enlarge(want, src, small, made)
			if err := e.Stylize(got, src, &s); err != nil {
				t.Fatal(err)
			}
			if err := modeltest.CheckPicture(got, want, onlyRounded); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
	})
}

// TestTemporalBlend demands exactly the reference's blend of the engine's own results. The second of them, before it is blended, comes from
// an engine that saw the first frame without smoothing: its statistics go on as those of the other, its pixels have none to follow.
func TestTemporalBlend(t *testing.T) {
	each(t, func(t *testing.T) {
		follows, plain := open(t, modeltest.Widths, model.Options{DeviceID: -1}), open(t, modeltest.Widths, model.Options{DeviceID: -1})
		for i, f := range formats() {
			smoothed := model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1, Smoothing: 0.9, Discontinuity: true}
			smoothed.ProcessingSize = 11 * (i % 2)
			if i%3 == 0 {
				smoothed.Mask = halves(modeltest.Widths[3])
			}
			if i == 3 { // an empty region goes on with the other
				smoothed.Mask.White = bytes.Repeat([]byte{255}, 5)
			}
			unsmoothed := smoothed
			unsmoothed.Smoothing = 0
			src, got := pair(f, 21, 15)
			first, want := model.NewImage(f, 21, 15), model.NewImage(f, 21, 15)
			moved := noisy(src)
			stylize := func(e *Engine, dst, src *model.Image, s *model.Stylization) {
				t.Helper()
				if err := e.Stylize(dst, src, s); err != nil {
					t.Fatal(err)
				}
			}
			stylize(follows, first, src, &smoothed)
			stylize(plain, want, src, &unsmoothed)
			if err := modeltest.CheckPicture(first, want, modeltest.Tolerance{}); err != nil {
				t.Fatalf("%v, first frame: %v", f, err)
			}
			smoothed.Discontinuity = false
			stylize(plain, want, moved, &smoothed)
			stylize(follows, got, moved, &smoothed)
			if err := modeltest.CheckPicture(got, want, modeltest.Tolerance{}); err == nil {
				t.Errorf("%v: nothing follows", f)
			}
			ref.Blend(want, first, ref.Moved(moved, src), model.BlendWeight(smoothed.Smoothing))
			if err := modeltest.CheckPicture(got, want, modeltest.Tolerance{}); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
	})
}

// noisy is a copy of a picture in which some samples are a little larger.
func noisy(m *model.Image) *model.Image {
	out := model.NewImage(m.Format, m.Width, m.Height)
	unit := 1 << (m.Format.Layout().Depth - 8)
	from := ref.Channels(m)
	for i, c := range ref.Channels(out) {
		for k := range c.Width * c.Height {
			v := from[i].Get(k%c.Width, k/c.Width)
			if k%5 == 0 {
				v = min(v, 240*unit) + k%13*unit
			}
			c.Set(k%c.Width, k/c.Width, v)
		}
	}
	return out
}

// TestDeepRamp demands that a ramp of 1024 levels keeps 900 and more of them through the built-in network, where the style hardly counts and
// the result has 16 bits: neither samples nor features are rounded as coarsely as 10 bits are.
func TestDeepRamp(t *testing.T) {
	if testing.Short() {
		t.Skip("the built-in network takes seconds on an emulated GPU")
	}
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T) {
		e := openWeights(t, w, model.Options{DeviceID: -1})
		for _, f := range []model.Format{model.P016, model.Y444x16} {
			src, dst := model.NewImage(f, 1024, 8), model.NewImage(f, 1024, 8)
			src.Colorimetry.FullRange, dst.Colorimetry.FullRange = true, true
			for c, channel := range ref.Channels(src) {
				for i := range channel.Width * channel.Height {
					v := 1 << 15
					if c == 0 {
						v = (i%channel.Width*65535 + 511) / 1023
					}
					channel.Set(i%channel.Width, i/channel.Width, v)
				}
			}
			style, err := e.Statistics(src)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 0.01}); err != nil {
				t.Fatal(err)
			}
			levels := map[int]bool{}
			for x := range dst.Width {
				levels[ref.Channels(dst)[0].Get(x, 4)] = true
			}
			t.Logf("%v keeps %d levels", f, len(levels))
			if len(levels) < 900 {
				t.Errorf("%v keeps %d of 1024 levels, wanted 900 and more", f, len(levels))
			}
		}
	})
}
