package model

import (
	"slices"

	"adainfilter/model/lut"
)

// History is what an engine has to know of the frame before to tell whether the next one goes on from it, as smoothing.go says. The zero
// value is that of an engine that has stylized none. Methods allocate nothing for stylizations with as many channels as before.
type History struct {
	known          bool
	frame, network [2]int // sizes: width and height
	mask           *Mask
	before, after  *lut.Table
	smoothed       bool // what follows is of such a frame only
	motion         bool
	format         Format
	colorimetry    Colorimetry
	alpha          float32
	style, second  Stats // copies
}

// Forget makes the next frame the first, as after a failure.
func (h *History) Forget() { h.known = false }

// Remember makes src with the stylization that it was given the frame before.
func (h *History) Remember(src *Image, s *Stylization) {
	w, height := s.Size(src.Width, src.Height)
	h.known, h.frame, h.network, h.mask = true, [2]int{src.Width, src.Height}, [2]int{w, height}, s.Mask
	h.before, h.after = s.Before, s.After
	if h.smoothed = s.Smoothing > 0; !h.smoothed {
		return
	}
	h.format, h.colorimetry, h.alpha, h.motion = src.Format, src.Colorimetry, s.Alpha, s.Motion
	h.style.copy(s.Style)
	h.second.copy(s.second())
}

// ContinuesStatistics says whether those of src may go on from those of the frame before; a scene cut is for the engine to find.
func (h *History) ContinuesStatistics(src *Image, s *Stylization) bool {
	w, height := s.Size(src.Width, src.Height)
	return !s.Discontinuity && h.known && h.frame == [2]int{src.Width, src.Height} && h.network == [2]int{w, height} &&
		h.before == s.Before && h.mask.SameRegions(s.Mask)
}

// ContinuesPixels says whether the pixels of src may follow those of the frame before where its statistics go on.
func (h *History) ContinuesPixels(src *Image, s *Stylization) bool {
	return h.ContinuesStatistics(src, s) && h.smoothed && s.Smoothing > 0 && h.format == src.Format && h.colorimetry == src.Colorimetry &&
		h.alpha == s.Alpha && h.after == s.After && h.style.equal(s.Style) && h.second.equal(s.second())
}

// FollowsMotion says whether the pixels of the frame before, which may be followed, may do so along its motion: an engine need not know what
// the frame before looked like when that did not have Motion.
func (h *History) FollowsMotion(src *Image, s *Stylization) bool {
	return s.Motion && h.motion && h.ContinuesPixels(src, s)
}

// second is the style of the second region, without values where there is none.
func (s *Stylization) second() Stats {
	if s.Mask == nil {
		return Stats{}
	}
	return s.Mask.Second
}

func (s Stats) equal(other Stats) bool {
	return slices.Equal(s.Mean, other.Mean) && slices.Equal(s.Std, other.Std)
}

// copy takes the values over into memory that is kept.
func (s *Stats) copy(from Stats) {
	s.Mean, s.Std = append(s.Mean[:0], from.Mean...), append(s.Std[:0], from.Std...)
}
