package network

import (
	"fmt"
	"math"
	"math/rand/v2"

	"adainfilter/model"
)

// Widen is a network of larger widths that computes what w does, as a start for training: filters that it has more are drawn, and nothing
// that w has reads them yet, as in Net2Net (Chen, Goodfellow & Shlens 2016), but by zeros instead of copies, so that all can become different.
// Drawn weights have no mean, so that of a filter's answers to positive features about half are positive, and a variance of
// 2 / (inputs * taps), which keeps the size of features from layer to layer (He et al. 2015); those of trained filters in their place let it
// grow, and the first steps of a training threw the network away. Biases are 0. w stays as it is. Errors: widths of which one is smaller than w's.
func Widen(w *model.Weights, widths model.Widths, seed uint64) (*model.Weights, error) {
	for i, n := range widths {
		if n < w.Widths[i] {
			return nil, fmt.Errorf("widths %v cannot become %v: none may be smaller", w.Widths, widths)
		}
	}
	wide := *w
	wide.Widths, wide.Layers = widths, Blank(widths)
	wide.Int8 = nil // steps for fewer channels
	random := rand.New(rand.NewPCG(seed, 0x31de))
	for l, from := range w.Layers {
		to := wide.Layers[l]
		to.Upsample, to.Repeat = from.Upsample, from.Repeat
		copy(to.Bias, from.Bias)
		taps := from.Kernel * from.Kernel
		scale := math.Sqrt(2 / float64(to.In*taps))
		for o := range to.Out {
			filter := to.Weight[o*to.In*taps:][:to.In*taps]
			if o < from.Out {
				copy(filter, from.Weight[o*from.In*taps:][:from.In*taps])
				continue
			}
			var mean float64
			for i := range filter {
				x := random.NormFloat64()
				filter[i] = float32(x)
				mean += x / float64(len(filter))
			}
			for i, x := range filter {
				filter[i] = float32(scale * (float64(x) - mean))
			}
		}
		wide.Layers[l] = to
	}
	return &wide, nil
}
