package network

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// Prune makes an encoder of smaller widths made of the loss network's filters: of each layer those with the largest L1 norm
// (Li et al. 2017, Pruning filters for efficient ConvNets), reduced to the inputs that are left, rescaled to mean activation 1
// on the photographs. A filter that hardly answers to them any more gives way to the next. Progress goes to out.
func Prune(ctx context.Context, loss []model.Conv, widths model.Widths, p Photos, out io.Writer) ([]model.Conv, error) {
	x, err := p.read(ctx, normalisePhotos, out)
	if err != nil {
		return nil, err
	}
	progress := terminal.NewProgress(out)
	defer progress.Finish()
	bar := progress.Bar(terminal.BarOptions{Title: "choosing filters of the loss network", Total: len(loss), Transient: true})
	if bar == nil {
		fmt.Fprintf(out, "choosing filters of the loss network on %d photographs\n", len(x))
	}
	w := &model.Weights{Widths: widths}
	var means [][]float64
	inputs := []int{0, 1, 2}
	// Another filter changes the inputs of all later layers, so the layers are settled one after the other.
	for l, conv := range loss {
		c, outputs, mean, err := settle(ctx, conv, widths.Layers()[l], inputs, x)
		if err != nil {
			return nil, err
		}
		w.Layers, means, inputs = append(w.Layers, c), append(means, mean), outputs
		bar.Add(1)
	}
	rescale(w, means)
	return w.Layers, nil
}

// settle chooses the filters of one layer of the loss network for a narrower one that gets the inputs, and replaces x, the features of the
// photographs, by those that the next layer gets. means are those of the chosen filters, nil for the colour layer, which stays whole.
func settle(ctx context.Context, conv model.Conv, narrow model.Layer, inputs []int, x []planes) (c model.Conv, outputs []int, means []float64, err error) {
	order := byNorm(conv)
	features := make([]planes, len(x))
	for {
		outputs = inputs
		if conv.Kernel > 1 {
			outputs = slices.Sorted(slices.Values(order[:narrow.Out]))
		}
		c = slice(conv, narrow, inputs, outputs)
		all := make([][][]float64, len(x))
		if err := parallel(ctx, len(x), func(i int) {
			features[i] = x[i].run(c)
			all[i] = [][]float64{features[i].means()}
		}); err != nil {
			return c, nil, nil, err
		}
		if !conv.ReLU {
			break
		}
		means = meanOf(all)[0]
		living := withoutSilent(order, means)
		if len(living) == len(order) {
			break
		}
		if len(living) < narrow.Out {
			return c, nil, nil, fmt.Errorf("of the %d filters of %s only %d answer to the content pictures, wanted %d", conv.Out, conv.Name, len(living), narrow.Out)
		}
		order = living
	}
	for i := range x {
		x[i] = features[i].next(conv)
	}
	return c, outputs, means, nil
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

// slice is a layer reduced to some of its outputs and inputs.
func slice(conv model.Conv, narrow model.Layer, inputs, outputs []int) model.Conv {
	out := model.Conv{Layer: narrow}
	k := conv.Kernel * conv.Kernel
	for _, o := range outputs {
		for _, i := range inputs {
			at := (o*conv.In + i) * k
			out.Weight = append(out.Weight, conv.Weight[at:at+k]...)
		}
		out.Bias = append(out.Bias, conv.Bias[o])
	}
	return out
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
