package cuda

import (
	"slices"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// regions is how many parts of a frame can have a style of their own.
const regions = 2

// network is the parameters on the GPU, with what depends on the style but not on the picture's size.
type network struct {
	memory
	layers []packed
	weight []uintptr // of each layer, float16
	bias   []uintptr // of each layer, float32

	// join is the decoder's first layer, which takes up AdaIN and alpha anew for each frame that has one region.
	join    int
	master  uintptr // its weights in float32
	adapted uintptr // what AdaIN makes of its weights, float16
	shifted uintptr // and of its bias

	// Mean and std of relu4_1 in each region, (regions,2,C) with C as in memory. One region is the first.
	content  uintptr // of the frame's content, float32
	previous uintptr // those in force at the frame before, float64
	before   uintptr // of the content of the frame before, float32
	goesOn   uintptr // whether each region goes on from the frame before, int32 (regions)
	style    uintptr // float32

	room []byte               // pinned; statistics of all regions on their way
	sent [regions]model.Stats // the styles that are on the GPU
}

// parameters are the weights and bias of layer i: those with AdaIN in them, unless the plane that the layer reads has it already.
func (n *network) parameters(i int, applied bool) (weight, bias uintptr) {
	if i == n.join && !applied {
		return n.adapted, n.shifted
	}
	return n.weight[i], n.bias[i]
}

// statistics is the bytes of the statistics of one region.
func (n *network) statistics() int { return 8 * n.layers[n.join].in }

// upload brings a network to the current context's GPU.
func upload(w *model.Weights, s cu.Stream) (n *network, err error) {
	n = &network{}
	if n.layers, err = pack(w); err != nil {
		return n, err
	}
	for i, p := range n.layers {
		if p.Side == model.Decoder && n.join == 0 {
			n.join = i
		}
		weight, err := put(&n.memory, s, float16(p.weight))
		if err != nil {
			return n, err
		}
		bias, err := put(&n.memory, s, p.bias)
		if err != nil {
			return n, err
		}
		n.weight, n.bias = append(n.weight, weight), append(n.bias, bias)
	}
	join := n.layers[n.join]
	if n.master, err = put(&n.memory, s, join.weight); err != nil {
		return n, err
	}
	for _, room := range []struct {
		at    *uintptr
		bytes int
	}{
		{&n.adapted, 2 * len(join.weight)}, {&n.shifted, 4 * len(join.bias)},
		{&n.content, regions * n.statistics()}, {&n.previous, 2 * regions * n.statistics()},
		{&n.before, regions * n.statistics()}, {&n.goesOn, 4 * regions}, {&n.style, regions * n.statistics()},
	} {
		if *room.at, err = n.take(int64(room.bytes)); err != nil {
			return n, err
		}
	}
	if n.room, err = n.pin(regions * n.statistics()); err != nil {
		return n, err
	}
	for i := range n.layers {
		n.layers[i].weight, n.layers[i].bias = nil, nil // the GPU has them
	}
	return n, driver.Wrap("cuStreamSynchronize", s.Synchronize())
}

// send orders the statistics of a region's style onto the GPU if other ones are there.
func (n *network) send(region int, style model.Stats, s cu.Stream) error {
	sent := &n.sent[region]
	if slices.Equal(sent.Mean, style.Mean) && slices.Equal(sent.Std, style.Std) {
		return nil
	}
	sent.Mean, sent.Std = append(sent.Mean[:0], style.Mean...), append(sent.Std[:0], style.Std...)
	bytes := n.statistics()
	room := n.room[region*bytes:][:bytes]
	both := floats(room)
	clear(both)
	copy(both, style.Mean)
	copy(both[len(both)/2:], style.Std)
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(n.style)+cu.DevicePtr(region*bytes), pointer(room), int64(bytes), s)
	if err != nil {
		sent.Mean = sent.Mean[:0] // what is on the GPU now is unknown
	}
	return driver.Wrap("copy of the style to the GPU", err)
}

// fetch orders the content's statistics into room and returns the part of it where they are when the stream is through.
func (n *network) fetch(s cu.Stream) ([]float32, error) {
	bytes := n.statistics()
	err := cu.MemcpyDtoHAsync(pointer(n.room), cu.DevicePtr(n.content), int64(bytes), s)
	return floats(n.room[:bytes]), driver.Wrap("copy of statistics from the GPU", err)
}
