package ref

import (
	"math"
	"slices"

	"adainfilter/model"
)

// stack is one half of a network, on the way forward and back.
type stack struct {
	layers    []model.Conv
	gradients []parameters // of each layer; nil slices where it is not trained
	parts     Parts
}

// parameters are the gradients of one layer's weight and bias.
type parameters struct{ weight, bias []float64 }

func (s stack) forward(x Features) []pass {
	passes := make([]pass, len(s.layers))
	x = Features{x.C, x.H, x.W, slices.Clone(x.Data)}
	s.parts.Round(x)
	for i, c := range s.layers {
		p := forward(c, x)
		if c.ReLU { // else it is a picture, or what an engine folds into the next layer
			for _, f := range []Features{p.sums, p.relu, p.out} {
				s.parts.Round(f)
			}
		}
		passes[i], x = p, p.out
	}
	return passes
}

// backward takes the gradient g of the last layer's result and those of the levels, if there are any, back to the input.
func (s stack) backward(passes []pass, g Features, levels []Features) Features {
	for i := len(s.layers) - 1; i >= 0; i-- {
		c, p := s.layers[i], passes[i]
		if levels != nil && isLevel(c.Layer) {
			g = add(g, levels[len(levels)-1])
			levels = levels[:len(levels)-1]
		}
		switch {
		case c.Pool:
			g = PoolGradient(p.relu, g)
		case c.Upsample == model.Nearest:
			g = UpsampleGradient(g)
		case c.Upsample == model.Bilinear:
			g = UpsampleBilinearGradient(g)
		}
		if c.ReLU {
			g = ReLUGradient(p.relu, g)
		}
		g = ConvolveGradient(c, p.in, g, s.gradients[i].weight, s.gradients[i].bias)
		if c.Kernel == 3 {
			g = s.parts.Pad(g, border(c))
		}
		s.parts.Round(g)
	}
	return g
}

// margin is how near the passes come to where a gradient jumps: the smallest distance of a sum from 0 before a ReLU, and of
// the largest from the next in a pooling, relative to the mean of the layer's absolute sums. Equal maxima do not count.
func (s stack) margin(passes []pass) float64 {
	nearest := math.Inf(1)
	for i, p := range passes {
		var scale float64
		for _, v := range p.sums.Data {
			scale += math.Abs(v) / float64(len(p.sums.Data))
		}
		for _, v := range p.sums.Data {
			if s.layers[i].ReLU {
				nearest = min(nearest, math.Abs(v)/scale)
			}
		}
		if !s.layers[i].Pool {
			continue
		}
		for c := range p.relu.C {
			for k, largest := range p.out.Plane(c) {
				y, x := 2*(k/p.out.W), 2*(k%p.out.W)
				for t := range 4 {
					j := min(y+t/2, p.relu.H-1)*p.relu.W + min(x+t%2, p.relu.W-1)
					if d := largest - p.relu.Plane(c)[j]; d > 0 {
						nearest = min(nearest, d/scale)
					}
				}
			}
		}
	}
	return nearest
}

// last is the result of the last layer.
func last(passes []pass) Features { return passes[len(passes)-1].out }

// levels are relu1_1 to relu4_1 of an encoder's passes.
func (s stack) levels(passes []pass) (levels []Features) {
	for i, c := range s.layers {
		if isLevel(c.Layer) {
			levels = append(levels, passes[i].relu)
		}
	}
	return levels
}

func add(a, b Features) Features {
	out := NewFeatures(a.C, a.H, a.W)
	for i, v := range a.Data {
		out.Data[i] = v + b.Data[i]
	}
	return out
}
