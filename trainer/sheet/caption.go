package sheet

import (
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"adainfilter/model"
	"adainfilter/picture"
)

// CaptionHeight is what Captioned adds below a picture, in pixels.
const CaptionHeight = 20

// Captioned is a picture with a line of text below it, black on white, which is cut off where it is too long. The text is of ASCII letters.
func Captioned(img *model.Image, text string) *model.Image {
	img = picture.OnWhite(img)
	line := image.NewGray(image.Rect(0, 0, img.Width, CaptionHeight))
	for i := range line.Pix {
		line.Pix[i] = 255
	}
	face := basicfont.Face7x13
	d := font.Drawer{Dst: line, Src: image.NewUniform(color.Black), Face: face}
	d.Dot = fixed.Point26_6{X: max(0, (fixed.I(img.Width)-d.MeasureString(text))/2), Y: fixed.I((CaptionHeight + face.Ascent) / 2)}
	d.DrawString(text)
	whole := model.NewImage(model.RGB, img.Width, img.Height+CaptionHeight)
	to, from := whole.Planes[0], img.Planes[0]
	for y := range img.Height {
		copy(to.Data[y*to.Stride:][:3*img.Width], from.Data[y*from.Stride:])
	}
	for y := range CaptionHeight {
		for x := range img.Width {
			for c := range 3 {
				to.Data[(img.Height+y)*to.Stride+3*x+c] = line.Pix[y*line.Stride+x]
			}
		}
	}
	return whole
}
