package hdr

import "math"

// light is between R'G'B' and display light, relative to the peak.
type light struct {
	transfer  Transfer
	peak      float64
	system    float64    // gamma of HLG's OOTF
	luminance [3]float64 // of the primaries
}

func newLight(s Source) light {
	return light{s.Transfer, s.Peak, 1.2 + 0.42*math.Log10(s.Peak/1000), s.Primaries.toXYZ()[1]}
}

func (l light) decode(rgb [3]float64) [3]float64 {
	if l.transfer == PQ {
		for c, v := range rgb {
			rgb[c] = min(pqLight(v)*10000/l.peak, 1)
		}
		return rgb
	}
	for c, v := range rgb {
		rgb[c] = hlgScene(v)
	}
	return l.scaled(rgb, l.system-1)
}

func (l light) encode(rgb [3]float64) [3]float64 {
	if l.transfer == PQ {
		for c, v := range rgb {
			rgb[c] = pqSignal(v * l.peak / 10000)
		}
		return rgb
	}
	rgb = l.scaled(rgb, 1/l.system-1)
	for c, v := range rgb {
		rgb[c] = hlgSignal(v)
	}
	return rgb
}

// scaled multiplies by a power of the luminance: HLG's OOTF, and its inverse.
func (l light) scaled(rgb [3]float64, power float64) [3]float64 {
	y := l.luminance[0]*rgb[0] + l.luminance[1]*rgb[1] + l.luminance[2]*rgb[2]
	if !(y > 0) {
		return [3]float64{}
	}
	k := math.Pow(y, power)
	for c, v := range rgb {
		rgb[c] = k * v
	}
	return rgb
}

// The constants of PQ, BT.2100 table 4.
const (
	pqM1 = 2610. / 16384
	pqM2 = 2523. / 4096 * 128
	pqC1 = 3424. / 4096
	pqC2 = 2413. / 4096 * 32
	pqC3 = 2392. / 4096 * 32
)

// pqLight is the EOTF, with 1 for 10000 cd/m2.
func pqLight(signal float64) float64 {
	p := math.Pow(max(signal, 0), 1/pqM2)
	return math.Pow(max(p-pqC1, 0)/(pqC2-pqC3*p), 1/pqM1)
}

// pqSignal is the inverse EOTF. Its foot is above 0; it is taken off so that black stays black.
func pqSignal(light float64) float64 {
	if !(light > 0) {
		return 0
	}
	y := math.Pow(light, pqM1)
	return math.Pow((pqC1+pqC2*y)/(1+pqC3*y), pqM2)
}

// The constants of HLG, BT.2100 table 5.
const (
	hlgA = 0.17883277
	hlgB = 1 - 4*hlgA
)

var hlgC = 0.5 - hlgA*math.Log(4*hlgA)

// hlgScene is the inverse OETF.
func hlgScene(signal float64) float64 {
	if signal <= 0.5 {
		return max(signal, 0) * max(signal, 0) / 3
	}
	return min((math.Exp((signal-hlgC)/hlgA)+hlgB)/12, 1)
}

// hlgSignal is the OETF.
func hlgSignal(scene float64) float64 {
	if scene <= 1./12 {
		return math.Sqrt(3 * max(scene, 0))
	}
	return min(hlgA*math.Log(12*scene-hlgB)+hlgC, 1)
}
