package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// large are sizes of which a team of three gets several pieces a step, odd and even.
var large = [][2]int{{333, 217}, {128, 96}, {70, 301}}

// noisy is m with noise of up to most of 255 levels, none in a part of it, as a steady shot has: one that moved every sample far were a cut.
func noisy(m *model.Image, seed uint64, most int) *model.Image {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := model.NewImage(m.Format, m.Width, m.Height)
	for i := range m.Format.Planes() {
		copy(out.Planes[i].Data, m.Planes[i].Data)
	}
	deeper := m.Format.Layout().Depth - 8
	for _, c := range ref.Channels(out) {
		for y := range c.Height {
			for x := range c.Width {
				if (y*c.Width+x)%512 < 350 {
					v := c.Get(x, y) + (rng.IntN(2*most+1)-most)<<deeper + rng.IntN(1<<deeper)
					c.Set(x, y, min(max(v, 0), 256<<deeper-1))
				}
			}
		}
	}
	return out
}

// TestTemporalBlend demands exactly the samples of the reference's blend. At an alpha of 0 statistics make no difference, so that a frame
// without smoothing shows what the blend begins with.
func TestTemporalBlend(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	plain, engine := open(t, w), open(t, w)
	withKernels(t, func(t *testing.T) {
		for i, size := range large {
			for k, f := range model.Formats() {
				if (testing.Short() || f > model.I420) && k%len(large) != i {
					continue // each format and each size once
				}
				first := model.NewImage(f, size[0], size[1])
				modeltest.Fill(first, uint64(i))
				s := &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Smoothing: 0.8, Discontinuity: true}
				var before, result *model.Image
				noises := []int{0, 2, 1, 5, 25}
				if testing.Short() {
					noises = []int{0, 2, 25}
				}
				for k, most := range noises {
					frame := noisy(first, uint64(k), most)
					want, got := stylized(t, plain, frame, &model.Stylization{Style: s.Style}), stylized(t, engine, frame, s)
					s.Discontinuity = false
					if before != nil {
						ref.Blend(want, result, ref.Moved(frame, before), model.BlendWeight(s.Smoothing))
					}
					checkSame(t, fmt.Sprintf("%v %v, frame %d", f, size, k+1), got, want)
					before, result = frame, want
				}
			}
		}
	})
}

// TestResized compares with what the reference makes of the engine's own result of the small frame.
func TestResized(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	plain, engine := open(t, w), open(t, w)
	withKernels(t, func(t *testing.T) {
		for i, size := range large {
			for k, f := range model.Formats() {
				if (testing.Short() || f > model.I420) && k%len(large) != i {
					continue
				}
				src, want := model.NewImage(f, size[0], size[1]), model.NewImage(f, size[0], size[1])
				modeltest.Fill(src, uint64(i))
				s := &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1, ProcessingSize: []int{48, 31, 69, 65}[k%4]}
				width, height := s.Size(src.Width, src.Height)
				small := model.NewImage(f, width, height)
				ref.Reduce(small, src)
				ref.Enlarge(want, src, small, stylized(t, plain, small, &model.Stylization{Style: s.Style, Alpha: 1}))
				if err := modeltest.CheckPicture(stylized(t, engine, src, s), want, modeltest.Float32); err != nil {
					t.Errorf("%v %v by %dx%d: %v", f, size, width, height, err)
				}
			}
		}
	})
}

// TestControlsEnd demands of a plain frame the same samples whatever was before it.
func TestControlsEnd(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	fresh, engine := open(t, w), open(t, w)
	src := model.NewImage(model.NV12, 130, 94)
	modeltest.Fill(src, 1)
	plain := &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Alpha: 1}
	want := stylized(t, fresh, src, plain)
	with := *plain
	with.Smoothing, with.ProcessingSize = 0.9, 40
	for range 2 {
		stylized(t, engine, src, &with)
	}
	checkSame(t, "plain frame after others", stylized(t, engine, src, plain), want)
}

// checkSame demands equal samples of pictures whose rows lie close together.
func checkSame(t *testing.T, what string, got, want *model.Image) {
	t.Helper()
	for i := range want.Format.Planes() {
		differ := 0
		for k, v := range want.Planes[i].Data {
			if got.Planes[i].Data[k] != v {
				differ++
			}
		}
		if differ > 0 {
			t.Errorf("%s: %d of %d samples of plane %d differ, wanted none", what, differ, len(want.Planes[i].Data), i)
		}
	}
}

func open(t *testing.T, w *model.Weights) model.Engine {
	t.Helper()
	e, err := Open(w, model.Options{Precision: model.Float32, Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func stylized(t *testing.T, e model.Engine, src *model.Image, s *model.Stylization) *model.Image {
	t.Helper()
	dst := model.NewImage(src.Format, src.Width, src.Height)
	if err := e.Stylize(dst, src, s); err != nil {
		t.Fatal(fmt.Errorf("%v %dx%d: %w", src.Format, src.Width, src.Height, err))
	}
	return dst
}
