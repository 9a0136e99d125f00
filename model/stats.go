package model

import (
	"fmt"
	"math"
)

// Epsilon is added to the variance under the square root (Huang & Belongie's code uses the same).
const Epsilon = 1e-5

// Stats are the statistics of relu4_1 per channel over H x W: mean (C) and std (C) = sqrt(biased variance + Epsilon).
type Stats struct {
	Mean, Std []float32
}

// Check reports statistics that do not fit a network of c channels, or that hold NaN, an infinity or a std below 0.
func (s Stats) Check(c int) error {
	if len(s.Mean) != c || len(s.Std) != c {
		return fmt.Errorf("style statistics have %d means and %d standard deviations, the network wants %d of each", len(s.Mean), len(s.Std), c)
	}
	for i := range c {
		if v := []float32{s.Mean[i], s.Std[i]}; NotFinite(v) >= 0 || v[1] < 0 {
			return fmt.Errorf("style statistics of channel %d are mean %g, std %g: not usable", i, v[0], v[1])
		}
	}
	return nil
}

// Clone is a copy with its own memory.
func (s Stats) Clone() Stats {
	return Stats{append([]float32(nil), s.Mean...), append([]float32(nil), s.Std...)}
}

// Mix interpolates between styles: the weighted mean of their means and of their standard deviations (section 7.2 of the
// paper), with the weights normalised to sum 1. All must have the same length; weights must not be negative, not NaN and
// not all 0; none at all means equal weights.
func Mix(stats []Stats, weights []float64) (Stats, error) {
	if len(stats) == 0 {
		return Stats{}, fmt.Errorf("no style to mix")
	}
	if len(weights) == 0 {
		weights = make([]float64, len(stats))
		for i := range weights {
			weights[i] = 1
		}
	}
	if len(weights) != len(stats) {
		return Stats{}, fmt.Errorf("style-weights has %d values for %d styles, wanted one each", len(weights), len(stats))
	}
	var sum float64
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return Stats{}, fmt.Errorf("style-weights: value %d is %g, wanted 0 or more", i+1, w)
		}
		sum += w
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return Stats{}, fmt.Errorf("style-weights sum to %g, wanted more than 0", sum)
	}
	c := len(stats[0].Mean)
	out := Stats{make([]float32, c), make([]float32, c)}
	for i := range c {
		var m, d float64
		for k, s := range stats {
			if len(s.Mean) != c || len(s.Std) != c {
				return Stats{}, fmt.Errorf("styles of %d and %d channels cannot be mixed", c, len(s.Mean))
			}
			m += weights[k] / sum * float64(s.Mean[i])
			d += weights[k] / sum * float64(s.Std[i])
		}
		out.Mean[i], out.Std[i] = float32(m), float32(d)
	}
	return out, nil
}
