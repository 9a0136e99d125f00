package main

import (
	"errors"
	"math/rand/v2"

	"adainfilter/model"
	"adainfilter/picture"
)

const (
	sampleRows = 4
	sampleGap  = 4 // pixels between pictures on the sheet
)

// sampleAlphas are the columns of the sheet behind content and style.
var sampleAlphas = []float32{0, 0.5, 1}

// samples are the pairs that a run shows its progress on.
type samples struct {
	side     int            // pixels of each picture on the sheet
	contents []*model.Image // squares
	styles   []*model.Image // at the size that styles are read at
}

// chooseSamples reads pairs that the seed chooses, to be shown as squares of side pixels.
func chooseSamples(o *trainOptions, side int) (*samples, error) {
	contents, err := readSome(o.content, o.seed, side)
	if err != nil {
		return nil, err
	}
	for i, img := range contents {
		contents[i] = middle(img, side)
	}
	styles, err := readSome(o.style, o.seed, o.styleSize)
	if err != nil {
		return nil, err
	}
	n := min(len(contents), len(styles))
	return &samples{side, contents[:n], styles[:n]}, nil
}

// readSome reads pictures of a folder in an order that the seed decides, those that cannot be read left out.
func readSome(folder string, seed uint64, shortSide int) ([]*model.Image, error) {
	files, err := findInputs([]string{folder}, pictureEnds)
	if err != nil {
		return nil, err
	}
	var pictures []*model.Image
	var failures []error
	for _, i := range rand.New(rand.NewPCG(seed, 0x5a3b1e5)).Perm(len(files)) {
		if len(pictures) == sampleRows {
			break
		}
		img, err := picture.ReadStyle(files[i].path, shortSide, picture.Limit{})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		pictures = append(pictures, img)
	}
	if len(pictures) == 0 {
		return nil, errors.Join(failures...)
	}
	return pictures, nil
}

// write makes the sheet: a row for each pair; content, style and the results at growing alpha beside each other.
func (s *samples) write(w *model.Weights, o model.Options, path string) error {
	engine, err := engines.Open(w, o)
	if err != nil {
		return err
	}
	defer engine.Close()
	sheet := newSheet(s.side, 2+len(sampleAlphas), len(s.contents))
	for row, content := range s.contents {
		stats, err := engine.Statistics(s.styles[row])
		if err != nil {
			return err
		}
		sheet.put(0, row, content)
		sheet.put(1, row, middle(picture.ShortSide(s.styles[row], s.side), s.side))
		for i, alpha := range sampleAlphas {
			result := model.NewImage(content.Format, content.Width, content.Height)
			if err := engine.Stylize(result, content, &model.Look{Style: stats, Alpha: alpha}); err != nil {
				return err
			}
			sheet.put(2+i, row, result)
		}
	}
	return picture.Write(path, sheet.image)
}

// sheet is a white picture that squares are put on, in columns and rows.
type sheet struct {
	pitch int // pixels from one square to the next
	image *model.Image
}

func newSheet(side, columns, rows int) *sheet {
	pitch := side + sampleGap
	img := model.NewImage(model.RGB, columns*pitch-sampleGap, rows*pitch-sampleGap)
	for i := range img.Planes[0].Data {
		img.Planes[0].Data[i] = 255
	}
	return &sheet{pitch, img}
}

func (s *sheet) put(column, row int, img *model.Image) {
	from, to := img.Planes[0], s.image.Planes[0]
	for y := range img.Height {
		at := (row*s.pitch+y)*to.Stride + 3*column*s.pitch
		copy(to.Data[at:at+3*img.Width], from.Data[y*from.Stride:])
	}
}
