package ref

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"adainfilter/model"
)

// differenceTolerance is that of a central difference in float64 with steps of 1e-5, relative to the largest derivative: the
// curvature leaves 1e-10 times some third derivative, the rounding of the values 1e-16/1e-5.
const differenceTolerance = 1e-7

// normal are features with normal values.
func normal(seed uint64, c, h, w int) Features {
	rng := rand.New(rand.NewPCG(seed, uint64(c*h*w)))
	x := NewFeatures(c, h, w)
	for i := range x.Data {
		x.Data[i] = rng.NormFloat64()
	}
	return x
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// checkGradient compares a gradient with respect to v with central differences of the value that f has after a change of v.
func checkGradient(t *testing.T, what string, v, gradient []float64, f func() float64) {
	t.Helper()
	if len(v) != len(gradient) || len(v) == 0 {
		t.Fatalf("%s: gradient has %d values, wanted %d", what, len(gradient), len(v))
	}
	const step = 1e-5
	want := make([]float64, len(v))
	var scale float64
	for i, x := range v {
		v[i] = x + step
		up := f()
		v[i] = x - step
		want[i] = (up - f()) / (2 * step)
		v[i] = x
		scale = max(scale, math.Abs(want[i]))
	}
	for i := range want {
		if !(math.Abs(gradient[i]-want[i]) <= differenceTolerance*max(scale, 1)) {
			t.Errorf("%s: gradient %d is %v, wanted %v", what, i, gradient[i], want[i])
			return
		}
	}
}

var oddSizes = [][2]int{{1, 1}, {1, 4}, {2, 2}, {3, 1}, {3, 5}, {4, 6}}

// An operation with one argument is correct if the gradient of a random linear function of its result is.
func TestOperationGradients(t *testing.T) {
	for _, o := range []struct {
		name string
		f    func(x Features) Features
		back func(x, g Features) Features
	}{
		{"pad reflected", func(x Features) Features { return Pad(x, 1, Reflect) },
			func(_, g Features) Features { return PadGradient(g, 1, Reflect) }},
		{"pad repeated", func(x Features) Features { return Pad(x, 1, Replicate) },
			func(_, g Features) Features { return PadGradient(g, 1, Replicate) }},
		{"relu", ReLU, func(x, g Features) Features { return ReLUGradient(ReLU(x), g) }},
		{"pool", Pool, PoolGradient},
		{"upsample", Upsample, func(_, g Features) Features { return UpsampleGradient(g) }},
		{"bilinear", UpsampleBilinear, func(_, g Features) Features { return UpsampleBilinearGradient(g) }},
	} {
		for i, size := range oddSizes {
			x := normal(uint64(i), 2, size[0], size[1])
			y := o.f(x)
			r := normal(9, y.C, y.H, y.W)
			checkGradient(t, fmt.Sprint(o.name, size), x.Data, o.back(x, r).Data, func() float64 { return dot(r.Data, o.f(x).Data) })
		}
	}
}

func TestConvolveGradient(t *testing.T) {
	for _, kernel := range []int{1, 3} {
		c := model.Conv{Layer: model.Layer{In: 2, Out: 3, Kernel: kernel}, Weight: make([]float32, 6*kernel*kernel), Bias: []float32{1, 2, 3}}
		for i, v := range normal(1, 1, 1, len(c.Weight)).Data {
			c.Weight[i] = float32(v)
		}
		x := normal(2, 2, 5, 4)
		y := Convolve(c, x)
		r := normal(3, y.C, y.H, y.W)
		weight, bias := make([]float64, len(c.Weight)), make([]float64, 3)
		f := func() float64 { return dot(r.Data, Convolve(c, x).Data) }
		checkGradient(t, "input", x.Data, ConvolveGradient(c, x, r, weight, bias).Data, f)
		// The result is linear in the parameters, so a large step is exact.
		for _, p := range []struct {
			name     string
			v        []float32
			gradient []float64
		}{{"weight", c.Weight, weight}, {"bias", c.Bias, bias}} {
			for i, before := range p.v {
				at := f()
				p.v[i] += 1
				want := (f() - at) / (float64(p.v[i]) - float64(before))
				p.v[i] = before
				if !(math.Abs(p.gradient[i]-want) <= 1e-12*float64(len(r.Data))) {
					t.Errorf("kernel %d: gradient of %s %d is %v, wanted %v", kernel, p.name, i, p.gradient[i], want)
				}
			}
		}
	}
}

func TestStatisticsGradients(t *testing.T) {
	for i, size := range oddSizes {
		x, s := normal(uint64(i), 3, size[0], size[1]), normal(5, 3, 2, 3)
		if i%2 == 1 {
			clear(x.Plane(1)) // flat: the std is the root of Epsilon
		}
		r := Moments{normal(6, 3, 1, 1).Data, normal(7, 3, 1, 1).Data}
		both := func() float64 { m := NewMoments(x); return dot(r.Mean, m.Mean) + dot(r.Std, m.Std) }
		if size != [2]int{1, 4} && size != [2]int{3, 1} { // sizes with a flat channel have too much curvature for differences
			checkGradient(t, fmt.Sprint("moments", size), x.Data, MomentsGradient(x, r).Data, both)
		}
		if i%2 == 1 {
			continue
		}
		for _, alpha := range []float64{0, 0.3, 1} {
			style := NewMoments(s)
			g := normal(8, x.C, x.H, x.W)
			f := func() float64 { return dot(g.Data, AdaIN(x, style, alpha).Data) }
			gx, gs := AdaINGradient(x, style, alpha, g)
			checkGradient(t, fmt.Sprint("adain of content", size, alpha), x.Data, gx.Data, f)
			checkGradient(t, fmt.Sprint("adain of mean", size, alpha), style.Mean, gs.Mean, f)
			checkGradient(t, fmt.Sprint("adain of std", size, alpha), style.Std, gs.Std, f)
		}
	}
}

// Where a function has no derivative, PyTorch's is taken.
func TestGradientsAtKinks(t *testing.T) {
	g := Features{1, 2, 2, []float64{1, 2, 4, 8}}
	if got := ReLUGradient(ReLU(Features{1, 2, 2, []float64{-1, 0, 1, 0}}), g).Data; !slices.Equal(got, []float64{0, 0, 4, 0}) {
		t.Errorf("gradient of ReLU is %v", got)
	}
	x := Features{1, 3, 3, []float64{1, 3, 5, 3, 3, 5, 7, 7, 2}}
	if got := PoolGradient(x, g).Data; !slices.Equal(got, []float64{0, 1, 2, 0, 0, 0, 4, 0, 8}) {
		t.Errorf("gradient of the pooling of %v is %v", x.Data, got)
	}
}
