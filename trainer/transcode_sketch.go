package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/sheet"
	"adainfilter/trainer/transcode"
)

// sketchFilms prints what would be done to each film.
func sketchFilms(c *cli.Context, o *transcode.Options) error {
	sketches, err := transcode.Plan(c.Context, *o)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		text, err := json.MarshalIndent(sketches, "", " ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(text))
		return nil
	}
	refused := 0
	for _, s := range sketches {
		printSketch(c.App.Writer, s)
		if s.Error != "" {
			refused++
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d films would fail", refused, len(sketches))
	}
	return nil
}

func printSketch(out io.Writer, s transcode.Sketch) {
	switch {
	case s.Error != "":
		fmt.Fprintf(out, "%q: would fail: %s\n", s.Input, s.Error)
		return
	case s.Finished:
		fmt.Fprintf(out, "%q: nothing to do, there is %q\n", s.Input, s.Output)
		return
	}
	fmt.Fprintf(out, "%q -> %q\n", s.Input, s.Output)
	frames := fmt.Sprintf("%d frames", s.Frames)
	if s.Frames == 0 {
		frames = "frames that nobody has counted"
	}
	fmt.Fprintf(out, "  video: %s of %dx%d, %.3f s, to %s by %s in %s, segments: %d\n", frames, s.Width, s.Height, s.Length, s.Codec, s.Encoder, s.Container, s.Segments)
	for _, t := range s.Tracks {
		text := strings.TrimSpace(fmt.Sprintf("%s %s", t.Format, t.Language))
		if t.Why != "" {
			text += ": " + t.Why
		}
		fmt.Fprintf(out, "  %s: %s (%s)\n", t.Kind, t.Fate, text)
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(out, "  warning: %s\n", w)
	}
	if s.Seconds > 0 {
		fmt.Fprintf(out, "  expected time: %v\n", time.Duration(s.Seconds*float64(time.Second)).Round(time.Second/10))
	}
}

// Stills on a sheet, and the short side of each at most.
const stillsOnSheet, stillSide = 6, 360

// previewFilm writes a sheet of stills: above the film, below what becomes of it.
func previewFilm(c *cli.Context, o *transcode.Options) error {
	path := c.String("preview")
	if err := picture.CanWrite(path); err != nil {
		return fmt.Errorf("--preview: %w", err)
	}
	if len(o.Inputs) != 1 {
		return fmt.Errorf("--preview is of one film, there are %d", len(o.Inputs))
	}
	found, err := transcode.Stills(c.Context, *o, stillsOnSheet)
	if err != nil {
		return err
	}
	small := func(img *model.Image) *model.Image {
		if min(img.Width, img.Height) > stillSide {
			return picture.ShortSide(img, stillSide)
		}
		return img
	}
	first := small(found[0].Before)
	layout := sheet.Grid(len(found), 2, first.Width, first.Height)
	layout.Gap, layout.Margin = 4, 4
	s, err := sheet.New(layout)
	if err != nil {
		return err
	}
	for i, still := range found {
		s.Put(i, 0, small(still.Before))
		s.Put(i, 1, small(still.After))
	}
	if err := picture.Write(path, s.Image()); err != nil {
		return err
	}
	times := make([]string, len(found))
	for i, still := range found {
		times[i] = still.Time.Round(time.Millisecond).String()
	}
	fmt.Fprintf(c.App.ErrWriter, "%q: stills at %s\n", path, strings.Join(times, ", "))
	return nil
}

// streams says whether a film comes from a pipe or goes into one; the error names options that need a file.
func streams(c *cli.Context, names []string) (bool, error) {
	in, out := len(names) > 0 && names[0] == transcode.Pipe, c.String("out") == transcode.Pipe
	if !in && !out {
		return false, nil
	}
	if len(names) != 1 {
		return false, fmt.Errorf("a pipe holds one film, %d are named", len(names))
	}
	for _, name := range []string{"start", "duration", "segment", "jobs", "shard", "join", "overwrite", "fps", "start-number", "dry-run", "preview", "strict"} {
		if c.IsSet(name) {
			return false, fmt.Errorf("--%s needs a film and a result that are files", name)
		}
	}
	if out && c.Bool("json") {
		return false, fmt.Errorf("--json prints to standard output, where the film goes")
	}
	return true, nil
}

// streamFilm transcodes through a pipe.
func streamFilm(c *cli.Context, o *transcode.Options, in string) error {
	show := newFilmProgress(c.App.ErrWriter, 1)
	o.Watch = show
	out := c.String("out")
	if out != transcode.Pipe && o.Container == "" {
		return fmt.Errorf("--out %q: what comes from a pipe goes into one file, whose name ends in .mkv, .webm, .mp4, .mov or .y4m", out)
	}
	r, err := transcode.Stream(c.Context, *o, in, out)
	show.finish()
	if c.Bool("json") {
		text, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(text))
	}
	return err
}
