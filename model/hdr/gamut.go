package hdr

import "math"

// Primaries are the red, green and blue that a picture's channels are, all with the white point D65.
type Primaries int

const (
	BT2020    Primaries = iota // ITU-R BT.2020 and BT.2100
	DisplayP3                  // SMPTE EG 432-1
	BT709                      // ITU-R BT.709
)

// chromaticities are x and y of red, green and blue.
var chromaticities = [...][3][2]float64{
	BT2020:    {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}},
	DisplayP3: {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}},
	BT709:     {{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}},
}

var d65 = [2]float64{0.3127, 0.3290}

// matrix is in rows.
type matrix [3][3]float64

func (m matrix) times(v [3]float64) (out [3]float64) {
	for r := range m {
		out[r] = m[r][0]*v[0] + m[r][1]*v[1] + m[r][2]*v[2]
	}
	return out
}

func (m matrix) product(n matrix) (out matrix) {
	for r := range out {
		for c := range out {
			out[r][c] = m[r][0]*n[0][c] + m[r][1]*n[1][c] + m[r][2]*n[2][c]
		}
	}
	return out
}

// inverse is by cofactors.
func (m matrix) inverse() (out matrix) {
	cofactor := func(r, c int) float64 {
		a, b, d, e := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[a][d]*m[b][e] - m[a][e]*m[b][d]
	}
	determinant := m[0][0]*cofactor(0, 0) + m[0][1]*cofactor(0, 1) + m[0][2]*cofactor(0, 2)
	for r := range out {
		for c := range out {
			out[r][c] = cofactor(c, r) / determinant
		}
	}
	return out
}

// toXYZ is from linear light of the primaries to CIE XYZ, white having Y = 1 (SMPTE RP 177). Its second row is the luminances.
func (p Primaries) toXYZ() matrix {
	var m matrix
	for c, xy := range chromaticities[p] {
		m[0][c], m[1][c], m[2][c] = xy[0]/xy[1], 1, (1-xy[0]-xy[1])/xy[1]
	}
	scale := m.inverse().times([3]float64{d65[0] / d65[1], 1, (1 - d65[0] - d65[1]) / d65[1]})
	for r := range m {
		for c := range m {
			m[r][c] *= scale[c]
		}
	}
	return m
}

func toBT709(p Primaries) matrix { return BT709.toXYZ().inverse().product(p.toXYZ()) }

// Where the compression of ACES begins, and how sharply: cyan, magenta and yellow, the distances of red, green and blue.
var thresholds = [3]float64{0.815, 0.803, 0.880}

const power = 1.2

// limits are the largest distances that colours of the source have, and some room for colours between those that are tried: they become 1.
func limits(to matrix) (out [3]float64) {
	const n = 64
	for i := range (n + 1) * (n + 1) {
		a, b := float64(i%(n+1))/n, float64(i/(n+1))/n
		for axis := range 3 { // the faces of the cube that are as bright as can be
			rgb := [3]float64{a, a, a}
			rgb[axis], rgb[(axis+1)%3] = 1, b
			v := to.times(rgb)
			for c := range out {
				out[c] = max(out[c], 1-v[c]/highest(v))
			}
		}
	}
	for c := range out {
		if out[c] > 1+1e-9 {
			out[c] *= 1.001
		}
	}
	return out
}

// compress brings distances of threshold to limit into threshold to 1; where the limit is not above 1 it changes nothing.
func compress(d, limit, threshold float64) float64 {
	if d <= threshold || limit <= 1+1e-9 {
		return d
	}
	s := scale(limit, threshold)
	x := (d - threshold) / s
	return threshold + s*x/math.Pow(1+math.Pow(x, power), 1/power)
}

// expand is the inverse of compress.
func expand(d, limit, threshold float64) float64 {
	if d <= threshold || limit <= 1+1e-9 {
		return d
	}
	s := scale(limit, threshold)
	y := math.Pow((min(d, 1)-threshold)/s, power)
	return threshold + s*math.Pow(y/(1-y), 1/power)
}

func scale(limit, threshold float64) float64 {
	return (limit - threshold) / math.Pow(math.Pow((1-threshold)/(limit-threshold), -power)-1, 1/power)
}
