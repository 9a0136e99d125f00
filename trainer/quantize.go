package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/quantization"
	"adainfilter/trainer/terminal"
)

func quantizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "quantize",
		Usage:     "calibrate a network for --precision int8",
		ArgsUsage: "WEIGHTS.safetensors OUT.safetensors",
		Description: "Writes the weights, unchanged, with the steps in which 8-bit integers count what each layer reads. They are chosen on pictures\n" +
			"like those that will be stylised, in the network's own styles, in those of --style and at strengths 1 and 0.5: for each layer the\n" +
			"steps with the least squared error of its results. WEIGHTS may name a built-in network; both are calibrated as they are.\n" +
			"At the end the command says how close the results come to float32, in dB. From 38 dB on the difference is hardly seen.\n\n" +
			"Example:\n" +
			"  adain quantize --content photos/ --style paintings/ mine.safetensors mine-int8.safetensors",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "content", Usage: "`FOLDER` of pictures that are stylised, or one picture; may be repeated"},
			&cli.StringSliceFlag{Name: "style", Usage: "`FOLDER` of style pictures, or one picture; may be repeated"},
			&cli.IntFlag{Name: "pictures", Value: 24, Usage: "`NUMBER` of contents and of styles that are used, chosen by chance; fewer if there are no more"},
			&cli.IntFlag{Name: "size", Value: 256, Usage: "side of the pictures in `PIXELS`, a multiple of 8; their middle is cut out after resizing"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`NUMBER` that chooses pictures and samples"},
			&cli.IntFlag{Name: "threads", Usage: "`NUMBER` of CPU threads; 0 means all cores"},
			jsonFlag("what was written"),
		},
		OnUsageError: usageError,
		Action:       quantize,
	}
}

func quantize(c *cli.Context) error {
	names, err := arguments(c)
	if err != nil {
		return err
	}
	if len(names) != 2 {
		return fmt.Errorf("%d files were named, wanted two: the weights and the file to write", len(names))
	}
	o := quantization.Options{Pictures: c.Int("pictures"), Size: c.Int("size"), Seed: c.Uint64("seed"), Threads: c.Int("threads")}
	switch {
	case len(c.StringSlice("content")) == 0 || len(c.StringSlice("style")) == 0:
		return errors.New("--content and --style are both needed; see adain quantize --help")
	case o.Pictures < 1 || o.Pictures > 10000:
		return fmt.Errorf("--pictures is %d, wanted 1 to 10000", o.Pictures)
	case o.Size < 16 || o.Size > 4096 || o.Size%8 != 0:
		return fmt.Errorf("--size is %d, wanted a multiple of 8 from 16 to 4096 pixels", o.Size)
	case filepath.Ext(names[1]) != ".safetensors":
		return fmt.Errorf("the file to write is %q, wanted a name that ends in .safetensors", names[1])
	}
	if o.Contents, err = files.NamedPictures(c.StringSlice("content")); err != nil {
		return err
	}
	if o.Styles, err = files.NamedPictures(c.StringSlice("style")); err != nil {
		return err
	}
	w, err := style.LoadNetwork(names[0])
	if err != nil {
		return err
	}
	steps := terminal.NewSteps(c.App.ErrWriter, "calibrating", quantization.Steps(w))
	r, err := quantization.Run(c.Context, w, o, steps)
	steps.Finish()
	if err != nil {
		return err
	}
	if err := r.Weights.Save(names[1]); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "%d contents, %d styles; int8 comes to %.1f dB of float32 at least, %.1f in the median of %d pairs\n", r.Contents, r.Styles, r.Least, r.Median, r.Pairs)
	return printFiles(c, []madeFile{{names[1], w.Network, w.Widths.String(), "weights"}})
}
