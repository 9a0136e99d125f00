package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/film"
	"adainfilter/trainer/film/made"
	"adainfilter/trainer/score"
	"adainfilter/trainer/steadiness"
	"adainfilter/trainer/stylize"
)

// steadyStyles are measured where nobody chooses: one of much contrast, the default one and a soft one.
var steadyStyles = []string{"woodcut", model.DefaultStyle, "pale-watercolour"}

// steadySize is the short side that films get where nobody chooses.
const steadySize = 360

// madeFrames is how long clips that are made are where nobody chooses.
const madeFrames = 24

// steadyStyleSize is what the element reads style pictures at.
const steadyStyleSize = 512

// videoFlags are the options of eval that belong to --video.
func videoFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "video", Usage: "measure how steady `FILM`s are instead of scoring pairs; more films or folders of them may follow behind the options"},
		&cli.StringFlag{Name: "smoothing", Value: "0,0.5,0.8,0.95", Usage: "with --video: `LIST` of values to measure; 0 is always among them"},
		&cli.StringFlag{Name: "made", Usage: "measure clips that are made of `PICTURES`, one or two with a comma between, as --video does films: their motion is known exactly"},
		&cli.BoolFlag{Name: "motion", Value: true, Usage: "with --video: let smoothing follow the motion, as the element's property does"},
		&cli.IntFlag{Name: "skip", Usage: "with --video: `NUMBER` of frames of each film to leave out first"},
	}
}

// videoOptions are those of --video, checked.
type videoOptions struct {
	steadiness.Options
	styles []files.File
	chosen bool                  // the styles, by the user
	csv    string                // file; empty is none
	made   map[string]*made.Clip // by the name that stands for a film
}

func newVideoOptions(c *cli.Context) (*videoOptions, error) {
	for _, name := range []string{"vgg", "photos", "content", "pairs", "seed", "alphas", "film", "sheet"} {
		if c.IsSet(name) {
			return nil, fmt.Errorf("--video and --%s exclude each other", name)
		}
	}
	o := &videoOptions{Options: steadiness.Options{Size: steadySize, Motion: c.Bool("motion"), Skip: c.Int("skip"), Count: c.Int("frames")}, csv: c.String("csv")}
	if c.IsSet("size") {
		o.Size = c.Int("size")
	}
	if err := checkSide("size", o.Size); err != nil {
		return nil, err
	}
	switch {
	case o.Count < 0 || o.Count == 1:
		return nil, fmt.Errorf("--frames is %d, wanted 2 or more, or 0 for all", o.Count)
	case o.Skip < 0:
		return nil, fmt.Errorf("--skip is %d, wanted 0 or more", o.Skip)
	}
	if info, err := os.Stat(filepath.Dir(o.csv)); o.csv != "" && (err != nil || !info.IsDir()) {
		return nil, fmt.Errorf("--csv %q: there is no such folder to write it to", o.csv)
	}
	var err error
	if o.Smoothing, err = numbers(c.String("smoothing")); err != nil {
		return nil, fmt.Errorf("--smoothing: %w", err)
	}
	for _, s := range o.Smoothing {
		if !(s >= 0 && float32(s) < 1) {
			return nil, fmt.Errorf("--smoothing has %v, wanted numbers from 0 to below 1 with commas between", s)
		}
	}
	o.Smoothing = append(o.Smoothing, 0)
	slices.Sort(o.Smoothing)
	o.Smoothing = slices.Compact(o.Smoothing)
	return o, o.find(c)
}

// find looks for films and styles.
func (o *videoOptions) find(c *cli.Context) error {
	more, err := arguments(c)
	if err != nil {
		return err
	}
	if c.IsSet("made") {
		if c.IsSet("video") || len(more) > 0 {
			return errors.New("--made and films exclude each other")
		}
		if !c.IsSet("frames") {
			o.Count = madeFrames
		}
		err = o.make(c.String("made"))
	} else {
		err = o.findFilms(slices.Concat(c.StringSlice("video"), more))
	}
	if err != nil {
		return err
	}
	styles := c.StringSlice("style")
	o.chosen = len(styles) > 0
	if !o.chosen {
		styles = steadyStyles
	}
	o.styles, err = findStyles(styles)
	return err
}

// findFilms looks for films.
func (o *videoOptions) findFilms(names []string) (err error) {
	if o.Films, err = files.Named(names, film.Suffixes); err != nil {
		return err
	}
	// Found missing behind the first films, it would cost the whole run.
	for _, f := range o.Films {
		if err := film.Check(f.Path); err != nil {
			return err
		}
	}
	return nil
}

// make makes clips of one or two pictures.
func (o *videoOptions) make(names string) error {
	paths := style.Split(names)
	if len(paths) > 2 {
		return fmt.Errorf("--made names %d pictures, wanted one or two", len(paths))
	}
	height := cmp.Or(o.Size, steadySize)
	width := (height*16/9 + 1) / 2 * 2
	var pictures []*model.Image
	for _, path := range paths {
		w, h, err := picture.Size(path, picture.Limit{})
		if err != nil {
			return err
		}
		// As much of it as covers what the camera sees.
		short := max(made.Side(height), (made.Side(width)*min(w, h)+w-1)/w, (made.Side(height)*min(w, h)+h-1)/h)
		m, err := picture.ReadStyle(path, short, picture.Limit{})
		if err != nil {
			return err
		}
		pictures = append(pictures, m)
	}
	o.made = map[string]*made.Clip{}
	for _, clip := range made.Clips(pictures[0], pictures[len(pictures)-1], width, height, max(o.Count+o.Skip, 2)) {
		o.made[clip.Name] = clip
		o.Films = append(o.Films, files.File{Path: clip.Name, Base: clip.Name})
	}
	return nil
}

// frames are those of a film or of a clip that was made.
func (o *videoOptions) frames(ctx context.Context, path string) iter.Seq2[*model.Image, error] {
	if clip := o.made[path]; clip != nil {
		return clip.Frames()
	}
	return film.Frames(ctx, path, o.Size)
}

// flow is what is known, or estimated, of the ways of a frame's pixels.
func (o *videoOptions) flow(path string, i int, frame, before *model.Image) *score.Flow {
	if clip := o.made[path]; clip != nil {
		return clip.Flow(i)
	}
	return score.Estimate(frame, before)
}

// evalVideo measures how steady films are.
func evalVideo(c *cli.Context) error {
	o, err := newVideoOptions(c)
	if err != nil {
		return err
	}
	w, err := style.LoadNetwork(c.String("weights"))
	if err == nil && !o.chosen && len(w.Styles) > 0 {
		o.styles, err = findStyles([]string{style.Join(w.StyleNames())})
	}
	if err != nil {
		return err
	}
	options, err := evalEngine(c)
	if err != nil {
		return err
	}
	open := func() (model.Engine, error) { return engines.Open(w, options) }
	engine, err := open()
	if err != nil {
		return err
	}
	defer engine.Close()
	for _, f := range o.styles {
		stats, err := stylize.Statistics(f.Path, steadyStyleSize, engine)
		if err != nil {
			return err
		}
		o.Styles = append(o.Styles, stylize.Style{File: f, Stats: stats})
	}
	frames := func(path string) iter.Seq2[*model.Image, error] { return o.frames(c.Context, path) }
	v, err := steadiness.Run(c.Context, o.Options, engine, open, frames, o.flow, c.App.ErrWriter)
	if err != nil {
		return err
	}
	if err := printReport(c, v.Report()); err != nil {
		return err
	}
	return writeCSV(o.csv, v.WriteCSV)
}
