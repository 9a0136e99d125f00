package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"runtime"
)

// decodingBytes is about what decoding a picture takes: the decoder's samples, and ours beside them.
func decodingBytes(config image.Config, c container) int64 {
	pixels := int64(config.Width) * int64(config.Height)
	perPixel := int64(8) // four samples, and four of ours
	switch config.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model:
		perPixel = 12
	case color.Gray16Model:
		perPixel = 5
	case color.YCbCrModel:
		perPixel = 6
	case color.GrayModel:
		perPixel = 4
	}
	if c.progressive { // coefficients of 32 bits, of three channels that may have half the size
		perPixel += 9
	}
	return perPixel * pixels
}

// survive makes an error of a panic. The decoders are other people's, the bytes are anybody's: a slip in one of them must not
// end the process.
func survive(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error: // its text is for programmers
		*err = errors.New("is damaged: its decoder failed")
	default:
		*err = fmt.Errorf("is damaged: its decoder failed (%v)", p)
	}
}

// checkPalette refuses a pixel that names a colour which the palette does not have; decoders let it pass.
func checkPalette(decoded image.Image) error {
	p, ok := decoded.(*image.Paletted)
	if !ok {
		return nil
	}
	w := p.Rect.Dx()
	for y := range p.Rect.Dy() {
		for _, i := range p.Pix[y*p.Stride:][:w] {
			if int(i) >= len(p.Palette) {
				return fmt.Errorf("is damaged: a pixel has colour %d of a palette of %d", i, len(p.Palette))
			}
		}
	}
	return nil
}

// deep are the samples of a picture of 16 bits, three or four a pixel, with straight alpha; nil for one of 8 bits.
func deep(src image.Image, alpha bool) []uint16 {
	switch src.(type) {
	case *image.NRGBA64, *image.RGBA64, *image.Gray16:
	default:
		return nil
	}
	b, n := src.Bounds(), 3
	if alpha {
		n = 4
	}
	out := make([]uint16, 0, n*b.Dx()*b.Dy())
	put := func(c color.NRGBA64) {
		out = append(out, c.R, c.G, c.B)
		if alpha {
			out = append(out, c.A)
		}
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			switch src := src.(type) {
			case *image.NRGBA64:
				put(src.NRGBA64At(x, y))
			case *image.RGBA64:
				c := src.RGBA64At(x, y)
				if c.A == 0xffff {
					put(color.NRGBA64(c))
				} else {
					put(color.NRGBA64Model.Convert(c).(color.NRGBA64))
				}
			case *image.Gray16:
				v := src.Gray16At(x, y).Y
				put(color.NRGBA64{v, v, v, 0xffff})
			}
		}
	}
	return out
}
