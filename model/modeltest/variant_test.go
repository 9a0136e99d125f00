package modeltest

import (
	"math"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// variant is an engine put together from other parts than the reference: layers folded as a fast engine folds them, sums in
// float32, and whatever a test replaces.
type variant struct {
	model.Engine // the reference, for what the variant leaves alone
	layers       []model.Conv
	border       func(i, n int) int      // of 3x3 layers
	round        func(v float32) float32 // every feature
	statistics   func(ref.Features) model.Stats
}

// openVariant is an opener of variants that change has changed.
func openVariant(change func(v *variant)) model.Opener {
	return func(w *model.Weights, o model.Options) (model.Engine, error) {
		e, err := ref.Open(w, model.Options{})
		if err != nil {
			return nil, err
		}
		v := &variant{Engine: e, border: ref.Reflect, round: func(v float32) float32 { return v }, statistics: ref.Statistics, layers: w.Folded()}
		change(v)
		return v, nil
	}
}

func (v *variant) Statistics(picture *model.Image) (model.Stats, error) {
	if err := picture.Check(); err != nil {
		return model.Stats{}, err
	}
	return v.statistics(v.run(model.Encoder, ref.Read(picture))), nil
}

func (v *variant) Stylize(dst, src *model.Image, style model.Stats, alpha float32) error {
	if err := model.CheckStylize(v.Weights(), dst, src, style, alpha); err != nil {
		return err
	}
	x := v.run(model.Encoder, ref.Read(src))
	content := v.statistics(x)
	for c := range x.C {
		// One affine function for each channel, as a fast engine has it.
		scale := alpha*style.Std[c]/content.Std[c] + 1 - alpha
		shift := alpha * (style.Mean[c] - style.Std[c]/content.Std[c]*content.Mean[c])
		for i, f := range x.Plane(c) {
			x.Plane(c)[i] = float64(v.round(scale*float32(f) + shift))
		}
	}
	y := v.run(model.Decoder, x)
	ref.Write(dst, src, ref.Crop(y, src.Height, src.Width))
	return nil
}

// run computes one side of the network.
func (v *variant) run(side model.Side, x ref.Features) ref.Features {
	for _, c := range v.layers {
		if c.Side != side {
			continue
		}
		if c.Kernel == 2 {
			x = interleave(convolve32(c, ref.Pad(x, 1, ref.Replicate)))
		} else {
			x = convolve32(c, ref.Pad(x, 1, v.border))
		}
		for i, f := range x.Data {
			if c.ReLU && f < 0 {
				f = 0
			}
			x.Data[i] = float64(v.round(float32(f)))
		}
		if c.Pool {
			x = ref.Pool(x)
		}
	}
	return x
}

// convolve32 is ref.Convolve with sums in float32.
func convolve32(c model.Conv, x ref.Features) ref.Features {
	k := c.Kernel
	out := ref.NewFeatures(c.Out, x.H-k+1, x.W-k+1)
	sum := make([]float32, out.H*out.W)
	for o := range c.Out {
		for i := range sum {
			sum[i] = c.Bias[o]
		}
		for i := range c.In {
			from := x.Plane(i)
			for t := range k * k {
				w := c.Weight[(o*c.In+i)*k*k+t]
				for y := range out.H {
					row := from[(y+t/k)*x.W+t%k:][:out.W]
					for j, f := range row {
						sum[y*out.W+j] += w * float32(f)
					}
				}
			}
		}
		for i, v := range sum {
			out.Plane(o)[i] = float64(v)
		}
	}
	return out
}

// interleave puts the four phases (4*O,H+1,W+1) of a folded upsampling side by side: (O,2H,2W).
func interleave(x ref.Features) ref.Features {
	h, w := x.H-1, x.W-1
	out := ref.NewFeatures(x.C/4, 2*h, 2*w)
	for o := range out.C {
		to := out.Plane(o)
		for i := range to {
			y, j := i/out.W, i%out.W
			from := x.Plane((2*(y%2)+j%2)*out.C + o)
			to[i] = from[(y/2+y%2)*x.W+j/2+j%2]
		}
	}
	return out
}

// bfloat16 rounds to 8 bits of mantissa, ties to even.
func bfloat16(v float32) float32 {
	bits := math.Float32bits(v)
	return math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
}
