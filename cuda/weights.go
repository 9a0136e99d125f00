package cuda

import (
	"fmt"
	"math"

	"adainfilter/model"
	"adainfilter/model/float16"
)

// channelStep is what channel counts in GPU memory are rounded up to: the depth of one matrix multiplication. The channels
// that fill up have weights and biases 0, so they hold 0.
const channelStep = 16

// padded is the channels in GPU memory for c channels of the network.
func padded(c int) int { return (c + channelStep - 1) / channelStep * channelStep }

// packed is one folded layer as the kernels read it.
type packed struct {
	model.Layer
	in, out int // channels in GPU memory; the ends have 3 channels of pictures instead
	phases  int // 4 behind an upsampling, else 1
	taps    int // of one phase: 9, or 4 behind a nearest upsampling

	weight []float32 // [phases][taps][out][in], of the first layer [out][32], of the last [32][in]
	bias   []float32 // [out], of the last layer [3]
}

// pack arranges the layers of a network. Errors: a weight that float16 cannot hold, with the layer's name.
func pack(w *model.Weights) ([]packed, error) {
	var layers []packed
	folded := w.Folded()
	for i, c := range folded {
		p := packed{Layer: c.Layer, in: padded(c.In), out: padded(c.Out), phases: 1, taps: 9}
		switch {
		case i == 0:
			p.packFirst(c)
		case i == len(folded)-1:
			p.packLast(c)
		default:
			p.packMiddle(c)
		}
		for _, v := range p.weight {
			if math.IsInf(float64(float16.Value(float16.Round(v))), 0) {
				return nil, fmt.Errorf("layer %s has a weight of %g, too large for float16 (at most 65504)", c.Name, v)
			}
		}
		layers = append(layers, p)
	}
	return layers, nil
}

// packFirst takes the picture's samples as 0..255, which float16 holds exactly, so its weights are those of [0,1] over 255.
func (p *packed) packFirst(c model.Conv) {
	p.in = c.In
	p.weight = make([]float32, p.out*32)
	p.bias = fill(p.out, c.Bias)
	for o := range c.Out {
		for i := range c.In {
			for t := range 9 {
				p.weight[o*32+3*t+i] = c.Weight[(o*c.In+i)*9+t] / 255
			}
		}
	}
}

// packLast puts the three colours of each tap into a row of their own, so that one matrix product makes all 27.
func (p *packed) packLast(c model.Conv) {
	p.out = c.Out
	p.weight = make([]float32, 32*p.in)
	p.bias = c.Bias
	for o := range c.Out {
		for i := range c.In {
			for t := range 9 {
				p.weight[(3*t+o)*p.in+i] = c.Weight[(o*c.In+i)*9+t]
			}
		}
	}
}

func (p *packed) packMiddle(c model.Conv) {
	out := c.Out
	if c.Phases {
		p.phases, p.taps, out = 4, c.Kernel*c.Kernel, c.Out/4
		p.out = padded(out)
	}
	p.weight = make([]float32, p.phases*p.taps*p.out*p.in)
	p.bias = fill(p.out, c.Bias[:out])
	for phase := range p.phases {
		for o := range out {
			for i := range c.In {
				for t := range p.taps {
					p.weight[((phase*p.taps+t)*p.out+o)*p.in+i] = c.Weight[((phase*out+o)*c.In+i)*p.taps+t]
				}
			}
		}
	}
}

// fill is v followed by zeros, n values in all.
func fill(n int, v []float32) []float32 {
	out := make([]float32, n)
	copy(out, v)
	return out
}

// toFloat16 rounds all values.
func toFloat16(v []float32) []uint16 {
	out := make([]uint16, len(v))
	for i, x := range v {
		out[i] = float16.Round(x)
	}
	return out
}
