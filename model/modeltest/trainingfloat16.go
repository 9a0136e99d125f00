package modeltest

import (
	"math"
	"slices"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// TrainingFloat16 is for engines that multiply float16 and keep features and gradients in it, with sums in float32. The reference rounds
// weights, pictures, features and gradients as they do. Where a sum of float32 rounds to another number of float16 than the exact one does,
// one in some thousand, both go apart by 5e-4 of a feature, and the next layers carry that on. A division by the deviation of few pixels
// enlarges it up to 300 times, as in TrainingFloat32, and the gradient of consistency is a difference of results that are almost equal: hence
// the gradients' bound, which is that of TrainingHalf, and the floor. An engine should be held to smaller ones in the case "identity".
var TrainingFloat16 = TrainingTolerance{
	Precision: model.Half, Losses: 2e-2, Gradients: 0.85, Spread: true, Floor: 0.03, Margin: 1e-5, Parts: Float16Parts,
}

// Float16Parts are a reference that rounds as engines of float16 do: to 11 digits, however small a number is, as theirs are scaled.
func Float16Parts() ref.Parts {
	parts := ref.Exact()
	parts.Round = func(x ref.Features) {
		for i, v := range x.Data {
			x.Data[i] = elevenDigits(v)
		}
	}
	parts.Layers = func(layers []model.Conv) []model.Conv {
		layers = slices.Clone(layers)
		rest := layers
		if layers[0].Kernel == 1 {
			layers[1] = roundFolded(layers[0], layers[1])
			rest = layers[2:]
		}
		for i := range rest {
			rest[i].Weight = slices.Clone(rest[i].Weight)
			for k, v := range rest[i].Weight {
				rest[i].Weight[k] = float32(elevenDigits(float64(v)))
			}
		}
		return layers
	}
	return parts
}

// elevenDigits rounds to 11 binary digits, ties to even.
func elevenDigits(v float64) float64 {
	fraction, exponent := math.Frexp(v)
	return math.Ldexp(math.RoundToEven(math.Ldexp(fraction, 11)), exponent-11)
}

// roundFolded is the first layer whose folding with the colour layer is the rounded one of the given first layer.
func roundFolded(colour, first model.Conv) model.Conv {
	folded := model.FoldColour(colour, first)
	m := inverse(colour.Weight)
	out := first
	out.Weight, out.Bias = slices.Clone(first.Weight), slices.Clone(first.Bias)
	for o := range first.Out {
		bias := float64(folded.Bias[o])
		for t := range 9 {
			for c := range 3 {
				var v float64
				for i := range 3 {
					v += elevenDigits(float64(folded.Weight[(o*3+i)*9+t])) * m[i][c]
				}
				out.Weight[(o*3+c)*9+t] = float32(v)
				bias -= v * float64(colour.Bias[c])
			}
		}
		out.Bias[o] = float32(bias)
	}
	return out
}

// inverse is that of a 3x3 matrix.
func inverse(w []float32) (m [3][3]float64) {
	at := func(i, k int) float64 { return float64(w[i%3*3+k%3]) }
	minor := func(i, k int) float64 { return at(i+1, k+1)*at(i+2, k+2) - at(i+1, k+2)*at(i+2, k+1) }
	determinant := at(0, 0)*minor(0, 0) + at(0, 1)*minor(0, 1) + at(0, 2)*minor(0, 2)
	for i := range 3 {
		for k := range 3 {
			m[k][i] = minor(i, k) / determinant
		}
	}
	return m
}
