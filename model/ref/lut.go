package ref

import "adainfilter/model/lut"

// Looked is R'G'B' (3,H,W), clamped to [0,1], through a table; without one it is what it was.
func Looked(rgb Features, t *lut.Table) Features {
	if t == nil {
		return rgb
	}
	out := NewFeatures(3, rgb.H, rgb.W)
	for y := range rgb.H {
		for x := range rgb.W {
			for c, v := range t.At(clamped(rgb, x, y)) {
				out.Plane(c)[y*rgb.W+x] = clamp(v)
			}
		}
	}
	return out
}
