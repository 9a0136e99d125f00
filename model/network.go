package model

import (
	"fmt"
	"math"
)

// Widths are the channels of the four encoder levels, relu1_1, relu2_1, relu3_1 and relu4_1.
type Widths [4]int

// The widths of the two networks that have a name of their own.
var (
	VGG19 = Widths{64, 128, 256, 512}
	Lite  = Widths{16, 32, 64, 256}
)

// MinSize is the smallest side of a frame in pixels: that of one pixel of relu4_1. Below it there is less picture than the
// network's smallest detail.
const MinSize = 8

// Side says which half of the network a layer belongs to.
type Side string

// The two sides; their values are the prefixes of keys in a weights file.
const (
	Encoder Side = "encoder"
	Decoder Side = "decoder"
)

// Layer is one convolution of the network and what follows it. A 3x3 convolution pads its input by one pixel with
// reflection (the edge itself is not repeated, unless the side has a single pixel); the 1x1 colour layer pads nothing. Behind a bilinear
// upsampling the edge is repeated: behind nearest that is what reflection does, and so the small map's repeated edge serves both.
type Layer struct {
	Side     Side
	Index    int        // position in pytorch-AdaIN's nn.Sequential, part of the key in a weights file
	Name     string     // "conv3_2" in the encoder, "mirror3_2" in the decoder
	In, Out  int        // channels
	Kernel   int        // 1 or 3
	ReLU     bool       // max(x, 0) follows
	Pool     bool       // 2x2 maximum with stride 2 follows; an odd last row or column makes a pixel of its own (ceil mode)
	Upsample Upsampling // to twice the size afterwards
	Repeat   bool       // its padding repeats the edge instead
}

// Key is the layer's prefix in a weights file: "encoder.29"; ".weight" and ".bias" follow.
func (l Layer) Key() string { return fmt.Sprintf("%s.%d", l.Side, l.Index) }

// MAC is the number of multiply-accumulates per output pixel of the layer.
func (l Layer) MAC() int { return l.In * l.Out * l.Kernel * l.Kernel }

// HeScale is the standard deviation that the weights of a filter of so many inputs (In*Kernel*Kernel) begin with, so that activations keep
// their size from layer to layer: He et al. 2015, "Delving Deep into Rectifiers", equation 10.
func HeScale(inputs int) float64 { return math.Sqrt(2 / float64(inputs)) }

// Layers is the network as a table, encoder first, in the order of computation. Everything that reads, checks, runs or
// counts the network walks it. The statistics are taken between the encoder's last and the decoder's first layer.
func (w Widths) Layers() []Layer {
	a, b, c, d := w[0], w[1], w[2], w[3]
	return []Layer{
		{Encoder, 0, "colour", 3, 3, 1, false, false, NoUpsampling, false},
		{Encoder, 2, "conv1_1", 3, a, 3, true, false, NoUpsampling, false},
		{Encoder, 5, "conv1_2", a, a, 3, true, true, NoUpsampling, false},
		{Encoder, 9, "conv2_1", a, b, 3, true, false, NoUpsampling, false},
		{Encoder, 12, "conv2_2", b, b, 3, true, true, NoUpsampling, false},
		{Encoder, 16, "conv3_1", b, c, 3, true, false, NoUpsampling, false},
		{Encoder, 19, "conv3_2", c, c, 3, true, false, NoUpsampling, false},
		{Encoder, 22, "conv3_3", c, c, 3, true, false, NoUpsampling, false},
		{Encoder, 25, "conv3_4", c, c, 3, true, true, NoUpsampling, false},
		{Encoder, 29, "conv4_1", c, d, 3, true, false, NoUpsampling, false},
		{Decoder, 1, "mirror4_1", d, c, 3, true, false, Nearest, false},
		{Decoder, 5, "mirror3_4", c, c, 3, true, false, NoUpsampling, false},
		{Decoder, 8, "mirror3_3", c, c, 3, true, false, NoUpsampling, false},
		{Decoder, 11, "mirror3_2", c, c, 3, true, false, NoUpsampling, false},
		{Decoder, 14, "mirror3_1", c, b, 3, true, false, Nearest, false},
		{Decoder, 18, "mirror2_2", b, b, 3, true, false, NoUpsampling, false},
		{Decoder, 21, "mirror2_1", b, a, 3, true, false, Nearest, false},
		{Decoder, 25, "mirror1_2", a, a, 3, true, false, NoUpsampling, false},
		{Decoder, 28, "mirror1_1", a, 3, 3, false, false, NoUpsampling, false},
	}
}

// String is "16,32,64,128", the form used in weights files and messages.
func (w Widths) String() string { return fmt.Sprintf("%d,%d,%d,%d", w[0], w[1], w[2], w[3]) }

// maxWidth bounds the channels of a level, so that sizes computed from widths stay far from overflow.
const maxWidth = 4096

// Check reports widths that no engine can run: each must be a positive multiple of 4 and at most 4096.
func (w Widths) Check() error {
	for i, n := range w {
		if n <= 0 || n%4 != 0 || n > maxWidth {
			return fmt.Errorf("widths %v: level %d has %d channels, wanted a multiple of 4 from 4 to %d", w, i+1, n, maxWidth)
		}
	}
	return nil
}

// FLOP is the floating point operations of one W x H frame, two per multiply-accumulate, as the network is written down
// (no folding), so that figures of different engines can be compared.
func (w Widths) FLOP(width, height int) float64 {
	var flop float64
	for _, f := range w.FLOPs(width, height) {
		flop += f
	}
	return flop
}

// FLOPs are the same of each of Layers.
func (w Widths) FLOPs(width, height int) []float64 {
	var all []float64
	scale := 1.0
	for _, l := range w.Layers() {
		all = append(all, 2*float64(l.MAC())*float64(width)*float64(height)/scale)
		if l.Pool {
			scale *= 4
		}
		if l.Upsample != NoUpsampling {
			scale /= 4
		}
	}
	return all
}
