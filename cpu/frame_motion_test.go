package cpu

import (
	"fmt"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// passing is frame k of a film in which a camera pans by three samples across and one down, while something goes the other way in front, faster.
func passing(behind, front *model.Image, width, height, k int) *model.Image {
	out := model.NewImage(behind.Format, width, height)
	from, before := ref.Channels(behind), ref.Channels(front)
	for i, c := range ref.Channels(out) {
		left, top := c.Width/2-5*k, c.Height/3+2*k
		for y := range c.Height {
			for x := range c.Width {
				v := from[i].Get(x+3*k, y+k)
				if u, w := x-left, y-top; u >= 0 && w >= 0 && u < c.Width/3 && w < c.Height/3 {
					v = before[i].Get(u, w)
				}
				c.Set(x, y, v)
			}
		}
	}
	return out
}

// TestMotion demands exactly the samples that the reference makes of the engine's own plain results: in what pans, what is uncovered, what comes in at
// the edges, with noise, and where light changes.
func TestMotion(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	plain, engine := open(t, w), open(t, w)
	formats := []model.Format{model.RGB, model.NV12, model.P010, model.GBRx10, model.Y41B, model.GRAY8, model.ARGB64}
	withKernels(t, func(t *testing.T) {
		for k, f := range formats {
			size := large[k%len(large)]
			if testing.Short() && k > 2 {
				break
			}
			behind, front := model.NewImage(f, size[0]+24, size[1]+24), model.NewImage(f, size[0], size[1])
			modeltest.Fill(behind, uint64(k))
			modeltest.Fill(front, uint64(k+7))
			s := &model.Stylization{Style: modeltest.RandomStats(3, w.Widths[3]), Smoothing: 0.8, Motion: true, Discontinuity: true}
			var before, result *model.Image
			for i, most := range []int{0, 0, 3, 0} {
				frame := noisy(passing(behind, front, size[0], size[1], i), uint64(i), most)
				want, got := stylized(t, plain, frame, &model.Stylization{Style: s.Style}), stylized(t, engine, frame, s)
				s.Discontinuity = false
				shown := want
				if before != nil {
					cells := ref.Find(frame, before, model.MotionShift(size[0], size[1], size[0], size[1]))
					shown = ref.Follow(want, frame, before, result, cells, model.MotionWeight(s.Smoothing))
				}
				checkSame(t, fmt.Sprintf("%v %v, frame %d", f, size, i+1), got, shown)
				before, result = frame, want
			}
		}
	})
}
