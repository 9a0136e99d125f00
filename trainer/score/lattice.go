package score

import (
	"math"

	"adainfilter/model"
)

// latticeSide is that of the patches that a lattice is looked for in; they begin every half of it.
const latticeSide = 128

// LatticePeriods are those of Lattice, in pixels: what three upsamplings by two leave.
var LatticePeriods = [4]string{"8", "4", "8/3", "2"}

// Lattice says by how many dB the lattices of LatticePeriods stand out of an RGB picture: the power of its luminance at their frequencies, along
// rows and columns, against the median of the powers 2, 3 and 4 steps beside them on the same axis. Patches of 128x128 pixels have Hann windows; their
// powers are added up, and to all of them the power of rounding to 8 bits, so that a flat picture has 0 dB. False where a side is
// shorter than a patch.
func Lattice(m *model.Image) (dB [4]float64, ok bool) {
	if min(m.Width, m.Height) < latticeSide {
		return dB, false
	}
	var window, along [latticeSide]float64
	var square float64
	for i := range window {
		window[i] = (1 - math.Cos(2*math.Pi*float64(i)/latticeSide)) / 2
		square += window[i] * window[i]
	}
	const rounding = (0.299*0.299 + 0.587*0.587 + 0.114*0.114) / 12
	var power [latticeSide/2 + 1]float64
	for y := 0; y+latticeSide <= m.Height; y += latticeSide / 2 {
		for x := 0; x+latticeSide <= m.Width; x += latticeSide / 2 {
			for axis := range 2 {
				clear(along[:])
				for i := range latticeSide * latticeSide {
					row, col := i/latticeSide, i%latticeSide
					p := m.Planes[0].Data[(y+row)*m.Planes[0].Stride+3*(x+col):]
					at := [2]int{col, row}
					along[at[axis]] += window[row] * window[col] * (0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2]))
				}
				for k := range power {
					power[k] += spectrum(along[:], k) + rounding*square*square
				}
			}
		}
	}
	for i, k := range [4]int{16, 32, 48, 64} {
		var beside []float64
		for d := 2; d <= 4; d++ {
			beside = append(beside, power[k-d], power[min(k+d, latticeSide-k-d)])
		}
		dB[i] = 10 * math.Log10(power[k]/Median(beside))
	}
	return dB, true
}

// spectrum is the power at frequency k of a row.
func spectrum(row []float64, k int) float64 {
	var re, im float64
	for i, v := range row {
		sin, cos := math.Sincos(2 * math.Pi * float64(k*i%len(row)) / float64(len(row)))
		re += v * cos
		im += v * sin
	}
	return re*re + im*im
}
