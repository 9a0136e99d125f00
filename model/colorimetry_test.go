package model

import (
	"math"
	"testing"
)

// Reading undoes writing: the two formulas of YUV are inverse for every matrix and range.
func TestYUVInverse(t *testing.T) {
	for m := BT601; m <= FCC; m++ {
		for _, full := range []bool{false, true} {
			k := Colorimetry{m, full}.YUV()
			for _, rgb := range [][3]float64{{0, 0, 0}, {1, 1, 1}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.2, 0.7, 0.4}} {
				y := float64(k.KR)*rgb[0] + float64(k.KG)*rgb[1] + float64(k.KB)*rgb[2]
				u, v := (rgb[2]-y)/float64(k.BU), (rgb[0]-y)/float64(k.RV)
				if !(math.Abs(u) <= 0.5+1e-6) || !(math.Abs(v) <= 0.5+1e-6) {
					t.Errorf("matrix %d: %v has chroma %g, %g, wanted -0.5 to 0.5", m, rgb, u, v)
				}
				back := [3]float64{y + float64(k.RV)*v, y + float64(k.GU)*u + float64(k.GV)*v, y + float64(k.BU)*u}
				for c := range back {
					// The coefficients are float32, 2^-24 of at most 2 each.
					if !(math.Abs(back[c]-rgb[c]) <= 1e-6) {
						t.Errorf("matrix %d: %v becomes %v", m, rgb, back)
					}
				}
			}
			if black, white := float64(k.OffsetY), float64(k.OffsetY)+1/float64(k.ScaleY); full != (black == 0) || math.Round(white) != map[bool]float64{true: 255, false: 235}[full] {
				t.Errorf("matrix %d, full range %v: luminance from %g to %g", m, full, black, white)
			}
		}
	}
}
