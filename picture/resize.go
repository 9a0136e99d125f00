package picture

import (
	"image"

	"golang.org/x/image/draw"

	"adainfilter/model"
)

// longest is how many times longer than the short side ShortSide lets the long side become.
const longest = 16

// ShortSide scales an RGB or RGBA image, keeping its shape, so that its short side has px pixels; the long side is rounded
// down. Of a picture more than 16 times longer than wide the short side becomes smaller, down to 1, so that a stripe of a
// few pixels cannot grow into gigabytes.
func ShortSide(img *model.Image, px int) *model.Image {
	w, h := shortSide(img.Width, img.Height, px)
	return Resize(img, w, h)
}

func shortSide(w, h, px int) (int, int) {
	short, long := min(w, h), max(w, h)
	newLong := int(int64(px) * int64(long) / int64(short))
	if newLong > longest*px {
		newLong = longest * px
		px = max(1, int(int64(newLong)*int64(short)/int64(long)))
	}
	if w < h {
		return px, newLong
	}
	return newLong, px
}

// Resize scales an RGB or RGBA image to w x h pixels with a Catmull-Rom kernel, widened when the picture shrinks so that
// nothing aliases. An image that has the size already is returned as it is.
func Resize(img *model.Image, w, h int) *model.Image {
	if img.Width == w && img.Height == h {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	src := standard(img)
	draw.CatmullRom.Scale(out, out.Rect, src, src.Bounds(), draw.Src, nil)
	if img.Format == model.RGBA {
		return transparent(out)
	}
	return samples(out)
}

// shrinkPixels is how many pixels a style has before it is averaged down first: the kernel costs as much as there are pixels to look at.
const shrinkPixels = 16 << 20

// Shrink averages blocks of pixels of an RGB image so that the short side keeps at least twice short pixels; what is left at the right
// and lower edge of less than a block is cut off. An image that has less, or short 0, is returned as it is.
func Shrink(img *model.Image, short int) *model.Image {
	f := ShrinkFactor(img.Width, img.Height, short)
	if f < 2 {
		return img
	}
	w, h := img.Width/f, img.Height/f
	out := model.NewImage(img.Format, w, h)
	sums := make([]uint32, 3*w)
	half := uint32(f * f / 2)
	for y := range h {
		clear(sums)
		for row := y * f; row < (y+1)*f; row++ {
			from := img.Planes[0].Data[row*img.Planes[0].Stride:]
			for x := range w {
				sum := sums[3*x : 3*x+3 : 3*x+3]
				for block := from[3*x*f : 3*(x+1)*f]; len(block) >= 3; block = block[3:] {
					sum[0] += uint32(block[0])
					sum[1] += uint32(block[1])
					sum[2] += uint32(block[2])
				}
			}
		}
		to := out.Planes[0].Data[y*out.Planes[0].Stride:]
		for i, sum := range sums {
			to[i] = uint8((sum + half) / uint32(f*f))
		}
	}
	return out
}

// ShrinkFactor is the whole factor for Shrink, and for Options.Shrink.
func ShrinkFactor(w, h, short int) int {
	if short < 1 {
		return 1
	}
	return max(1, min(w, h)/(2*short))
}

// scalingBytes is about what Resize takes: the picture with four samples a pixel, the scaler's rows, of four float64, and the result twice.
func scalingBytes(width, height, w, h int) int64 {
	return 4*int64(width)*int64(height) + 32*int64(w)*int64(height) + 8*int64(w)*int64(h)
}

// standard is img as a picture of Go's image package: opaque for RGB, straight alpha for RGBA.
func standard(img *model.Image) image.Image {
	rect, p := image.Rect(0, 0, img.Width, img.Height), img.Planes[0]
	if img.Format == model.RGBA {
		return &image.NRGBA{Pix: p.Data, Stride: p.Stride, Rect: rect}
	}
	out := image.NewRGBA(rect)
	for y := range img.Height {
		from, to := p.Data[y*p.Stride:], out.Pix[y*out.Stride:]
		for x := range img.Width {
			copy(to[4*x:4*x+3], from[3*x:3*x+3])
			to[4*x+3] = 255
		}
	}
	return out
}
