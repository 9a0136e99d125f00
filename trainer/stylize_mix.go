package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/stylize"
)

// mixFlags are the options of stylize that say how styles and content come together.
func mixFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "style-weights", Usage: "mix the styles with these `NUMBERS`, as 1,2: one for each"},
		&cli.StringFlag{Name: "mask", Usage: "`PICTURE` that divides contents between two styles: the first where it is white, the second where it is black"},
		&cli.StringFlag{Name: "preserve-color", Usage: "keep the content's colours, by `WAY`: luma takes only the luminance from the result, coral gives style pictures the content's colours first"},
		&cli.IntFlag{Name: "processing-size", Usage: "run the network where the short side has `PIXELS`, and bring its result to the content's edges: larger strokes, faster; 0 is the content's size"},
		&cli.BoolFlag{Name: "alpha-strip", Usage: "write a strip: the content, alpha 0.25, 0.5, 0.75 and 1, the style if it is a picture"},
		&cli.IntFlag{Name: "interpolate", Usage: "write a sheet of `N` x N mixes of four styles, one in each corner; 2 to 8"},
	}
}

// readMix reads mixFlags into j, whose styles are known, and refuses what does not go together.
func readMix(c *cli.Context, j *stylize.Job) error {
	for _, pair := range [][2]string{
		{"mask", "style-weights"}, {"interpolate", "mask"}, {"interpolate", "style-weights"}, {"interpolate", "alpha-strip"}, {"alpha-strip", "alpha"},
	} {
		if c.IsSet(pair[0]) && c.IsSet(pair[1]) {
			return fmt.Errorf("--%s and --%s exclude each other", pair[0], pair[1])
		}
	}
	if j.ProcessingSize = c.Int("processing-size"); j.ProcessingSize != 0 && j.ProcessingSize < model.MinSize {
		return fmt.Errorf("--processing-size is %d, wanted at least %d pixels, or 0 for the content's size", j.ProcessingSize, model.MinSize)
	}
	j.Alphas, j.Together = c.Bool("alpha-strip"), c.IsSet("style-weights") || c.IsSet("mask") || c.IsSet("interpolate")
	if err := readColor(c, j); err != nil {
		return err
	}
	if err := readTables(c, j); err != nil {
		return err
	}
	if c.IsSet("interpolate") {
		if j.Corners = c.Int("interpolate"); j.Corners < 2 || j.Corners > 8 {
			return fmt.Errorf("--interpolate is %d, wanted 2 to 8", j.Corners)
		}
		if len(j.Styles) != 4 {
			return fmt.Errorf("--interpolate wants four styles, one for each corner, and there are %d", len(j.Styles))
		}
	}
	if c.IsSet("style-weights") {
		var err error
		if j.Weights, err = style.ParseWeights(c.String("style-weights")); err != nil {
			return fmt.Errorf("--style-weights: %w", err)
		}
		// Without channels, only the weights are checked.
		if _, err := model.Mix(make([]model.Stats, len(j.Styles)), j.Weights); err != nil {
			return fmt.Errorf("--%w", err)
		}
	}
	if !c.IsSet("mask") {
		return nil
	}
	if len(j.Styles) != 2 {
		return fmt.Errorf("--mask wants two styles, the first for white and the second for black, and there are %d", len(j.Styles))
	}
	mask, err := picture.ReadMask(c.String("mask"), picture.Limit{})
	if err != nil {
		return fmt.Errorf("--mask: %w", err)
	}
	j.Mask = &mask
	return nil
}

func readTables(c *cli.Context, j *stylize.Job) (err error) {
	for _, f := range []struct {
		flag string
		to   **lut.Table
	}{{"lut", &j.Before}, {"output-lut", &j.After}} {
		if !c.IsSet(f.flag) {
			continue
		}
		if *f.to, err = lut.Load(c.String(f.flag)); err != nil {
			return fmt.Errorf("--%s: %w", f.flag, err)
		}
	}
	return nil
}

func readColor(c *cli.Context, j *stylize.Job) error {
	j.PreserveColor = c.String("preserve-color")
	switch {
	case !c.IsSet("preserve-color") || j.PreserveColor == stylize.Luma:
		return nil
	case j.PreserveColor != stylize.Coral:
		return fmt.Errorf("--preserve-color is %q, wanted luma or coral", j.PreserveColor)
	}
	for _, s := range j.Styles {
		if style.KindOf(s.Path) != style.Picture {
			return fmt.Errorf("--preserve-color coral changes the colours of style pictures and style %q is none: name a picture or use luma", s.Path)
		}
	}
	return nil
}
