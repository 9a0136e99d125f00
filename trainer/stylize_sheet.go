package main

import (
	"fmt"

	"adainfilter/model"
	"adainfilter/picture"
)

// drawStrip puts the content, its results at rising strength and the style, if it is one picture, into a row.
func (j *stylizeJob) drawStrip(dst, src *model.Image, look *model.Look, set []namedStyle) (*model.Image, error) {
	pictures := []*model.Image{src, nil, nil, nil, nil}
	if len(set) == 1 && isPicture(set[0].input) {
		style, err := picture.ReadStyle(set[0].path, j.styleSize, picture.Limit{})
		if err != nil {
			return nil, err
		}
		// Like ShortSide, at most 16 times as long as high.
		width := int(int64(src.Height) * int64(style.Width) / int64(style.Height))
		pictures = append(pictures, picture.Resize(style, min(max(width, 1), 16*src.Height), src.Height))
	}
	width := 5 * src.Width
	if len(pictures) > 5 {
		width += pictures[5].Width
	}
	strip, err := blank(width, src.Height)
	if err != nil {
		return nil, err
	}
	x := 0
	for i, img := range pictures {
		if img == nil {
			img, look.Alpha = dst, float32(i)/4
			if err := j.engine.Stylize(dst, src, look); err != nil {
				return nil, err
			}
		}
		paste(strip, img, x, 0)
		x += img.Width
	}
	return strip, nil
}

// drawSheet mixes four styles bilinearly: the first has the upper left corner, the second the upper right, the third the lower left,
// the fourth the lower right (Huang & Belongie 2017, figure 8).
func (j *stylizeJob) drawSheet(dst, src *model.Image, stats []model.Stats) (*model.Image, error) {
	n := j.corners
	sheet, err := blank(n*src.Width, n*src.Height)
	if err != nil {
		return nil, err
	}
	look := model.Look{Alpha: j.alpha, PreserveColor: j.color == keepLuma, ProcessingSize: j.processing}
	for row := range n {
		for column := range n {
			if look.Style, err = model.Mix(stats, corners(column, row, n)); err != nil {
				return nil, err
			}
			if err := j.engine.Stylize(dst, src, &look); err != nil {
				return nil, err
			}
			paste(sheet, dst, column*src.Width, row*src.Height)
		}
	}
	return sheet, nil
}

// corners are the weights of the four corners at a place of an n x n sheet.
func corners(column, row, n int) []float64 {
	right, down := float64(column)/float64(n-1), float64(row)/float64(n-1)
	return []float64{(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down}
}

// blank is an RGB image for several pictures, within the limit of one.
func blank(width, height int) (*model.Image, error) {
	if width > picture.DefaultPixels/height {
		return nil, fmt.Errorf("a strip or sheet of %dx%d pixels is too large, wanted at most %d million: set --size to make contents smaller",
			width, height, picture.DefaultPixels/1_000_000)
	}
	return model.NewImage(model.RGB, width, height), nil
}

// paste copies a picture to a place, transparent pixels on white.
func paste(to, img *model.Image, x, y int) {
	img = picture.OnWhite(img)
	for row := range img.Height {
		copy(to.Planes[0].Data[(y+row)*to.Planes[0].Stride+3*x:], img.Planes[0].Data[row*img.Planes[0].Stride:][:3*img.Width])
	}
}
