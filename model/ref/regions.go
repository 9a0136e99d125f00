package ref

import (
	"math"

	"adainfilter/model"
)

// Region is a part of the features that takes a style of its own.
type Region struct {
	Share   []float64 // of each pixel that belongs to it, 0 to 1, (H,W)
	Content Moments   // in force; without values where the region is empty
	Style   Moments
}

// Regions are those that a look divides relu4_1 of a frame of width x height into, with the moments of their content.
func Regions(look *model.Look, x Features, width, height int) []Region {
	first := Region{Share: everywhere(x), Style: moments(look.Style)}
	if look.Mask == nil {
		first.Content = NewMoments(x)
		return []Region{first}
	}
	second := Region{Share: make([]float64, x.H*x.W), Style: moments(look.Mask.Second)}
	shares := make([]float32, x.H*x.W)
	look.Mask.Shares(width, height, shares)
	for i, m := range shares {
		first.Share[i], second.Share[i] = float64(m), 1-float64(m)
	}
	first.Content, second.Content = WeightedMoments(x, first.Share), WeightedMoments(x, second.Share)
	return []Region{first, second}
}

// everywhere is the share of a region that is all there is.
func everywhere(x Features) []float64 {
	share := make([]float64, x.H*x.W)
	for i := range share {
		share[i] = 1
	}
	return share
}

// WeightedMoments are those of each channel where pixels count by their share (H,W), in two passes; none where all shares are 0.
func WeightedMoments(x Features, share []float64) Moments {
	var n float64
	for _, m := range share {
		n += m
	}
	if n == 0 {
		return Moments{}
	}
	out := Moments{make([]float64, x.C), make([]float64, x.C)}
	for c := range x.C {
		var sum, square float64
		for i, v := range x.Plane(c) {
			sum += share[i] * v
		}
		mean := sum / n
		for i, v := range x.Plane(c) {
			square += share[i] * (v - mean) * (v - mean)
		}
		out.Mean[c], out.Std[c] = mean, math.Sqrt(square/n+model.Epsilon)
	}
	return out
}

// Adapt is alpha*t + (1-alpha)*x, where t is the sum over the regions, by their shares, of x with the region's style:
// (x - mean)/std * style.Std + style.Mean.
func Adapt(x Features, regions []Region, alpha float64) Features {
	out := NewFeatures(x.C, x.H, x.W)
	for c := range x.C {
		for i, v := range x.Plane(c) {
			var t float64
			for _, r := range regions {
				if r.Share[i] > 0 {
					t += r.Share[i] * ((v-r.Content.Mean[c])/r.Content.Std[c]*r.Style.Std[c] + r.Style.Mean[c])
				}
			}
			out.Plane(c)[i] = alpha*t + (1-alpha)*v
		}
	}
	return out
}

// history is what the smoothing of a frame's statistics goes on from.
type history struct {
	width, height int // of the frame before; 0 if there was none
	mask          *model.Mask
	content       []Moments // of its regions, in force
}

// smooth puts the moments in force in place of those of the frame's content, and remembers them.
func (h *history) smooth(look *model.Look, regions []Region, width, height int) {
	if look.Fresh || h.width != width || h.height != height || !h.mask.SameRegions(look.Mask) {
		h.content = make([]Moments, len(regions))
	}
	h.width, h.height, h.mask = width, height, look.Mask
	s := float64(look.Smoothing)
	for i := range regions {
		now, before := regions[i].Content, h.content[i]
		if before.Mean != nil && model.StatsDistance(now.Stats(), before.Stats()) <= model.SceneCut {
			for c := range now.Mean {
				now.Mean[c] = s*before.Mean[c] + (1-s)*now.Mean[c]
				now.Std[c] = s*before.Std[c] + (1-s)*now.Std[c]
			}
		}
		h.content[i] = now
	}
}
