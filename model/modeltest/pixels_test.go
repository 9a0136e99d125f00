package modeltest

import (
	"adainfilter/model"
	"adainfilter/model/ref"
)

// pixels is what a variant does with samples: parts of the reference, and whatever a test replaces.
type pixels struct {
	reduce  func(dst, src *model.Image)
	enlarge func(dst, src, small, result *model.Image)
	moved   func(frame, before *model.Image) []int
	blend   func(result, before *model.Image, moved []int, weight int)
	goesOn  func(p *pixels, frame *model.Image, look *model.Look) bool // besides the statistics
	past    past
}

// past is the frame before; without pictures there is none.
type past struct {
	frame, result *model.Image // result is blended
	look          model.Look
}

func newPixels() pixels {
	return pixels{reduce: ref.Reduce, enlarge: ref.Enlarge, moved: ref.Moved, blend: ref.Blend, goesOn: pixelsGoOn}
}

func pixelsGoOn(p *pixels, frame *model.Image, look *model.Look) bool {
	return sameKind(p, frame, look) && sameStyles(p, frame, look) && look.Alpha == p.past.look.Alpha
}

func sameKind(p *pixels, frame *model.Image, _ *model.Look) bool {
	return frame.Format == p.past.frame.Format && frame.Colorimetry == p.past.frame.Colorimetry
}

func sameStyles(p *pixels, _ *model.Image, look *model.Look) bool {
	a, b := look, &p.past.look
	same := func(a, b model.Stats) bool {
		return CheckClose("", a.Mean, b.Mean, 0) == nil && CheckClose("", a.Std, b.Std, 0) == nil
	}
	return same(a.Style, b.Style) && (a.Mask == nil || b.Mask == nil || same(a.Mask.Second, b.Mask.Second))
}

// shrink is the frame as the network sees it.
func (p *pixels) shrink(src *model.Image, look *model.Look) *model.Image {
	w, h := look.Size(src.Width, src.Height)
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
func (v *variant) finish(dst, src, small *model.Image, result ref.Features, look *model.Look, goesOn bool) {
	p := &v.pixels
	if small == src && look.Smoothing == 0 {
		p.past = past{}
		if look.PreserveColor {
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
	if goesOn && look.Smoothing > 0 && p.past.result != nil && p.goesOn(p, src, look) {
		p.blend(samples, p.past.result, p.moved(src, p.past.frame), model.BlendWeight(look.Smoothing))
	}
	p.past = past{}
	if look.Smoothing > 0 {
		p.past = past{frame: samplesOf(src), result: samples, look: *look}
	}
	v.paint(dst, src, samples, look.PreserveColor)
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
	case preserve && src.Format.YUV():
		copySamples(luminance, src)
		copy(luminance.Planes[0].Data, samples.Planes[0].Data)
	case preserve:
		v.write(luminance, src, ref.Read(samples))
	}
	for y := range src.Height { // alpha and padding
		for i := 3; src.Format >= model.RGBA && src.Format <= model.BGRx && i < 4*src.Width; i += 4 {
			luminance.Planes[0].Data[y*luminance.Planes[0].Stride+i] = src.Planes[0].Data[y*src.Planes[0].Stride+i]
		}
	}
	copySamples(dst, luminance)
}

// pixelDefects are wrong in what pixels follow.
func pixelDefects() []defect {
	change := func(what func(p *pixels)) model.Opener { return openVariant(func(v *variant) { what(&v.pixels) }) }
	goOn := func(when func(p *pixels, frame *model.Image, look *model.Look) bool) model.Opener {
		return change(func(p *pixels) { p.goesOn = when })
	}
	weight := func(w func(weight int) int) model.Opener {
		return change(func(p *pixels) {
			p.blend = func(result, before *model.Image, moved []int, weight int) {
				ref.Blend(result, before, moved, w(weight))
			}
		})
	}
	return []defect{
		{"pixels do not follow", "steady", weight(func(int) int { return 0 })},
		{"weight without limit", "steady", weight(func(w int) int { return min(w+w/20, 255) })},
		{"rounded down", "steady", weight(func(w int) int { return w - 1 })},
		{"follows where the frame moves", "steady", change(func(p *pixels) {
			p.moved = func(frame, _ *model.Image) []int { return make([]int, frame.Width*frame.Height) }
		})},
		{"change of the pixel alone", "steady", change(func(p *pixels) {
			p.moved = func(frame, before *model.Image) []int {
				out := make([]int, frame.Width*frame.Height)
				for i := range out {
					x, y := i%frame.Width, i/frame.Width
					one, other := model.NewImage(frame.Format, 1, 1), model.NewImage(frame.Format, 1, 1)
					for c, to := range ref.Channels(one) {
						px, py := x, y
						if frame.Format.YUV() && c > 0 {
							px, py = x/2, y/2
						}
						*to.At(0, 0) = *ref.Channels(frame)[c].At(px, py)
						*ref.Channels(other)[c].At(0, 0) = *ref.Channels(before)[c].At(px, py)
					}
					out[i] = ref.Moved(one, other)[0]
				}
				return out
			}
		})},
		{"change of luminance only", "steady", change(func(p *pixels) {
			p.moved = func(frame, before *model.Image) []int {
				if !frame.Format.YUV() {
					return ref.Moved(frame, before)
				}
				grey := samplesOf(frame)
				for i := 1; i < frame.Format.Planes(); i++ {
					copy(grey.Planes[i].Data, before.Planes[i].Data)
				}
				return ref.Moved(grey, before)
			}
		})},
		{"follows what was not blended", "steady", change(func(p *pixels) {
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
		{"follows in spite of the format", "steady", goOn(func(p *pixels, frame *model.Image, look *model.Look) bool {
			p.past.frame.Format, p.past.result.Format = frame.Format, frame.Format
			return len(p.past.frame.Planes[2].Data) == len(frame.Planes[2].Data) && pixelsGoOn(p, frame, look)
		})},
		{"follows in spite of the colorimetry", "steady", goOn(func(p *pixels, frame *model.Image, look *model.Look) bool {
			p.past.frame.Colorimetry = frame.Colorimetry
			return pixelsGoOn(p, frame, look)
		})},
		{"follows in spite of the style", "steady", goOn(func(p *pixels, frame *model.Image, look *model.Look) bool {
			return sameKind(p, frame, look) && look.Alpha == p.past.look.Alpha
		})},
		{"follows in spite of alpha", "steady", goOn(func(p *pixels, frame *model.Image, look *model.Look) bool {
			return sameKind(p, frame, look) && sameStyles(p, frame, look)
		})},
		{"follows the preserved colours", "steady", goOn(func(p *pixels, frame *model.Image, look *model.Look) bool {
			if p.past.look.PreserveColor && !frame.Format.YUV() {
				kept := samplesOf(p.past.result)
				ref.WriteLuminance(kept, p.past.frame, ref.Read(p.past.result))
				p.past.result = kept
			}
			return pixelsGoOn(p, frame, look)
		})},
		{"ends with other colours", "steady", goOn(func(p *pixels, frame *model.Image, look *model.Look) bool {
			return pixelsGoOn(p, frame, look) && p.past.look.PreserveColor == look.PreserveColor
		})},
		{"fresh ignored", "steady", withLook(func(l *model.Look) { l.Fresh = false })},
		{"always fresh", "steady", withLook(func(l *model.Look) { l.Fresh = true })},
		{"processing size ignored", "steady", openVariant(func(v *variant) {
			v.goesOn = func(v *variant, src *model.Image, look *model.Look) bool {
				v.size[2] = look.ProcessingSize
				return goesOn(v, src, look)
			}
		})},
		{"follows after a frame without smoothing", "steady", around(func(e model.Engine, dst, src *model.Image, look *model.Look) error {
			l := *look
			l.Smoothing = max(l.Smoothing, 1e-3)
			return e.Stylize(dst, src, &l)
		})},
		{"follows across a cut", "steady", openVariant(func(v *variant) {
			v.smooth = func(s float32, now model.Stats, before remembered) (remembered, bool) {
				kept, _ := smooth(s, now, before)
				return kept, true
			}
		})},
	}
}

// sizeDefects are wrong in how a frame becomes smaller and its result larger.
func sizeDefects() []defect {
	change := func(what func(p *pixels)) model.Opener { return openVariant(func(v *variant) { what(&v.pixels) }) }
	return []defect{
		{"processing size ignored", "processing size", withLook(func(l *model.Look) { l.ProcessingSize = 0 })},
		{"processing size enlarges", "processing size", withLook(func(l *model.Look) { l.ProcessingSize = min(l.ProcessingSize, 71) })},
		{"every n-th pixel", "processing size", change(func(p *pixels) {
			p.reduce = func(dst, src *model.Image) {
				from := ref.Channels(src)
				for c, to := range ref.Channels(dst) {
					for y := range to.Height {
						for x := range to.Width {
							*to.At(x, y) = *from[c].At(x*from[c].Width/to.Width, y*from[c].Height/to.Height)
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
				for y := range src.Height {
					row := beside.Planes[0].Data[y*beside.Planes[0].Stride:][:beside.Planes[0].Stride]
					bytes, _ := src.Format.Plane(0, 1, 1)
					copy(row[bytes:], row[:len(row)-bytes])
				}
				ref.Enlarge(dst, beside, small, result)
				if src.Format >= model.RGBA && src.Format <= model.BGRx {
					for i := 3; i < len(dst.Planes[0].Data); i += 4 {
						dst.Planes[0].Data[i] = src.Planes[0].Data[i/4/src.Width*src.Planes[0].Stride+i%(4*src.Width)]
					}
				}
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
