package network

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"adainfilter/model"
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
	photos, err := p.some(normalisePhotos)
	if err != nil {
		t.Fatal(err)
	}
	means, err := p.meanActivations(context.Background(), w, photos, nil)
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

// TestSliceEncoder follows single weights from the wide to the narrow network.
func TestSliceEncoder(t *testing.T) {
	loss := Encoder(Random(fixture.Loss))
	orders := make([][]int, len(loss))
	for l, c := range loss {
		for o := range c.Out {
			orders[l] = append(orders[l], c.Out-1-o) // the last filters first
		}
	}
	widths := model.Widths{4, 4, 8, 8}
	layers := sliceEncoder(loss, widths, orders)
	for l, c := range layers {
		if c.Kernel == 1 {
			continue
		}
		wide := loss[l]
		for o := range c.Out {
			wideO := wide.Out - c.Out + o
			if c.Bias[o] != wide.Bias[wideO] {
				t.Errorf("%s: bias %d is not that of filter %d", c.Name, o, wideO)
			}
			for i := range c.In {
				wideI := wide.In - c.In + i
				if !slices.Equal(c.Weight[(o*c.In+i)*9:][:9], wide.Weight[(wideO*wide.In+wideI)*9:][:9]) {
					t.Fatalf("%s: filter %d, input %d is not filter %d, input %d", c.Name, o, i, wideO, wideI)
				}
			}
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
