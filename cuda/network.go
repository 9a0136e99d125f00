package cuda

import (
	"slices"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// network is the parameters on the GPU, with what depends on the style but not on the picture's size.
type network struct {
	memory
	layers []packed
	weight []uintptr // of each layer, float16
	bias   []uintptr // of each layer, float32

	// join is the decoder's first layer, whose parameters take up AdaIN and alpha anew for each frame.
	join     int
	master   uintptr // its weights in float32
	plain    uintptr // its bias
	content  uintptr // statistics of the content: mean, std; float32 (2,C) with C as in memory
	previous uintptr // those in force at the frame before, float64 (2,C)
	style    uintptr // statistics of the style, as those of the content

	room []byte      // pinned; statistics on their way
	sent model.Stats // the style that is on the GPU
}

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
	if n.plain, err = put(&n.memory, s, join.bias); err != nil {
		return n, err
	}
	bytes := int64(8 * join.in)
	if n.content, err = n.take(bytes); err != nil {
		return n, err
	}
	if n.previous, err = n.take(2 * bytes); err != nil {
		return n, err
	}
	if n.style, err = n.take(bytes); err != nil {
		return n, err
	}
	if n.room, err = n.pin(int(bytes)); err != nil {
		return n, err
	}
	for i := range n.layers {
		n.layers[i].weight, n.layers[i].bias = nil, nil // the GPU has them
	}
	return n, driver.Wrap("cuStreamSynchronize", s.Synchronize())
}

// send orders the style's statistics onto the GPU if other ones are there.
func (n *network) send(style model.Stats, s cu.Stream) error {
	if slices.Equal(n.sent.Mean, style.Mean) && slices.Equal(n.sent.Std, style.Std) {
		return nil
	}
	n.sent.Mean, n.sent.Std = append(n.sent.Mean[:0], style.Mean...), append(n.sent.Std[:0], style.Std...)
	both := floats(n.room)
	clear(both)
	copy(both, style.Mean)
	copy(both[len(both)/2:], style.Std)
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(n.style), pointer(n.room), int64(len(n.room)), s)
	if err != nil {
		n.sent.Mean = n.sent.Mean[:0] // what is on the GPU now is unknown
	}
	return driver.Wrap("copy of the style to the GPU", err)
}

// fetch orders the content's statistics into room; they are there when the stream is through.
func (n *network) fetch(s cu.Stream) error {
	err := cu.MemcpyDtoHAsync(pointer(n.room), cu.DevicePtr(n.content), int64(len(n.room)), s)
	return driver.Wrap("copy of statistics from the GPU", err)
}
