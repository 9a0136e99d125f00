package model

import (
	"fmt"
	"math"
)

// Affine is a map of the plane, as a picture's motion: pixel (x,y) of the moved picture shows point (a[0]*x + a[1]*y + a[2],
// a[3]*x + a[4]*y + a[5]) of the other, whose pixels are the points with whole coordinates.
type Affine [6]float32

// Translation is the map that moves all pixels alike.
func Translation(x, y float32) Affine { return Affine{1, 0, x, 0, 1, y} }

// MaxDeformation is the most that a map of a Batch may turn, zoom and shear: the most that the coefficients of x and y in either row
// differ together from those of a translation. Whoever looks for the pixels that a point went to finds them within 4/3 of a pixel of
// where the inverse map has it, since such a matrix's inverse makes nothing longer than 1 / (1 - MaxDeformation) in either coordinate.
const MaxDeformation = 0.25

// At is the point that pixel (x,y) shows.
func (a Affine) At(x, y int) (px, py float64) {
	return float64(a[0])*float64(x) + float64(a[1])*float64(y) + float64(a[2]), float64(a[3])*float64(x) + float64(a[4])*float64(y) + float64(a[5])
}

// Shown is how many pixels of a moved picture of width x height show a point of the other, that is one between its outermost pixels
// or on them.
func (a Affine) Shown(width, height int) (pixels int) {
	for y := range height {
		for x := range width {
			if px, py := a.At(x, y); px >= 0 && py >= 0 && px <= float64(width-1) && py <= float64(height-1) {
				pixels++
			}
		}
	}
	return pixels
}

func (a Affine) check(width, height int) error {
	for _, v := range a {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("batch moves a picture by the map %v, wanted finite numbers", a)
		}
	}
	if d := max(math.Abs(float64(a[0])-1)+math.Abs(float64(a[1])), math.Abs(float64(a[3]))+math.Abs(float64(a[4])-1)); d > MaxDeformation {
		return fmt.Errorf("batch moves a picture by the map %v, which deforms it by %.2g, wanted %g at most", a, d, MaxDeformation)
	}
	if a.Shown(width, height) == 0 {
		return fmt.Errorf("batch moves a picture of %dx%d by the map %v, which leaves nothing", width, height, a)
	}
	return nil
}
