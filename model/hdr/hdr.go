// Package hdr brings pictures with high dynamic range (ITU-R BT.2100) to what the network was trained on and back. Every step has an
// inverse, so that a picture that goes both ways is what it was.
//
// From the source's R'G'B' to the network's:
//
//  1. Display light relative to the peak: PQ by the EOTF of BT.2100 table 4, HLG by the inverse OETF and the OOTF of table 5. What is brighter
//     than the peak becomes the peak.
//  2. The primaries of BT.709, by the matrix that BT.2087 describes.
//  3. What lies outside of BT.709's gamut then has negative channels. Distances from the achromatic axis are compressed until none is: the
//     Reference Gamut Compression of ACES (S-2020-001) with its thresholds and power, and the limits of the source's primaries.
//  4. The brightest channel is tone-mapped and the others keep their ratio to it, "maxRGB" of BT.2390: first a knee for what BT.709 needs
//     more than the peak for, then the curve of BT.2446 method A, to a display of 100 cd/m2.
//  5. R'G'B' of a display with the gamma 2.4 of BT.1886.
package hdr

import (
	"fmt"
	"math"
	"sync"

	"adainfilter/model/lut"
)

// Transfer is a transfer function of BT.2100.
type Transfer int

const (
	PQ  Transfer = iota // perceptual quantisation, SMPTE ST 2084
	HLG                 // hybrid log-gamma, ARIB STD-B67
)

// Source is what a picture's R'G'B' mean.
type Source struct {
	Transfer  Transfer
	Primaries Primaries
	Peak      float64 // cd/m2 of its brightest colour: see Peak
}

// String is like "PQ, BT.2020, up to 1000 cd/m2".
func (s Source) String() string {
	return fmt.Sprintf("%s, %s, up to %v cd/m2", [...]string{"PQ", "HLG"}[s.Transfer], [...]string{"BT.2020", "P3", "BT.709"}[s.Primaries], s.Peak)
}

// DefaultPeak is the peak of a picture that says nothing: the reference display of BT.2408.
const DefaultPeak = 1000

// Peak is what a picture's peak is taken to be: MaxCLL, the brightest pixel, or else the mastering display's peak, both in cd/m2 and 0 where
// they are not known; never less than reference white (BT.2408) and never more than PQ can say.
func Peak(maxCLL, display float64) float64 {
	peak := float64(DefaultPeak)
	switch {
	case maxCLL > 0:
		peak = maxCLL
	case display > 0:
		peak = display
	}
	return min(max(peak, 203), 10000)
}

// The tables of the last source that was asked for: each segment of a film and each film of a folder asks for the same.
var made struct {
	sync.Mutex
	source        Source
	before, after *lut.Table
}

// Tables are the way to the network's R'G'B' and the way back, sampled as cubes of 33. The first ends at the signal of the peak. They are kept and given to others:
// nobody may change them. Any thread may call it; the first call for a source takes tenths of a second of computing.
func (s Source) Tables() (before, after *lut.Table) {
	made.Lock()
	defer made.Unlock()
	if made.before == nil || made.source != s {
		made.source = s
		made.before, made.after = s.tables()
	}
	return made.before, made.after
}

func (s Source) tables() (before, after *lut.Table) {
	const size = 33
	m := s.mapping()
	end := m.light.encode([3]float64{1, 1, 1})
	before = lut.Sampled(size, func(rgb [3]float64) [3]float64 {
		for c := range rgb {
			rgb[c] *= end[c]
		}
		return m.toNetwork(rgb)
	})
	for c, v := range end {
		before.High[c] = float32(v)
	}
	return before, lut.Sampled(size, m.fromNetwork)
}

// mapping is a source with all that its steps need.
type mapping struct {
	light   light
	to, fro matrix // to BT.709's primaries, and back
	limit   [3]float64
	curve   curve
}

func (s Source) mapping() *mapping {
	m := &mapping{light: newLight(s), curve: newCurve(s.Peak)}
	m.to = toBT709(s.Primaries)
	m.fro = m.to.inverse()
	m.limit = limits(m.to)
	return m
}

const gamma = 2.4 // BT.1886

// toNetwork is the network's R'G'B' of the source's, both 0 to 1.
func (m *mapping) toNetwork(rgb [3]float64) [3]float64 {
	source := m.light.decode(rgb)
	linear := m.to.times(source)
	most := highest(linear)
	if !(most > 0) {
		return [3]float64{}
	}
	excess := math.Pow(max(most/highest(source), 1), 1/gamma)
	v := m.curve.forward(kneeDown(math.Pow(most, 1/gamma), excess))
	for c := range linear {
		linear[c] = v * math.Pow(max(1-compress(1-linear[c]/most, m.limit[c], thresholds[c]), 0), 1/gamma)
	}
	return linear
}

// fromNetwork is the inverse of toNetwork. Colours that no colour of the source becomes, among the most saturated of BT.709, become the
// nearest of the source's in their direction.
func (m *mapping) fromNetwork(rgb [3]float64) [3]float64 {
	v := highest(rgb)
	if !(v > 0) {
		return m.light.encode([3]float64{})
	}
	for c := range rgb {
		rgb[c] = 1 - expand(1-math.Pow(max(rgb[c], 0)/v, gamma), m.limit[c], thresholds[c])
	}
	source := m.fro.times(rgb)
	for c := range source {
		source[c] = max(source[c], 0)
	}
	excess := math.Pow(max(1/highest(source), 1), 1/gamma)
	most := math.Pow(kneeUp(m.curve.backward(v), excess), gamma)
	for c := range source {
		source[c] = min(source[c]*most, 1)
	}
	return m.light.encode(source)
}

func highest(v [3]float64) float64 { return max(v[0], v[1], v[2]) }
