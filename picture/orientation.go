package picture

import (
	"io"

	"github.com/bep/imagemeta"

	"adainfilter/model"
)

// orientation is the EXIF orientation of a picture file, 1 (upright) to 8. A file whose metadata is missing or broken counts
// as upright: the pixels are good all the same.
func orientation(r io.ReadSeeker, format imagemeta.ImageFormat) (o int) {
	o = 1
	defer func() {
		if recover() != nil {
			o = 1
		}
	}()
	if format == 0 {
		return 1
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 1
	}
	wanted := func(t imagemeta.TagInfo) bool { return t.Namespace == "IFD0" && t.Tag == "Orientation" }
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:               r,
		ImageFormat:     format,
		Sources:         imagemeta.EXIF,
		ShouldHandleTag: wanted,
		HandleTag: func(t imagemeta.TagInfo) error {
			if v, ok := t.Value.(uint16); ok && wanted(t) && v >= 1 && v <= 8 {
				o = int(v)
			}
			return nil
		},
	})
	return o
}

// upright turns and mirrors img, an RGB or RGBA image, so that orientation o (EXIF 2.3, tag 0x0112) becomes 1.
func upright(img *model.Image, o int) *model.Image {
	if o < 2 || o > 8 {
		return img
	}
	w, h := img.Width, img.Height
	if o >= 5 {
		w, h = h, w
	}
	out := model.NewImage(img.Format, w, h)
	from, to := img.Planes[0], out.Planes[0]
	n := from.Stride / img.Width
	// An upright pixel lies in the file at start + x*stepX + y*stepY.
	right, down := n, from.Stride
	lastX, lastY := (img.Width-1)*n, (img.Height-1)*from.Stride
	var start, stepX, stepY int
	switch o {
	case 2:
		start, stepX, stepY = lastX, -right, down
	case 3:
		start, stepX, stepY = lastX+lastY, -right, -down
	case 4:
		start, stepX, stepY = lastY, right, -down
	case 5:
		start, stepX, stepY = 0, down, right
	case 6:
		start, stepX, stepY = lastY, -down, right
	case 7:
		start, stepX, stepY = lastX+lastY, -down, -right
	case 8:
		start, stepX, stepY = lastX, down, -right
	}
	for y := range h {
		line := to.Data[y*to.Stride:]
		for x := range w {
			at := start + x*stepX + y*stepY
			copy(line[n*x:n*x+n], from.Data[at:at+n])
		}
	}
	return out
}
