package ref

import "adainfilter/model"

// The functions of this file go back through those of layers.go: g is the gradient of a loss with respect to what the
// function returned, the result that with respect to its argument x.

// ConvolveGradient goes back through Convolve(c, x). The gradients of weight (O,I,K,K) and bias (O) are added to weight and
// bias, unless these are nil.
func ConvolveGradient(c model.Conv, x, g Features, weight, bias []float64) Features {
	k := c.Kernel
	if weight != nil {
		eachChannel(c.Out, func(o int) {
			from := g.Plane(o)
			for _, v := range from {
				bias[o] += v
			}
			for i := range c.In {
				plane := x.Plane(i)
				for t := range k * k {
					var sum float64
					for y := range g.H {
						row := plane[(y+t/k)*x.W+t%k:][:g.W]
						for j, v := range from[y*g.W:][:g.W] {
							sum += v * row[j]
						}
					}
					weight[(o*c.In+i)*k*k+t] += sum
				}
			}
		})
	}
	out := NewFeatures(x.C, x.H, x.W)
	eachChannel(c.In, func(i int) {
		plane := out.Plane(i)
		for o := range c.Out {
			for t := range k * k {
				w := float64(c.Weight[(o*c.In+i)*k*k+t])
				for y := range g.H {
					row := plane[(y+t/k)*x.W+t%k:][:g.W]
					for j, v := range g.Plane(o)[y*g.W:][:g.W] {
						row[j] += w * v
					}
				}
			}
		}
	})
	return out
}

// PadGradient goes back through Pad: a pixel gets the gradients of all places that show it.
func PadGradient(g Features, p int, border func(i, n int) int) Features {
	out := NewFeatures(g.C, g.H-2*p, g.W-2*p)
	for c := range g.C {
		from, to := g.Plane(c), out.Plane(c)
		for i := range g.H {
			row := to[border(i-p, out.H)*out.W:]
			for j := range g.W {
				row[border(j-p, out.W)] += from[i*g.W+j]
			}
		}
	}
	return out
}

// ReLUGradient goes back through ReLU, given its result. At 0 it is 0, as PyTorch has it.
func ReLUGradient(relu, g Features) Features {
	out := NewFeatures(g.C, g.H, g.W)
	for i, v := range relu.Data {
		if !(v <= 0) {
			out.Data[i] = g.Data[i]
		}
	}
	return out
}

// PoolGradient goes back through Pool(x): of equal maxima the first in reading order gets all, as in PyTorch.
func PoolGradient(x, g Features) Features {
	out := NewFeatures(x.C, x.H, x.W)
	for c := range x.C {
		from, to := x.Plane(c), out.Plane(c)
		for y := range g.H {
			for j := range g.W {
				best := 2*y*x.W + 2*j
				for t := 1; t < 4; t++ {
					i, k := 2*y+t/2, 2*j+t%2
					if i < x.H && k < x.W && from[i*x.W+k] > from[best] {
						best = i*x.W + k
					}
				}
				to[best] += g.Plane(c)[y*g.W+j]
			}
		}
	}
	return out
}

// UpsampleGradient goes back through Upsample.
func UpsampleGradient(g Features) Features {
	out := NewFeatures(g.C, g.H/2, g.W/2)
	for c := range g.C {
		for i, v := range g.Plane(c) {
			out.Plane(c)[i/g.W/2*out.W+i%g.W/2] += v
		}
	}
	return out
}

// UpsampleBilinearGradient goes back through UpsampleBilinear.
func UpsampleBilinearGradient(g Features) Features {
	out := NewFeatures(g.C, g.H/2, g.W/2)
	for c := range g.C {
		to := out.Plane(c)
		for i, v := range g.Plane(c) {
			eachBilinear(i/g.W, i%g.W, out, func(k int, share float64) { to[k] += share * v })
		}
	}
	return out
}

// MomentsGradient goes back through NewMoments(x). With std = sqrt(mean (x-mean)^2 + epsilon), d std/dx is
// (x-mean)/(H*W*std).
func MomentsGradient(x Features, g Moments) Features {
	m := NewMoments(x)
	out := NewFeatures(x.C, x.H, x.W)
	n := float64(x.H * x.W)
	for c := range x.C {
		for i, v := range x.Plane(c) {
			out.Plane(c)[i] = g.Mean[c]/n + g.Std[c]*(v-m.Mean[c])/(n*m.Std[c])
		}
	}
	return out
}

// AdaINGradient goes back through AdaIN(x, style, alpha), to x and to the style's moments. With z = (x-mean)/std it is that
// of instance normalisation: (g - mean g - z mean(g z))/std, both means over H x W.
func AdaINGradient(x Features, style Moments, alpha float64, g Features) (gx Features, gStyle Moments) {
	m := NewMoments(x)
	gx = NewFeatures(x.C, x.H, x.W)
	gStyle = Moments{make([]float64, x.C), make([]float64, x.C)}
	n := float64(x.H * x.W)
	for c := range x.C {
		var sum, product float64
		for i, v := range x.Plane(c) {
			z := (v - m.Mean[c]) / m.Std[c]
			sum += g.Plane(c)[i]
			product += g.Plane(c)[i] * z
		}
		gStyle.Mean[c], gStyle.Std[c] = alpha*sum, alpha*product
		for i, v := range x.Plane(c) {
			z, d := (v-m.Mean[c])/m.Std[c], g.Plane(c)[i]
			gx.Plane(c)[i] = alpha*style.Std[c]*(d-sum/n-z*product/n)/m.Std[c] + (1-alpha)*d
		}
	}
	return gx, gStyle
}
