package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"adainfilter/trainer/network"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make a weights file from PyTorch's",
		ArgsUsage: "ENCODER.pth DECODER.pth",
		Description: "Reads pytorch-AdaIN's vgg_normalised.pth, decoder.pth and decoder_iter_N.pth.tar, and torchvision's vgg19-*.pth as\n" +
			"the encoder; the latter is normalised to mean activation 1 over the photographs of --photos. Nothing in the files is\n" +
			"executed.\n\n" +
			"Examples:\n" +
			"  adain import --out vgg.safetensors vgg_normalised.pth decoder.pth\n" +
			"  adain import --out mine.safetensors --name mine --photos photos/ vgg19-dcbb9e9d.pth decoder_iter_160000.pth.tar",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "weights `FILE` to write (.safetensors)"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the network; by default vgg19 or lite, after the widths. Styles fit one network only"},
			&cli.StringFlag{Name: "photos", Usage: "`FOLDER` of photographs that torchvision's VGG is normalised on"},
		},
		OnUsageError: usageError,
		Action:       importWeights,
	}
}

func importWeights(c *cli.Context) error {
	names, err := arguments(c)
	if err != nil {
		return err
	}
	if len(names) != 2 {
		return fmt.Errorf("%d files were named, wanted two: the encoder and the decoder", len(names))
	}
	if filepath.Ext(c.String("out")) != ".safetensors" {
		return fmt.Errorf("--out is %q, wanted a name that ends in .safetensors", c.String("out"))
	}
	w, err := network.Import(c.Context, names[0], names[1], c.String("name"), network.Photos{Folder: c.String("photos")}, c.App.ErrWriter)
	if err != nil {
		return err
	}
	if err := w.Save(c.String("out")); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: network %s, widths %v\n", c.String("out"), w.Network, w.Widths)
	return nil
}
