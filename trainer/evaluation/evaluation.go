// Package evaluation scores a network on pairs of contents and styles. documents/scores.md defines the scores.
package evaluation

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"

	"adainfilter/model"
	"adainfilter/trainer/files"
	"adainfilter/trainer/score"
	"adainfilter/trainer/terminal"
)

const (
	sheetPairs = 12 // rows of the contact sheet
	noisePairs = 16 // contents that noise gain is measured on
	noiseSigma = 2  // of 255: that of a camera in good light
	filmStyles = 3
)

// Eye is the loss network. Extract is that of cpu.Features: what it sees of a planar picture with samples in [0,1].
type Eye interface {
	// Extract returns relu4_1 and the statistics of relu1_1, relu2_1, relu3_1 and relu4_1.
	Extract(picture []float32, height, width int) (features []float32, levels [4]model.Stats, err error)
}

// Options are what is scored. The caller has checked them.
type Options struct {
	Contents, Styles []files.File
	Pairs            int // at most; fewer where there are no more
	Size             int // side of the pictures in pixels, a multiple of 8
	Seed             uint64
	Alphas           []float64 // ascending
	Film             string    // name of the film that flicker is measured on
	Sheet            bool      // keep pictures for ContactSheet
}

// Evaluation is one run.
type Evaluation struct {
	Options
	engine   model.Engine
	eye      Eye
	chosen   []pair
	rows     []*resultScores  // identity, style pasted, one for each alpha
	sheet    [][]*model.Image // rows of pictures
	pictures picturesID
	frames   []*model.Image   // of the film
	motion   float64          // mean absolute difference from frame to frame of the film
	kept     map[string]*view // by path and side
	left     int64            // bytes that kept may still take
}

// resultScores collects the scores of one kind of result.
type resultScores struct {
	name    string
	alpha   float64     // of a result of the network, -1 for others
	scores  []pairScore // of each pair
	noise   []float64   // gain for each content
	flicker []float64   // for each style of the film
}

type pairScore struct {
	style, content, ssim, psnr float64
	layers                     [4]float64 // style ratio of each; NaN where content and style are alike there
	lattice                    [4]float64 // dB; NaN where the picture is too small
	step                       float64    // from the strength before; NaN where there is none
}

// Run scores all pairs, then the frames of a film if there are any. Progress goes to out. Errors: a picture that cannot be read or
// differs in nothing from its partner, a film in which nothing moves, the engine's, ctx's cause.
func Run(ctx context.Context, o Options, engine model.Engine, eye Eye, frames []*model.Image, out io.Writer) (*Evaluation, error) {
	e := &Evaluation{Options: o, engine: engine, eye: eye, chosen: choosePairs(o), frames: frames, kept: map[string]*view{}, left: keptBytes}
	e.rows = []*resultScores{{name: "identity", alpha: -1}, {name: "style pasted", alpha: -1}}
	for _, a := range o.Alphas {
		e.rows = append(e.rows, &resultScores{name: "alpha " + strconv.FormatFloat(a, 'g', -1, 64), alpha: a})
	}
	return e, e.run(ctx, out)
}

func (e *Evaluation) run(ctx context.Context, out io.Writer) error {
	steps := len(e.chosen)
	if e.frames != nil {
		steps += len(e.Alphas) * len(e.filmed())
	}
	p := terminal.NewSteps(out, "scoring", steps)
	defer p.Finish()
	for i, pair := range e.chosen {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := e.pair(i, pair); err != nil {
			return err
		}
		p.Step(pair.content.Base + " " + pair.style.Base)
	}
	if e.frames == nil {
		return nil
	}
	e.rows[0].flicker, e.rows[1].flicker = []float64{1}, []float64{0}
	for _, row := range e.rows[2:] {
		for _, style := range e.filmed() {
			if err := e.flicker(ctx, row, style); err != nil {
				return err
			}
			p.Step(fmt.Sprintf("film, %s, %s", row.name, style.Base))
		}
	}
	return nil
}

// filmed are the styles that the film is stylised with.
func (e *Evaluation) filmed() (styles []files.File) {
	for _, p := range e.chosen[:min(filmStyles, len(e.chosen), len(e.Styles))] {
		styles = append(styles, p.style)
	}
	return styles
}

// pair scores pair number i in every row.
func (e *Evaluation) pair(i int, p pair) error {
	content, err := e.see(p.content, false)
	if err != nil {
		return err
	}
	style, err := e.see(p.style, true)
	if err != nil {
		return err
	}
	e.pictures.add(content, style)
	unit := pairScore{style: score.StyleLoss(content.Levels, style.Levels), content: score.ContentLoss(style.Features, content.Features)}
	if !(unit.style > 0 && unit.content > 0) {
		return fmt.Errorf("content %q and style %q look the same, so nothing can be measured against their difference", p.content.Path, p.style.Path)
	}
	var line []*model.Image
	var before score.Extract // at the strength before
	for _, row := range e.rows {
		result, seen := content.img, content.Extract
		switch {
		case row.alpha >= 0:
			result = model.NewImage(model.RGB, e.Size, e.Size)
			if err := e.engine.Stylize(result, content.img, &model.Stylization{Style: style.stats, Alpha: float32(row.alpha)}); err != nil {
				return fmt.Errorf("content %q: %w", p.content.Path, err)
			}
			if seen, err = e.extract(result); err != nil {
				return fmt.Errorf("result of content %q: %w", p.content.Path, err)
			}
		case row != e.rows[0]:
			result, seen = style.img, style.Extract
		}
		s := pairScore{
			style:   score.StyleLoss(seen.Levels, style.Levels) / unit.style,
			content: score.ContentLoss(seen.Features, content.Features) / unit.content,
			ssim:    score.SSIM(result, content.img),
			psnr:    score.PSNR(result, content.img),
			step:    math.NaN(),
		}
		s.inDetail(result, seen, content, style)
		if row.alpha >= 0 {
			if before.Features != nil {
				s.step = score.Step(before, seen)
			}
			before = seen
		}
		row.scores = append(row.scores, s)
		if i < noisePairs {
			if err := e.noise(i, row, content.img, result, style.stats); err != nil {
				return err
			}
		}
		line = append(line, result)
	}
	if i < sheetPairs && e.Sheet {
		e.sheet = append(e.sheet, line)
	}
	return nil
}

// inDetail scores a result by layer and by lattice.
func (s *pairScore) inDetail(result *model.Image, seen score.Extract, content, style *view) {
	for i := range s.layers {
		s.layers[i] = math.NaN()
		if unit := score.LayerLoss(content.Levels[i], style.Levels[i]); unit > 0 {
			s.layers[i] = score.LayerLoss(seen.Levels[i], style.Levels[i]) / unit
		}
	}
	var ok bool
	if s.lattice, ok = score.Lattice(result); !ok {
		s.lattice = [4]float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
}

// noise measures the gain of noise on content number i, whose result is there already.
func (e *Evaluation) noise(i int, row *resultScores, content, result *model.Image, style model.Stats) error {
	if row.alpha < 0 {
		gain := 1.0 // a copy keeps the noise, a pasted style has none of it
		if row != e.rows[0] {
			gain = 0
		}
		row.noise = append(row.noise, gain)
		return nil
	}
	noisy := score.Noisy(content, noiseSigma, rand.New(rand.NewPCG(e.Seed, uint64(i))))
	changed := model.NewImage(model.RGB, e.Size, e.Size)
	if err := e.engine.Stylize(changed, noisy, &model.Stylization{Style: style, Alpha: float32(row.alpha)}); err != nil {
		return fmt.Errorf("noise on content %d: %w", i+1, err)
	}
	row.noise = append(row.noise, score.Distance(changed, result)/score.Distance(noisy, content))
	return nil
}

// flicker measures one strength and style on the film: the sum of the changes from frame to frame against that of the film.
func (e *Evaluation) flicker(ctx context.Context, row *resultScores, style files.File) error {
	v, err := e.see(style, true)
	if err != nil {
		return err
	}
	var before *model.Image
	var changes, input float64
	for i, frame := range e.frames {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		result := model.NewImage(model.RGB, frame.Width, frame.Height)
		if err := e.engine.Stylize(result, frame, &model.Stylization{Style: v.stats, Alpha: float32(row.alpha)}); err != nil {
			return fmt.Errorf("film %q, frame %d: %w", e.Film, i+1, err)
		}
		if before != nil {
			changes += score.Difference(result, before)
			input += score.Difference(frame, e.frames[i-1])
		}
		before = result
	}
	if input == 0 {
		return fmt.Errorf("film %q: nothing moves in its first %d frames, so nothing can be measured against that", e.Film, len(e.frames))
	}
	row.flicker = append(row.flicker, changes/input)
	e.motion = input / float64(len(e.frames)-1)
	return nil
}
