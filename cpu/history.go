package cpu

import (
	"slices"

	"adainfilter/model"
)

// seen is a frame that was stylised, as far as its statistics are concerned; the zero value is none.
type seen struct {
	frame, network [2]int // sizes: width and height
	mask           *model.Mask
}

func see(src *model.Image, look *model.Look) seen {
	w, h := look.Size(src.Width, src.Height)
	return seen{[2]int{src.Width, src.Height}, [2]int{w, h}, look.Mask}
}

// leadsTo says whether the statistics of a frame may go on from those of this one.
func (s seen) leadsTo(now seen) bool {
	return s.frame == now.frame && s.network == now.network && s.mask.SameRegions(now.mask)
}

// blended is what else the pixels of a frame need in common with the one before. Its statistics are copies in memory that is kept.
type blended struct {
	known         bool // there is such a frame, and its smoothing was above 0
	format        model.Format
	colorimetry   model.Colorimetry
	alpha         float32
	style, second model.Stats
}

// leadsTo says whether the pixels of a frame may go on from those of this one.
func (b *blended) leadsTo(src *model.Image, look *model.Look) bool {
	return b.known && look.Smoothing > 0 && b.format == src.Format && b.colorimetry == src.Colorimetry && b.alpha == look.Alpha &&
		equal(b.style, look.Style) && equal(b.second, second(look))
}

// remember makes b the frame that was stylised.
func (b *blended) remember(src *model.Image, look *model.Look) {
	b.known = look.Smoothing > 0
	if !b.known {
		return
	}
	b.format, b.colorimetry, b.alpha = src.Format, src.Colorimetry, look.Alpha
	keep(&b.style, look.Style)
	keep(&b.second, second(look))
}

// second is the statistics of the second region's style, without values where there is none.
func second(look *model.Look) model.Stats {
	if look.Mask == nil {
		return model.Stats{}
	}
	return look.Mask.Second
}

func equal(a, b model.Stats) bool { return slices.Equal(a.Mean, b.Mean) && slices.Equal(a.Std, b.Std) }

func keep(to *model.Stats, s model.Stats) {
	to.Mean, to.Std = append(to.Mean[:0], s.Mean...), append(to.Std[:0], s.Std...)
}
