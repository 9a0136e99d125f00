package cuda

import (
	"fmt"
	"math"
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

// motionCase is what TestMotion shows.
type motionCase struct {
	format        model.Format
	width, height int
	processing    int
}

// motionCases are all formats, sizes with one level and with several, and odd ones.
func motionCases() (cases []motionCase) {
	sizes := [][2]int{{73, 65}, {40, 34}, {66, 131}, {9, 21}}
	for i, f := range formats() {
		size := sizes[i%len(sizes)]
		cases = append(cases, motionCase{f, size[0], size[1], 0})
	}
	return append(cases, motionCase{model.RGB, 130, 97, 24}, motionCase{model.NV12, 97, 130, 47})
}

// TestMotion demands exactly the samples that the reference makes of the engine's own results without motion: in what pans, what is uncovered,
// what comes in at the edges, and with noise; at processing sizes and with a mask, too.
func TestMotion(t *testing.T) {
	each(t, func(t *testing.T) {
		channels := modeltest.Widths[3]
		plain, engine := open(t, modeltest.Widths, model.Options{DeviceID: -1}), open(t, modeltest.Widths, model.Options{DeviceID: -1})
		for i, c := range motionCases() {
			if testing.Short() && i%4 != 1 {
				continue
			}
			behind, front := model.NewImage(c.format, c.width+24, c.height+24), model.NewImage(c.format, c.width, c.height)
			modeltest.Fill(behind, uint64(i))
			modeltest.Fill(front, uint64(i+7))
			s := model.Stylization{Style: modeltest.RandomStats(3, channels), Smoothing: 0.8, Motion: true, Discontinuity: true, ProcessingSize: c.processing}
			if i%5 == 3 {
				s.Mask = halves(channels)
			}
			w, h := s.Size(c.width, c.height)
			shift := model.MotionShift(c.width, c.height, w, h)
			var before, result *model.Image
			for k := range 4 {
				frame := passing(behind, front, c.width, c.height, k)
				if k == 2 {
					frame = noisy(frame)
				}
				want, got := model.NewImage(c.format, c.width, c.height), model.NewImage(c.format, c.width, c.height)
				alone := s // whose pixels follow none, since alpha changes, but whose statistics go on
				alone.Motion, alone.Alpha = false, float32(k%2)*math.SmallestNonzeroFloat32
				if err := plain.Stylize(want, frame, &alone); err != nil {
					t.Fatal(err)
				}
				if err := engine.Stylize(got, frame, &s); err != nil {
					t.Fatal(err)
				}
				s.Discontinuity = false
				shown := want
				if before != nil {
					cells := ref.Find(frame, before, shift)
					shown = ref.Follow(want, frame, before, result, cells, model.MotionWeight(s.Smoothing))
				}
				if err := modeltest.CheckPicture(got, shown, modeltest.Tolerance{}); err != nil {
					t.Fatal(fmt.Errorf("%v %dx%d, processing size %d, frame %d: %w", c.format, c.width, c.height, c.processing, k+1, err))
				}
				before, result = frame, want
			}
		}
	})
}
