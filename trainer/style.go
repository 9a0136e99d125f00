package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/files"
	"adainfilter/trainer/terminal"
)

func styleCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "list", Usage: "print the names of the built-in styles"},
		weightsFlag(),
		&cli.IntFlag{Name: "style-size", Value: 512, Usage: "resize pictures so that their short side has `PIXELS`, which sets the size of the strokes; 0 keeps their size"},
		&cli.StringFlag{Name: "name", Usage: "`NAME` inside the style file; by default the picture's"},
		&cli.StringFlag{Name: "out", Usage: "style `FILE` (.safetensors), or a folder for one file each"},
	}
	return &cli.Command{
		Name:      "style",
		Usage:     "extract a style file from a picture",
		ArgsUsage: "PICTURE...",
		Description: "A style file holds what the network sees of a style: some kilobytes that load at once. It fits the network it\n" +
			"was extracted with. Several pictures make one style, their mean, or, with a folder as --out, one style each.\n\n" +
			"Examples:\n" +
			"  adain style --list\n" +
			"  adain style --out wood.safetensors woodcut.jpg\n" +
			"  adain style --weights vgg.safetensors --out styles/ paintings/",
		Flags:        append(flags, engineFlags()...),
		OnUsageError: usageError,
		Action:       style,
	}
}

func style(c *cli.Context) error {
	if c.Bool("list") {
		for _, name := range model.BuiltinStyles() {
			if name == model.DefaultStyle {
				name += " (default)"
			}
			fmt.Fprintln(c.App.Writer, name)
		}
		return nil
	}
	names, err := arguments(c)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("no picture was named; see adain style --help")
	}
	out, folder, err := styleOut(c.String("out"))
	if err != nil {
		return err
	}
	if err := checkSide("style-size", c.Int("style-size")); err != nil {
		return err
	}
	pictures, err := files.Named(names, files.Pictures)
	if err != nil {
		return err
	}
	w, err := loadWeights(c.String("weights"))
	if err != nil {
		return err
	}
	engine, err := openEngine(c, w)
	if err != nil {
		return err
	}
	defer engine.Close()
	styles, err := extract(c, engine, pictures)
	if err != nil {
		return err
	}
	if name := c.String("name"); name != "" {
		for _, s := range styles {
			s.Name = name
		}
	}
	if folder {
		return saveStyles(out, styles)
	}
	one, err := mean(styles)
	if err != nil {
		return err
	}
	return one.Save(out)
}

// styleOut decides whether results go to one file or to a folder.
func styleOut(out string) (path string, folder bool, err error) {
	info, statErr := os.Stat(out)
	switch {
	case out == "":
		return "", false, errors.New("--out is missing: the style file to write")
	case statErr == nil && info.IsDir(), strings.HasSuffix(out, "/"), filepath.Ext(out) == "":
		return out, true, nil
	case filepath.Ext(out) != ".safetensors":
		return "", false, fmt.Errorf("--out %q ends in %q, wanted .safetensors, or a folder (with / at its end)", out, filepath.Ext(out))
	}
	return out, false, nil
}

// extract makes one style of each picture. It stops at the first that fails: a style file with less in it than was asked
// for would go unnoticed.
func extract(c *cli.Context, engine model.Engine, pictures []files.File) ([]*model.Style, error) {
	p := terminal.NewSteps(c.App.ErrWriter, "extracting", len(pictures))
	defer p.Finish()
	w := engine.Weights()
	styles := make([]*model.Style, 0, len(pictures))
	for _, in := range pictures {
		if c.Context.Err() != nil {
			return nil, context.Cause(c.Context)
		}
		img, err := picture.ReadStyle(in.Path, c.Int("style-size"), picture.Limit{})
		if err != nil {
			return nil, err
		}
		stats, err := engine.Statistics(img)
		if err != nil {
			return nil, fmt.Errorf("picture %q: %w", in.Path, err)
		}
		styles = append(styles, &model.Style{Name: filepath.Base(in.Base), Network: w.Network, Encoder: w.EncoderID(), Stats: stats})
		p.Step(in.Path)
	}
	return styles, nil
}

// mean is the style in the middle of several.
func mean(styles []*model.Style) (*model.Style, error) {
	stats := make([]model.Stats, len(styles))
	for i, s := range styles {
		stats[i] = s.Stats
	}
	mixed, err := model.Mix(stats, nil)
	if err != nil {
		return nil, err
	}
	s := *styles[0]
	s.Stats = mixed
	return &s, nil
}

func saveStyles(folder string, styles []*model.Style) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fmt.Errorf("folder for the styles: %w", err)
	}
	taken := map[string]bool{}
	for _, s := range styles {
		name := s.Name
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", s.Name, n)
		}
		taken[name] = true
		if err := s.Save(filepath.Join(folder, name+".safetensors")); err != nil {
			return err
		}
	}
	return nil
}

// knownStyle is the built-in style or style file that a name stands for; nil means that it is a picture.
func knownStyle(name string) (*model.Style, error) {
	if slices.Contains(model.BuiltinStyles(), name) {
		return model.BuiltinStyle(name)
	}
	if strings.EqualFold(filepath.Ext(name), ".safetensors") {
		return model.LoadStyle(name)
	}
	if _, err := os.Stat(name); err != nil && filepath.Ext(name) == "" {
		return nil, fmt.Errorf("style %q is neither a file nor built in; built in are %s", name, strings.Join(model.BuiltinStyles(), ", "))
	}
	return nil, nil
}
