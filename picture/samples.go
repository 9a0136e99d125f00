package picture

import (
	"image"
	"image/color"
	"image/draw"

	"adainfilter/model"
)

// samples turns a decoded picture of any colour model into RGB, or into RGBA with straight alpha where a pixel is
// transparent.
func samples(src image.Image) *model.Image {
	b := src.Bounds()
	if o, ok := src.(interface{ Opaque() bool }); ok && !o.Opaque() {
		return transparent(src)
	}
	out := model.NewImage(model.RGB, b.Dx(), b.Dy())
	if wide, ok := src.(*image.RGBA64); ok {
		upperBytes(out, wide.Pix[wide.PixOffset(b.Min.X, b.Min.Y):], wide.Stride)
		return out
	}
	if wide, ok := src.(*image.NRGBA64); ok {
		upperBytes(out, wide.Pix[wide.PixOffset(b.Min.X, b.Min.Y):], wide.Stride)
		return out
	}
	row := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	for y := range b.Dy() {
		draw.Draw(row, row.Rect, src, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		line := out.Planes[0].Data[y*out.Planes[0].Stride:]
		for x := range b.Dx() {
			copy(line[3*x:3*x+3], row.Pix[4*x:4*x+3])
		}
	}
	return out
}

// upperBytes takes the upper of two bytes of the first three of four samples a pixel. Go's own way asks for each pixel by itself.
func upperBytes(out *model.Image, from []byte, stride int) {
	for y := range out.Height {
		row, line := from[y*stride:], out.Planes[0].Data[y*out.Planes[0].Stride:]
		for x := range out.Width {
			line[3*x], line[3*x+1], line[3*x+2] = row[8*x], row[8*x+2], row[8*x+4]
		}
	}
}

func transparent(src image.Image) *model.Image {
	b := src.Bounds()
	out := model.NewImage(model.RGBA, b.Dx(), b.Dy())
	straight, _ := src.(*image.NRGBA)
	wide, _ := src.(*image.NRGBA64)
	for y := range b.Dy() {
		line := out.Planes[0].Data[y*out.Planes[0].Stride:][:4*b.Dx()]
		if straight != nil {
			copy(line, straight.Pix[straight.PixOffset(b.Min.X, b.Min.Y+y):])
			continue
		}
		if wide != nil {
			row := wide.Pix[wide.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := range line {
				line[i] = row[2*i]
			}
			continue
		}
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(src.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			line[4*x], line[4*x+1], line[4*x+2], line[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
	return out
}

// OnWhite is img as RGB: transparent pixels show white behind them. An RGB image is returned as it is.
func OnWhite(img *model.Image) *model.Image {
	if img.Format != model.RGBA {
		return img
	}
	out := model.NewImage(model.RGB, img.Width, img.Height)
	for y := range img.Height {
		from, to := img.Planes[0].Data[y*img.Planes[0].Stride:], out.Planes[0].Data[y*out.Planes[0].Stride:]
		for x := range img.Width {
			alpha := uint(from[4*x+3])
			for c := range 3 {
				to[3*x+c] = uint8((uint(from[4*x+c])*alpha + 255*(255-alpha) + 127) / 255)
			}
		}
	}
	return out
}
