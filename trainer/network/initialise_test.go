package network

import (
	"math"
	"slices"
	"testing"

	"adainfilter/model"
)

// TestRandomDecoder checks what He's initialisation promises and that the seed decides.
func TestRandomDecoder(t *testing.T) {
	layers := RandomDecoder(model.Lite, 1)
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
	if again := RandomDecoder(model.Lite, 1); !slices.Equal(again[0].Weight, layers[0].Weight) {
		t.Error("the same seed gives other weights")
	}
	if other := RandomDecoder(model.Lite, 2); slices.Equal(other[0].Weight, layers[0].Weight) {
		t.Error("another seed gives the same weights")
	}
}
