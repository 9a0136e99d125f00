package network

import (
	"context"
	"math/rand/v2"

	"adainfilter/model"
)

const (
	// silentShare is the share of its layer's mean activation below which a filter of a network that trains on counts as silent.
	silentShare = 1e-3
	// revivedShare is the size of what the next layer makes of a revived filter, relative to that of a fresh network: the rest of
	// the network should hardly notice it at first.
	revivedShare = 0.1
)

// Revive draws the filters of an encoder anew that hardly answer to the photographs: their gradient is 0, so training
// alone never brings them back. It returns how many there were. w's parameters change.
func Revive(ctx context.Context, w *model.Weights, p Photos, seed uint64) (revived int, err error) {
	photos, err := p.some(alivePhotos)
	if err != nil {
		return 0, err
	}
	measure := func() ([][]float64, error) { return p.meanActivations(ctx, w, photos, nil) }
	random := rand.New(rand.NewPCG(seed, 0x5eed))
	for l := 1; l < len(w.Layers) && w.Layers[l].Side == model.Encoder; l++ {
		means, err := measure()
		if err != nil {
			return 0, err
		}
		silent := silentOf(means[l], silentShare)
		if len(silent) == 0 {
			continue
		}
		for _, f := range silent {
			drawFilter(w.Layers[l], f, random)
			drawInput(w.Layers[l+1], f, random)
		}
		// What a filter never exceeds 0 with, its negative does.
		for range 2 {
			if means, err = measure(); err != nil {
				return 0, err
			}
			for _, f := range silent {
				switch m := means[l][f]; {
				case m > 0:
					scaleFilter(w.Layers[l], f, 1/m)
				default:
					scaleFilter(w.Layers[l], f, -1)
				}
			}
		}
		revived += len(silent)
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
