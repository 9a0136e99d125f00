package dataset

import (
	"math"
	"path/filepath"
	"testing"

	"adainfilter/model"
)

// TestWholePixels: pixel x,y of Moved shows what x+shift of Content shows, noise aside, which has the wanted strength.
func TestWholePixels(t *testing.T) {
	folder := scenes(t, 4, 60, 50, 0)
	f := open(t, folder, Options{Size: 40, Crop: 24})
	const batch, crop = 4, 24
	shifts := map[[2]int]bool{}
	for _, sigma := range []float64{0, 0.01} {
		m := &Motion{Shift: 3, Noise: [2]float64{sigma, 2 * sigma}}
		for _, b := range batches(t, f, open(t, folder, Options{Size: 40, Crop: 24}), LoaderOptions{Batch: batch, Seed: 1, Motion: m}, 30) {
			checkBatch(t, b, batch, crop)
			for slot, motion := range b.Motion {
				s := [2]int{int(motion[2]), int(motion[5])}
				shifts[s] = true
				if max(s[0], -s[0], s[1], -s[1]) > m.Shift || motion != model.Translation(float32(s[0]), float32(s[1])) {
					t.Fatalf("motion %v, wanted whole pixels, at most %d", motion, m.Shift)
				}
				sum, count := 0., 0.
				for c := range 3 {
					content, moved := plane(b.Content, batch, slot, c), plane(b.Moved, batch, slot, c)
					for y := max(0, -s[1]); y < min(crop, crop-s[1]); y++ {
						for x := max(0, -s[0]); x < min(crop, crop-s[0]); x++ {
							d := float64(moved[y*crop+x] - content[(y+s[1])*crop+x+s[0]])
							sum, count = sum+d*d, count+1
						}
					}
				}
				// The standard deviation of so many samples is known to 1/sqrt(2 count); five times that is allowed.
				std, slack := math.Sqrt(sum/count), 1+5/math.Sqrt(2*count)
				if !(std >= sigma/slack && std <= 2*sigma*slack) {
					t.Fatalf("shift %v leaves a difference of %v, wanted %v to %v", s, std, sigma, 2*sigma)
				}
			}
		}
	}
	if len(shifts) < 40 {
		t.Errorf("%d different shifts in 240 draws of 49", len(shifts))
	}
}

// checkBatch lets a training engine's check see a batch.
func checkBatch(t *testing.T, b *model.Batch, batch, crop int) {
	t.Helper()
	options := model.TrainingOptions{Batch: batch, Height: crop, Width: crop}
	if err := b.Check(options, model.Update{Objective: model.Objective{Style: 1, Consistency: 1}}); err != nil {
		t.Fatal(err)
	}
}

// TestMotionOnRamp: of a picture whose red is its x and whose green its y, bilinear interpolation is exact, so each moved pixel says which
// point it shows.
func TestMotionOnRamp(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a.png"), pngBytes(t, ramp(100, 100)))
	const crop = 32
	f := open(t, folder, Options{Crop: crop})
	for name, m := range map[string]*Motion{
		"whole pixels": {Shift: 5}, "affine": {Shift: 5, Affine: true, Turn: 0.05, Zoom: 0.04, Shear: 0.03}, "none": {},
		"turned": {Affine: true, Turn: 0.1}, "zoomed": {Affine: true, Zoom: 0.1}, "sheared": {Affine: true, Shear: 0.1},
	} {
		for _, b := range batches(t, f, f, LoaderOptions{Batch: 1, Motion: m}, 20) {
			checkBatch(t, b, 1, crop)
			red, green := plane(b.Content, 1, 0, 0), plane(b.Content, 1, 0, 1)
			step := math.Round(float64(red[1]-red[0]) * 255) // 2, or -2 where the crop is mirrored
			for i := range crop * crop {
				px, py := b.Motion[0].At(i%crop, i/crop)
				if px < 0 || py < 0 || px > crop-1 || py > crop-1 {
					continue
				}
				x := (float64(plane(b.Moved, 1, 0, 0)[i]) - float64(red[0])) * 255 / step
				y := (float64(plane(b.Moved, 1, 0, 1)[i]) - float64(green[0])) * 255 / 2
				if math.Abs(x-px) > 1e-3 || math.Abs(y-py) > 1e-3 {
					t.Fatalf("%s: map %v, pixel %d,%d shows %.4f,%.4f, wanted %.4f,%.4f", name, b.Motion[0], i%crop, i/crop, x, y, px, py)
				}
			}
		}
	}
}

// TestDraw: each kind of motion stays in its range, comes near both ends of it, and leaves the crop's middle where the shift has it.
func TestDraw(t *testing.T) {
	const crop, draws = 129, 2000
	for _, c := range []struct {
		name    string
		m       Motion
		most    float64
		measure func(a model.Affine) float64
	}{
		{"shift along x", Motion{Shift: 4, Affine: true}, 4, func(a model.Affine) float64 { x, _ := a.At(crop/2, crop/2); return x - crop/2 }},
		{"shift along y of a turned one", Motion{Shift: 4, Affine: true, Turn: 0.1}, 4, func(a model.Affine) float64 { _, y := a.At(crop/2, crop/2); return y - crop/2 }},
		{"turn", Motion{Affine: true, Turn: 0.1}, 0.1, func(a model.Affine) float64 { return math.Atan2(float64(a[3]), float64(a[0])) }},
		{"zoom", Motion{Affine: true, Zoom: 0.1}, 0.1, func(a model.Affine) float64 { return math.Log(float64(a[0])) }},
		{"zoom of all", Motion{Affine: true, Turn: 0.02, Zoom: 0.06, Shear: 0.03}, 0.06, func(a model.Affine) float64 {
			return math.Log(float64(a[0])*float64(a[4])-float64(a[1])*float64(a[3])) / 2
		}},
		{"shear", Motion{Affine: true, Shear: 0.1}, 0.1, func(a model.Affine) float64 { return float64(a[1]) }},
	} {
		low, high, sum := math.Inf(1), math.Inf(-1), 0.
		for i := range draws {
			v := c.measure(c.m.draw(crop, random(1, forMotion, 0, uint64(i))))
			low, high, sum = min(low, v), max(high, v), sum+v
		}
		// All of 2000 draws miss the outer hundredth with a chance of 2e-9; the mean's standard deviation is most / sqrt(3*draws).
		if low < -c.most*1.0001 || high > c.most*1.0001 || low > -0.98*c.most || high < 0.98*c.most || math.Abs(sum/draws) > 5*c.most/math.Sqrt(3*draws) {
			t.Errorf("%s is %v to %v, wanted -%v to %v; the mean is %v", c.name, low, high, c.most, c.most, sum/draws)
		}
	}
}
