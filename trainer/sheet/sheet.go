// Package sheet puts pictures side by side: contact sheets, strips of strengths, grids of mixes.
package sheet

import (
	"fmt"

	"adainfilter/model"
	"adainfilter/picture"
)

// Layout says where pictures stand on a sheet.
type Layout struct {
	Columns []int // width of each in pixels
	Rows    int
	Height  int // of each row in pixels
	Gap     int // pixels between two pictures
	Margin  int // pixels around all of them
}

// Grid is a layout of equal columns without gaps.
func Grid(columns, rows, width, height int) Layout {
	l := Layout{Columns: make([]int, columns), Rows: rows, Height: height}
	for i := range l.Columns {
		l.Columns[i] = width
	}
	return l
}

// Sheet is a white RGB picture that others are put on.
type Sheet struct {
	Layout
	image *model.Image
}

// New is an empty sheet. It may have picture.DefaultPixels pixels, as any one picture; the error says how many it would have.
func New(l Layout) (*Sheet, error) {
	width := 2*l.Margin + l.Gap*(len(l.Columns)-1)
	for _, w := range l.Columns {
		width += w
	}
	height := 2*l.Margin + l.Gap*(l.Rows-1) + l.Rows*l.Height
	if width > picture.DefaultPixels/height {
		return nil, fmt.Errorf("a sheet of %dx%d pixels is too large, wanted at most %d million: make its pictures smaller",
			width, height, picture.DefaultPixels/1_000_000)
	}
	s := &Sheet{l, model.NewImage(model.RGB, width, height)}
	for i := range s.image.Planes[0].Data {
		s.image.Planes[0].Data[i] = 255
	}
	return s, nil
}

// Put copies a picture of any format with samples of R'G'B' to its place, counted from 0, transparent pixels on white. What is larger
// than its place is cut off at the right and below.
func (s *Sheet) Put(column, row int, img *model.Image) {
	x, y := s.Margin+column*s.Gap, s.Margin+row*(s.Gap+s.Height)
	for _, w := range s.Columns[:column] {
		x += w
	}
	img = picture.OnWhite(img)
	width := 3 * min(img.Width, s.Columns[column])
	from, to := img.Planes[0], s.image.Planes[0]
	for i := range min(img.Height, s.Height) {
		copy(to.Data[(y+i)*to.Stride+3*x:][:width], from.Data[i*from.Stride:])
	}
}

// Image is the sheet's picture; they share their memory.
func (s *Sheet) Image() *model.Image { return s.image }
