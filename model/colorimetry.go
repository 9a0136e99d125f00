package model

// Matrix names the luminance coefficients that relate YCbCr to R'G'B' (ITU-T H.273, MatrixCoefficients).
type Matrix int

const (
	BT601     Matrix = iota // also SMPTE 170M; GStreamer's default below 720 lines
	BT709                   // GStreamer's default from 720 lines on
	BT2020                  // non-constant luminance
	SMPTE240M               // early HDTV
	FCC                     // NTSC 1953
	Identity                // none: the channels of a YUV format are R', G' and B' themselves, of full range, as videoconvert takes them
)

// luminance holds KR and KB of each matrix; those of Identity serve luminance alone.
var luminance = [...][2]float64{
	BT601: {0.299, 0.114}, BT709: {0.2126, 0.0722}, BT2020: {0.2627, 0.0593}, SMPTE240M: {0.212, 0.087}, FCC: {0.30, 0.11}, Identity: {0.299, 0.114},
}

// Colorimetry says how samples become R'G'B'. The network works on the non-linear R'G'B' values as pictures hold them, so transfer
// function and primaries play no part. The zero value is BT.601 with limited range and chroma between the pixels.
type Colorimetry struct {
	Matrix    Matrix
	FullRange bool // of YUV and gray, RGB always has it: samples use all codes; otherwise luminance 16..235 and chroma 16..240 of 8 bits
	CositedX  bool // a chroma sample lies on the left of the pixels that share it, not in their middle
	CositedY  bool // or on the upper one
}

// Conversion is the arithmetic between the samples s of a pixel (R, G, B or Y, Cb, Cr or Y) and R'G'B' p in [0,1]:
//
//	p = clamp(ToRGB s), s = round(FromRGB clamp(p)), each row ending with what is added
//
// Samples are rounded half up and limited to 0..Max only, so that foot and head room of the limited range stay unused by clamping
// alone.
type Conversion struct {
	ToRGB, FromRGB [3][4]float64
	Luminance      [3]float64 // KR, KG, KB of the matrix; of BT.601 for RGB formats, which Stylization.PreserveColor goes by
	Max            float64    // the largest sample
}

// Conversion derives the arithmetic for a format (ITU-R BT.601, BT.709, BT.2020; H.273 equations 24 to 43).
func (c Colorimetry) Conversion(f Format) Conversion {
	l := f.Layout()
	matrix := c.Matrix
	if l.Colour == ColourRGB {
		matrix = BT601
	}
	kr, kb := luminance[matrix][0], luminance[matrix][1]
	kg := 1 - kr - kb
	unit := float64(int(1) << (l.Depth - 8)) // one code of 8 bits
	out := Conversion{Luminance: [3]float64{kr, kg, kb}, Max: 256*unit - 1}
	offset, scale, chroma := 16*unit, 219*unit, 224*unit
	if l.Colour == ColourRGB || c.FullRange || matrix == Identity {
		offset, scale, chroma = 0, out.Max, out.Max
	}
	same := [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	switch l.Colour {
	case ColourRGB:
		for i := range 3 {
			out.affine(i, same[i], same[i], scale, offset)
		}
	case ColourGray:
		for i := range 3 {
			out.ToRGB[i] = [4]float64{1 / scale, 0, 0, -offset / scale}
		}
		out.FromRGB[0] = [4]float64{kr * scale, kg * scale, kb * scale, offset}
	case ColourYUV:
		to := [3][3]float64{{1, 0, 2 * (1 - kr)}, {1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg}, {1, 2 * (1 - kb), 0}}
		from := [3][3]float64{{kr, kg, kb}, {-kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5}, {0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr))}}
		if matrix == Identity {
			to, from = same, same
		}
		for i, s := range [3]float64{scale, chroma, chroma} {
			zero := offset
			if i > 0 && matrix != Identity {
				zero = 128 * unit
			}
			out.affine(i, [3]float64{to[0][i], to[1][i], to[2][i]}, from[i], s, zero)
		}
	}
	return out
}

// affine adds sample i, which is zero at offset and one at scale more: its share of each of R'G'B', and what it is of them.
func (c *Conversion) affine(i int, to, from [3]float64, scale, offset float64) {
	for k := range 3 {
		c.ToRGB[k][i] = to[k] / scale
		c.ToRGB[k][3] -= to[k] * offset / scale
		c.FromRGB[i][k] = from[k] * scale
	}
	c.FromRGB[i][3] = offset
}
