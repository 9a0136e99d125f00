package ref_test

import (
	"fmt"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
	"adainfilter/model/safetensors"
)

// The golden file holds PyTorch's values (features in float64, rounded to float32) for random weights of widths 4,8,16,32, a
// content of 37x53 and a style of 40x33 pixels (height x width).
const golden = "../testdata/network.safetensors"

// tolerance is relative to the largest value of a tensor. Both sides compute in float64; what remains is the rounding of the
// file's values to float32, 6e-8.
const tolerance = 1e-6

// goldenPicture is a (H,W,3) tensor of bytes as an image.
func goldenPicture(f *safetensors.File, name string) *model.Image {
	p := f.Tensors[name]
	m := model.NewImage(model.RGB, p.Shape[1], p.Shape[0])
	copy(m.Planes[0].Data, p.Data)
	return m
}

func TestGolden(t *testing.T) {
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
	compare := func(name string, got []float64) {
		t.Helper()
		want, err := f.Tensors[name].Float32()
		if err != nil || len(want) == 0 {
			t.Fatalf("%s: %d values, %v", name, len(want), err)
		}
		modeltest.Close(t, name, got, want, tolerance)
	}
	var relu4 [2]ref.Features
	var stats [2]ref.Moments
	for i, picture := range []string{"content", "style"} {
		levels := ref.Encode(w, ref.Read(goldenPicture(f, picture)))
		for level, x := range levels {
			compare(fmt.Sprintf("%s.relu%d_1", picture, level+1), x.Data)
		}
		relu4[i], stats[i] = levels[3], ref.NewMoments(levels[3])
		compare(picture+".mean", stats[i].Mean)
		compare(picture+".std", stats[i].Std)
	}
	compare("adain", ref.AdaIN(relu4[0], stats[1], 1).Data)
	for _, alpha := range []float64{0, 0.5, 1} {
		y := ref.Decode(w, ref.AdaIN(relu4[0], stats[1], alpha))
		interleaved := make([]float64, 0, len(y.Data))
		for i := range y.H * y.W {
			for c := range 3 {
				interleaved = append(interleaved, y.Plane(c)[i])
			}
		}
		compare(fmt.Sprintf("output.alpha%.0f", 100*alpha), interleaved)
	}
}
