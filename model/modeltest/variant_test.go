package modeltest

import (
	"math"
	"slices"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/model/ref"
)

// variant is an engine put together from other parts than the reference: layers folded as a fast engine folds them, sums in
// float32, and whatever a test replaces.
type variant struct {
	model.Engine // the reference, for what the variant leaves alone
	layers       []model.Conv
	border       func(i, n int) int      // of 3x3 layers
	round        func(v float32) float32 // every feature
	statistics   func(x ref.Features, share []float64) model.Stats
	shares       func(m *model.Mask, width, height int, out []float32)
	write        func(dst, src *model.Image, rgb ref.Features)                           // the frame's own colours
	continues    func(v *variant, src *model.Image, stylization *model.Stylization) bool // whether before is what came before
	smooth       func(s float32, cut float64, now model.Stats, before remembered) (kept remembered, continues bool)
	before       []remembered // of each region; empty where there is nothing
	size         [3]int       // of the frame before, and its processing size
	mask         *model.Mask
	table        *lut.Table // before the network
	pixels       pixels
}

// remembered are the statistics of a frame's content and those in force.
type remembered struct{ content, inForce model.Stats }

// openVariant is an opener of variants that change has changed.
func openVariant(change func(v *variant)) model.Opener {
	return func(w *model.Weights, o model.Options) (model.Engine, error) {
		e, err := ref.Open(w, model.Options{})
		if err != nil {
			return nil, err
		}
		v := &variant{Engine: e, border: ref.Reflect, round: func(v float32) float32 { return v }, layers: w.Folded(),
			statistics: weighted, shares: (*model.Mask).Shares, write: ref.WriteLuminance, continues: continues, smooth: smooth, pixels: newPixels()}
		change(v)
		return v, nil
	}
}

// weighted are statistics of a region; empty where the region is.
func weighted(x ref.Features, share []float64) model.Stats {
	return ref.WeightedMoments(x, share).Stats()
}

func continues(v *variant, src *model.Image, s *model.Stylization) bool {
	return !s.Discontinuity && v.size == [3]int{src.Width, src.Height, s.ProcessingSize} && v.mask.SameRegions(s.Mask) &&
		v.table == s.Before
}

func smooth(s float32, cut float64, now model.Stats, before remembered) (kept remembered, continues bool) {
	if model.StatsDistance(now, before.content) <= cut {
		s = float32(model.StatsShare(float64(s), model.StatsDistance(now, before.inForce), cut))
		return remembered{now, blend(s, now, before.inForce)}, true
	}
	return remembered{now, now}, false
}

// blend is s*before + (1-s)*now.
func blend(s float32, now, before model.Stats) model.Stats {
	now = now.Clone()
	for c := range now.Mean {
		now.Mean[c] = s*before.Mean[c] + (1-s)*now.Mean[c]
		now.Std[c] = s*before.Std[c] + (1-s)*now.Std[c]
	}
	return now
}

func (v *variant) Statistics(picture *model.Image) (model.Stats, error) {
	if err := picture.Check(); err != nil {
		return model.Stats{}, err
	}
	x := v.run(model.Encoder, ref.Read(picture))
	return v.statistics(x, constant(1, x)), nil
}

// constant is one share for all of the features.
func constant(m float64, x ref.Features) []float64 { return slices.Repeat([]float64{m}, x.H*x.W) }

func (v *variant) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if err := model.CheckStylize(v.Weights(), dst, src, s); err != nil {
		return err
	}
	small := v.pixels.shrink(src, s)
	x := v.run(model.Encoder, ref.Looked(ref.Read(small), s.Before))
	shares, styles := [][]float64{constant(1, x)}, []model.Stats{s.Style}
	if s.Mask != nil {
		first := make([]float32, x.H*x.W)
		v.shares(s.Mask, small.Width, small.Height, first)
		shares, styles = append(shares, constant(0, x)), append(styles, s.Mask.Second)
		for i, m := range first {
			shares[0][i], shares[1][i] = float64(m), float64(1-m)
		}
	}
	t := ref.NewFeatures(x.C, x.H, x.W)
	continues := v.adapt(t, x, src, s, shares, styles)
	for i, f := range t.Data {
		t.Data[i] = float64(v.round(float32(f)))
	}
	result := ref.Looked(ref.Crop(v.run(model.Decoder, t), small.Height, small.Width), s.After)
	v.finish(dst, src, small, result, s, continues)
	return nil
}

// adapt makes t of x, and says whether the statistics went on from the frame before.
func (v *variant) adapt(t, x ref.Features, src *model.Image, s *model.Stylization, shares [][]float64, styles []model.Stats) (continues bool) {
	continues = len(v.before) == len(styles) && v.continues(v, src, s)
	if !continues {
		v.before = make([]remembered, len(styles))
	}
	v.size, v.mask, v.table = [3]int{src.Width, src.Height, s.ProcessingSize}, s.Mask, s.Before
	for k, style := range styles {
		content, on := v.statistics(x, shares[k]), false
		if len(content.Mean) == 0 {
			continue
		}
		kept := remembered{content, content}
		if len(v.before[k].content.Mean) > 0 {
			kept, on = v.smooth(s.Smoothing, model.SceneCut(s.Size(src.Width, src.Height)), content, v.before[k])
		}
		continues = continues && on
		v.before[k] = kept
		add(t, x, shares[k], style, kept.inForce, s.Alpha)
	}
	return continues
}

// add puts one region's part into t: one affine function for each channel, as a fast engine has it.
func add(t, x ref.Features, share []float64, style, content model.Stats, alpha float32) {
	for c := range len(content.Mean) { // none where the region is empty
		scale := alpha*style.Std[c]/content.Std[c] + 1 - alpha
		shift := alpha * (style.Mean[c] - style.Std[c]/content.Std[c]*content.Mean[c])
		for i, f := range x.Plane(c) {
			t.Plane(c)[i] += float64(float32(share[i]) * (scale*float32(f) + shift))
		}
	}
}

// run computes one side of the network.
func (v *variant) run(side model.Side, x ref.Features) ref.Features {
	for _, c := range v.layers {
		if c.Side != side {
			continue
		}
		if c.Phases {
			x = interleave(convolve32(c, ref.Pad(x, 1, ref.Replicate)), c.Kernel == 2)
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

// interleave puts the four phases of a folded upsampling side by side: (O,2H,2W). They are (4*O,H+1,W+1) of nearest, whose odd
// phases begin a pixel later, and (4*O,H,W) of bilinear.
func interleave(x ref.Features, nearest bool) ref.Features {
	later := 0
	if nearest {
		later = 1
	}
	out := ref.NewFeatures(x.C/4, 2*(x.H-later), 2*(x.W-later))
	for o := range out.C {
		to := out.Plane(o)
		for i := range to {
			y, j := i/out.W, i%out.W
			from := x.Plane((2*(y%2)+j%2)*out.C + o)
			to[i] = from[(y/2+y%2*later)*x.W+j/2+j%2*later]
		}
	}
	return out
}

// bfloat16 rounds to 8 bits of mantissa, ties to even.
func bfloat16(v float32) float32 {
	bits := math.Float32bits(v)
	return math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
}
