package main

import (
	"math"
	"math/rand/v2"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
)

const (
	// silentShare is the share of its layer's mean activation below which a filter of a network that trains on counts as silent.
	silentShare = 1e-3
	// revivedShare is the size of what the next layer makes of a revived filter, relative to that of a fresh network: the rest of
	// the network should hardly notice it at first.
	revivedShare = 0.1
)

// reviveSilent draws the filters of an encoder anew that hardly answer to the content pictures: their gradient is 0, so training
// alone never brings them back. It returns how many there were. w's parameters change.
func reviveSilent(c *cli.Context, o *trainOptions, w *model.Weights) (revived int, err error) {
	photos, err := somePhotos(o.content, slimPhotos)
	if err != nil {
		return 0, err
	}
	look := func() ([][]float64, error) { return meanActivations(c, w, photos, nil) }
	random := rand.New(rand.NewPCG(o.seed, 0x5eed))
	for l := 1; l < len(w.Layers) && w.Layers[l].Side == model.Encoder; l++ {
		means, err := look()
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
			if means, err = look(); err != nil {
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

// drawFilter draws the weights of output f as He et al. 2015 do; its bias becomes 0.
func drawFilter(c model.Conv, f int, random *rand.Rand) {
	n := c.In * c.Kernel * c.Kernel
	for i := range n {
		c.Weight[f*n+i] = float32(math.Sqrt(2/float64(n)) * random.NormFloat64())
	}
	c.Bias[f] = 0
}

// drawInput draws what a layer makes of its input f, small.
func drawInput(c model.Conv, f int, random *rand.Rand) {
	k := c.Kernel * c.Kernel
	for o := range c.Out {
		for t := range k {
			c.Weight[(o*c.In+f)*k+t] = float32(revivedShare * math.Sqrt(2/float64(c.In*k)) * random.NormFloat64())
		}
	}
}

func scaleFilter(c model.Conv, f int, factor float64) {
	n := c.In * c.Kernel * c.Kernel
	for i := range n {
		c.Weight[f*n+i] = float32(float64(c.Weight[f*n+i]) * factor)
	}
}
