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

// FoldUpsample turns nearest upsampling followed by the 3x3 layer c into one 2x2 layer on the small image: weight
// (4*O,I,2,2), bias (4*O). Output channel phase*O+o at (y,x) is channel o of the large image at (2y+py, 2x+px), where
// phase = 2*py+px. Along an axis phase 0 reads the pixels i-1 and i with the taps w0 and w1+w2, phase 1 the pixels i and
// i+1 with w0+w1 and w2. Beyond the border the small image's edge is repeated: reflection of the large image at its edge
// meets the second copy of the same small pixel. 16 instead of 36 multiply-accumulates make four outputs.
func FoldUpsample(c Conv) Conv {
	out := c
	out.Out, out.Kernel = 4*c.Out, 2
	out.Weight = make([]float32, out.Out*c.In*4)
	out.Bias = make([]float32, 0, out.Out)
	// taps[p][t] are the large kernel's taps that fall on the small pixel t of phase p.
	taps := [2][2][]int{{{0}, {1, 2}}, {{0, 1}, {2}}}
	for phase := range 4 {
		out.Bias = append(out.Bias, c.Bias...)
		for o := range c.Out {
			for i := range c.In {
				kernel := c.Weight[(o*c.In+i)*9:][:9]
				for t := range 4 {
					var sum float64
					for _, ky := range taps[phase/2][t/2] {
						for _, kx := range taps[phase%2][t%2] {
							sum += float64(kernel[3*ky+kx])
						}
					}
					out.Weight[((phase*c.Out+o)*c.In+i)*4+t] = float32(sum)
				}
			}
		}
	}
	return out
}

// Folded lists the layers as an engine computes them: conv1_1 takes RGB itself (FoldColour), and a layer behind an
// upsampling is a 2x2 one on the small image (FoldUpsample). The layers that need no folding share their parameters with w.
func (w *Weights) Folded() []Conv {
	var folded []Conv
	for i, c := range w.Layers {
		switch {
		case i == 0:
			continue
		case i == 1:
			c = FoldColour(w.Layers[0], c)
		case w.Layers[i-1].Upsample:
			c = FoldUpsample(c)
		}
		folded = append(folded, c)
	}
	return folded
}
