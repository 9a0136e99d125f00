package network

import (
	"context"
	"io"
	stdmaps "maps"
	"math/rand/v2"
	"slices"
	"sync"

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

// StillSilent are those of the silent filters, by layer as for Revive, that answer to none of the pictures, whole and with a short side of so many
// pixels. Pictures that cannot be read are left out. done is called after each, by any thread.
func StillSilent(ctx context.Context, w *model.Weights, silent map[int][]int, paths []string, short int, done func()) (map[int][]int, error) {
	var lock sync.Mutex
	left := stdmaps.Clone(silent)
	err := parallel(ctx, len(paths), func(i int) {
		defer done()
		lock.Lock()
		wanted := stdmaps.Clone(left)
		lock.Unlock()
		if len(wanted) == 0 {
			return
		}
		x, err := (Photos{Short: short, Side: 1 << 30}).middle(paths[i])
		if err != nil {
			return
		}
		answers := map[int]map[int]bool{}
		for l, last := 0, slices.Max(slices.Collect(stdmaps.Keys(wanted))); l <= last; l++ {
			x = x.run(w.Layers[l])
			answers[l] = map[int]bool{}
			for _, f := range wanted[l] {
				answers[l][f] = slices.ContainsFunc(x.plane(f), func(v float32) bool { return v > 0 })
			}
			x = x.next(w.Layers[l])
		}
		lock.Lock()
		defer lock.Unlock()
		for l := range wanted {
			left[l] = slices.DeleteFunc(slices.Clone(left[l]), func(f int) bool { return answers[l][f] })
			if len(left[l]) == 0 {
				delete(left, l)
			}
		}
	})
	return left, err
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
