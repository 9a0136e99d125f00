package ref

import (
	"math"

	"adainfilter/model"
)

// Where R, G, B and the byte that is copied lie in a pixel of the packed formats; -1 if there is none.
var packed = map[model.Format][4]int{
	model.RGB: {0, 1, 2, -1}, model.BGR: {2, 1, 0, -1},
	model.RGBA: {0, 1, 2, 3}, model.RGBx: {0, 1, 2, 3},
	model.BGRA: {2, 1, 0, 3}, model.BGRx: {2, 1, 0, 3},
}

// Read is a picture as R'G'B' in [0,1], (3,H,W). A YUV pixel takes the chroma sample that covers it; what lies outside of
// R'G'B' is clamped.
func Read(m *model.Image) Features {
	out := NewFeatures(3, m.Height, m.Width)
	yuv := m.Colorimetry.YUV()
	for y := range m.Height {
		for x := range m.Width {
			rgb := readPixel(m, yuv, x, y)
			for c := range 3 {
				out.Plane(c)[y*m.Width+x] = rgb[c]
			}
		}
	}
	return out
}

// Write puts R'G'B' (3,H,W) of any range into the samples of dst; src gives alpha and padding bytes. Values are clamped to
// [0,1] and rounded half up; chroma is that of the mean R'G'B' of the pixels it covers. Bytes between rows stay as they are.
func Write(dst, src *model.Image, rgb Features) {
	if dst.Format.YUV() {
		writeLuminance(dst, rgb)
		writeChroma(dst, rgb)
		return
	}
	writePacked(dst, src, func(x, y int) (p [3]byte) {
		for c, v := range clamped(rgb, x, y) {
			p[c] = sample(255 * v)
		}
		return p
	})
}

// WriteLuminance is Write with the chroma of src, as model.Stylization.PreserveColor defines it.
func WriteLuminance(dst, src *model.Image, rgb Features) {
	if dst.Format.YUV() {
		writeLuminance(dst, rgb)
		copyPlanes(dst, src, 1)
		return
	}
	yuv := model.Colorimetry{Matrix: model.BT601}.YUV()
	writePacked(dst, src, func(x, y int) (p [3]byte) {
		frame := readPixel(src, yuv, x, y)
		d := math.Floor(255*(luminance(yuv, clamped(rgb, x, y))-luminance(yuv, frame)) + 0.5)
		d = min(max(d, -255*min(frame[0], frame[1], frame[2])), 255*(1-max(frame[0], frame[1], frame[2])))
		for c, v := range frame {
			p[c] = sample(255*v + d)
		}
		return p
	})
}

// write is Write or WriteLuminance.
func write(dst, src *model.Image, rgb Features, preserve bool) {
	if preserve {
		WriteLuminance(dst, src, rgb)
	} else {
		Write(dst, src, rgb)
	}
}

// rewrite is write for a result that is samples already: of the format, the size and with the alpha of src.
func rewrite(dst, src, samples *model.Image, preserve bool) {
	switch {
	case !preserve:
		copyPlanes(dst, samples, 0)
	case dst.Format.YUV():
		copyPlanes(dst, samples, 0)
		copyPlanes(dst, src, 1)
	default:
		WriteLuminance(dst, src, Read(samples))
	}
}

// copyPlanes gives dst the samples of the planes of src from the first on.
func copyPlanes(dst, src *model.Image, first int) {
	for i := first; i < dst.Format.Planes(); i++ {
		row, rows := dst.Format.Plane(i, dst.Width, dst.Height)
		for y := range rows {
			copy(dst.Planes[i].Data[y*dst.Planes[i].Stride:][:row], src.Planes[i].Data[y*src.Planes[i].Stride:])
		}
	}
}

// clamped is one pixel of R'G'B' (3,H,W), limited to [0,1].
func clamped(rgb Features, x, y int) (p [3]float64) {
	for c := range p {
		p[c] = clamp(rgb.Plane(c)[y*rgb.W+x])
	}
	return p
}

// luminance is Y' of a pixel, 0 to 1.
func luminance(k model.YUV, p [3]float64) float64 {
	return float64(k.KR)*p[0] + float64(k.KG)*p[1] + float64(k.KB)*p[2]
}

// writePacked writes the samples R, G, B that pixel gives and copies the fourth from src where there is one.
func writePacked(dst, src *model.Image, pixel func(x, y int) [3]byte) {
	place := packed[dst.Format]
	row, _ := dst.Format.Plane(0, 1, 1) // bytes of one pixel
	for y := range dst.Height {
		for x := range dst.Width {
			at := y*dst.Planes[0].Stride + x*row
			for c, v := range pixel(x, y) {
				dst.Planes[0].Data[at+place[c]] = v
			}
			if place[3] >= 0 {
				dst.Planes[0].Data[at+3] = src.Planes[0].Data[y*src.Planes[0].Stride+x*row+3]
			}
		}
	}
}

// readPixel is R'G'B' in [0,1] of one pixel.
func readPixel(m *model.Image, yuv model.YUV, x, y int) (rgb [3]float64) {
	if !m.Format.YUV() {
		bytes, _ := m.Format.Plane(0, 1, 1)
		p := m.Planes[0].Data[y*m.Planes[0].Stride+x*bytes:]
		for c := range rgb {
			rgb[c] = float64(p[packed[m.Format][c]]) / 255
		}
		return rgb
	}
	cb, cr := chroma(m, x/2, y/2)
	l := (float64(m.Planes[0].Data[y*m.Planes[0].Stride+x]) - float64(yuv.OffsetY)) * float64(yuv.ScaleY)
	u := (float64(*cb) - 128) * float64(yuv.ScaleC)
	v := (float64(*cr) - 128) * float64(yuv.ScaleC)
	return [3]float64{
		clamp(l + float64(yuv.RV)*v),
		clamp(l + float64(yuv.GU)*u + float64(yuv.GV)*v),
		clamp(l + float64(yuv.BU)*u),
	}
}

// writeLuminance writes the luminance plane of a YUV format.
func writeLuminance(dst *model.Image, rgb Features) {
	k := dst.Colorimetry.YUV()
	for y := range dst.Height {
		for x := range dst.Width {
			l := luminance(k, clamped(rgb, x, y))
			dst.Planes[0].Data[y*dst.Planes[0].Stride+x] = sample(l/float64(k.ScaleY) + float64(k.OffsetY))
		}
	}
}

// writeChroma writes the chroma samples of a YUV format.
func writeChroma(dst *model.Image, rgb Features) {
	k := dst.Colorimetry.YUV()
	for y := 0; y < dst.Height; y += 2 {
		for x := 0; x < dst.Width; x += 2 {
			var mean [3]float64
			n := 0.0
			for i := range 4 {
				if x+i%2 < dst.Width && y+i/2 < dst.Height {
					n++
					for c, v := range clamped(rgb, x+i%2, y+i/2) {
						mean[c] += (v - mean[c]) / n
					}
				}
			}
			l := luminance(k, mean)
			cb, cr := chroma(dst, x/2, y/2)
			*cb = sample((mean[2]-l)/float64(k.BU)/float64(k.ScaleC) + 128)
			*cr = sample((mean[0]-l)/float64(k.RV)/float64(k.ScaleC) + 128)
		}
	}
}

// chroma is where Cb and Cr of a chroma position lie.
func chroma(m *model.Image, x, y int) (cb, cr *byte) {
	p := &m.Planes
	if m.Format == model.NV12 {
		at := y*p[1].Stride + 2*x
		return &p[1].Data[at], &p[1].Data[at+1]
	}
	return &p[1].Data[y*p[1].Stride+x], &p[2].Data[y*p[2].Stride+x]
}

// clamp limits to [0,1]; a NaN becomes 0, as a sample has to be something.
func clamp(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// sample rounds half up to 0..255.
func sample(v float64) byte { return byte(min(max(math.Floor(v+0.5), 0), 255)) }
