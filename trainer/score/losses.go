package score

import (
	"math"
	"slices"

	"adainfilter/model"
)

// Extract is what the loss network sees of a picture.
type Extract struct {
	Features []float32      // relu4_1, (C,H/8,W/8)
	Levels   [4]model.Stats // of relu1_1, relu2_1, relu3_1 and relu4_1
}

// StyleLoss is equation 13 of Huang & Belongie with means over the channels, as pytorch-AdaIN computes it: the sum over the four
// levels of mean (m(a) - m(b))^2 + mean (d(a) - d(b))^2, with m and d the channels' mean and std.
func StyleLoss(a, b [4]model.Stats) float64 {
	var sum float64
	for i := range a {
		sum += LayerLoss(a[i], b[i])
	}
	return sum
}

// LayerLoss is one level's part of StyleLoss.
func LayerLoss(a, b model.Stats) float64 {
	return ContentLoss(a.Mean, b.Mean) + ContentLoss(a.Std, b.Std)
}

// Step is how far two pictures are from each other for the loss network: the root mean squared difference of relu4_1 whose vectors of channels have
// length 1 at each position (after Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features", with one layer and no trained
// weights). 0 to sqrt(2), as no feature is below 0.
func Step(a, b Extract) float64 {
	channels := len(a.Levels[3].Mean)
	positions := len(a.Features) / channels
	var sum float64
	for i := range positions {
		var aa, bb, ab float64
		for c := range channels {
			x, y := float64(a.Features[c*positions+i]), float64(b.Features[c*positions+i])
			aa, bb, ab = aa+x*x, bb+y*y, ab+x*y
		}
		switch {
		case aa > 0 && bb > 0:
			sum += max(0, 2-2*ab/math.Sqrt(aa*bb))
		case aa > 0 || bb > 0:
			sum++
		}
	}
	return math.Sqrt(sum / float64(positions))
}

// ContentLoss is the mean of (a - b)^2 over features of equal length: equation 12 of Huang & Belongie as pytorch-AdaIN computes
// it, with what the caller wants as the target.
func ContentLoss(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}

// Mean of some values; NaN if there are none.
func Mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Median of some values, the mean of the two middle ones where their number is even; NaN if there are none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(n-1)/2] + v[n/2]) / 2
}
