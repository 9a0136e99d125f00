package stylize

import (
	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/sheet"
)

// drawStrip puts the content, its results at rising strength and the style, if it is one picture, into a row.
func (j *Job) drawStrip(dst, src *model.Image, s *model.Stylization, set []Style) (*model.Image, error) {
	pictures := []*model.Image{src, nil, nil, nil, nil}
	if len(set) == 1 && style.KindOf(set[0].Path) == style.Picture {
		img, err := picture.ReadStyle(set[0].Path, j.StyleSize, picture.Limit{})
		if err != nil {
			return nil, err
		}
		// Like ShortSide, at most 16 times as long as high.
		width := int(int64(src.Height) * int64(img.Width) / int64(img.Height))
		pictures = append(pictures, picture.Resize(img, min(max(width, 1), 16*src.Height), src.Height))
	}
	layout := sheet.Grid(5, 1, src.Width, src.Height)
	for _, img := range pictures[5:] {
		layout.Columns = append(layout.Columns, img.Width)
	}
	strip, err := sheet.New(layout)
	if err != nil {
		return nil, err
	}
	for i, img := range pictures {
		if img == nil {
			img, s.Alpha = dst, float32(i)/4
			if err := j.engine.Stylize(dst, src, s); err != nil {
				return nil, err
			}
		}
		strip.Put(i, 0, img)
	}
	return strip.Image(), nil
}

// drawSheet mixes four styles bilinearly: the first has the upper left corner, the second the upper right, the third the lower left,
// the fourth the lower right (Huang & Belongie 2017, figure 8).
func (j *Job) drawSheet(dst, src *model.Image, stats []model.Stats) (*model.Image, error) {
	n := j.Corners
	page, err := sheet.New(sheet.Grid(n, n, src.Width, src.Height))
	if err != nil {
		return nil, err
	}
	s := j.controls()
	for row := range n {
		for column := range n {
			if s.Style, err = model.Mix(stats, corners(column, row, n)); err != nil {
				return nil, err
			}
			if err := j.engine.Stylize(dst, src, s); err != nil {
				return nil, err
			}
			page.Put(column, row, dst)
		}
	}
	return page.Image(), nil
}

// corners are the weights of the four corners at a place of an n x n sheet.
func corners(column, row, n int) []float64 {
	right, down := float64(column)/float64(n-1), float64(row)/float64(n-1)
	return []float64{(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down}
}
