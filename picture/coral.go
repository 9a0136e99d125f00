package picture

import (
	"math"

	"adainfilter/model"
)

// coralEpsilon is added to the diagonal of the correlations: a direction of colour in which an image has next to nothing, under
// 1 % of its contrast, holds the noise of its file, which must not grow to the contrast of the other image.
const coralEpsilon = 1e-4

// MatchColors gives an RGB image the colours of another RGB image, of any size: the mean and the covariance of its R'G'B' become
// those of colours (CORAL, Sun, Feng & Saenko 2016, as in Huang & Belongie's code for AdaIN):
//
//	x' = std_c * sqrt(C_c) * sqrt(C_i)^-1 * (x - mean_i)/std_i + mean_c
//
// with C the 3x3 correlation of the samples plus 1e-4 on its diagonal, divided by the number of pixels, so that sizes do not matter.
// Samples are rounded and limited to 0..255. img does not change.
func MatchColors(img, colours *model.Image) *model.Image {
	from, to := coloursOf(img), coloursOf(colours)
	a := product(power(to.correlation, 0.5), power(from.correlation, -0.5))
	for r := range 3 {
		for c := range 3 {
			a[r][c] *= to.std[r] / from.std[c]
		}
	}
	out := model.NewImage(model.RGB, img.Width, img.Height)
	for y := range img.Height {
		src, dst := img.Planes[0].Data[y*img.Planes[0].Stride:], out.Planes[0].Data[y*out.Planes[0].Stride:]
		for x := 0; x < 3*img.Width; x += 3 {
			for r := range 3 {
				v := to.mean[r]
				for c := range 3 {
					v += a[r][c] * (float64(src[x+c]) - from.mean[c])
				}
				dst[x+r] = uint8(math.Round(min(max(v, 0), 255)))
			}
		}
	}
	return out
}

type matrix [3][3]float64

// colourStatistics are those of an image's samples, 0 to 255, over all pixels.
type colourStatistics struct {
	mean, std   [3]float64
	correlation matrix // plus coralEpsilon on the diagonal
}

func coloursOf(img *model.Image) colourStatistics {
	var s colourStatistics
	var sum [3]int64
	var products [3][3]int64
	for y := range img.Height {
		row := img.Planes[0].Data[y*img.Planes[0].Stride:]
		for x := 0; x < 3*img.Width; x += 3 {
			for r := range 3 {
				sum[r] += int64(row[x+r])
				for c := range r + 1 {
					products[r][c] += int64(row[x+r]) * int64(row[x+c])
				}
			}
		}
	}
	n := float64(img.Width) * float64(img.Height)
	var covariance matrix
	for r := range 3 {
		s.mean[r] = float64(sum[r]) / n
		for c := range r + 1 {
			covariance[r][c] = float64(products[r][c])/n - s.mean[r]*s.mean[c]
		}
		// A flat colour has no direction; a std far below one step keeps it flat without a division by 0.
		s.std[r] = math.Sqrt(max(covariance[r][r], 1e-6))
	}
	for r := range 3 {
		for c := range r + 1 {
			v := covariance[r][c] / (s.std[r] * s.std[c])
			s.correlation[r][c], s.correlation[c][r] = v, v
		}
		s.correlation[r][r] += coralEpsilon
	}
	return s
}

func product(a, b matrix) matrix {
	var out matrix
	for r := range 3 {
		for c := range 3 {
			for k := range 3 {
				out[r][c] += a[r][k] * b[k][c]
			}
		}
	}
	return out
}

// power raises a symmetric positive matrix to a power, by its eigenvalues (cyclic Jacobi rotations; Golub & Van Loan, 8.5).
func power(m matrix, exponent float64) matrix {
	v := matrix{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	for range 20 { // 3x3 converges in about five
		for _, at := range [][2]int{{0, 1}, {0, 2}, {1, 2}} {
			p, q := at[0], at[1]
			if m[p][q] == 0 {
				continue
			}
			sin, cos := math.Sincos(math.Atan2(2*m[p][q], m[q][q]-m[p][p]) / 2)
			for k := range 3 {
				m[k][p], m[k][q] = cos*m[k][p]-sin*m[k][q], sin*m[k][p]+cos*m[k][q]
				v[k][p], v[k][q] = cos*v[k][p]-sin*v[k][q], sin*v[k][p]+cos*v[k][q]
			}
			for k := range 3 {
				m[p][k], m[q][k] = cos*m[p][k]-sin*m[q][k], sin*m[p][k]+cos*m[q][k]
			}
		}
	}
	var out matrix
	for r := range 3 {
		for c := range 3 {
			for k := range 3 {
				out[r][c] += v[r][k] * v[c][k] * math.Pow(max(m[k][k], coralEpsilon/2), exponent)
			}
		}
	}
	return out
}
