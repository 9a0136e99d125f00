package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/score"
	"adainfilter/trainer/terminal"
)

// steadiness is one run of the command with --video.
type steadiness struct {
	*videoOptions
	engine model.Engine                                     // for statistics
	open   func() (model.Engine, error)                     // each run has an engine of its own, which remembers the frame before
	frames func(path string) iter.Seq2[*model.Image, error] // of a film, in order
	styles []namedStyle
	films  []*steadyFilm
}

// steadyFilm is what was seen of one film.
type steadyFilm struct {
	path          string
	width, height int    // of the first frame
	pictures      string // hash of all frames
	frames        []steadyFrame
	changes       score.Differences // of still pixels
	runs          []*steadyRun      // one style after the other, each with smoothing as videoOptions has it
}

// steadyFrame is what does not depend on style and smoothing.
type steadyFrame struct {
	begins    string  // why it does not go on from the one before; "" is that it does
	distance  float64 // model.StatsDistance to the one before; NaN where there is none of this size
	still     int     // pixels
	pixels    int
	luminance float64
}

// What a frame may begin with.
const (
	beginsFilm = "film"
	beginsCut  = "cut"
	beginsSize = "size"
)

// steadyRun is a film in one style with one smoothing.
type steadyRun struct {
	style          string
	smoothing      float64
	engine         model.Engine
	stylization    model.Stylization
	result, before *model.Image
	changes        score.Differences // of still pixels
	ghosting       score.Differences // of the other pixels, to the result without smoothing
	frames         []runFrame
	lag            int // the most frames after a beginning until the result is as without smoothing; -1 is none
	waiting        int // the beginning for which this is not known yet; -1 is none
	unsettled      int // beginnings before the next of which it did not come about
}

// runFrame is one frame of a run.
type runFrame struct {
	luminance float64
	flicker   float64 // mean change of still pixels; NaN if there are none
	apart     float64 // mean difference to the result without smoothing
}

// settled is the mean difference of two results, in steps of 8 bits, that nobody sees.
const settled = 1

func (v *steadiness) run(c *cli.Context) error {
	p := terminal.NewSteps(c.App.ErrWriter, "measuring", len(v.filmFiles)*(1+len(v.styles)))
	defer p.Finish()
	for _, in := range v.filmFiles {
		f := &steadyFilm{path: in.Path}
		if err := v.survey(c.Context, f); err != nil {
			return err
		}
		p.Step(in.Path)
		for _, s := range v.styles {
			if err := v.measure(c.Context, f, s); err != nil {
				return err
			}
			p.Step(fmt.Sprintf("%s, %s", in.Path, s.Base))
		}
		v.films = append(v.films, f)
	}
	return nil
}

// play calls use for the frames of a film that are to be measured, numbered from 0, and says how many there were.
func (v *steadiness) play(ctx context.Context, path string, use func(i int, frame *model.Image) error) (int, error) {
	n := -v.skip
	for frame, err := range v.frames(path) {
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return n, err
		}
		if n >= 0 {
			if err := use(n, frame); err != nil {
				return n, fmt.Errorf("film %q, frame %d: %w", path, v.skip+n+1, err)
			}
		}
		if n++; n > 0 && n == v.count {
			break
		}
	}
	return max(n, 0), nil
}

// survey looks at a film without styles.
func (v *steadiness) survey(ctx context.Context, f *steadyFilm) error {
	var before *model.Image
	var seen model.Stats
	var still score.Still
	hash := sha256.New()
	n, err := v.play(ctx, f.path, func(i int, frame *model.Image) error {
		stats, err := v.engine.Statistics(frame)
		if err != nil {
			return err
		}
		if err := stats.Check(len(stats.Mean)); err != nil {
			return err
		}
		now := steadyFrame{pixels: frame.Width * frame.Height, luminance: score.Luminance(frame), distance: math.NaN()}
		if before != nil && frame.Width == before.Width && frame.Height == before.Height {
			now.distance = model.StatsDistance(stats, seen)
		}
		switch {
		case before == nil:
			now.begins, f.width, f.height = beginsFilm, frame.Width, frame.Height
		case math.IsNaN(now.distance):
			now.begins = beginsSize
		case now.distance > model.SceneCut(frame.Width, frame.Height):
			now.begins = beginsCut
		default:
			now.still = still.Compare(frame, before)
			f.changes.Add(frame, before, still.At, true)
		}
		fmt.Fprintf(hash, "%dx%d ", frame.Width, frame.Height)
		for y := range frame.Height {
			hash.Write(frame.Planes[0].Data[y*frame.Planes[0].Stride:][:3*frame.Width])
		}
		f.frames = append(f.frames, now)
		before, seen = frame, stats
		return nil
	})
	if err != nil {
		return err
	}
	f.pictures = hex.EncodeToString(hash.Sum(nil))[:16]
	switch {
	case n >= 2:
		return nil
	case v.skip > 0:
		return fmt.Errorf("film %q has %d frames behind the first %d, wanted at least 2", f.path, n, v.skip)
	}
	return fmt.Errorf("film %q has %d frames, wanted at least 2", f.path, n)
}

// measure plays a film in one style, with every smoothing side by side.
func (v *steadiness) measure(ctx context.Context, f *steadyFilm, s namedStyle) error {
	runs := make([]*steadyRun, len(v.smoothing))
	for i, smoothing := range v.smoothing {
		engine, err := v.open()
		if err != nil {
			return err
		}
		defer engine.Close()
		runs[i] = &steadyRun{style: s.Base, smoothing: smoothing, engine: engine, lag: -1, waiting: -1,
			stylization: model.Stylization{Style: s.stats, Alpha: 1, Smoothing: float32(smoothing)}}
	}
	var before *model.Image
	var still score.Still
	changed := errors.New("its frames are not those of the first time: something writes to the file")
	n, err := v.play(ctx, f.path, func(i int, frame *model.Image) error {
		if i == len(f.frames) || f.frames[i].pixels != frame.Width*frame.Height {
			return changed
		}
		now := f.frames[i]
		if now.begins == "" && still.Compare(frame, before) != now.still {
			return changed
		}
		for _, r := range runs {
			if err := r.stylize(frame); err != nil {
				return err
			}
			r.score(i, now, still.At, runs[0].result)
		}
		before = frame
		return nil
	})
	if err != nil {
		return err
	}
	if n != len(f.frames) {
		return fmt.Errorf("film %q: %w", f.path, changed)
	}
	for _, r := range runs {
		r.end()
	}
	f.runs = append(f.runs, runs...)
	return nil
}

func (r *steadyRun) stylize(frame *model.Image) error {
	r.before, r.result = r.result, r.before
	if r.result == nil || r.result.Width != frame.Width || r.result.Height != frame.Height {
		r.result = model.NewImage(model.RGB, frame.Width, frame.Height)
	}
	return r.engine.Stylize(r.result, frame, &r.stylization)
}

// score looks at the result of frame i. plain is the result without smoothing.
func (r *steadyRun) score(i int, now steadyFrame, still []bool, plain *model.Image) {
	seen := runFrame{luminance: score.Luminance(r.result), flicker: math.NaN()}
	if now.begins == "" {
		var changes score.Differences
		changes.Add(r.result, r.before, still, true)
		seen.flicker = changes.Mean()
		r.changes.Merge(&changes)
	}
	if r.result != plain {
		if now.begins == "" {
			r.ghosting.Add(r.result, plain, still, false)
		}
		var apart score.Differences
		apart.Add(r.result, plain, nil, true)
		seen.apart = apart.Mean()
		r.settle(i, now, seen.apart)
	}
	r.frames = append(r.frames, seen)
}

// settle follows how long a beginning can be seen.
func (r *steadyRun) settle(i int, now steadyFrame, apart float64) {
	if now.begins == beginsCut || now.begins == beginsSize {
		if r.waiting >= 0 {
			r.unsettled++
		}
		r.waiting = i
	}
	if r.waiting >= 0 && apart <= settled {
		r.lag, r.waiting = max(r.lag, i-r.waiting), -1
	}
}

// end lets go of what is not needed for the report.
func (r *steadyRun) end() {
	if r.waiting >= 0 {
		r.unsettled++
	}
	r.engine, r.result, r.before = nil, nil, nil
}

// steps are the changes of luminance of the film and of a run, between frames of which one goes on from the other.
func (f *steadyFilm) steps(r *steadyRun) (film, result []float64) {
	for i, now := range f.frames {
		if now.begins == "" {
			film = append(film, now.luminance-f.frames[i-1].luminance)
			result = append(result, r.frames[i].luminance-r.frames[i-1].luminance)
		}
	}
	return film, result
}
