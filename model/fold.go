package model

// FoldColour puts the 1x1 colour layer into the first 3x3 layer: the result takes RGB in [0,1]. Reflection repeats pixels,
// and a 1x1 layer maps equal pixels to equal pixels, so this is exact at the border too.
func FoldColour(colour, first Conv) Conv {
	k2 := first.Kernel * first.Kernel
	out := first
	out.In = colour.In
	out.Weight = make([]float32, first.Out*colour.In*k2)
	out.Bias = make([]float32, first.Out)
	for o := range first.Out {
		bias := float64(first.Bias[o])
		for m := range first.In {
			for k := range k2 {
				bias += float64(first.Weight[(o*first.In+m)*k2+k]) * float64(colour.Bias[m])
			}
		}
		out.Bias[o] = float32(bias)
		for i := range colour.In {
			for k := range k2 {
				var sum float64
				for m := range first.In {
					sum += float64(first.Weight[(o*first.In+m)*k2+k]) * float64(colour.Weight[m*colour.In+i])
				}
				out.Weight[(o*colour.In+i)*k2+k] = float32(sum)
			}
		}
	}
	return out
}

// upsampledTaps says how a 3x3 kernel's taps along an axis fall on the small map: phase p takes the small pixel i+p-1+t (nearest) or
// i-1+t (bilinear) with the sum of the taps times upsampledTaps[u][p][t].
var upsampledTaps = map[Upsampling][2][][3]float64{
	Nearest:  {{{1, 0, 0}, {0, 1, 1}}, {{1, 1, 0}, {0, 0, 1}}},
	Bilinear: {{{.75, .25, 0}, {.25, .75, .75}, {0, 0, .25}}, {{.25, 0, 0}, {.75, .75, .25}, {0, .25, .75}}},
}

// FoldUpsample turns an upsampling followed by the 3x3 layer c into one layer on the small image: weight (4*O,I,K,K), bias (4*O), where K
// is 2 for nearest, 3 for bilinear. Output channel phase*O+o is channel o of the large image at (2y+py, 2x+px), where phase =
// 2*py+px. Along an axis a phase of nearest reads the pixels i-1 and i (p = 0) or i and i+1 with two taps added up on one of them, a
// phase of bilinear reads i-1 to i+1 with the interpolation's shares of all taps. Beyond the border the small image's edge is repeated: with
// nearest, reflection of the large image meets the second copy of the same small pixel; with bilinear, the interpolation of the
// repeated edge is the large image's repeated edge. Instead of 36 multiply-accumulates 16 (nearest) or 36 make four outputs.
func FoldUpsample(u Upsampling, c Conv) Conv {
	taps := upsampledTaps[u]
	k := len(taps[0])
	out := c
	out.Out, out.Kernel, out.Phases = 4*c.Out, k, true
	out.Weight = make([]float32, out.Out*c.In*k*k)
	out.Bias = make([]float32, 0, out.Out)
	for phase := range 4 {
		out.Bias = append(out.Bias, c.Bias...)
		for o := range c.Out {
			for i := range c.In {
				kernel := c.Weight[(o*c.In+i)*9:][:9]
				for t := range k * k {
					var sum float64
					for n, w := range kernel {
						sum += taps[phase/2][t/k][n/3] * taps[phase%2][t%k][n%3] * float64(w)
					}
					out.Weight[((phase*c.Out+o)*c.In+i)*k*k+t] = float32(sum)
				}
			}
		}
	}
	return out
}

// Folded lists the layers as an engine computes them: conv1_1 takes RGB itself (FoldColour), and a layer behind an
// upsampling is one on the small image (FoldUpsample). The layers that need no folding share their parameters with w.
func (w *Weights) Folded() []Conv {
	var folded []Conv
	for i, c := range w.Layers {
		switch {
		case i == 0:
			continue
		case i == 1:
			c = FoldColour(w.Layers[0], c)
		case w.Layers[i-1].Upsample != NoUpsampling:
			c = FoldUpsample(w.Layers[i-1].Upsample, c)
		}
		folded = append(folded, c)
	}
	return folded
}
