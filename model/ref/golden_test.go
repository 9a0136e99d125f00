package ref

import (
	"fmt"
	"math"
	"testing"

	"adainfilter/model"
)

// The golden file holds PyTorch's values (features in float64, rounded to float32) for random weights of widths 4,8,16,32, a
// content of 37x53 and a style of 40x33 pixels (height x width).
const golden = "../testdata/network.safetensors"

// goldenTolerance is relative to the largest value of a tensor: at most 9*32 products a sum are exact in float64, so what
// remains is the rounding of 18 layers to float32, 6e-8 each.
const goldenTolerance = 1e-5

func readGolden(t *testing.T) (*model.TensorFile, *model.Weights) {
	t.Helper()
	f, err := model.ReadTensors(golden)
	if err != nil {
		t.Fatal(err)
	}
	w, err := model.AssembleWeights(golden, "", func(key string) ([]int, []float32, error) {
		v, err := f.Tensors[key].Float32()
		return f.Tensors[key].Shape, v, err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f, w
}

// goldenPicture is a (H,W,3) tensor of bytes as an image.
func goldenPicture(f *model.TensorFile, name string) *model.Image {
	p := f.Tensors[name]
	m := model.NewImage(model.RGB, p.Shape[1], p.Shape[0])
	copy(m.Planes[0].Data, p.Data)
	return m
}

func compareGolden(t *testing.T, f *model.TensorFile, name string, got []float32) {
	t.Helper()
	want, err := f.Tensors[name].Float32()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != len(got) || len(want) == 0 {
		t.Fatalf("%s: %d values, wanted %d", name, len(got), len(want))
	}
	var scale, worst float64
	for _, v := range want {
		scale = max(scale, math.Abs(float64(v)))
	}
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= goldenTolerance*scale) {
			t.Fatalf("%s: index %d is %g, wanted %g: off by %g of the range, at most %g allowed", name, i, got[i], want[i], d/scale, goldenTolerance)
		}
		worst = max(worst, d/scale)
	}
	t.Logf("%s: largest difference %.1e of the range", name, worst)
}

func TestGolden(t *testing.T) {
	f, w := readGolden(t)
	var stats [2]model.Stats
	var relu4 Features
	for i, picture := range []string{"content", "style"} {
		levels := Encode(w, Read(goldenPicture(f, picture)))
		for level, x := range levels {
			compareGolden(t, f, fmt.Sprintf("%s.relu%d_1", picture, level+1), x.Data)
		}
		stats[i] = Statistics(levels[3])
		compareGolden(t, f, picture+".mean", stats[i].Mean)
		compareGolden(t, f, picture+".std", stats[i].Std)
		if i == 0 {
			relu4 = levels[3]
		}
	}
	compareGolden(t, f, "adain", AdaIN(relu4, stats[1], 1).Data)
	for _, alpha := range []float64{0, 0.5, 1} {
		y := Decode(w, AdaIN(relu4, stats[1], alpha))
		interleaved := make([]float32, 0, len(y.Data))
		for i := range y.H * y.W {
			for c := range 3 {
				interleaved = append(interleaved, y.Plane(c)[i])
			}
		}
		compareGolden(t, f, fmt.Sprintf("output.alpha%.0f", 100*alpha), interleaved)
	}
}
