package picture

import (
	"fmt"

	"adainfilter/model"
)

// maxMaskSide bounds a mask's sides; far more than any frame has.
const maxMaskSide = 1 << 20

// ReadMask reads a picture as the regions of a mask, without its second style: a colour counts by its luminance, transparency does
// not count. Errors are those of Read, and one that names a picture with a side over 1048576 pixels.
func ReadMask(path string, limit Limit) (model.Mask, error) {
	img, err := Read(path, limit)
	if err != nil {
		return model.Mask{}, err
	}
	if img.Width > maxMaskSide || img.Height > maxMaskSide {
		return model.Mask{}, fmt.Errorf("picture %q has %dx%d pixels, wanted at most %d on a side", path, img.Width, img.Height, maxMaskSide)
	}
	return model.Mask{Width: img.Width, Height: img.Height, White: luminance(img)}, nil
}

// luminance is Y' of ITU-R BT.601, 0 to 255, of an RGB or RGBA image; transparency does not count.
func luminance(img *model.Image) []uint8 {
	step := 3
	if img.Format == model.RGBA {
		step = 4
	}
	out := make([]uint8, img.Width*img.Height)
	for y := range img.Height {
		row := img.Planes[0].Data[y*img.Planes[0].Stride:]
		for x := range img.Width {
			p := row[step*x:]
			out[y*img.Width+x] = uint8((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2]) + 500) / 1000)
		}
	}
	return out
}
