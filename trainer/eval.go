package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/picture/style"
	"adainfilter/trainer/evaluation"
	"adainfilter/trainer/files"
	"adainfilter/trainer/film"
	"adainfilter/trainer/network"
)

func evalCommand() *cli.Command { return newEvalCommand(model.VGG19) }

// newEvalCommand is the command with a loss network of these widths, which tests make smaller.
func newEvalCommand(widths model.Widths) *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringFlag{Name: "vgg", Usage: "`FILE` with the VGG-19 that scores are measured with: vgg_normalised.pth, torchvision's vgg19-*.pth, or weights that begin with it"},
		&cli.StringFlag{Name: "photos", Usage: "`FOLDER` of photographs that torchvision's VGG is normalised on"},
		&cli.StringSliceFlag{Name: "content", Usage: "`FOLDER` of pictures to stylise, or one picture; may be repeated"},
		&cli.StringSliceFlag{Name: "style", Usage: "`FOLDER` of style pictures, or one picture; may be repeated. With --video also built-in styles and style files, by default three"},
		&cli.IntFlag{Name: "pairs", Value: 200, Usage: "`NUMBER` of pairs of a content and a style; fewer if there are no more"},
		&cli.IntFlag{Name: "size", Value: 256, Usage: "side of the pictures in `PIXELS`, a multiple of 8; their middle is cut out after resizing. With --video the short side that frames are reduced to, by default 360; 0 keeps their size"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`NUMBER` that chooses the pairs and the noise"},
		&cli.StringFlag{Name: "alphas", Value: "0,0.25,0.5,0.75,1", Usage: "`LIST` of strengths to measure"},
		&cli.StringFlag{Name: "film", Usage: "`FILE` to measure flicker on"},
		&cli.IntFlag{Name: "frames", Value: 60, Usage: "`NUMBER` of the film's first frames that are used; with --video 0 means all"},
		&cli.BoolFlag{Name: "json", Usage: "print the results as one line of JSON"},
		&cli.StringFlag{Name: "csv", Usage: "`FILE` for the scores of each pair, with --video of each frame (.csv)"},
		&cli.StringFlag{Name: "sheet", Usage: "`FILE` for a contact sheet (.png): one row for each of the first 12 pairs, with content, style and a result for each strength"},
	}
	return &cli.Command{
		Name:      "eval",
		Usage:     "score a network on pairs of contents and styles, or its steadiness on films",
		ArgsUsage: "[FILM...]",
		Description: "Style ratio: style loss of the result / of the content. Content ratio: content loss of the result / of the style\n" +
			"picture. SSIM and PSNR: against the content. Noise gain: change of the result / change of the content that is noise.\n" +
			"Flicker: change from frame to frame of the stylised film / of the film. The rows \"identity\" and \"style pasted\" are the\n" +
			"content and the style picture in place of the result, for scale. Scores compare only between runs with equal pictures\n" +
			"(the output names them by a hash), size, seed and loss network. Unless told otherwise the precision is float32,\n" +
			"and half with --device cuda.\n\n" +
			"A second table has the style ratio of each layer; lattices: by how many dB periods of 8, 4, 8/3 and 2 pixels stand out of\n" +
			"the spectrum, from 128 pixels on; and steps: how far a result is from that at the strength before.\n\n" +
			"With --video films are stylised with each smoothing. Flicker: change of a result from frame to frame where the film stands\n" +
			"still. Pumping: change of its luminance that the film does not have. Ghosting: difference to the result without smoothing\n" +
			"where the film moves. After cut: frames until that difference is gone.\n\n" +
			"Examples:\n" +
			"  adain eval --vgg vgg_normalised.pth --content photos/val/ --style paintings/val/\n" +
			"  adain eval --weights mine.safetensors --vgg vgg_normalised.pth --content photos/ --style paintings/ --pairs 40 \\\n" +
			"    --film film.mp4 --sheet sheet.png --json\n" +
			"  adain eval --style woodcut,painting.jpg --smoothing 0,0.8 --frames 100 --video one.mp4 two.mp4",
		Flags:        slices.Concat(flags, videoFlags(), engineFlags()),
		OnUsageError: usageError,
		Action:       func(c *cli.Context) error { return eval(c, widths) },
	}
}

// evalOptions are the command's, checked.
type evalOptions struct {
	evaluation.Options
	frames     int
	csv, sheet string // files; empty is none
}

func newEvalOptions(c *cli.Context) (*evalOptions, error) {
	o := &evalOptions{
		Options: evaluation.Options{Pairs: c.Int("pairs"), Size: c.Int("size"), Seed: c.Uint64("seed"), Film: c.String("film"), Sheet: c.IsSet("sheet")},
		frames:  c.Int("frames"), csv: c.String("csv"), sheet: c.String("sheet"),
	}
	if err := noFiles(c); err != nil {
		return nil, err
	}
	for _, name := range []string{"smoothing", "motion", "skip"} {
		if c.IsSet(name) {
			return nil, fmt.Errorf("--%s belongs to --video, which is missing", name)
		}
	}
	if c.String("vgg") == "" || len(c.StringSlice("content")) == 0 || len(c.StringSlice("style")) == 0 {
		return nil, errors.New("--vgg, --content and --style are all needed; see adain eval --help")
	}
	switch {
	case o.Pairs < 1 || o.Pairs > 1e6:
		return nil, fmt.Errorf("--pairs is %d, wanted 1 to 1000000", o.Pairs)
	case o.Size < 16 || o.Size > 4096 || o.Size%8 != 0:
		return nil, fmt.Errorf("--size is %d, wanted a multiple of 8 from 16 to 4096 pixels", o.Size)
	case o.frames < 2 || o.frames > 10000:
		return nil, fmt.Errorf("--frames is %d, wanted 2 to 10000", o.frames)
	case o.sheet != "" && picture.CanWrite(o.sheet) != nil:
		return nil, fmt.Errorf("--sheet: %w", picture.CanWrite(o.sheet))
	}
	// Found missing at the end, it would cost the whole run.
	for name, path := range map[string]string{"sheet": o.sheet, "csv": o.csv} {
		if info, err := os.Stat(filepath.Dir(path)); path != "" && (err != nil || !info.IsDir()) {
			return nil, fmt.Errorf("--%s %q: there is no such folder to write it to", name, path)
		}
	}
	for _, text := range strings.Split(c.String("alphas"), ",") {
		a, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(a >= 0 && a <= 1) {
			return nil, fmt.Errorf("--alphas has %q, wanted numbers from 0 to 1 with commas between", text)
		}
		o.Alphas = append(o.Alphas, a)
	}
	slices.Sort(o.Alphas)
	o.Alphas = slices.Compact(o.Alphas)
	var err error
	if o.Contents, err = files.NamedPictures(c.StringSlice("content")); err != nil {
		return nil, err
	}
	o.Styles, err = files.NamedPictures(c.StringSlice("style"))
	return o, err
}

func eval(c *cli.Context, widths model.Widths) (err error) {
	if c.IsSet("video") || c.IsSet("made") {
		return evalVideo(c)
	}
	o, err := newEvalOptions(c)
	if err != nil {
		return err
	}
	var frames []*model.Image
	if o.Film != "" {
		if frames, err = film.Read(c.Context, o.Film, o.Size, o.frames); err != nil {
			return err
		}
	}
	w, err := style.LoadNetwork(c.String("weights"))
	if err != nil {
		return err
	}
	loss, err := network.Loss(c.Context, c.String("vgg"), widths, network.Photos{Folder: c.String("photos")}, c.App.ErrWriter)
	if err != nil {
		return fmt.Errorf("--vgg: %w", err)
	}
	options, err := evalEngine(c)
	if err != nil {
		return err
	}
	engine, err := engines.Open(w, options)
	if err != nil {
		return err
	}
	defer engine.Close()
	features, err := cpu.OpenFeatures(loss, options)
	if err != nil {
		return err
	}
	defer features.Close()
	e, err := evaluation.Run(c.Context, o.Options, engine, features, frames, c.App.ErrWriter)
	if err != nil {
		return err
	}
	if err := printReport(c, e.Report(network.EncoderID(loss))); err != nil {
		return err
	}
	if err := writeCSV(o.csv, e.WriteCSV); err != nil {
		return err
	}
	if o.sheet == "" {
		return nil
	}
	page, err := e.ContactSheet()
	if err != nil {
		return err
	}
	return picture.Write(o.sheet, page)
}

// printReport prints a report, as tables or with --json as one line.
func printReport(c *cli.Context, report interface{ Print(io.Writer) error }) error {
	if c.Bool("json") {
		return printJSON(c, report)
	}
	return report.Print(c.App.Writer)
}

// writeCSV writes the file --csv; an empty path is none.
func writeCSV(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	if err := model.WriteFile(path, write); err != nil {
		return fmt.Errorf("--csv %q: %w", path, err)
	}
	return nil
}

// evalEngine are the engine's options. What auto precision chooses depends on the machine; scores should not, unless a GPU is asked for, which
// has no float32.
func evalEngine(c *cli.Context) (model.Options, error) {
	options, err := engineOptions(c)
	if !c.IsSet("precision") && options.Device != model.CUDA {
		options.Precision = model.Float32
	}
	return options, err
}
