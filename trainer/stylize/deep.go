package stylize

import (
	"encoding/binary"
	"errors"

	"adainfilter/model"
	"adainfilter/picture"
)

// deepPixels is how many pixels a content may have to be stylised with 16 bits a sample: the engine's picture and result take 16 bytes
// a pixel beside those of the file.
const deepPixels = 48 << 20

// drawDeep makes a result of a content with 16 bits a sample, not a strip or sheet. Its samples are as many as those of src.Deep. They are
// nil, without an error, where the engine takes no such pictures or the content is too large: then its upper eight bits must do.
func (j *Job) drawDeep(src *picture.Photo, set []Style) ([]uint16, error) {
	if src.Deep == nil || j.Alphas || j.Corners > 0 || src.Image.Width*src.Image.Height > deepPixels {
		return nil, nil
	}
	stats, err := j.stats(set, src.Image)
	if err != nil {
		return nil, err
	}
	s, err := j.stylization(stats)
	if err != nil {
		return nil, err
	}
	from, to := model.NewImage(model.RGBA64, src.Image.Width, src.Image.Height), model.NewImage(model.RGBA64, src.Image.Width, src.Image.Height)
	src.WriteRGBA64(from.Planes[0].Data)
	if err := j.engine.Stylize(to, from, s); errors.As(err, new(model.ArgumentError)) {
		return nil, nil // where the fault is another, the picture of eight bits has it too
	} else if err != nil {
		return nil, err
	}
	return narrowed(to, len(src.Deep)), nil
}

// narrowed are the first samples of each pixel, samples in all.
func narrowed(img *model.Image, samples int) []uint16 {
	out := make([]uint16, samples)
	pixels := img.Width * img.Height
	n := samples / pixels
	data := img.Planes[0].Data
	for i := range pixels {
		for c := range n {
			out[n*i+c] = binary.LittleEndian.Uint16(data[8*i+2*c:])
		}
	}
	return out
}
