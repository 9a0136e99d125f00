package model

import (
	"math"
	"testing"
)

// Reading undoes writing: the two matrices are inverse for every format, matrix and range, and black and white lie where the standards say.
func TestConversionInverse(t *testing.T) {
	for _, f := range Formats() {
		for m := BT601; m <= Identity; m++ {
			for _, full := range []bool{false, true} {
				c := Colorimetry{Matrix: m, FullRange: full}
				k, l := c.Conversion(f), f.Layout()
				for _, rgb := range [][3]float64{{0, 0, 0}, {1, 1, 1}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.2, 0.7, 0.4}} {
					var s, back, want [3]float64
					for i := range l.Channels {
						s[i] = k.FromRGB[i][3]
						for j, v := range rgb {
							s[i] += k.FromRGB[i][j] * v
						}
						if !(s[i] >= -0.001 && s[i] <= k.Max+0.51) && m != Identity { // pure blue and red in full range are half a code beyond
							t.Errorf("%v %+v: %v has sample %d at %g", f, c, rgb, i, s[i])
						}
					}
					want = rgb
					if l.Colour == ColourGray {
						y := k.Luminance[0]*rgb[0] + k.Luminance[1]*rgb[1] + k.Luminance[2]*rgb[2]
						want = [3]float64{y, y, y}
					}
					for i := range back {
						back[i] = k.ToRGB[i][3]
						for j, v := range s {
							back[i] += k.ToRGB[i][j] * v
						}
						if !(math.Abs(back[i]-want[i]) <= 1e-12) {
							t.Fatalf("%v %+v: %v becomes %v", f, c, rgb, back)
						}
					}
				}
				unit := float64(int(1) << (l.Depth - 8))
				black, white := -k.ToRGB[0][3]/k.ToRGB[0][0], (1-k.ToRGB[0][3])/k.ToRGB[0][0]
				if l.Colour == ColourYUV {
					black, white = k.FromRGB[0][3], k.FromRGB[0][3]+k.FromRGB[0][0]+k.FromRGB[0][1]+k.FromRGB[0][2]
				}
				from, to := 16*unit, 235*unit
				if full || m == Identity || l.Colour == ColourRGB {
					from, to = 0, 256*unit-1
				}
				if !(math.Abs(black-from) < 1e-6) || !(math.Abs(white-to) < 1e-6) {
					t.Errorf("%v %+v: from %g to %g, wanted %g to %g", f, c, black, white, from, to)
				}
			}
		}
	}
}
