package network

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/trainer/fixture"
)

// photographs are a few small pictures. What is promised holds on those that were looked at, of any size.
func photographs(t *testing.T) Photos {
	t.Helper()
	p := Photos{Folder: t.TempDir(), Short: 48, Side: 32}
	for i := range 5 {
		fixture.WritePicture(t, filepath.Join(p.Folder, fmt.Sprintf("%d.png", i)), fixture.Blobs(40+5*i, 36, uint64(i)))
	}
	fixture.Write(t, filepath.Join(p.Folder, "broken.png"), []byte("x"))
	return p
}

// TestPrune makes filters of the largest norm silent: they must not be chosen, and what is chosen has mean activation 1.
func TestPrune(t *testing.T) {
	t.Parallel()
	p := photographs(t)
	loss := Encoder(Random(fixture.Loss))
	silent := []int{3, 9}
	for _, o := range silent {
		c := loss[1]
		for i := range c.In * 9 {
			c.Weight[o*c.In*9+i] *= 10
		}
		c.Bias[o] = -1e6
	}
	order := byNorm(loss[1])
	if !slices.Equal(slices.Sorted(slices.Values(order[:2])), silent) {
		t.Fatalf("the order by norm begins with %v, wanted %v in it", order[:2], silent)
	}
	widths := fixture.Small
	layers, err := Prune(context.Background(), loss, widths, p, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	w := &model.Weights{Widths: widths, Layers: layers}
	photos, err := p.read(context.Background(), normalisePhotos, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	means, err := meanActivations(context.Background(), w, photos, func() {})
	if err != nil {
		t.Fatal(err)
	}
	for l, c := range layers {
		if c.Layer != widths.Layers()[l] || len(c.Weight) != c.Out*c.In*c.Kernel*c.Kernel || len(c.Bias) != c.Out {
			t.Errorf("layer %d is %+v with %d weights", l, c.Layer, len(c.Weight))
		}
		for i, m := range means[l] {
			// Weights are rounded to float32, and sums have at most 16*9 terms, nine layers deep.
			if !(math.Abs(m-1) < 1e-4) {
				t.Errorf("%s: filter %d has mean activation %v, wanted 1", c.Name, i, m)
			}
		}
	}
	if !slices.Equal(layers[0].Weight, loss[0].Weight) || !slices.Equal(layers[0].Bias, loss[0].Bias) {
		t.Error("the colour layer changed")
	}
	// Each filter of conv1_1 is one of VGG's but for its scale, and none of the silent ones.
	from := map[int]bool{}
	for f := range layers[1].Out {
		from[origin(t, layers[1].Weight[f*27:(f+1)*27], loss[1])] = true
	}
	if len(from) != 4 || from[3] || from[9] {
		t.Errorf("conv1_1 has the filters %v, wanted four others than %v", from, silent)
	}
}

// origin is the filter of a layer that v is a multiple of.
func origin(t *testing.T, v []float32, c model.Conv) int {
	t.Helper()
	for o := range c.Out {
		var ab, aa, bb float64
		for i, a := range v {
			b := float64(c.Weight[o*len(v)+i])
			ab, aa, bb = ab+float64(a)*b, aa+float64(a)*float64(a), bb+b*b
		}
		if ab/math.Sqrt(aa*bb) > 1-1e-6 {
			return o
		}
	}
	t.Fatal("a filter is none of VGG's")
	return 0
}

// TestSlice follows single weights from the wide to the narrow layer.
func TestSlice(t *testing.T) {
	wide := Encoder(Random(fixture.Loss))[4]
	inputs, outputs := []int{1, 3, 8, 15}, []int{0, 5, 9, 11, 14, 15, 2, 7}
	narrow := model.Layer{In: len(inputs), Out: len(outputs), Kernel: 3}
	c := slice(wide, narrow, inputs, outputs)
	for o, from := range outputs {
		if c.Bias[o] != wide.Bias[from] {
			t.Errorf("bias %d is not that of filter %d", o, from)
		}
		for i, of := range inputs {
			if !slices.Equal(c.Weight[(o*c.In+i)*9:][:9], wide.Weight[(from*wide.In+of)*9:][:9]) {
				t.Fatalf("filter %d, input %d is not filter %d, input %d", o, i, from, of)
			}
		}
	}
}

// TestPlanes holds single layers against the reference.
func TestPlanes(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for _, size := range [][2]int{{1, 1}, {1, 5}, {2, 2}, {7, 9}, {16, 12}} {
		for _, c := range Encoder(Random(fixture.Tiny)) {
			x, want := newPlanes(c.In, size[0], size[1]), ref.NewFeatures(c.In, size[0], size[1])
			for i := range x.data {
				x.data[i] = random.Float32()
				want.Data[i] = float64(x.data[i])
			}
			for i := range c.Bias {
				c.Bias[i] = random.Float32() - 0.5
			}
			next, relu := ref.Run(c, want)
			features := x.run(c)
			close := func(what string, got planes, want ref.Features) {
				if got.c != want.C || got.h != want.H || got.w != want.W {
					t.Fatalf("%s of %s: (%d,%d,%d), wanted %v", what, c.Name, got.c, got.h, got.w, want)
				}
				for i, v := range got.data {
					// Sums of at most 9*16 terms about 1 in float32.
					if !(math.Abs(float64(v)-want.Data[i]) < 1e-5*(1+math.Abs(want.Data[i]))) {
						t.Fatalf("%s of %s at %dx%d: value %d is %v, wanted %v", what, c.Name, size[0], size[1], i, v, want.Data[i])
					}
				}
			}
			if c.ReLU {
				close("features", features, relu)
			}
			close("what follows", features.next(c), next)
		}
	}
}

func TestWithoutSilent(t *testing.T) {
	order := []int{5, 2, 7, 1}
	for _, c := range []struct {
		means []float64 // of the filters 2 and 5
		want  []int
	}{
		{nil, order}, {[]float64{1, 2}, order}, {[]float64{0, 2}, []int{5, 7, 1}}, {[]float64{1, 1e-5}, []int{2, 7, 1}},
		{[]float64{0, 0}, []int{7, 1}}, {[]float64{math.NaN(), 1}, []int{7, 1}},
	} {
		if got := withoutSilent(order, c.means); !slices.Equal(got, c.want) {
			t.Errorf("means %v leave %v, wanted %v", c.means, got, c.want)
		}
	}
}
