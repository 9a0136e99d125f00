package ref

import (
	"math"

	"adainfilter/model"
	"adainfilter/model/lut"
)

// Region is a part of the features that takes a style of its own.
type Region struct {
	Share   []float64 // of each pixel that belongs to it, 0 to 1, (H,W)
	Content Moments   // in force; without values where the region is empty
	Style   Moments
}

// Regions are those that a stylization divides relu4_1 of a frame of width x height into, with the moments of their content.
func Regions(s *model.Stylization, x Features, width, height int) []Region {
	first := Region{Share: everywhere(x), Style: moments(s.Style)}
	if s.Mask == nil {
		first.Content = NewMoments(x)
		return []Region{first}
	}
	second := Region{Share: make([]float64, x.H*x.W), Style: moments(s.Mask.Second)}
	shares := make([]float32, x.H*x.W)
	s.Mask.Shares(width, height, shares)
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
	size    [4]int // of the frame before and as the network saw it; 0 if there was none
	mask    *model.Mask
	before  *lut.Table
	content []Moments // of its regions
	inForce []Moments
}

// smooth puts the moments in force in place of those of the frame's content, and remembers both. It says whether all regions that are
// not empty go on from the frame before.
func (h *history) smooth(stylization *model.Stylization, regions []Region, frame, small *model.Image) bool {
	size := [4]int{frame.Width, frame.Height, small.Width, small.Height}
	continues := !stylization.Discontinuity && h.size == size && h.mask.SameRegions(stylization.Mask) && h.before == stylization.Before
	if !continues {
		h.content, h.inForce = make([]Moments, len(regions)), make([]Moments, len(regions))
	}
	h.size, h.mask, h.before = size, stylization.Mask, stylization.Before
	cut := model.SceneCut(small.Width, small.Height)
	for i := range regions {
		content, before := regions[i].Content, h.inForce[i]
		if content.Mean == nil {
			continue
		}
		if before.Mean == nil || !(model.StatsDistance(content.Stats(), h.content[i].Stats()) <= cut) {
			continues, before = false, content
		}
		s := model.StatsShare(float64(stylization.Smoothing), model.StatsDistance(content.Stats(), before.Stats()), cut)
		inForce := Moments{make([]float64, len(content.Mean)), make([]float64, len(content.Mean))}
		for c := range content.Mean {
			inForce.Mean[c] = s*before.Mean[c] + (1-s)*content.Mean[c]
			inForce.Std[c] = s*before.Std[c] + (1-s)*content.Std[c]
		}
		h.content[i], h.inForce[i], regions[i].Content = content, inForce, inForce
	}
	return continues
}
