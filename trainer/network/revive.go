package network

import (
	"context"
	"io"
	stdmaps "maps"
	"math/rand/v2"
	"slices"

	"adainfilter/model"
)

// revivedShare is the size of what the next layer makes of a revived filter, relative to that of a fresh network: the rest of
// the network should hardly notice it at first.
const revivedShare = 0.1

// Revive draws filters of an encoder anew that answer to nothing: their gradient is 0, so training alone never brings them back. silent
// are those filters by layer, as indices into w.Layers and of outputs. One that answers to the photographs all the same, on which the scale of the
// new ones is measured, stays. w's parameters change. It returns those that were drawn, by layer.
func Revive(ctx context.Context, w *model.Weights, silent map[int][]int, p Photos, seed uint64) (revived map[int][]int, err error) {
	photos, err := p.read(ctx, scalePhotos, io.Discard)
	if err != nil {
		return nil, err
	}
	measure := func(l int) ([]float64, error) {
		means, err := meanActivations(ctx, w, photos, func() {})
		if err != nil {
			return nil, err
		}
		return means[l], nil
	}
	random := rand.New(rand.NewPCG(seed, 0x5eed))
	revived = map[int][]int{}
	for _, l := range slices.Sorted(stdmaps.Keys(silent)) {
		means, err := measure(l)
		if err != nil {
			return nil, err
		}
		// A filter that was silent because its inputs were may answer to those that were drawn before.
		filters := slices.DeleteFunc(slices.Clone(silent[l]), func(f int) bool { return means[f] > 0 })
		if len(filters) == 0 {
			continue
		}
		for _, f := range filters {
			drawFilter(w.Layers[l], f, random)
			drawInput(w.Layers[l+1], f, random)
		}
		// What a filter never exceeds 0 with, its negative does.
		for range 2 {
			if means, err = measure(l); err != nil {
				return nil, err
			}
			for _, f := range filters {
				switch m := means[f]; {
				case m > 0:
					scaleFilter(w.Layers[l], f, 1/m)
				default:
					scaleFilter(w.Layers[l], f, -1)
				}
			}
		}
		revived[l] = filters
	}
	return revived, nil
}

// silentOf are the channels whose mean activation is below a share of their layer's.
func silentOf(means []float64, share float64) (silent []int) {
	var sum float64
	for _, m := range means {
		sum += m
	}
	for i, m := range means {
		if !(m > share*sum/float64(len(means))) {
			silent = append(silent, i)
		}
	}
	return silent
}

// drawFilter draws the weights of output f; its bias becomes 0.
func drawFilter(c model.Conv, f int, random *rand.Rand) {
	n := c.In * c.Kernel * c.Kernel
	draw(c.Weight[f*n:(f+1)*n], n, 1, random)
	c.Bias[f] = 0
}

// drawInput draws what a layer makes of its input f, small.
func drawInput(c model.Conv, f int, random *rand.Rand) {
	k := c.Kernel * c.Kernel
	for o := range c.Out {
		draw(c.Weight[(o*c.In+f)*k:][:k], c.In*k, revivedShare, random)
	}
}

func scaleFilter(c model.Conv, f int, factor float64) {
	n := c.In * c.Kernel * c.Kernel
	for i := range n {
		c.Weight[f*n+i] = float32(float64(c.Weight[f*n+i]) * factor)
	}
}
