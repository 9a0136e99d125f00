package cuda

import (
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// trainedLayer is a convolution of a network in training, in the two arrangements that the kernels read.
type trainedLayer struct {
	model.Layer
	cin, cout int     // channels in GPU memory
	factor    float32 // of its weights there: that of colours takes samples of 0 to 256
	at        int     // where its parameters begin in the state's vectors; -1 if it is not trained

	weight, turned, bias uintptr
}

// pictureRange is what a sample of 1 becomes for the first layer: a power of two, so that nothing but the exponent changes.
const pictureRange = 256

// halfPlane is a batch of planes with halos, [n][h+2][w+2][c] float16.
type halfPlane struct {
	at      uintptr
	n, h, w int
	c       int
}

func (p halfPlane) pixels() int { return p.n * (p.h + 2) * (p.w + 2) }

func (p halfPlane) bytes() int64 { return 2 * int64(p.pixels()) * int64(p.c) }

// picture is the batch from picture k on.
func (p halfPlane) picture(k int) halfPlane {
	p.at += uintptr(p.bytes() / int64(p.n) * int64(k))
	return p
}

// stage is a layer on its way through a batch: what the convolution reads, its result, and that behind pooling or upsampling.
type stage struct {
	*trainedLayer
	in, relu, out halfPlane
	level         int // of statistics, relu1_1 is 0; -1: none
}

// levelNames are the layers whose features the style loss compares.
var levelNames = []string{"conv1_1", "conv2_1", "conv3_1", "conv4_1"}

func levelOf(l model.Layer) int {
	for i, name := range levelNames {
		if l.Name == name {
			return i
		}
	}
	return -1
}

// follows is what comes behind the layer's ReLU, as the kernels name it.
func (l *trainedLayer) follows() int32 {
	switch {
	case l.Pool:
		return kernels.TrainPooled
	case l.Upsample == model.Nearest:
		return kernels.TrainNearest
	case l.Upsample == model.Bilinear:
		return kernels.TrainBilinear
	}
	return kernels.TrainNothing
}

// newStages lays out the features of n pictures whose first plane is h x w; their memory is still to be allocated.
func newStages(layers []*trainedLayer, n, h, w int) []*stage {
	var stages []*stage
	in := halfPlane{n: n, h: h, w: w, c: layers[0].cin}
	for _, l := range layers {
		s := &stage{trainedLayer: l, in: in, level: -1}
		if l.Side == model.Encoder {
			s.level = levelOf(l.Layer)
		}
		s.relu = halfPlane{n: n, h: in.h, w: in.w, c: l.cout}
		s.out = s.relu
		switch {
		case l.Pool:
			s.out.h, s.out.w = in.h/2, in.w/2
		case l.Upsample != model.NoUpsampling:
			s.out.h, s.out.w = 2*in.h, 2*in.w
		}
		stages = append(stages, s)
		in = s.out
	}
	return stages
}

// allocateStages is memory for all planes; the last result stays on the GPU as samples where the layer has no ReLU.
func (m *memory) allocateStages(stages []*stage) (err error) {
	if stages[0].in.at, err = m.allocate(stages[0].in.bytes()); err != nil {
		return err
	}
	for i, s := range stages {
		if s.ReLU {
			if s.relu.at, err = m.allocate(s.relu.bytes()); err != nil {
				return err
			}
		}
		s.out.at = s.relu.at
		if s.follows() != kernels.TrainNothing {
			if s.out.at, err = m.allocate(s.out.bytes()); err != nil {
				return err
			}
		}
		if i+1 < len(stages) {
			stages[i+1].in = s.out
		}
	}
	return nil
}

// largestGradients is the bytes of the largest gradient of a layer's sums and of a layer's input.
func largestGradients(stages []*stage) (sums, inputs int64) {
	for _, s := range stages {
		sums, inputs = max(sums, s.relu.bytes()), max(inputs, s.in.bytes())
	}
	return sums, inputs
}

// convolution picks the kernel for a number of output channels.
func trainConvolution(channels int) kernels.Kernel[kernels.TrainConvArguments] {
	switch {
	case channels%64 == 0:
		return kernels.TrainConvN64
	case channels%32 == 0:
		return kernels.TrainConvN32
	}
	return kernels.TrainConvN16
}

// weightGradient picks the kernel for the channels on both sides.
func weightGradient(in, out int) kernels.Kernel[kernels.TrainWgradArguments] {
	switch {
	case in%64 == 0 && out%64 == 0:
		return kernels.TrainWgradC64
	case in%32 == 0 && out%32 == 0:
		return kernels.TrainWgradC32
	}
	return kernels.TrainWgradC16
}

// splitBlocks is about how many blocks a weight's gradient is divided into. It is the same on every GPU, so that sums are.
const splitBlocks = 512

// split divides the pixels of a batch into ranges of rows pixels, multiples of the kernel's 64.
func split(pixels, tiles int) (splits, rows int) {
	splits = min(max(ceil(splitBlocks, 3*tiles), 1), ceil(pixels, 64))
	rows = ceil(ceil(pixels, splits), 64) * 64
	return ceil(pixels, rows), rows
}

// partialBytes is the memory for a layer's sums of all ranges.
func partialBytes(splits, in, out int) int64 { return 4 * int64(splits) * int64(9*in*out+out) }
