package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
)

const (
	keepLuma  = "luma"
	keepCoral = "coral"
)

// lookFlags are the options of stylize that say how styles and content come together.
func lookFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "style-weights", Usage: "mix the styles with these `NUMBERS`, as 1,2: one for each"},
		&cli.StringFlag{Name: "mask", Usage: "`PICTURE` that divides contents between two styles: the first where it is white, the second where it is black"},
		&cli.StringFlag{Name: "preserve-color", Usage: "keep the content's colours, by `WAY`: luma takes only the luminance from the result, coral gives style pictures the content's colours first"},
		&cli.IntFlag{Name: "processing-size", Usage: "run the network where the short side has `PIXELS`, and bring its result to the content's edges: larger strokes, faster; 0 is the content's size"},
		&cli.BoolFlag{Name: "alpha-strip", Usage: "write a strip: the content, alpha 0.25, 0.5, 0.75 and 1, the style if it is a picture"},
		&cli.IntFlag{Name: "interpolate", Usage: "write a sheet of `N` x N mixes of four styles, one in each corner; 2 to 8"},
	}
}

// readLook reads lookFlags into j, whose styles are known, and refuses what does not go together.
func (j *stylizeJob) readLook(c *cli.Context) error {
	for _, pair := range [][2]string{
		{"mask", "style-weights"}, {"interpolate", "mask"}, {"interpolate", "style-weights"}, {"interpolate", "alpha-strip"}, {"alpha-strip", "alpha"},
	} {
		if c.IsSet(pair[0]) && c.IsSet(pair[1]) {
			return fmt.Errorf("--%s and --%s exclude each other", pair[0], pair[1])
		}
	}
	if j.processing = c.Int("processing-size"); j.processing != 0 && j.processing < model.MinSize {
		return fmt.Errorf("--processing-size is %d, wanted at least %d pixels, or 0 for the content's size", j.processing, model.MinSize)
	}
	j.strip, j.together = c.Bool("alpha-strip"), c.IsSet("style-weights") || c.IsSet("mask") || c.IsSet("interpolate")
	if err := j.readColor(c); err != nil {
		return err
	}
	if c.IsSet("interpolate") {
		if j.corners = c.Int("interpolate"); j.corners < 2 || j.corners > 8 {
			return fmt.Errorf("--interpolate is %d, wanted 2 to 8", j.corners)
		}
		if len(j.styles) != 4 {
			return fmt.Errorf("--interpolate wants four styles, one for each corner, and there are %d", len(j.styles))
		}
	}
	if c.IsSet("style-weights") {
		var err error
		if j.weights, err = numbers(c.String("style-weights")); err != nil {
			return fmt.Errorf("--style-weights: %w", err)
		}
		// Without channels, only the weights are checked.
		if _, err := model.Mix(make([]model.Stats, len(j.styles)), j.weights); err != nil {
			return fmt.Errorf("--%w", err)
		}
	}
	if !c.IsSet("mask") {
		return nil
	}
	if len(j.styles) != 2 {
		return fmt.Errorf("--mask wants two styles, the first for white and the second for black, and there are %d", len(j.styles))
	}
	mask, err := picture.ReadMask(c.String("mask"), picture.Limit{})
	if err != nil {
		return fmt.Errorf("--mask: %w", err)
	}
	j.mask = &mask
	return nil
}

func (j *stylizeJob) readColor(c *cli.Context) error {
	j.color = c.String("preserve-color")
	switch {
	case !c.IsSet("preserve-color") || j.color == keepLuma:
		return nil
	case j.color != keepCoral:
		return fmt.Errorf("--preserve-color is %q, wanted luma or coral", j.color)
	}
	for _, s := range j.styles {
		if !isPicture(s) {
			return fmt.Errorf("--preserve-color coral changes the colours of style pictures and style %q is none: name a picture or use luma", s.Path)
		}
	}
	return nil
}

// isPicture says whether a style is to be read as a picture; the others are built in or style files.
func isPicture(s files.File) bool {
	return !slices.Contains(model.BuiltinStyles(), s.Path) && !strings.EqualFold(filepath.Ext(s.Path), ".safetensors")
}

// numbers reads a list separated by commas.
func numbers(list string) ([]float64, error) {
	var values []float64
	for i, text := range strings.Split(list, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("value %d is %q, wanted a number", i+1, text)
		}
		values = append(values, v)
	}
	return values, nil
}

// sets are the styles of each result of a content: all together, or each alone.
func (j *stylizeJob) sets(styles []namedStyle) [][]namedStyle {
	switch {
	case !j.together:
		return slices.Collect(slices.Chunk(styles, 1))
	case len(styles) < len(j.styles): // what failed has been reported
		return nil
	}
	return [][]namedStyle{styles}
}

// results is how many results each content has.
func (j *stylizeJob) results() int {
	if j.together {
		return 1
	}
	return len(j.styles)
}

// stats are the statistics of a set of styles for one content.
func (j *stylizeJob) stats(set []namedStyle, content *model.Image) ([]model.Stats, error) {
	all := make([]model.Stats, len(set))
	for i, s := range set {
		all[i] = s.stats
		if j.color != keepCoral {
			continue
		}
		img, err := picture.ReadStyle(s.Path, j.styleSize, picture.Limit{})
		if err != nil {
			return nil, err
		}
		if all[i], err = j.engine.Statistics(picture.MatchColors(img, picture.OnWhite(content))); err != nil {
			return nil, fmt.Errorf("style %q: %w", s.Path, err)
		}
	}
	return all, nil
}

// look is what the statistics of a set make of a content.
func (j *stylizeJob) look(stats []model.Stats) (*model.Stylization, error) {
	s := &model.Stylization{Alpha: j.alpha, PreserveColor: j.color == keepLuma, ProcessingSize: j.processing}
	if j.mask != nil {
		mask := *j.mask
		mask.Second = stats[1]
		s.Style, s.Mask = stats[0], &mask
		return s, nil
	}
	var err error
	s.Style, err = model.Mix(stats, j.weights)
	return s, err
}

// draw makes one result: a picture, a strip or a sheet. dst is room for a picture like src.
func (j *stylizeJob) draw(dst, src *model.Image, set []namedStyle) (*model.Image, error) {
	stats, err := j.stats(set, src)
	if err != nil {
		return nil, err
	}
	if j.corners > 0 {
		return j.drawSheet(dst, src, stats)
	}
	s, err := j.look(stats)
	if err != nil {
		return nil, err
	}
	if !j.strip {
		return dst, j.engine.Stylize(dst, src, s)
	}
	return j.drawStrip(dst, src, s, set)
}
