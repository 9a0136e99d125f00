package model

// Matrix names the luminance coefficients that relate YCbCr to R'G'B' (ITU-T H.273, MatrixCoefficients).
type Matrix int

const (
	BT601     Matrix = iota // also SMPTE 170M; GStreamer's default below 720 lines
	BT709                   // GStreamer's default from 720 lines on
	BT2020                  // non-constant luminance
	SMPTE240M               // early HDTV
	FCC                     // NTSC 1953
)

// luminance holds KR and KB of each matrix.
var luminance = [...][2]float64{
	BT601: {0.299, 0.114}, BT709: {0.2126, 0.0722}, BT2020: {0.2627, 0.0593}, SMPTE240M: {0.212, 0.087}, FCC: {0.30, 0.11},
}

// Colorimetry says how YCbCr samples become R'G'B'. The network works on the non-linear R'G'B' values as pictures hold
// them, so transfer function and primaries play no part. The zero value is BT.601, limited range.
type Colorimetry struct {
	Matrix    Matrix
	FullRange bool // samples use 0..255; otherwise luminance 16..235 and chroma 16..240
}

// YUV is the arithmetic of a Colorimetry on 8-bit samples: R'G'B' in [0,1] and back,
//
//	y = (Y - OffsetY) * ScaleY, u = (Cb - 128) * ScaleC, v = (Cr - 128) * ScaleC
//	R = y + RV*v, G = y + GU*u + GV*v, B = y + BU*u
//
// and back y = KR*R + KG*G + KB*B, u = (B - y)/BU, v = (R - y)/RV, each divided by its scale and put on its offset.
// R'G'B' is clamped to [0,1] in both directions; samples are rounded half up and limited to 0..255 only, so that foot and head
// room of the limited range stay unused by clamping alone. Chroma is shared by the 2x2 pixels it covers; writing takes the
// mean of the clamped R'G'B' pixels that exist there.
type YUV struct {
	OffsetY, ScaleY, ScaleC float32
	KR, KG, KB              float32
	RV, GU, GV, BU          float32
}

// YUV derives the arithmetic (ITU-R BT.601, BT.709, BT.2020; H.273 equations 38 to 43).
func (c Colorimetry) YUV() YUV {
	kr, kb := luminance[c.Matrix][0], luminance[c.Matrix][1]
	kg := 1 - kr - kb
	y := YUV{OffsetY: 16, ScaleY: 1. / 219, ScaleC: 1. / 224}
	if c.FullRange {
		y = YUV{OffsetY: 0, ScaleY: 1. / 255, ScaleC: 1. / 255}
	}
	y.KR, y.KG, y.KB = float32(kr), float32(kg), float32(kb)
	y.RV, y.BU = float32(2*(1-kr)), float32(2*(1-kb))
	y.GU, y.GV = float32(-2*(1-kb)*kb/kg), float32(-2*(1-kr)*kr/kg)
	return y
}
