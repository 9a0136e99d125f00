package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/stylize"
	"adainfilter/trainer/terminal"
)

func styleCommand() *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.IntFlag{Name: "style-size", Value: 512, Usage: "resize pictures so that their short side has `PIXELS`, which sets the size of the strokes; 0 keeps their size"},
		&cli.StringFlag{Name: "name", Usage: "`NAME` inside the style file; by default the picture's"},
		&cli.StringFlag{Name: "out", Usage: "style `FILE` (.safetensors), or a folder for one file each"},
		jsonFlag("what was written"),
	}
	return &cli.Command{
		Name:      "style",
		Usage:     "extract a style file from a picture",
		ArgsUsage: "PICTURE...",
		Description: "A style file holds what the network sees of a style: some kilobytes that load at once. It fits the network it\n" +
			"was extracted with. Several pictures make one style, their mean, or, with a folder as --out, one style each.\n\n" +
			"Examples:\n" +
			"  adain style --out wood.safetensors woodcut.jpg\n" +
			"  adain style --weights vgg.safetensors --out styles/ paintings/",
		Flags:        append(flags, engineFlags()...),
		OnUsageError: usageError,
		Action:       extractStyles,
	}
}

func extractStyles(c *cli.Context) error {
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
	pictures, err := files.NamedPictures(names)
	if err != nil {
		return err
	}
	engine, err := openEngine(c, style.LoadNetwork)
	if err != nil {
		return err
	}
	defer engine.Close()
	progress := terminal.NewSteps(c.App.ErrWriter, "extracting", len(pictures))
	defer progress.Finish()
	styles, err := stylize.Extract(c.Context, engine, pictures, c.Int("style-size"), progress)
	if err != nil {
		return err
	}
	if name := c.String("name"); name != "" {
		for _, s := range styles {
			s.Name = name
		}
	}
	made, err := saveStyles(out, folder, styles)
	if err != nil || !c.Bool("json") {
		return err
	}
	return printJSON(c, made)
}

// saveStyles writes a file for each style into a folder, or their mean into one file.
func saveStyles(out string, folder bool, styles []*model.Style) ([]madeFile, error) {
	var made []madeFile
	if folder {
		paths, err := stylize.Save(out, styles)
		for i, path := range paths {
			made = append(made, madeFile{File: path, Network: styles[i].Network, What: "style"})
		}
		return made, err
	}
	one, err := stylize.Mean(styles)
	if err != nil {
		return nil, err
	}
	return []madeFile{{File: out, Network: one.Network, What: "style"}}, one.Save(out)
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
