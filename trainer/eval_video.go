package main

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/film"
	"adainfilter/trainer/steadiness"
	"adainfilter/trainer/stylize"
)

// steadyStyles are measured where nobody chooses: one of much contrast, the default one and a soft one.
var steadyStyles = []string{"woodcut", model.DefaultStyle, "pale-watercolour"}

// steadySize is the short side that films get where nobody chooses.
const steadySize = 360

// steadyStyleSize is what the element reads style pictures at.
const steadyStyleSize = 512

// videoFlags are the options of eval that belong to --video.
func videoFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "video", Usage: "measure how steady `FILM`s are instead of scoring pairs; more films or folders of them may follow behind the options"},
		&cli.StringFlag{Name: "smoothing", Value: "0,0.5,0.8,0.95", Usage: "with --video: `LIST` of values to measure; 0 is always among them"},
		&cli.IntFlag{Name: "skip", Usage: "with --video: `NUMBER` of frames of each film to leave out first"},
	}
}

// videoOptions are those of --video, checked.
type videoOptions struct {
	steadiness.Options
	styles []files.File
	chosen bool   // the styles, by the user
	csv    string // file; empty is none
}

func newVideoOptions(c *cli.Context) (*videoOptions, error) {
	for _, name := range []string{"vgg", "photos", "content", "pairs", "seed", "alphas", "film", "sheet"} {
		if c.IsSet(name) {
			return nil, fmt.Errorf("--video and --%s exclude each other", name)
		}
	}
	o := &videoOptions{Options: steadiness.Options{Size: steadySize, Skip: c.Int("skip"), Count: c.Int("frames")}, csv: c.String("csv")}
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
	if o.Films, err = files.Named(slices.Concat(c.StringSlice("video"), more), film.Suffixes); err != nil {
		return err
	}
	// Found missing behind the first films, it would cost the whole run.
	for _, f := range o.Films {
		if err := film.Check(f.Path); err != nil {
			return err
		}
	}
	styles := c.StringSlice("style")
	o.chosen = len(styles) > 0
	if !o.chosen {
		styles = steadyStyles
	}
	o.styles, err = findStyles(styles)
	return err
}

// evalVideo measures how steady films are.
func evalVideo(c *cli.Context) error {
	o, err := newVideoOptions(c)
	if err != nil {
		return err
	}
	w, err := loadWeights(c.String("weights"))
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
	frames := func(path string) iter.Seq2[*model.Image, error] { return film.Frames(c.Context, path, o.Size) }
	v, err := steadiness.Run(c.Context, o.Options, engine, open, frames, c.App.ErrWriter)
	if err != nil {
		return err
	}
	if err := printReport(c, v.Report()); err != nil {
		return err
	}
	return writeCSV(o.csv, v.WriteCSV)
}
