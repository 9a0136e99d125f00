package ref

import (
	"math"

	"adainfilter/model"
)

// Read is a picture as R'G'B' in [0,1], (3,H,W). Chroma is interpolated as chroma.go says; what lies outside of R'G'B' is clamped.
func Read(m *model.Image) Features {
	out, k := NewFeatures(3, m.Height, m.Width), m.Colorimetry.Conversion(m.Format)
	channels := fullChannels(m)
	for i := range m.Width * m.Height {
		var s [3]float64
		for c := range channels {
			s[c] = channels[c].Data[i]
		}
		for c, row := range k.ToRGB {
			out.Plane(c)[i] = clamp(row[0]*s[0] + row[1]*s[1] + row[2]*s[2] + row[3])
		}
	}
	return out
}

// fullChannels are a picture's channels with a value for each pixel, (1,H,W) each.
func fullChannels(m *model.Image) []Features {
	var out []Features
	for i, c := range Channels(m) {
		f := NewFeatures(1, c.Height, c.Width)
		for k := range f.Data {
			f.Data[k] = float64(c.Get(k%c.Width, k/c.Width))
		}
		if shared(m, i) {
			f = spread(m, f)
		}
		out = append(out, f)
	}
	return out
}

// Write puts R'G'B' (3,H,W) of any range into the samples of dst; src gives alpha and padding. Values are clamped to [0,1] and rounded
// half up; chroma is filtered as chroma.go says. Bits that no channel has become zero, bytes between rows stay as they are.
func Write(dst, src *model.Image, rgb Features) {
	begin(dst, src)
	for c, channel := range Channels(dst) {
		writeChannel(dst, channel, c, rgb)
	}
}

// WriteLuminance is Write with the chroma of src, as model.Stylization.PreserveColor defines it.
func WriteLuminance(dst, src *model.Image, rgb Features) {
	to, from := Channels(dst), Channels(src)
	if dst.Format.Layout().Colour != model.ColourRGB {
		begin(dst, src)
		writeChannel(dst, to[0], 0, rgb)
		for c := 1; c < len(to); c++ {
			copyChannel(to[c], from[c])
		}
		return
	}
	k := dst.Colorimetry.Conversion(dst.Format)
	frame := fullChannels(src)
	begin(dst, src)
	for i := range dst.Width * dst.Height {
		x, y := i%dst.Width, i/dst.Width
		f := [3]float64{frame[0].Data[i], frame[1].Data[i], frame[2].Data[i]}
		d := 0.0
		for c, v := range clamped(rgb, x, y) {
			d += k.Luminance[c] * (k.FromRGB[c][c]*v + k.FromRGB[c][3] - f[c])
		}
		d = math.Floor(d + 0.5)
		d = min(max(d, -min(f[0], f[1], f[2])), k.Max-max(f[0], f[1], f[2]))
		for c, v := range f {
			to[c].Set(x, y, int(v+d))
		}
	}
}

// writeChannel writes what channel c of a picture is of R'G'B'.
func writeChannel(m *model.Image, to Channel, c int, rgb Features) {
	k := m.Colorimetry.Conversion(m.Format)
	f := NewFeatures(1, m.Height, m.Width)
	for i := range f.Data {
		p := clamped(rgb, i%m.Width, i/m.Width)
		f.Data[i] = k.FromRGB[c][0]*p[0] + k.FromRGB[c][1]*p[1] + k.FromRGB[c][2]*p[2] + k.FromRGB[c][3]
	}
	if shared(m, c) {
		f = gather(m, f)
	}
	for i, v := range f.Data {
		to.Set(i%f.W, i/f.W, sample(v, k.Max))
	}
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
	if preserve && dst.Format.Layout().Colour == model.ColourRGB {
		WriteLuminance(dst, src, Read(samples))
		return
	}
	copyImage(dst, samples)
	to, from := Channels(dst), Channels(src)
	for c := 1; preserve && c < len(to); c++ {
		copyChannel(to[c], from[c])
	}
}

// copyImage gives dst the samples of src, alpha and padding too.
func copyImage(dst, src *model.Image) {
	begin(dst, src)
	from := Channels(src)
	for c, to := range Channels(dst) {
		copyChannel(to, from[c])
	}
}

// clamped is one pixel of R'G'B' (3,H,W), limited to [0,1].
func clamped(rgb Features, x, y int) (p [3]float64) {
	for c := range p {
		p[c] = clamp(rgb.Plane(c)[y*rgb.W+x])
	}
	return p
}

// clamp limits to [0,1]; a NaN becomes 0, as a sample has to be something.
func clamp(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// sample rounds half up to 0..most.
func sample(v, most float64) int { return int(min(max(math.Floor(v+0.5), 0), most)) }
