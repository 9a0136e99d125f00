package training

import (
	"errors"
	"math/rand/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/sheet"
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
func chooseSamples(o *Options, side int) (*samples, error) {
	contents, err := readSome(o.Content, o.Seed, side)
	if err != nil {
		return nil, err
	}
	for i, img := range contents {
		contents[i] = picture.Middle(img, side)
	}
	styles, err := readSome(o.Style, o.Seed, o.StyleSize)
	if err != nil {
		return nil, err
	}
	n := min(len(contents), len(styles))
	return &samples{side, contents[:n], styles[:n]}, nil
}

// readSome reads pictures of a folder in an order that the seed decides, those that cannot be read left out.
func readSome(folder string, seed uint64, shortSide int) ([]*model.Image, error) {
	found, err := files.NamedPictures([]string{folder})
	if err != nil {
		return nil, err
	}
	var pictures []*model.Image
	var failures []error
	for _, i := range rand.New(rand.NewPCG(seed, 0x5a3b1e5)).Perm(len(found)) {
		if len(pictures) == sampleRows {
			break
		}
		img, err := picture.ReadStyle(found[i].Path, shortSide, picture.Limit{})
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
func (s *samples) write(engines model.Engines, w *model.Weights, o model.Options, path string) error {
	engine, err := engines.Open(w, o)
	if err != nil {
		return err
	}
	defer engine.Close()
	layout := sheet.Grid(2+len(sampleAlphas), len(s.contents), s.side, s.side)
	layout.Gap = sampleGap
	page, err := sheet.New(layout)
	if err != nil {
		return err
	}
	for row, content := range s.contents {
		stats, err := engine.Statistics(s.styles[row])
		if err != nil {
			return err
		}
		page.Put(0, row, content)
		page.Put(1, row, picture.Middle(picture.ShortSide(s.styles[row], s.side), s.side))
		for i, alpha := range sampleAlphas {
			result := model.NewImage(content.Format, content.Width, content.Height)
			if err := engine.Stylize(result, content, &model.Stylization{Style: stats, Alpha: alpha}); err != nil {
				return err
			}
			page.Put(2+i, row, result)
		}
	}
	return picture.Write(path, page.Image())
}
