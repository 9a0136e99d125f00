package picture

import (
	"math"
	"math/rand/v2"
	"testing"

	"adainfilter/model"
)

// coloured is an image whose samples are a mix of three independent ones, within 0..255.
func coloured(w, h int, mean [3]float64, mix matrix, seed uint64) *model.Image {
	random := rand.New(rand.NewPCG(seed, 0))
	img := model.NewImage(model.RGB, w, h)
	for i := 0; i < len(img.Planes[0].Data); i += 3 {
		z := [3]float64{random.Float64() - 0.5, random.Float64() - 0.5, random.Float64() - 0.5}
		for r := range 3 {
			img.Planes[0].Data[i+r] = uint8(mean[r] + mix[r][0]*z[0] + mix[r][1]*z[1] + mix[r][2]*z[2])
		}
	}
	return img
}

func TestMatchColors(t *testing.T) {
	img := coloured(61, 43, [3]float64{100, 140, 120}, matrix{{50, 10, 5}, {-20, 40, 10}, {10, 0, 45}}, 1)
	colours := coloured(97, 71, [3]float64{150, 90, 110}, matrix{{60, -20, 0}, {55, 10, 5}, {30, 0, -40}}, 2)
	got, want := coloursOf(MatchColors(img, colours)), coloursOf(colours)
	for r := range 3 {
		if d := math.Abs(got.mean[r] - want.mean[r]); !(d <= 0.1) {
			t.Errorf("mean %d is %.2f, wanted %.2f", r, got.mean[r], want.mean[r])
		}
		for c := range 3 {
			g, w := got.correlation[r][c]*got.std[r]*got.std[c], want.correlation[r][c]*want.std[r]*want.std[c]
			if !(math.Abs(g-w) <= 2) {
				t.Errorf("covariance %d,%d is %.2f, wanted %.2f", r, c, g, w)
			}
		}
	}
}

// TestMatchColorsFlat: images without contrast or without colour.
func TestMatchColorsFlat(t *testing.T) {
	colourful := coloured(31, 17, [3]float64{100, 140, 120}, matrix{{50, 10, 5}, {-20, 40, 10}, {10, 0, 45}}, 3)
	grey := coloured(23, 19, [3]float64{90, 90, 90}, matrix{{99, 0, 0}, {99, 0, 0}, {99, 0, 0}}, 4)
	flat := coloured(9, 9, [3]float64{10, 200, 255}, matrix{}, 5)
	spread := func(img *model.Image) (colour, contrast float64) {
		low, high := 255.0, 0.0
		for i := 0; i < len(img.Planes[0].Data); i += 3 {
			p := img.Planes[0].Data[i:]
			colour = max(colour, math.Abs(float64(p[0])-float64(p[1])), math.Abs(float64(p[1])-float64(p[2])))
			low, high = min(low, float64(p[1])), max(high, float64(p[1]))
		}
		return colour, high - low
	}
	if colour, contrast := spread(MatchColors(colourful, grey)); colour > 3 || contrast < 60 {
		t.Errorf("in the colours of a grey image colours are %v apart and the contrast is %v, wanted grey with contrast", colour, contrast)
	}
	out := MatchColors(colourful, flat)
	for i, v := range out.Planes[0].Data {
		if want := flat.Planes[0].Data[i%3]; v != want {
			t.Fatalf("in the colours of a flat image sample %d is %d, wanted %d", i, v, want)
		}
	}
	mean := coloursOf(colourful).mean
	for i, v := range MatchColors(flat, colourful).Planes[0].Data {
		if want := mean[i%3]; math.Abs(float64(v)-want) > 0.51 {
			t.Fatalf("sample %d of a flat image is %d, wanted the mean %.1f", i, v, want)
		}
	}
}
