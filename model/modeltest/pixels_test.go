package modeltest

import (
	"adainfilter/model"
	"adainfilter/model/ref"
)

// pixels is what a variant does with samples: parts of the reference, and whatever a test replaces.
type pixels struct {
	reduce    func(dst, src *model.Image)
	enlarge   func(dst, src, small, result *model.Image)
	moved     func(frame, before *model.Image) []int
	blend     func(result, before *model.Image, moved []int, weight int)
	find      func(frame, before *model.Image, shift int) *ref.Cells
	follow    func(result, frame, frameBefore, before *model.Image, cells *ref.Cells, weight int) (shown *model.Image)
	continues func(p *pixels, frame *model.Image, s *model.Stylization) bool // besides the statistics
	past      past
}

// past is the frame before; without pictures there is none.
type past struct {
	frame, result *model.Image // result is blended
	stylization   model.Stylization
}

func newPixels() pixels {
	return pixels{reduce: ref.Reduce, enlarge: ref.Enlarge, moved: ref.Moved, blend: ref.Blend, find: ref.Find, follow: ref.Follow, continues: pixelsGoOn}
}

func pixelsGoOn(p *pixels, frame *model.Image, s *model.Stylization) bool {
	return sameKind(p, frame, s) && sameStyles(p, frame, s) && s.Alpha == p.past.stylization.Alpha &&
		s.After == p.past.stylization.After
}

func sameKind(p *pixels, frame *model.Image, _ *model.Stylization) bool {
	return frame.Format == p.past.frame.Format && frame.Colorimetry == p.past.frame.Colorimetry
}

func sameStyles(p *pixels, _ *model.Image, s *model.Stylization) bool {
	a, b := s, &p.past.stylization
	same := func(a, b model.Stats) bool {
		return CheckClose("", a.Mean, b.Mean, 0) == nil && CheckClose("", a.Std, b.Std, 0) == nil
	}
	return same(a.Style, b.Style) && (a.Mask == nil || b.Mask == nil || same(a.Mask.Second, b.Mask.Second))
}

// shrink is the frame as the network sees it.
func (p *pixels) shrink(src *model.Image, s *model.Stylization) *model.Image {
	w, h := s.Size(src.Width, src.Height)
	if w == src.Width && h == src.Height {
		return src
	}
	small := likeness(src, w, h)
	p.reduce(small, src)
	return small
}

// likeness is a new picture of the kind of another.
func likeness(like *model.Image, w, h int) *model.Image {
	m := model.NewImage(like.Format, w, h)
	m.Colorimetry = like.Colorimetry
	return m
}

// finish makes dst of the network's result for the frame as it saw it.
func (v *variant) finish(dst, src, small *model.Image, result ref.Features, s *model.Stylization, continues bool) {
	p := &v.pixels
	if small == src && s.Smoothing == 0 {
		p.past = past{}
		if s.PreserveColor {
			v.write(dst, src, result)
		} else {
			ref.Write(dst, src, result)
		}
		return
	}
	samples := likeness(src, small.Width, small.Height)
	ref.Write(samples, small, result)
	if small != src {
		larger := likeness(src, src.Width, src.Height)
		p.enlarge(larger, src, small, samples)
		samples = larger
	}
	shown := samples
	if continues && s.Smoothing > 0 && p.past.result != nil && p.continues(p, src, s) {
		if s.Motion {
			before := src
			if p.past.stylization.Motion {
				before = p.past.frame
			}
			w, h := s.Size(src.Width, src.Height)
			cells := p.find(src, before, model.MotionShift(src.Width, src.Height, w, h))
			shown = p.follow(samples, src, p.past.frame, p.past.result, cells, model.MotionWeight(s.Smoothing))
		} else {
			p.blend(samples, p.past.result, p.moved(src, p.past.frame), model.BlendWeight(s.Smoothing))
		}
	}
	p.past = past{}
	if s.Smoothing > 0 {
		p.past = past{frame: samplesOf(src), result: samples, stylization: *s}
	}
	v.paint(dst, src, shown, s.PreserveColor)
}

// samplesOf is a copy of a picture.
func samplesOf(m *model.Image) *model.Image {
	c := likeness(m, m.Width, m.Height)
	copySamples(c, m)
	return c
}

func copySamples(dst, src *model.Image) {
	for i := range src.Format.Planes() {
		row, rows := src.Format.Plane(i, src.Width, src.Height)
		for y := range rows {
			copy(dst.Planes[i].Data[y*dst.Planes[i].Stride:][:row], src.Planes[i].Data[y*src.Planes[i].Stride:])
		}
	}
}

// paint writes the samples of a result, or their luminance.
func (v *variant) paint(dst, src, samples *model.Image, preserve bool) {
	luminance := samplesOf(samples)
	switch {
	case preserve && src.Format.Layout().Colour != model.ColourRGB:
		from := ref.Channels(src)
		for c, to := range ref.Channels(luminance)[1:] {
			copyChannel(to, from[c+1])
		}
	case preserve:
		v.write(luminance, src, ref.Read(samples))
	}
	copyKept(luminance, src)
	copySamples(dst, luminance)
}

// copyKept gives dst the alpha or padding of src.
func copyKept(dst, src *model.Image) {
	if to, ok := ref.Copied(dst); ok {
		from, _ := ref.Copied(src)
		copyChannel(to, from)
	}
}

// copyChannel gives to the samples of from.
func copyChannel(to, from ref.Channel) {
	for i := range to.Width * to.Height {
		to.Set(i%to.Width, i/to.Width, from.Get(i%to.Width, i/to.Width))
	}
}

// pixelDefects are wrong in what pixels follow.
func pixelDefects() []defect {
	change := func(what func(p *pixels)) model.Opener { return openVariant(func(v *variant) { what(&v.pixels) }) }
	goOn := func(when func(p *pixels, frame *model.Image, stylization *model.Stylization) bool) model.Opener {
		return change(func(p *pixels) { p.continues = when })
	}
	weight := func(w func(weight int) int) model.Opener {
		return change(func(p *pixels) {
			p.blend = func(result, before *model.Image, moved []int, weight int) {
				ref.Blend(result, before, moved, w(weight))
			}
		})
	}
	return []defect{
		{"pixels do not follow", "temporal blend", weight(func(int) int { return 0 })},
		{"weight without limit", "temporal blend", weight(func(w int) int { return min(w+w/20, 255) })},
		{"rounded down", "temporal blend", weight(func(w int) int { return w - 1 })},
		{"follows where the frame moves", "temporal blend", change(func(p *pixels) {
			p.moved = func(frame, _ *model.Image) []int { return make([]int, frame.Width*frame.Height) }
		})},
		{"change of the pixel alone", "temporal blend", change(func(p *pixels) {
			p.moved = func(frame, before *model.Image) []int {
				out := make([]int, frame.Width*frame.Height)
				for i := range out {
					x, y := i%frame.Width, i/frame.Width
					one, other := model.NewImage(frame.Format, 1, 1), model.NewImage(frame.Format, 1, 1)
					for c, to := range ref.Channels(one) {
						px, py := x, y
						if l := frame.Format.Layout(); frame.Format.YUV() && c > 0 {
							px, py = x>>l.SubX, y>>l.SubY
						}
						to.Set(0, 0, ref.Channels(frame)[c].Get(px, py))
						ref.Channels(other)[c].Set(0, 0, ref.Channels(before)[c].Get(px, py))
					}
					out[i] = ref.Moved(one, other)[0]
				}
				return out
			}
		})},
		{"change of luminance only", "temporal blend", change(func(p *pixels) {
			p.moved = func(frame, before *model.Image) []int {
				if !frame.Format.YUV() {
					return ref.Moved(frame, before)
				}
				grey := samplesOf(frame)
				from := ref.Channels(before)
				for c, to := range ref.Channels(grey)[1:] {
					copyChannel(to, from[c+1])
				}
				return ref.Moved(grey, before)
			}
		})},
		{"follows what was not blended", "temporal blend", change(func(p *pixels) {
			var raw *model.Image
			p.blend = func(result, before *model.Image, moved []int, weight int) {
				now := samplesOf(result)
				if raw != nil && raw.Format == result.Format && raw.Width == result.Width {
					before = raw
				}
				ref.Blend(result, before, moved, weight)
				raw = now
			}
		})},
		{"follows in spite of the format", "temporal blend", goOn(func(p *pixels, frame *model.Image, stylization *model.Stylization) bool {
			for i := range frame.Planes {
				if len(p.past.frame.Planes[i].Data) < len(frame.Planes[i].Data) {
					return false // nothing to follow: its memory looks different
				}
			}
			p.past.frame.Format, p.past.result.Format = frame.Format, frame.Format
			return pixelsGoOn(p, frame, stylization)
		})},
		{"follows in spite of the colorimetry", "temporal blend", goOn(func(p *pixels, frame *model.Image, stylization *model.Stylization) bool {
			p.past.frame.Colorimetry = frame.Colorimetry
			return pixelsGoOn(p, frame, stylization)
		})},
		{"follows in spite of the style", "temporal blend", goOn(func(p *pixels, frame *model.Image, stylization *model.Stylization) bool {
			return sameKind(p, frame, stylization) && stylization.Alpha == p.past.stylization.Alpha
		})},
		{"follows in spite of alpha", "temporal blend", goOn(func(p *pixels, frame *model.Image, stylization *model.Stylization) bool {
			return sameKind(p, frame, stylization) && sameStyles(p, frame, stylization)
		})},
		{"follows the preserved colours", "temporal blend", goOn(func(p *pixels, frame *model.Image, stylization *model.Stylization) bool {
			if p.past.stylization.PreserveColor && !frame.Format.YUV() {
				kept := samplesOf(p.past.result)
				ref.WriteLuminance(kept, p.past.frame, ref.Read(p.past.result))
				p.past.result = kept
			}
			return pixelsGoOn(p, frame, stylization)
		})},
		{"ends with other colours", "temporal blend", goOn(func(p *pixels, frame *model.Image, stylization *model.Stylization) bool {
			return pixelsGoOn(p, frame, stylization) && p.past.stylization.PreserveColor == stylization.PreserveColor
		})},
		{"discontinuity ignored", "temporal blend", withStylization(func(s *model.Stylization) { s.Discontinuity = false })},
		{"always a discontinuity", "temporal blend", withStylization(func(s *model.Stylization) { s.Discontinuity = true })},
		{"processing size ignored", "temporal blend", openVariant(func(v *variant) {
			v.continues = func(v *variant, src *model.Image, stylization *model.Stylization) bool {
				v.size[2] = stylization.ProcessingSize
				return continues(v, src, stylization)
			}
		})},
		{"follows after a frame without smoothing", "temporal blend", around(func(e model.Engine, dst, src *model.Image, stylization *model.Stylization) error {
			s := *stylization
			s.Smoothing = max(s.Smoothing, 1e-3)
			return e.Stylize(dst, src, &s)
		})},
		{"follows across a cut", "temporal blend", openVariant(func(v *variant) {
			v.smooth = func(s float32, cut float64, now model.Stats, before remembered) (remembered, bool) {
				kept, _ := smooth(s, cut, now, before)
				return kept, true
			}
		})},
	}
}

// motionDefects are wrong in what follows the motion.
func motionDefects() []defect {
	change := func(what func(p *pixels)) model.Opener { return openVariant(func(v *variant) { what(&v.pixels) }) }
	follow := func(what func(result, frame, frameBefore, before *model.Image, cells *ref.Cells, weight int) *model.Image) model.Opener {
		return change(func(p *pixels) { p.follow = what })
	}
	return []defect{
		{"motion ignored", "motion", withStylization(func(s *model.Stylization) { s.Motion = false })},
		{"nothing moves", "motion", change(func(p *pixels) {
			p.find = func(frame, _ *model.Image, shift int) *ref.Cells { return ref.Find(frame, frame, shift) }
		})},
		{"moves the other way", "motion", change(func(p *pixels) {
			p.find = func(frame, before *model.Image, shift int) *ref.Cells { return ref.Find(before, frame, shift) }
		})},
		{"level 0 of another size", "motion", change(func(p *pixels) {
			p.find = func(frame, before *model.Image, shift int) *ref.Cells { return ref.Find(frame, before, shift+1) }
		})},
		{"not sharpened", "motion", follow(func(result, frame, frameBefore, before *model.Image, cells *ref.Cells, weight int) *model.Image {
			ref.Follow(result, frame, frameBefore, before, cells, weight)
			return result
		})},
		{"follows what is shown", "motion", follow(func(result, frame, frameBefore, before *model.Image, cells *ref.Cells, weight int) *model.Image {
			shown := ref.Follow(result, frame, frameBefore, before, cells, weight)
			copySamples(result, shown)
			return shown
		})},
		{"follows the plain result", "motion", follow(func(result, frame, frameBefore, before *model.Image, cells *ref.Cells, weight int) *model.Image {
			plain := samplesOf(result)
			shown := ref.Follow(result, frame, frameBefore, before, cells, weight)
			copySamples(result, plain)
			return shown
		})},
		{"change where it was", "motion", follow(func(result, frame, _, before *model.Image, cells *ref.Cells, weight int) *model.Image {
			return ref.Follow(result, frame, frame, before, cells, weight)
		})},
		{"half the weight", "motion", follow(func(result, frame, frameBefore, before *model.Image, cells *ref.Cells, weight int) *model.Image {
			return ref.Follow(result, frame, frameBefore, before, cells, weight/2)
		})},
		{"motion of what was not known", "motion", change(func(p *pixels) {
			p.find = func(frame, _ *model.Image, shift int) *ref.Cells { return ref.Find(frame, p.past.frame, shift) }
		})},
	}
}

// sizeDefects are wrong in how a frame becomes smaller and its result larger.
func sizeDefects() []defect {
	change := func(what func(p *pixels)) model.Opener { return openVariant(func(v *variant) { what(&v.pixels) }) }
	return []defect{
		{"processing size ignored", "processing size", withStylization(func(s *model.Stylization) { s.ProcessingSize = 0 })},
		{"processing size enlarges", "processing size", withStylization(func(s *model.Stylization) { s.ProcessingSize = min(s.ProcessingSize, 71) })},
		{"every n-th pixel", "processing size", change(func(p *pixels) {
			p.reduce = func(dst, src *model.Image) {
				from := ref.Channels(src)
				for c, to := range ref.Channels(dst) {
					for y := range to.Height {
						for x := range to.Width {
							to.Set(x, y, from[c].Get(x*from[c].Width/to.Width, y*from[c].Height/to.Height))
						}
					}
				}
			}
		})},
		{"interpolated", "processing size", change(func(p *pixels) {
			p.enlarge = func(dst, src, small, result *model.Image) {
				flat := likeness(small, small.Width, small.Height) // without contrast there is no slope
				ref.Enlarge(dst, src, flat, result)
			}
		})},
		{"edges a pixel beside", "processing size", change(func(p *pixels) {
			p.enlarge = func(dst, src, small, result *model.Image) {
				beside := samplesOf(src)
				from := ref.Channels(src)
				for c, to := range ref.Channels(beside) {
					for i := range to.Width * to.Height {
						to.Set(i%to.Width, i/to.Width, from[c].Get(max(i%to.Width-1, 0), i/to.Width))
					}
				}
				ref.Enlarge(dst, beside, small, result)
				copyKept(dst, src)
			}
		})},
		{"mask of the frame", "processing size", openVariant(func(v *variant) {
			v.shares = func(m *model.Mask, width, height int, out []float32) {
				turned := *m
				turned.White = append([]uint8(nil), m.White...)
				for i := range turned.White {
					turned.White[i] = m.White[len(m.White)-1-i]
				}
				turned.Shares(width, height, out)
			}
		})},
	}
}
