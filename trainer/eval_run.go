package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/urfave/cli/v2"

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

// eye is the loss network; see cpu.Features.
type eye interface {
	Extract(picture []float32, height, width int) (features []float32, levels [4]model.Stats, err error)
}

// evaluation is one run of the command.
type evaluation struct {
	*evalOptions
	engine   model.Engine
	eye      eye
	chosen   []pair
	rows     []*evalRow       // identity, style pasted, one for each alpha
	sheet    [][]*model.Image // rows of pictures
	pictures picturesID
	motion   float64          // mean absolute difference from frame to frame of the film
	kept     map[string]*view // by path and side
	left     int64            // bytes that kept may still take
}

// evalRow collects the scores of one kind of result.
type evalRow struct {
	name    string
	alpha   float64     // of a result of the network, -1 for others
	scores  []pairScore // of each pair
	noise   []float64   // gain for each content
	flicker []float64   // for each style of the film
}

type pairScore struct{ style, content, ssim, psnr float64 }

func newEvaluation(o *evalOptions, engine model.Engine, eye eye) *evaluation {
	e := &evaluation{evalOptions: o, engine: engine, eye: eye, chosen: choosePairs(o), kept: map[string]*view{}, left: keptBytes}
	e.rows = []*evalRow{{name: "identity", alpha: -1}, {name: "style pasted", alpha: -1}}
	for _, a := range o.alphas {
		e.rows = append(e.rows, &evalRow{name: "alpha " + strconv.FormatFloat(a, 'g', -1, 64), alpha: a})
	}
	return e
}

// run scores all pairs, then the frames of the film if there are any.
func (e *evaluation) run(c *cli.Context, frames []*model.Image) error {
	steps := len(e.chosen)
	if frames != nil {
		steps += len(e.alphas) * len(e.filmed())
	}
	p := terminal.NewSteps(c.App.ErrWriter, "scoring", steps)
	defer p.Finish()
	for i, pair := range e.chosen {
		if c.Context.Err() != nil {
			return context.Cause(c.Context)
		}
		if err := e.pair(i, pair); err != nil {
			return err
		}
		p.Step(pair.content.Base + " " + pair.style.Base)
	}
	if frames == nil {
		return nil
	}
	e.rows[0].flicker, e.rows[1].flicker = []float64{1}, []float64{0}
	for _, row := range e.rows[2:] {
		for _, style := range e.filmed() {
			if err := e.flicker(c, row, style, frames); err != nil {
				return err
			}
			p.Step(fmt.Sprintf("film, %s, %s", row.name, style.Base))
		}
	}
	return nil
}

// filmed are the styles that the film is stylised with.
func (e *evaluation) filmed() (styles []files.File) {
	for _, p := range e.chosen[:min(filmStyles, len(e.chosen), len(e.styles))] {
		styles = append(styles, p.style)
	}
	return styles
}

// pair scores pair number i in every row.
func (e *evaluation) pair(i int, p pair) error {
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
	for _, row := range e.rows {
		result, look := content.img, content.Look
		switch {
		case row.alpha >= 0:
			result = model.NewImage(model.RGB, e.size, e.size)
			if err := e.engine.Stylize(result, content.img, &model.Stylization{Style: style.stats, Alpha: float32(row.alpha)}); err != nil {
				return fmt.Errorf("content %q: %w", p.content.Path, err)
			}
			if look, err = e.look(result); err != nil {
				return fmt.Errorf("result of content %q: %w", p.content.Path, err)
			}
		case row != e.rows[0]:
			result, look = style.img, style.Look
		}
		row.scores = append(row.scores, pairScore{
			style:   score.StyleLoss(look.Levels, style.Levels) / unit.style,
			content: score.ContentLoss(look.Features, content.Features) / unit.content,
			ssim:    score.SSIM(result, content.img),
			psnr:    score.PSNR(result, content.img),
		})
		if i < noisePairs {
			if err := e.noise(i, row, content.img, result, style.stats); err != nil {
				return err
			}
		}
		line = append(line, result)
	}
	if i < sheetPairs && e.sheetFile != "" {
		e.sheet = append(e.sheet, line)
	}
	return nil
}

// noise measures the gain of noise on content number i, whose result is there already.
func (e *evaluation) noise(i int, row *evalRow, content, result *model.Image, style model.Stats) error {
	if row.alpha < 0 {
		gain := 1.0 // a copy keeps the noise, a pasted style has none of it
		if row != e.rows[0] {
			gain = 0
		}
		row.noise = append(row.noise, gain)
		return nil
	}
	noisy := score.Noisy(content, noiseSigma, rand.New(rand.NewPCG(e.seed, uint64(i))))
	changed := model.NewImage(model.RGB, e.size, e.size)
	if err := e.engine.Stylize(changed, noisy, &model.Stylization{Style: style, Alpha: float32(row.alpha)}); err != nil {
		return fmt.Errorf("noise on content %d: %w", i+1, err)
	}
	row.noise = append(row.noise, score.Distance(changed, result)/score.Distance(noisy, content))
	return nil
}

// flicker measures one strength and style on the film: the sum of the changes from frame to frame against that of the film.
func (e *evaluation) flicker(c *cli.Context, row *evalRow, style files.File, frames []*model.Image) error {
	v, err := e.see(style, true)
	if err != nil {
		return err
	}
	var before *model.Image
	var changes, input float64
	for i, frame := range frames {
		if c.Context.Err() != nil {
			return context.Cause(c.Context)
		}
		result := model.NewImage(model.RGB, frame.Width, frame.Height)
		if err := e.engine.Stylize(result, frame, &model.Stylization{Style: v.stats, Alpha: float32(row.alpha)}); err != nil {
			return fmt.Errorf("film %q, frame %d: %w", e.film, i+1, err)
		}
		if before != nil {
			changes += score.Difference(result, before)
			input += score.Difference(frame, frames[i-1])
		}
		before = result
	}
	if input == 0 {
		return fmt.Errorf("film %q: nothing moves in its first %d frames, so nothing can be measured against that", e.film, len(frames))
	}
	row.flicker = append(row.flicker, changes/input)
	e.motion = input / float64(len(frames)-1)
	return nil
}
