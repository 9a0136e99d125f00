// Package steadiness measures how steady stylised films are, with each of some values of smoothing. documents/scores.md defines the measures.
package steadiness

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/files"
	"adainfilter/trainer/score"
	"adainfilter/trainer/stylize"
	"adainfilter/trainer/terminal"
)

// Options are what is measured. The caller has checked them.
type Options struct {
	Films     []files.File
	Styles    []stylize.Style
	Smoothing []float64 // ascending, first 0
	Motion    bool      // Stylization.Motion
	Size      int       // short side to which frames are reduced; 0 is each film's own
	Skip      int       // frames of each film to leave out first
	Count     int       // frames of each film; 0 is all
}

// Measurement is one run.
type Measurement struct {
	Options
	engine model.Engine
	open   func() (model.Engine, error)
	frames func(path string) iter.Seq2[*model.Image, error]
	flow   Flow
	films  []*measuredFilm
}

// Flow is where the pixels of frame i of a film, counted from 0, were in the one before.
type Flow func(path string, i int, frame, before *model.Image) *score.Flow

// Run measures all films. engine makes statistics; open opens one more for each style and smoothing, which remembers the frame before.
// frames are those of a film in order, RGB; flow is asked for those that go on from the one before. Progress goes to out. Errors: a film that cannot be read, has fewer than two frames or changes
// while it is measured, the engines', ctx's cause.
func Run(ctx context.Context, o Options, engine model.Engine, open func() (model.Engine, error),
	frames func(path string) iter.Seq2[*model.Image, error], flow Flow, out io.Writer) (*Measurement, error) {
	v := &Measurement{Options: o, engine: engine, open: open, frames: frames, flow: flow}
	return v, v.run(ctx, out)
}

// measuredFilm is what was seen of one film.
type measuredFilm struct {
	path          string
	width, height int    // of the first frame
	pictures      string // hash of all frames
	frames        []frameFacts
	changes       score.Differences // of still pixels
	runs          []*run            // one style after the other, each with smoothing as Options has it
}

// frameFacts is what does not depend on style and smoothing.
type frameFacts struct {
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

// run is a film in one style with one smoothing.
type run struct {
	style           string
	smoothing       float64
	plain           *run // the one without smoothing
	engine          model.Engine
	stylization     model.Stylization
	result, before  *model.Image
	changes         score.Differences // of still pixels
	ghosting        score.Differences // of the other pixels, to the result without smoothing
	moving, resting score.Warping     // of visible pixels
	trails          score.Differences // of covered pixels, to the result without smoothing
	energy          int64             // of the gradients, of frames that go on
	times           []float64         // of each frame, ms
	frames          []runFrame
	lag             int // the most frames after a beginning until the result is as without smoothing; -1 is none
	waiting         int // the beginning for which this is not known yet; -1 is none
	unsettled       int // beginnings before the next of which it did not come about
}

// runFrame is one frame of a run.
type runFrame struct {
	luminance float64
	flicker   float64 // mean change of still pixels; NaN if there are none
	apart     float64 // mean difference to the result without smoothing
}

// settled is the mean difference of two results, in steps of 8 bits, that nobody sees.
const settled = 1

func (v *Measurement) run(ctx context.Context, out io.Writer) error {
	p := terminal.NewSteps(out, "measuring", len(v.Films)*(1+len(v.Styles)))
	defer p.Finish()
	for _, in := range v.Films {
		f := &measuredFilm{path: in.Path}
		if err := v.survey(ctx, f); err != nil {
			return err
		}
		p.Step(in.Path)
		if err := v.measure(ctx, f); err != nil {
			return err
		}
		for _, s := range v.Styles {
			p.Step(fmt.Sprintf("%s, %s", in.Path, s.Base))
		}
		v.films = append(v.films, f)
	}
	return nil
}

// play calls use for the frames of a film that are to be measured, numbered from 0, and says how many there were.
func (v *Measurement) play(ctx context.Context, path string, use func(i int, frame *model.Image) error) (int, error) {
	n := -v.Skip
	for frame, err := range v.frames(path) {
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return n, err
		}
		if n >= 0 {
			if err := use(n, frame); err != nil {
				return n, fmt.Errorf("film %q, frame %d: %w", path, v.Skip+n+1, err)
			}
		}
		if n++; n > 0 && n == v.Count {
			break
		}
	}
	return max(n, 0), nil
}

// survey looks at a film without styles.
func (v *Measurement) survey(ctx context.Context, f *measuredFilm) error {
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
		now := frameFacts{pixels: frame.Width * frame.Height, luminance: score.Luminance(frame), distance: math.NaN()}
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
	case v.Skip > 0:
		return fmt.Errorf("film %q has %d frames behind the first %d, wanted at least 2", f.path, n, v.Skip)
	}
	return fmt.Errorf("film %q has %d frames, wanted at least 2", f.path, n)
}

// measure plays a film with every style and smoothing side by side.
func (v *Measurement) measure(ctx context.Context, f *measuredFilm) error {
	var runs []*run
	for _, s := range v.Styles {
		var plain *run
		for _, smoothing := range v.Smoothing {
			engine, err := v.open()
			if err != nil {
				return err
			}
			defer engine.Close()
			r := &run{style: s.Base, smoothing: smoothing, engine: engine, lag: -1, waiting: -1,
				stylization: model.Stylization{Style: s.Stats, Alpha: 1, Smoothing: float32(smoothing), Motion: v.Motion}}
			if plain == nil {
				plain = r
			}
			r.plain = plain
			runs = append(runs, r)
		}
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
		var flow *score.Flow
		if now.begins == "" {
			flow = v.flow(f.path, v.Skip+i, frame, before)
		}
		for _, r := range runs {
			if err := r.stylize(frame); err != nil {
				return err
			}
			r.score(i, now, still.At, flow)
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
	f.runs = runs
	return nil
}

func (r *run) stylize(frame *model.Image) error {
	r.before, r.result = r.result, r.before
	if r.result == nil || r.result.Width != frame.Width || r.result.Height != frame.Height {
		r.result = model.NewImage(model.RGB, frame.Width, frame.Height)
	}
	begin := time.Now()
	err := r.engine.Stylize(r.result, frame, &r.stylization)
	r.times = append(r.times, float64(time.Since(begin))/float64(time.Millisecond))
	return err
}

// score looks at the result of frame i, behind the run without smoothing. flow is nil at a frame that begins something.
func (r *run) score(i int, now frameFacts, still []bool, flow *score.Flow) {
	plain := r.plain.result
	seen := runFrame{luminance: score.Luminance(r.result), flicker: math.NaN()}
	if now.begins == "" {
		var changes score.Differences
		changes.Add(r.result, r.before, still, true)
		seen.flicker = changes.Mean()
		r.changes.Merge(&changes)
		flow.Warp(r.result, r.before, &r.moving, &r.resting)
		r.energy += score.GradientEnergy(r.result)
	}
	if r.result != plain {
		if now.begins == "" {
			r.ghosting.Add(r.result, plain, still, false)
			flow.Trail(r.result, plain, &r.trails)
		}
		var apart score.Differences
		apart.Add(r.result, plain, nil, true)
		seen.apart = apart.Mean()
		r.settle(i, now, seen.apart)
	}
	r.frames = append(r.frames, seen)
}

// settle follows how long a beginning can be seen.
func (r *run) settle(i int, now frameFacts, apart float64) {
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
func (r *run) end() {
	if r.waiting >= 0 {
		r.unsettled++
	}
	r.engine, r.result, r.before = nil, nil, nil
}

// steps are the changes of luminance of the film and of a run, between frames of which one goes on from the other.
func (f *measuredFilm) steps(r *run) (film, result []float64) {
	for i, now := range f.frames {
		if now.begins == "" {
			film = append(film, now.luminance-f.frames[i-1].luminance)
			result = append(result, r.frames[i].luminance-r.frames[i-1].luminance)
		}
	}
	return film, result
}
