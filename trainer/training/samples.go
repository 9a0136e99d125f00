package training

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/dataset"
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
	names    []string       // of the styles, each once
}

// chooseSamples reads pairs that the seed chooses, to be shown as squares of side pixels.
func chooseSamples(o *Options, d *pictures, side int) (*samples, error) {
	contents, _, err := readSome(d.content, o.Seed, side)
	if err != nil {
		return nil, err
	}
	for i, img := range contents {
		contents[i] = picture.Middle(img, side)
	}
	styles, paths, err := readSome(d.style, o.Seed, o.StyleSize)
	if err != nil {
		return nil, err
	}
	n := min(len(contents), len(styles))
	return &samples{side, contents[:n], styles[:n], styleNames(paths[:n])}, nil
}

// readSome reads pictures of a folder in an order that the seed decides, those that cannot be read left out.
func readSome(f *dataset.Folder, seed uint64, shortSide int) (pictures []*model.Image, paths []string, err error) {
	var failures []error
	all := f.Paths()
	for _, i := range rand.New(rand.NewPCG(seed, 0x5a3b1e5)).Perm(len(all)) {
		if len(pictures) == sampleRows {
			break
		}
		img, err := picture.ReadStyle(all[i], shortSide, picture.Limit{})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		pictures, paths = append(pictures, img), append(paths, all[i])
	}
	if len(pictures) == 0 {
		return nil, nil, errors.Join(failures...)
	}
	return pictures, paths, nil
}

// styleNames makes names of files such as one types them: letters, digits and dashes, each once and none that is built in.
func styleNames(paths []string) (names []string) {
	for _, path := range paths {
		base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		name := strings.Join(strings.FieldsFunc(strings.ToLower(base), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")
		if name == "" {
			name = "style"
		}
		for plain, n := name, 2; slices.Contains(names, name) || slices.Contains(model.BuiltinStyles(), name); n++ {
			name = fmt.Sprintf("%s-%d", plain, n)
		}
		names = append(names, name)
	}
	return names
}

// take gives weights the styles of the sheet as their own. engine is one of the weights.
func (s *samples) take(engine model.Engine, w *model.Weights) error {
	w.Styles = nil
	for i, img := range s.styles {
		stats, err := engine.Statistics(img)
		if err != nil {
			return fmt.Errorf("style %s: %w", s.names[i], err)
		}
		if stats.Check(len(stats.Mean)) != nil {
			continue // a network that is not trained yet may give values that no style has
		}
		w.Styles = append(w.Styles, &model.Style{Name: s.names[i], Network: w.Network, Encoder: w.EncoderID(), Stats: stats})
	}
	return nil
}

// write makes the sheet: a row for each pair; content, style and the results at growing alpha beside each other. The weights take the
// styles as their own.
func (s *samples) write(engines model.Engines, w *model.Weights, o model.Options, path string) error {
	engine, err := engines.Open(w, o)
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := s.take(engine, w); err != nil {
		return err
	}
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
