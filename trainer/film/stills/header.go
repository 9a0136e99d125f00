package stills

import (
	"fmt"
	"image"
	"image/color"

	// The kinds of pictures whose heads say how many bits samples have.
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// heading is what a picture's head says.
type heading struct {
	alpha bool
	bits  int
}

// header reads a picture's head. A kind that is not known here has 8 bits and no transparency.
func header(path string) (heading, error) {
	file, _, err := openFile(path)
	if err != nil {
		return heading{}, fmt.Errorf("picture %q: %w", path, err)
	}
	defer file.Close()
	h := heading{bits: 8}
	config, _, err := image.DecodeConfig(file)
	if err != nil {
		return h, nil
	}
	switch config.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		h.alpha, h.bits = config.ColorModel == color.NRGBA64Model, 16
	case color.Gray16Model:
		h.bits = 16
	case color.NRGBAModel, color.NYCbCrAModel:
		h.alpha = true
	}
	if p, ok := config.ColorModel.(color.Palette); ok {
		for _, c := range p {
			if _, _, _, a := c.RGBA(); a != 0xffff {
				h.alpha = true
			}
		}
	}
	return h, nil
}

// IsPicture says whether a file is a picture of a kind that is known here.
func IsPicture(path string) bool {
	file, _, err := openFile(path)
	if err != nil {
		return false
	}
	defer file.Close()
	_, _, err = image.DecodeConfig(file)
	return err == nil
}
