package main

import (
	"bytes"
	"context"
	"flag"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
)

// quiet is a context of a command that prints nowhere.
func quiet() *cli.Context {
	c := cli.NewContext(&cli.App{Writer: &bytes.Buffer{}, ErrWriter: &bytes.Buffer{}}, flag.NewFlagSet("", 0), nil)
	c.Context = context.Background()
	return c
}

// TestSlimEncoder makes filters of the largest norm silent: they must not be chosen, and what is chosen has mean activation 1.
func TestSlimEncoder(t *testing.T) {
	dir := t.TempDir()
	trainingFiles(t, dir)
	loss := encoderLayers(randomWeights(lossWidths))
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
	widths := model.Widths{4, 4, 4, 8}
	o := &trainOptions{content: filepath.Join(dir, "contents")}
	layers, err := slimEncoder(quiet(), o, loss, widths)
	if err != nil {
		t.Fatal(err)
	}
	w := &model.Weights{Widths: widths, Layers: layers}
	photos, err := somePhotos(o.content, normalisePhotos)
	if err != nil {
		t.Fatal(err)
	}
	means, err := meanActivations(quiet(), w, photos, nil)
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
	loss := encoderLayers(randomWeights(lossWidths))
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

// TestRandomDecoder checks what He's initialisation promises and that the seed decides.
func TestRandomDecoder(t *testing.T) {
	layers := randomDecoder(model.Lite, 1)
	for i, c := range layers {
		var sum, squares float64
		for _, v := range c.Weight {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		n := float64(len(c.Weight))
		want, bias := 2/float64(9*c.In), float32(0)
		if i == len(layers)-1 {
			want, bias = want*0.01, 0.5
		}
		// Six standard errors of mean and variance of n normal numbers.
		if !(math.Abs(sum/n) < 6*math.Sqrt(want/n)) || !(math.Abs(squares/n/want-1) < 6*math.Sqrt(2/n)) {
			t.Errorf("%s: mean %v, variance %v, wanted 0 and %v", c.Name, sum/n, squares/n, want)
		}
		if slices.ContainsFunc(c.Bias, func(b float32) bool { return b != bias }) {
			t.Errorf("%s: biases are %v, wanted %v", c.Name, c.Bias, bias)
		}
	}
	if again := randomDecoder(model.Lite, 1); !slices.Equal(again[0].Weight, layers[0].Weight) {
		t.Error("the same seed gives other weights")
	}
	if other := randomDecoder(model.Lite, 2); slices.Equal(other[0].Weight, layers[0].Weight) {
		t.Error("another seed gives the same weights")
	}
}
