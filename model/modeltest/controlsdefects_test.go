package modeltest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/model/ref"
)

// firstKept is an opener of the reference that goes on with the first value of a field that is not nil.
func firstKept[T any](field func(s *model.Stylization) **T) model.Opener {
	return func(w *model.Weights, o model.Options) (model.Engine, error) {
		var first *T
		return withStylization(func(s *model.Stylization) {
			now := field(s)
			if first == nil {
				first = *now
			}
			*now = first
		})(w, o)
	}
}

// repaint is an opener of the reference that is given other masks.
func repaint(value func(v uint8) uint8) model.Opener {
	return withStylization(func(s *model.Stylization) {
		if s.Mask == nil {
			return
		}
		m := *s.Mask
		m.White = slices.Clone(m.White)
		for i, v := range m.White {
			m.White[i] = value(v)
		}
		s.Mask = &m
	})
}

// tableDefects are wrong in the look-up tables.
func tableDefects() []defect {
	changed := func(change func(t *lut.Table)) model.Opener {
		return withStylization(func(s *model.Stylization) {
			for _, t := range []**lut.Table{&s.Before, &s.After} {
				if *t != nil {
					other := **t
					other.Values = slices.Clone(other.Values)
					change(&other)
					*t = &other
				}
			}
		})
	}
	return []defect{
		{"no table before", "tables", withStylization(func(s *model.Stylization) { s.Before = nil })},
		{"no table after", "tables", withStylization(func(s *model.Stylization) { s.After = nil })},
		{"tables swapped", "tables", withStylization(func(s *model.Stylization) { s.Before, s.After = s.After, s.Before })},
		{"domain ignored", "tables", changed(func(t *lut.Table) { t.Low, t.High = [3]float32{}, [3]float32{1, 1, 1} })},
		{"one domain for all channels", "tables", changed(func(t *lut.Table) { t.Low[1], t.High[1] = t.Low[0], t.High[0] })},
		{"red and blue axes swapped", "tables", changed(func(t *lut.Table) {
			for i, n := 0, t.Size; t.Cube && i < n*n*n; i++ {
				if k := i/n/n + i/n%n*n + i%n*n*n; k > i {
					for c := range 4 {
						t.Values[4*i+c], t.Values[4*k+c] = t.Values[4*k+c], t.Values[4*i+c]
					}
				}
			}
		})},
		{"the first table kept", "tables", firstKept(func(s *model.Stylization) **lut.Table { return &s.Before })},
	}
}

// maskDefects are wrong in the regions.
func maskDefects() []defect {
	return []defect{
		{"mask ignored", "mask", withStylization(func(s *model.Stylization) { s.Mask = nil })},
		{"black for white", "mask", repaint(func(v uint8) uint8 { return 255 - v })},
		{"grey taken for black", "mask", repaint(func(v uint8) uint8 { return v / 255 * 255 })},
		{"white is 254", "mask", repaint(func(v uint8) uint8 { return min(v, 254) })},
		{"one style", "mask", withStylization(func(s *model.Stylization) {
			if s.Mask != nil {
				m := *s.Mask
				m.Second, s.Mask = s.Style, &m
			}
		})},
		{"the first mask kept", "mask", firstKept(func(s *model.Stylization) **model.Mask { return &s.Mask })},
		{"statistics of the whole frame", "mask", openVariant(func(v *variant) {
			v.statistics = func(x ref.Features, _ []float64) model.Stats { return ref.Statistics(x) }
		})},
		{"NaN in an empty region", "mask", openVariant(func(v *variant) {
			v.statistics = func(x ref.Features, share []float64) model.Stats {
				s := weighted(x, share)
				if len(s.Mean) == 0 {
					s = model.Stats{Mean: make([]float32, x.C), Std: make([]float32, x.C)}
					s.Mean[0] = float32(math.NaN())
				}
				return s
			}
		})},
		{"one pixel of the mask for each of the features", "mask", openVariant(func(v *variant) {
			v.shares = func(m *model.Mask, width, height int, out []float32) {
				wide, high := (width+7)/8, (height+7)/8
				for i := range out {
					out[i] = float32(m.White[i/wide*m.Height/high*m.Width+i%wide*m.Width/wide]) / 255
				}
			}
		})},
		{"blocks that the edge cuts divided by 64", "mask", openVariant(func(v *variant) {
			v.shares = func(m *model.Mask, width, height int, out []float32) {
				m.Shares(width, height, out)
				for i, wide := 0, (width+7)/8; i < len(out); i++ {
					out[i] *= float32(min(8, width-i%wide*8)*min(8, height-i/wide*8)) / 64
				}
			}
		})},
	}
}

// colourDefects are wrong in the frame's own colours.
func colourDefects() []defect {
	// Every sample of an RGB format moves by the step that by gives, each clamped for itself.
	moved := func(step func(frame, result [3]float64) float64) model.Opener {
		return openVariant(func(v *variant) {
			v.write = func(dst, src *model.Image, rgb ref.Features) {
				ref.WriteLuminance(dst, src, rgb)
				if dst.Format.YUV() {
					return
				}
				frame := ref.Read(src)
				for y := range src.Height {
					for x := range src.Width {
						var f, r [3]float64
						for c := range 3 {
							f[c], r[c] = frame.Plane(c)[y*src.Width+x], min(max(rgb.Plane(c)[y*src.Width+x], 0), 1)
						}
						d := step(f, r)
						for c := range 3 {
							frame.Plane(c)[y*src.Width+x] += d
						}
					}
				}
				ref.Write(dst, src, frame)
			}
		})
	}
	luminance := func(k [3]float64, p [3]float64) float64 { return k[0]*p[0] + k[1]*p[1] + k[2]*p[2] }
	of := func(m model.Matrix) [3]float64 { return model.Colorimetry{Matrix: m}.Conversion(model.NV12).Luminance }
	return []defect{
		{"colours of the result", "preserve color", withStylization(func(s *model.Stylization) { s.PreserveColor = false })},
		{"always the frame's colours", "format RGB", withStylization(func(s *model.Stylization) { s.PreserveColor = true })},
		{"chroma of the result in YUV", "preserve color", openVariant(func(v *variant) {
			v.write = func(dst, src *model.Image, rgb ref.Features) {
				ref.WriteLuminance(dst, src, rgb)
				if dst.Format.YUV() {
					ref.Write(dst, src, rgb)
				}
			}
		})},
		{"luminance of the frame", "preserve color", moved(func(_, _ [3]float64) float64 { return 0 })},
		{"channels clamped one by one", "preserve color", moved(func(f, r [3]float64) float64 {
			k := of(model.BT601)
			return luminance(k, r) - luminance(k, f)
		})},
		{"luminance of BT.709", "preserve color", moved(func(f, r [3]float64) float64 {
			k := of(model.BT709)
			return min(max(luminance(k, r)-luminance(k, f), -min(f[0], f[1], f[2])), 1-max(f[0], f[1], f[2]))
		})},
		{"luminance truncated", "preserve color", moved(func(f, r [3]float64) float64 {
			k := of(model.BT601)
			d := min(max(luminance(k, r)-luminance(k, f), -min(f[0], f[1], f[2])), 1-max(f[0], f[1], f[2]))
			return math.Trunc(255*d) / 255
		})},
	}
}

// smoothingDefects are wrong in what they remember.
func smoothingDefects() []defect {
	forgets := func(when func(v *variant, src *model.Image, stylization *model.Stylization) bool) model.Opener {
		return openVariant(func(v *variant) { v.continues = when })
	}
	always := func(*variant, *model.Image, *model.Stylization) bool { return true }
	smooths := func(how func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool)) model.Opener {
		return openVariant(func(v *variant) { v.smooth = how })
	}
	return []defect{
		{"no smoothing", "smoothing", withStylization(func(s *model.Stylization) { s.Smoothing = 0 })},
		{"smoothing reversed", "smoothing", withStylization(func(s *model.Stylization) { s.Smoothing = min(1-s.Smoothing, 0.99) })},
		{"discontinuity ignored", "smoothing", withStylization(func(s *model.Stylization) { s.Discontinuity = false })},
		{"always a discontinuity", "smoothing", withStylization(func(s *model.Stylization) { s.Discontinuity = true })},
		{"size ignored", "smoothing", forgets(func(v *variant, _ *model.Image, stylization *model.Stylization) bool {
			return !stylization.Discontinuity && v.mask.SameRegions(stylization.Mask)
		})},
		{"mask ignored", "smoothing", forgets(func(v *variant, src *model.Image, stylization *model.Stylization) bool {
			return !stylization.Discontinuity && v.size == [3]int{src.Width, src.Height, stylization.ProcessingSize}
		})},
		{"nothing forgotten", "smoothing", forgets(always)},
		{"another style forgets", "smoothing", forgets(func(v *variant, src *model.Image, stylization *model.Stylization) bool {
			return continues(v, src, stylization) && v.mask == stylization.Mask
		})},
		{"cut ignored", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			s = float32(model.StatsShare(float64(s), model.StatsDistance(now, before.inForce), cut))
			return remembered{now, blend(s, now, before.inForce)}, true
		})},
		{"lag without limit", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			kept, on := smooth(s, cut, now, before)
			if on {
				kept.inForce = blend(s, now, before.inForce)
			}
			return kept, on
		})},
		{"lag limited at twice as much", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			kept, on := smooth(s, cut, now, before)
			if on {
				s = float32(model.StatsShare(float64(s), model.StatsDistance(now, before.inForce), 2*cut))
				kept.inForce = blend(s, now, before.inForce)
			}
			return kept, on
		})},
		{"goes on from the content", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			return smooth(s, cut, now, remembered{before.content, before.content})
		})},
		{"remembers only while it smooths", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			kept, on := smooth(s, cut, now, before)
			if s == 0 {
				kept.inForce = before.inForce
			}
			return kept, on
		})},
		{"std not smoothed", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			kept, on := smooth(s, cut, now, before)
			kept.inForce = model.Stats{Mean: kept.inForce.Mean, Std: now.Std}
			return kept, on
		})},
		{"mean not smoothed", "smoothing", smooths(func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
			kept, on := smooth(s, cut, now, before)
			kept.inForce = model.Stats{Mean: now.Mean, Std: kept.inForce.Std}
			return kept, on
		})},
		{"statistics remembered", "smoothing", func(w *model.Weights, o model.Options) (model.Engine, error) {
			var v *variant
			e, err := openVariant(func(made *variant) {
				v = made
				made.statistics = func(x ref.Features, share []float64) model.Stats {
					s := weighted(x, share)
					if x.W == 3 && len(v.before) > 0 { // the picture of the case that asks for statistics
						v.before[0].inForce = s
					}
					return s
				}
			})(w, o)
			return e, err
		}},
	}
}

// Every seeded defect of the controls has to be found by its case.
// In a short run each case finds its first two defects.
func TestSuiteFindsDefectsOfControls(t *testing.T) {
	times := map[string]int{}
	for _, d := range slices.Concat(tableDefects(), maskDefects(), colourDefects(), smoothingDefects(), pixelDefects(), motionDefects(), sizeDefects()) {
		if times[d.found]++; testing.Short() && times[d.found] > 2 {
			continue
		}
		t.Run(d.found+"/"+d.name, func(t *testing.T) {
			mustFind(t, Cases(d.open, Float32), d.found)
		})
	}
}

// The film's frames must be far enough from SceneCut on the side where they belong that no engine's rounding decides. This holds
// also where nothing is to be remembered: an engine that does so must not be saved by a cut.
func TestFilm(t *testing.T) {
	w := RandomWeights(1, Widths)
	var frameBefore model.Stats
	var before []ref.Region
	var mask *model.Mask
	for _, f := range film(Widths[3]) {
		check := func(what string, now, before model.Stats) {
			d, cut := model.StatsDistance(now, before), model.SceneCut(f.width, f.height)
			if f.cut && !(d > 1.5*cut) || !f.cut && !(d < 0.7*cut) {
				t.Errorf("%s, %s: distance %.3f, scene cut %.3f", f.what, what, d, cut)
			}
		}
		x := ref.Encode(w, ref.Read(f.content().Image))[3]
		if frameBefore.Mean != nil {
			check("frame", ref.Statistics(x), frameBefore)
		}
		s := f.stylization(w)
		now := ref.Regions(s, x, f.width, f.height)
		if mask.SameRegions(s.Mask) {
			for i := range before {
				check(fmt.Sprint("region ", i+1), now[i].Content.Stats(), before[i].Content.Stats())
			}
		}
		frameBefore, before, mask = ref.Statistics(x), now, s.Mask
	}
}
