package made

import (
	"math"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/score"
)

// waves is a picture of soft colours that no two places share.
func waves(w, h int, phase float64) *model.Image {
	m := model.NewImage(model.RGB, w, h)
	for i := range 3 * w * h {
		x, y, c := float64(i/3%w), float64(i/3/w), float64(i%3)
		v := 128 + 60*math.Sin(x/5+c+phase) + 60*math.Sin(y/7+x/19-c)
		m.Planes[0].Data[i/(3*w)*m.Planes[0].Stride+i%(3*w)] = uint8(v)
	}
	return m
}

// TestFlow demands that what a clip says of its pixels' ways holds: the frame before, taken along them, is the frame.
func TestFlow(t *testing.T) {
	clips := Clips(waves(120, 90, 0), waves(120, 90, 2), 80, 60, 8)
	if len(clips) != 8 {
		t.Fatalf("%d clips", len(clips))
	}
	for _, c := range clips {
		var before *model.Image
		i, covered := 0, 0
		for frame := range c.Frames() {
			if i > 0 {
				checkFlow(t, c, i, frame, before, &covered)
			}
			before, i = frame, i+1
		}
		if i != c.Count {
			t.Errorf("%s has %d frames, wanted %d", c.Name, i, c.Count)
		}
		if (c.Name == "layers") != (covered > 0) {
			t.Errorf("%s: %d pixels were uncovered", c.Name, covered)
		}
	}
}

func checkFlow(t *testing.T, c *Clip, i int, frame, before *model.Image, covered *int) {
	t.Helper()
	f := c.Flow(i)
	var moving, still score.Warping
	f.Warp(frame, before, &moving, &still)
	moving.Merge(still)
	for _, s := range f.Seen {
		if s == score.Covered {
			*covered++
		}
	}
	// Twice the noise, the change of light, and what bilinear interpolation takes from waves of 30 pixels.
	limit := map[string]float64{"noise": 5.5, "flicker": 8.5, "fade": 20}[c.Name]
	if limit == 0 {
		limit = 1.5
	}
	seen := moving.Count / 3
	if c.Name == "cut" && i == c.Count/2 {
		if seen != 0 {
			t.Errorf("cut: the ways of %d pixels are known", seen)
		}
		return
	}
	if !(moving.Error() < limit) || seen < 60*80*2/3 {
		t.Errorf("%s, frame %d: warping error %.2f of %d pixels, wanted less than %v of more than two thirds", c.Name, i, moving.Error(), seen, limit)
	}
}

// TestEstimate holds the flow that is estimated for films against that which is known.
func TestEstimate(t *testing.T) {
	for _, c := range Clips(waves(220, 150, 0), waves(220, 150, 2), 160, 110, 4) {
		if c.Name == "cut" || c.Name == "fade" { // which loses a fifth of its light with each of these frames
			continue
		}
		frames := []*model.Image{c.frame(1), c.frame(2)}
		f, known := score.Estimate(frames[1], frames[0]), c.Flow(2)
		var apart float64
		n, both := 0, 0
		for i, s := range known.Seen {
			if s != score.Visible {
				continue
			}
			if n++; f.Seen[i] == score.Visible {
				both++
				apart += math.Hypot(float64(f.X[i]-known.X[i]), float64(f.Y[i]-known.Y[i]))
			}
		}
		if mean := apart / float64(both); !(mean < 0.3) || both < n/2 {
			t.Errorf("%s: %.3f pixels off on average, wanted less than 0.3, where %d of %d pixels are said to be visible", c.Name, mean, both, n)
		}
	}
}
