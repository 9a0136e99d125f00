package model_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// foldTolerance is relative to the largest value: folded parameters are rounded to float32 once more, 2^-24 of themselves.
// All else is float64.
const foldTolerance = 1e-6

func randomFeatures(c, h, w int) ref.Features {
	rng := rand.New(rand.NewPCG(uint64(h), uint64(w)))
	x := ref.NewFeatures(c, h, w)
	for i := range x.Data {
		x.Data[i] = rng.Float64()
	}
	return x
}

func TestFoldColour(t *testing.T) {
	w := modeltest.RandomWeights(2, model.Widths{8, 4, 4, 4})
	folded := model.FoldColour(w.Layers[0], w.Layers[1])
	for _, size := range [][2]int{{1, 1}, {1, 5}, {2, 2}, {3, 2}, {7, 9}, {16, 16}} {
		x := randomFeatures(3, size[0], size[1])
		plain, _ := ref.Run(w.Layers[0], x)
		want, _ := ref.Run(w.Layers[1], plain)
		got, _ := ref.Run(folded, x)
		modeltest.Close(t, fmt.Sprint(size), got.Data, want.Data, foldTolerance)
	}
}

func TestFoldUpsample(t *testing.T) {
	w := modeltest.RandomWeights(3, modeltest.Widths)
	i := slices.IndexFunc(w.Layers, func(c model.Conv) bool { return c.Name == "mirror2_2" })
	c := w.Layers[i]
	for _, u := range []struct {
		kind     model.Upsampling
		kernel   int
		upsample func(ref.Features) ref.Features
		border   func(i, n int) int
	}{{model.Nearest, 2, ref.Upsample, ref.Reflect}, {model.Bilinear, 3, ref.UpsampleBilinear, ref.Replicate}} {
		folded := model.FoldUpsample(u.kind, c)
		if folded.Out != 4*c.Out || folded.Kernel != u.kernel || !folded.Phases || len(folded.Weight) != 4*u.kernel*u.kernel*c.In*c.Out || len(folded.Bias) != 4*c.Out {
			t.Fatalf("%s: folded layer is %+v with %d weights and %d biases", u.kind, folded.Layer, len(folded.Weight), len(folded.Bias))
		}
		for _, size := range [][2]int{{1, 1}, {1, 5}, {2, 2}, {3, 2}, {7, 9}} {
			x := randomFeatures(c.In, size[0], size[1])
			want := ref.Convolve(c, ref.Pad(u.upsample(x), 1, u.border))
			phases := ref.Convolve(folded, ref.Pad(x, 1, ref.Replicate))
			later := phases.H - x.H // odd phases of nearest begin a pixel later
			got := ref.NewFeatures(want.C, want.H, want.W)
			for o := range want.C {
				for y := range want.H {
					for j := range want.W {
						py, px := y%2, j%2
						got.Plane(o)[y*want.W+j] = phases.Plane((2*py+px)*want.C + o)[(y/2+py*later)*phases.W+j/2+px*later]
					}
				}
			}
			modeltest.Close(t, fmt.Sprint(u.kind, size), got.Data, want.Data, foldTolerance)
		}
	}
}
