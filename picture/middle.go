package picture

import "adainfilter/model"

// Middle is the square of side pixels in the middle of an RGB image, or where a side of the image is shorter, as much of it as there
// is. It shares the image's memory.
func Middle(img *model.Image, side int) *model.Image {
	w, h := min(side, img.Width), min(side, img.Height)
	p := img.Planes[0]
	start := (img.Height-h)/2*p.Stride + (img.Width-w)/2*3
	out := &model.Image{Format: img.Format, Width: w, Height: h}
	out.Planes[0] = model.Plane{Data: p.Data[start:], Stride: p.Stride}
	return out
}
