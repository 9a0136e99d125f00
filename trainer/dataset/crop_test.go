package dataset

import (
	"image"
	"math"
	"path/filepath"
	"testing"

	"adainfilter/model"
)

// TestChoose draws many cuts: all lie inside the picture, the scales fill their range and leave it by rounding only, half are
// mirrored, and every position is reached.
func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name    string
		w, h    int
		o       Options
		side    int
		low, up float64 // wanted range of picture pixels for one of the crop
	}{
		{"kept", 300, 200, Options{}, 64, 1, 1},
		{"short side", 300, 200, Options{Size: 100}, 64, 2, 2},
		{"enlarged", 300, 200, Options{Size: 400}, 64, 0.5, 0.5},
		{"upright", 200, 300, Options{Size: 100}, 64, 2, 2},
		{"scales", 900, 800, Options{Size: 400, Scales: [2]float64{0.5, 2}}, 128, 1, 4},
		{"never below the crop", 900, 800, Options{Size: 100}, 128, 6.25, 6.25},
		{"scales down to the crop", 900, 800, Options{Size: 200, Scales: [2]float64{0.25, 1}}, 128, 4, 6.25},
		{"too small", 20, 30, Options{}, 64, 20. / 64, 20. / 64},
		{"one pixel", 1, 1, Options{Size: 512}, 64, 1. / 64, 1. / 64},
		{"stripe", 1, 5000, Options{Size: 512}, 64, 1. / 64, 1. / 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			const draws = 2000
			low, up, mirrored := math.Inf(1), 0., 0
			sumLog, first, last := 0., false, false
			for n := range uint64(draws) {
				cut := c.o.choose(random(1, forCrop, 0, n), c.w, c.h, c.side)
				if cut.side < 1 || cut.x < 0 || cut.y < 0 || cut.x+cut.side > c.w || cut.y+cut.side > c.h {
					t.Fatalf("%+v leaves the picture of %dx%d", cut, c.w, c.h)
				}
				scale := float64(cut.side) / float64(c.side)
				low, up, sumLog = min(low, scale), max(up, scale), sumLog+math.Log(scale)
				if cut.mirrored {
					mirrored++
				}
				first = first || cut.x == 0
				last = last || cut.x+cut.side == c.w
			}
			rounding := 0.5 / float64(c.side)
			if low < c.low-rounding || up > c.up+rounding {
				t.Errorf("scales %v to %v, wanted %v to %v", low, up, c.low, c.up)
			}
			// 2000 draws leave out a hundredth of the range at either end with probability e^-20.
			if span := math.Log(c.up / c.low); math.Log(up/low) < 0.98*span-2*rounding/c.low {
				t.Errorf("scales %v to %v do not fill %v to %v", low, up, c.low, c.up)
			}
			// Five standard deviations of a fair coin.
			if math.Abs(float64(mirrored)-draws/2) > 5*math.Sqrt(draws)/2 {
				t.Errorf("%d of %d are mirrored, wanted about half", mirrored, draws)
			}
			if !first || !last {
				t.Error("the picture's left or right edge is never reached")
			}
			if c.name == "scales" {
				// Uniform in the logarithm: mean in the middle, within five standard errors.
				span := math.Log(c.up / c.low)
				if mean := sumLog/draws - math.Log(c.low); math.Abs(mean-span/2) > 5*span/math.Sqrt(12*draws) {
					t.Errorf("mean of the logarithm is %v, wanted %v", mean, span/2)
				}
			}
		})
	}
}

// TestTake holds a scaled cut against the picture's own ramps: its place, its scale and which way round it is.
func TestTake(t *testing.T) {
	for _, c := range []cut{{10, 20, 32, false}, {10, 20, 32, true}, {0, 0, 64, false}, {40, 30, 16, true}, {40, 40, 24, false}} {
		img := rgb(ramp(64, 64))
		const side = 32
		got := c.take(img, side)
		step := float64(c.side) / side
		for y := range side {
			for x := range side {
				column := x
				if c.mirrored {
					column = side - 1 - x
				}
				// Pixel centres lie at half numbers; at the edges the kernel finds nothing outside and flattens the ramp.
				wantX := 2 * (float64(c.x) + (float64(column)+0.5)*step - 0.5)
				wantY := 2 * (float64(c.y) + (float64(y)+0.5)*step - 0.5)
				p := got[3*(y*side+x):]
				edge := 0.6 + 1.5*max(1, step)
				if inside := func(v int) bool { return v >= 4 && v < side-4 }; inside(x) && inside(y) {
					edge = 0.6
				}
				if math.Abs(float64(p[0])-wantX) > edge || math.Abs(float64(p[1])-wantY) > edge || p[2] < 76 || p[2] > 78 {
					t.Fatalf("%+v: pixel %d,%d is %v, wanted %.1f, %.1f, 77", c, x, y, p[:3], wantX, wantY)
				}
			}
		}
	}
}

func TestShort(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want int
	}{
		{Options{Size: 10, Scales: [2]float64{0.5, 2}, Crop: 8}, 20}, {Options{Size: 10, Crop: 16}, 32}, {Options{Crop: 8}, 0},
		{Options{Size: 5, Crop: 1, Scales: [2]float64{0.1, 0.5}}, 5}, {Options{Size: 5, Crop: 1, Scales: [2]float64{1, 1.1}}, 6},
	} {
		if got := c.o.short(); got != c.want {
			t.Errorf("%+v: %d pixels, wanted %d", c.o, got, c.want)
		}
	}
}

// TestOddSizes: pictures of any shape give whole crops.
func TestOddSizes(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 3000}, {3000, 1}, {2, 7}, {500, 16}, {16, 16}} {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "a.png"), pngBytes(t, scene(size.X, size.Y, 1)))
		for _, o := range []Options{{Crop: 16}, {Crop: 16, Size: 512, Scales: [2]float64{0.1, 3}}, {Crop: 16, Size: 8, Pool: 2}} {
			f := open(t, folder, o)
			for _, b := range batches(t, f, f, LoaderOptions{Batch: 2, Motion: &Motion{Shift: 4}}, 2) {
				for _, v := range append(b.Content, append(b.Style, b.Moved...)...) {
					if !(v >= 0 && v <= 1) {
						t.Fatalf("%v %+v: sample %v", size, o, v)
					}
				}
			}
		}
	}
}

func rgb(img *image.NRGBA) *model.Image {
	out := model.NewImage(model.RGB, img.Rect.Dx(), img.Rect.Dy())
	for y := range out.Height {
		for x := range out.Width {
			copy(out.Planes[0].Data[y*out.Planes[0].Stride+3*x:][:3], img.Pix[img.PixOffset(x, y):])
		}
	}
	return out
}
