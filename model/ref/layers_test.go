package ref

import (
	"math"
	"slices"
	"testing"

	"adainfilter/model"
)

func TestReflect(t *testing.T) {
	for _, c := range []struct{ i, n, want int }{
		{-1, 4, 1}, {0, 4, 0}, {3, 4, 3}, {4, 4, 2}, {-1, 2, 1}, {2, 2, 0}, {-1, 1, 0}, {0, 1, 0}, {1, 1, 0},
	} {
		if got := Reflect(c.i, c.n); got != c.want {
			t.Errorf("index %d of %d is %d, wanted %d", c.i, c.n, got, c.want)
		}
	}
}

func TestPoolAndUpsample(t *testing.T) {
	x := Features{1, 3, 3, []float64{1, 2, 3, 4, 5, 6, 7, 9, 8}}
	if p := Pool(x); p.H != 2 || p.W != 2 || !slices.Equal(p.Data, []float64{5, 6, 9, 8}) {
		t.Errorf("pooled to %v %v", p, p.Data)
	}
	u := Upsample(Features{1, 1, 2, []float64{1, 2}})
	if u.H != 2 || u.W != 4 || !slices.Equal(u.Data, []float64{1, 1, 2, 2, 1, 1, 2, 2}) {
		t.Errorf("upsampled to %v %v", u, u.Data)
	}
}

// Values of PyTorch's interpolate(scale_factor=2, mode="bilinear", align_corners=False).
func TestUpsampleBilinear(t *testing.T) {
	u := UpsampleBilinear(Features{1, 2, 2, []float64{0, 16, 32, 112}})
	want := []float64{0, 4, 12, 16, 8, 16, 32, 40, 24, 40, 72, 88, 32, 52, 92, 112}
	if u.H != 4 || u.W != 4 || !slices.Equal(u.Data, want) {
		t.Errorf("upsampled to %v %v", u, u.Data)
	}
	if u := UpsampleBilinear(Features{1, 1, 1, []float64{3}}); !slices.Equal(u.Data, []float64{3, 3, 3, 3}) {
		t.Errorf("one pixel became %v", u.Data)
	}
}

// A NaN must reach the result: an engine that drops one hides a defect.
func TestNaNStays(t *testing.T) {
	nan := math.NaN()
	c := model.Conv{Layer: model.Layer{In: 1, Out: 1, Kernel: 1, ReLU: true, Pool: true}, Weight: []float32{1}, Bias: []float32{0}}
	x, _ := Run(c, Features{1, 2, 2, []float64{1, nan, 3, 4}})
	if !math.IsNaN(x.Data[0]) {
		t.Errorf("NaN became %v", x.Data[0])
	}
	if s := Statistics(Features{1, 1, 2, []float64{1, nan}}); !math.IsNaN(float64(s.Std[0])) {
		t.Errorf("std of a NaN is %v", s.Std[0])
	}
}

func TestStatistics(t *testing.T) {
	s := Statistics(Features{2, 2, 2, []float64{1, 3, 1, 3, 1e4, 1e4, 1e4, 1e4}})
	if s.Mean[0] != 2 || s.Mean[1] != 1e4 {
		t.Errorf("means %v", s.Mean)
	}
	for i, want := range []float64{math.Sqrt(1 + 1e-5), math.Sqrt(1e-5)} {
		if got := float64(s.Std[i]); !(math.Abs(got-want) <= 1e-7) {
			t.Errorf("std %d is %v, wanted %v", i, got, want)
		}
	}
}
