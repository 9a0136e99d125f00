package network

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"adainfilter/model"
)

// Prune makes an encoder of smaller widths made of the loss network's filters: of each layer those with the largest L1 norm
// (Li et al. 2017, Pruning filters for efficient ConvNets), reduced to the inputs that are left, rescaled to mean activation 1
// on the photographs. A filter that hardly answers to them any more gives way to the next.
func Prune(ctx context.Context, loss []model.Conv, widths model.Widths, p Photos, out io.Writer) ([]model.Conv, error) {
	photos, err := p.some(alivePhotos)
	if err != nil {
		return nil, err
	}
	orders := make([][]int, len(loss))
	for l, conv := range loss {
		orders[l] = byNorm(conv)
	}
	w := &model.Weights{Widths: widths, Layers: sliceEncoder(loss, widths, orders)}
	// Another filter changes the inputs of all later layers, so the layers are settled one after the other.
	for settled := 0; settled < len(loss); {
		means, err := p.meanActivations(ctx, w, photos, nil)
		if err != nil {
			return nil, err
		}
		for settled < len(loss) {
			living := withoutSilent(orders[settled], means[settled])
			if len(living) == len(orders[settled]) {
				settled++
				continue
			}
			if len(living) < len(means[settled]) {
				return nil, fmt.Errorf("of the %d filters of %s only %d answer to the content pictures, wanted %d",
					len(orders[settled]), loss[settled].Name, len(living), len(means[settled]))
			}
			orders[settled] = living
			w.Layers = sliceEncoder(loss, widths, orders)
			break
		}
	}
	return w.Layers, normalise(ctx, w, p, out)
}

// byNorm are the indices of a layer's filters, the largest L1 norm first.
func byNorm(conv model.Conv) []int {
	length := conv.In * conv.Kernel * conv.Kernel
	norms := make([]float64, conv.Out)
	order := make([]int, conv.Out)
	for o := range order {
		order[o] = o
		for _, v := range conv.Weight[o*length : (o+1)*length] {
			norms[o] += math.Abs(float64(v))
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case norms[a] > norms[b]:
			return -1
		case norms[a] < norms[b]:
			return 1
		}
		return 0
	})
	return order
}

// sliceEncoder takes of each layer the first filters of its order, and of these the inputs that the layer before keeps. The
// colour layer stays whole.
func sliceEncoder(loss []model.Conv, widths model.Widths, orders [][]int) []model.Conv {
	var layers []model.Conv
	inputs := []int{0, 1, 2}
	for l, conv := range loss {
		out := model.Conv{Layer: widths.Layers()[l]}
		outputs := inputs
		if conv.Kernel > 1 {
			outputs = slices.Sorted(slices.Values(orders[l][:out.Out]))
		}
		k := conv.Kernel * conv.Kernel
		for _, o := range outputs {
			for _, i := range inputs {
				at := (o*conv.In + i) * k
				out.Weight = append(out.Weight, conv.Weight[at:at+k]...)
			}
			out.Bias = append(out.Bias, conv.Bias[o])
		}
		layers = append(layers, out)
		inputs = outputs
	}
	return layers
}

// weakShare is the share of its layer's mean activation below which a filter of the loss network is not taken: scaled up to 1 it
// would answer to rare details with values many times as large as all others, and training would follow these alone.
const weakShare = 0.05

// withoutSilent removes from a layer's order those of its first filters that hardly answer. means are the filters' mean
// activations in the order of their indices, nil for the colour layer, which has no silent ones.
func withoutSilent(order []int, means []float64) []int {
	chosen := slices.Sorted(slices.Values(order[:len(means)]))
	for _, i := range silentOf(means, weakShare) {
		order = slices.DeleteFunc(slices.Clone(order), func(o int) bool { return o == chosen[i] })
	}
	return order
}
