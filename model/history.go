package model

import "slices"

// History is what an engine has to know of the frame before to tell whether the next one goes on from it, as smoothing.go says. The zero
// value is that of an engine that has stylized none. Methods allocate nothing for looks with as many channels as before.
type History struct {
	known          bool
	frame, network [2]int // sizes: width and height
	mask           *Mask
	smoothed       bool // what follows is of such a frame only
	format         Format
	colorimetry    Colorimetry
	alpha          float32
	style, second  Stats // copies
}

// Forget makes the next frame the first, as after a failure.
func (h *History) Forget() { h.known = false }

// Remember makes src with its look, which has been stylized, the frame before.
func (h *History) Remember(src *Image, look *Look) {
	w, height := look.Size(src.Width, src.Height)
	h.known, h.frame, h.network, h.mask = true, [2]int{src.Width, src.Height}, [2]int{w, height}, look.Mask
	if h.smoothed = look.Smoothing > 0; !h.smoothed {
		return
	}
	h.format, h.colorimetry, h.alpha = src.Format, src.Colorimetry, look.Alpha
	h.style.copy(look.Style)
	h.second.copy(look.second())
}

// Statistics says whether those of src may go on from those of the frame before; a scene cut is for the engine to find.
func (h *History) Statistics(src *Image, look *Look) bool {
	w, height := look.Size(src.Width, src.Height)
	return !look.Fresh && h.known && h.frame == [2]int{src.Width, src.Height} && h.network == [2]int{w, height} && h.mask.SameRegions(look.Mask)
}

// Pixels says whether the pixels of src may follow those of the frame before where its statistics go on.
func (h *History) Pixels(src *Image, look *Look) bool {
	return h.Statistics(src, look) && h.smoothed && look.Smoothing > 0 && h.format == src.Format && h.colorimetry == src.Colorimetry &&
		h.alpha == look.Alpha && h.style.equal(look.Style) && h.second.equal(look.second())
}

// second is the style of the second region, without values where there is none.
func (l *Look) second() Stats {
	if l.Mask == nil {
		return Stats{}
	}
	return l.Mask.Second
}

func (s Stats) equal(other Stats) bool {
	return slices.Equal(s.Mean, other.Mean) && slices.Equal(s.Std, other.Std)
}

// copy takes the values over into memory that is kept.
func (s *Stats) copy(from Stats) {
	s.Mean, s.Std = append(s.Mean[:0], from.Mean...), append(s.Std[:0], from.Std...)
}
