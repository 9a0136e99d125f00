package score

import (
	"math"
	"math/rand/v2"

	"adainfilter/model"
)

// samples calls use for every pair of samples, row by row.
func samples(a, b *model.Image, use func(a, b byte)) {
	n, _ := model.RGB.Plane(0, a.Width, a.Height)
	for y := range a.Height {
		rowA, rowB := a.Planes[0].Data[y*a.Planes[0].Stride:][:n], b.Planes[0].Data[y*b.Planes[0].Stride:][:n]
		for x, v := range rowA {
			use(v, rowB[x])
		}
	}
}

// count is the number of samples of an image.
func count(m *model.Image) float64 { return float64(3 * m.Width * m.Height) }

// Distance is the length of the vector of all differences, in steps of 8 bits.
func Distance(a, b *model.Image) float64 {
	var sum float64
	samples(a, b, func(a, b byte) {
		d := float64(a) - float64(b)
		sum += d * d
	})
	return math.Sqrt(sum)
}

// Difference is the mean absolute difference of the samples, in steps of 8 bits.
func Difference(a, b *model.Image) float64 {
	var sum float64
	samples(a, b, func(a, b byte) { sum += math.Abs(float64(a) - float64(b)) })
	return sum / count(a)
}

// PSNR is 10 log10 (255^2 / mean squared difference of the samples) in dB; equal images have +Inf.
func PSNR(a, b *model.Image) float64 {
	d := Distance(a, b)
	return 10 * math.Log10(255*255*count(a)/(d*d))
}

// Noisy is a copy of an image with Gaussian noise of standard deviation sigma, in steps of 8 bits, rounded and limited to 0..255.
func Noisy(m *model.Image, sigma float64, random *rand.Rand) *model.Image {
	out := model.NewImage(model.RGB, m.Width, m.Height)
	row, to := 3*m.Width, out.Planes[0].Data
	for y := range m.Height {
		for _, v := range m.Planes[0].Data[y*m.Planes[0].Stride:][:row] {
			to[0] = byte(min(max(math.Round(float64(v)+sigma*random.NormFloat64()), 0), 255))
			to = to[1:]
		}
	}
	return out
}
