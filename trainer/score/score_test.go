package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"adainfilter/model"
)

// near reports values further apart than a relative tolerance; a NaN is far from everything.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(math.Abs(want), 1e-300)) && got != want {
		t.Errorf("%s is %v, wanted %v", what, got, want)
	}
}

// painted is an image with padded rows whose sample c of pixel x, y has a value.
func painted(w, h int, value func(x, y, c int) int) *model.Image {
	m := &model.Image{Format: model.RGB, Width: w, Height: h}
	stride := 3*w + 7
	m.Planes[0] = model.Plane{Data: make([]byte, stride*h), Stride: stride}
	for i := range m.Planes[0].Data {
		m.Planes[0].Data[i] = byte(31 * i) // the padding must not count
	}
	for y := range h {
		for x := range 3 * w {
			m.Planes[0].Data[y*stride+x] = byte(value(x/3, y, x%3))
		}
	}
	return m
}

func flat(v int) *model.Image { return painted(16, 13, func(int, int, int) int { return v }) }

// patterns are two images that scikit-image 0.26 and NumPy gave the figures of TestAgainstPython for.
func patterns() (a, b *model.Image) {
	pattern := func(k, x, y, c int) int { return (x*x*(3+k) + y*(7+c)*x + k*x*y*y + c*40) % 251 }
	a = painted(37, 29, func(x, y, c int) int { return pattern(0, x, y, c) })
	b = painted(37, 29, func(x, y, c int) int { return (3*pattern(0, x, y, c) + pattern(1, x, y, c)) / 4 })
	return a, b
}

func TestAgainstPython(t *testing.T) {
	a, b := patterns()
	// structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
	near(t, "SSIM", SSIM(a, b), 0.9122504704821043, 1e-12)
	near(t, "PSNR", PSNR(a, b), 20.125765961127286, 1e-12)
	near(t, "distance", Distance(a, b), 1425.976507520373, 1e-12)
	near(t, "difference", Difference(a, b), 20.36874805840323, 1e-12)
	for name, measure := range map[string]func(a, b *model.Image) float64{"SSIM": SSIM, "PSNR": PSNR, "distance": Distance, "difference": Difference} {
		near(t, name+" the other way round", measure(b, a), measure(a, b), 1e-12)
	}
}

func TestFlatPictures(t *testing.T) {
	// Without variance only the luminance term is left (equation 6 of Wang et al.).
	const c1 = 2.55 * 2.55
	near(t, "SSIM", SSIM(flat(100), flat(140)), (2*100*140+c1)/(100*100+140*140+c1), 1e-9)
	near(t, "PSNR", PSNR(flat(100), flat(140)), 20*math.Log10(255.0/40), 1e-12)
	near(t, "difference", Difference(flat(100), flat(140)), 40, 1e-12)
	near(t, "distance", Distance(flat(100), flat(140)), 40*math.Sqrt(3*16*13), 1e-12)
	near(t, "SSIM of one", SSIM(flat(7), flat(7)), 1, 1e-9)
	near(t, "PSNR of one", PSNR(flat(7), flat(7)), math.Inf(1), 0)
}

func TestLosses(t *testing.T) {
	near(t, "content loss", ContentLoss([]float32{1, 2, 3, 4}, []float32{1, 0, 3, 1}), (4.0+9)/4, 1e-12)
	var a, b [4]model.Stats
	for i := range a {
		n := i + 1
		a[i] = model.Stats{Mean: make([]float32, n), Std: make([]float32, n)}
		b[i] = model.Stats{Mean: make([]float32, n), Std: make([]float32, n)}
		a[i].Mean[i], b[i].Std[0] = 2, 3
	}
	near(t, "style loss", StyleLoss(a, b), (4.0+9)*(1+1./2+1./3+1./4), 1e-12)
	near(t, "style loss of one", StyleLoss(a, a), 0, 0)
	nan := float32(math.NaN())
	a[2].Std[1] = nan
	for name, got := range map[string]float64{"style": StyleLoss(a, b), "content": ContentLoss([]float32{nan, 1}, []float32{1, 1})} {
		if !math.IsNaN(got) {
			t.Errorf("%s loss of a NaN is %v", name, got)
		}
	}
}

func TestMeanAndMedian(t *testing.T) {
	for _, c := range []struct {
		values       []float64
		mean, median float64
	}{{[]float64{3}, 3, 3}, {[]float64{9, 1}, 5, 5}, {[]float64{8, 0, 1}, 3, 1}, {[]float64{10, 2, 0, 4}, 4, 3}} {
		before := append([]float64(nil), c.values...)
		near(t, "mean", Mean(c.values), c.mean, 1e-12)
		near(t, "median", Median(c.values), c.median, 1e-12)
		for i, v := range before {
			if c.values[i] != v {
				t.Errorf("%v was sorted in place", before)
			}
		}
	}
	if !math.IsNaN(Mean(nil)) || !math.IsNaN(Median(nil)) {
		t.Error("nothing has a mean or a median")
	}
}

func TestNoisy(t *testing.T) {
	middle := painted(64, 64, func(int, int, int) int { return 128 })
	noisy := Noisy(middle, 2, rand.New(rand.NewPCG(1, 2)))
	var sum, square float64
	for _, v := range noisy.Planes[0].Data {
		d := float64(v) - 128
		sum += d
		square += d * d
	}
	n := float64(len(noisy.Planes[0].Data))
	// Rounding adds a variance of 1/12. The bounds are five standard errors of mean and of variance.
	variance := 4 + 1.0/12
	if mean := sum / n; !(math.Abs(mean) < 5*math.Sqrt(variance/n)) {
		t.Errorf("mean of the noise is %v", mean)
	}
	if got := square / n; !(math.Abs(got-variance) < 5*variance*math.Sqrt(2/n)) {
		t.Errorf("variance of the noise is %v, wanted %v", got, variance)
	}
	again := Noisy(middle, 2, rand.New(rand.NewPCG(1, 2)))
	if Distance(noisy, again) != 0 {
		t.Error("the same seed gives other noise")
	}
	for _, edge := range []int{0, 255} {
		m := Noisy(flat(edge), 2, rand.New(rand.NewPCG(1, 2)))
		if d := Difference(m, flat(edge)); !(d > 0 && d < 8) {
			t.Errorf("noise on %d leaves the range: mean difference %v", edge, d)
		}
	}
}
