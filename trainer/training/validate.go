package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"adainfilter/trainer/evaluation"
	"adainfilter/trainer/files"
	"adainfilter/trainer/record"
)

// errScores is a failure of scoring that is no reason to end a run.
var errScores = errors.New("validation")

// validate scores the network as it is now at alpha 1, and keeps its weights where no scores before were better.
func (t *run) validate(ctx context.Context) (*record.Scores, error) {
	state, err := t.engine.State()
	if err != nil {
		return nil, err
	}
	w, err := t.trained(state)
	if err != nil {
		return nil, err
	}
	engine, err := t.Preview.Open(w, t.o.Engine)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	eye, err := t.Eyes(t.layers, t.o.Engine)
	if err != nil {
		return nil, err
	}
	defer eye.Close()
	e, err := evaluation.Run(ctx, t.scored, engine, eye, nil, io.Discard)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errScores, err)
	}
	rows := e.Report(t.loss).Rows
	row := rows[len(rows)-1]
	scores := &record.Scores{StyleRatio: row.StyleRatio, ContentRatio: row.ContentRatio, SSIM: row.SSIM, NoiseGain: row.NoiseGain}
	if best, _ := record.Best(t.log); best == nil || scores.Sum() < best.Scores.Sum() {
		if err := t.samples.take(engine, w); err != nil {
			return nil, err
		}
		return scores, t.writeWeights(w, record.BestFile)
	}
	return scores, nil
}

// validationSide is the least side in pixels of pictures that are scored; a larger crop counts.
const validationSide = 64

// chooseValidation finds the pictures that are not trained on. Those that cannot be read are named and left out, for a run must not end
// over one of them hours later.
func (t *run) chooseValidation() error {
	v := t.o.Validation
	if !v.on() {
		return nil
	}
	contents, styles := named(t.data.content.Held()), named(t.data.style.Held())
	if v.Share == 0 {
		var err error
		if contents, err = files.NamedPictures([]string{v.Content}); err != nil {
			return fmt.Errorf("--validate-content: %w", err)
		}
		if styles, err = files.NamedPictures([]string{v.Style}); err != nil {
			return fmt.Errorf("--validate-style: %w", err)
		}
	}
	t.scored = evaluation.Options{Pairs: v.Pairs, Size: max(validationSide, t.o.Crop), Seed: 1, Alphas: []float64{1}}
	t.scored.Contents, t.scored.Styles = t.readable(contents), t.readable(styles)
	if len(t.scored.Contents) == 0 || len(t.scored.Styles) == 0 {
		return errors.New("validation: none of its contents or none of its styles can be read")
	}
	return nil
}

// readable are pictures of a list that can be read, as many as there are pairs at most, evenly spread.
func (t *run) readable(all []files.File) (good []files.File) {
	n := min(len(all), t.o.Validation.Pairs)
	for i := range n {
		f := all[i*len(all)/n]
		if _, err := evaluation.ReadSquare(f.Path, max(validationSide, t.o.Crop)); err != nil {
			fmt.Fprintf(t.out, "adain: passed over: %v\n", err)
			continue
		}
		good = append(good, f)
	}
	return good
}

func named(paths []string) (all []files.File) {
	for _, path := range paths {
		all = append(all, files.File{Path: path, Base: filepath.Base(path)})
	}
	return all
}

// noBetter says whether so many scores were no better that the run ends.
func (t *run) noBetter() bool {
	if t.o.Validation.Patience == 0 {
		return false
	}
	_, since := record.Best(t.log)
	return since >= t.o.Validation.Patience
}
