package cuda

import (
	"errors"
	"runtime"
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
	join        int
	unadapted   uintptr // its weights in float32
	adapted     uintptr // what AdaIN makes of its weights, float16
	adaptedBias uintptr // and of its bias

	// Mean and std of relu4_1 in each region, (regions,2,C) with C as in memory. One region is the first.
	content   uintptr // of the frame's content, float32
	previous  uintptr // those in force at the frame before, float64
	before    uintptr // of the content of the frame before, float32
	continues uintptr // whether each region goes on from the frame before, int32 (regions)
	style     uintptr // float32

	staging  []byte               // pinned; statistics of all regions on their way
	uploaded [regions]model.Stats // the styles that are on the GPU
}

// parameters are the weights and bias of layer i: those with AdaIN in them, unless the plane that the layer reads has it already.
func (n *network) parameters(i int, applied bool) (weight, bias uintptr) {
	if i == n.join && !applied {
		return n.adapted, n.adaptedBias
	}
	return n.weight[i], n.bias[i]
}

// statisticsBytes is the bytes of the statistics of one region.
func (n *network) statisticsBytes() int { return 8 * n.layers[n.join].in }

// uploadNetwork brings a network to the current context's GPU. Errors: a weight that float16 cannot hold, no memory, and what the driver
// says; what was allocated by then is the network's to free.
func uploadNetwork(w *model.Weights, s cu.Stream) (n *network, err error) {
	n = &network{}
	if n.layers, err = pack(w); err != nil {
		return n, err
	}
	var halves [][]uint16
	err = errors.Join(n.upload(s, &halves), driver.Wrap("cuStreamSynchronize", s.Synchronize()))
	runtime.KeepAlive(halves) // the copies have been made only now, after an error too
	for i := range n.layers {
		n.layers[i].weight, n.layers[i].bias = nil, nil // the GPU has them
	}
	return n, err
}

// upload allocates all memory and orders the copies of weights, which come from the layers and from what is appended to halves.
func (n *network) upload(s cu.Stream, halves *[][]uint16) (err error) {
	for i, p := range n.layers {
		if p.Side == model.Decoder && n.join == 0 {
			n.join = i
		}
		half := toFloat16(p.weight)
		*halves = append(*halves, half)
		weight, err := upload(&n.memory, s, half)
		if err != nil {
			return err
		}
		bias, err := upload(&n.memory, s, p.bias)
		if err != nil {
			return err
		}
		n.weight, n.bias = append(n.weight, weight), append(n.bias, bias)
	}
	join, statistics := n.layers[n.join], int64(regions*n.statisticsBytes())
	if n.unadapted, err = upload(&n.memory, s, join.weight); err != nil {
		return err
	}
	err = n.allocateAll([]buffer{
		{&n.adapted, 2 * int64(len(join.weight))}, {&n.adaptedBias, 4 * int64(len(join.bias))},
		{&n.content, statistics}, {&n.previous, 2 * statistics}, {&n.before, statistics}, {&n.continues, 4 * regions}, {&n.style, statistics},
	})
	if err == nil {
		n.staging, err = n.pin(int(statistics))
	}
	return err
}

// hasStyle says that these statistics of a region's style are on the GPU.
func (n *network) hasStyle(region int, style model.Stats) bool {
	uploaded := &n.uploaded[region]
	return slices.Equal(uploaded.Mean, style.Mean) && slices.Equal(uploaded.Std, style.Std)
}

// uploadStyle orders the statistics of a region's style onto the GPU if other ones are there.
func (n *network) uploadStyle(region int, style model.Stats, stream cu.Stream) error {
	uploaded := &n.uploaded[region]
	if n.hasStyle(region, style) {
		return nil
	}
	uploaded.Mean, uploaded.Std = append(uploaded.Mean[:0], style.Mean...), append(uploaded.Std[:0], style.Std...)
	bytes := n.statisticsBytes()
	staging := n.staging[region*bytes:][:bytes]
	both := floats(staging)
	clear(both)
	copy(both, style.Mean)
	copy(both[len(both)/2:], style.Std)
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(n.style)+cu.DevicePtr(region*bytes), pointer(staging), int64(bytes), stream)
	if err != nil {
		uploaded.Mean = uploaded.Mean[:0] // what is on the GPU now is unknown
	}
	return driver.Wrap("copy of the style to the GPU", err)
}

// readStatistics orders the content's statistics into staging and returns the part of it where they are when the stream is through.
func (n *network) readStatistics(stream cu.Stream) ([]float32, error) {
	bytes := n.statisticsBytes()
	err := cu.MemcpyDtoHAsync(pointer(n.staging), cu.DevicePtr(n.content), int64(bytes), stream)
	return floats(n.staging[:bytes]), driver.Wrap("copy of statistics from the GPU", err)
}
