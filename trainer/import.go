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
		Usage:     "make a weights file of PyTorch's, safetensors or ONNX files",
		ArgsUsage: "FILE [FILE]",
		Description: "Reads an encoder and a decoder, from two files or from one that holds both: state dictionaries of PyTorch alone or in\n" +
			"checkpoints, safetensors files and ONNX models, in float32, float16 or bfloat16. The layers are known by their order and\n" +
			"shapes, whatever prefix their names have; of a file with averaged parameters (ema) these are taken. What was recognised\n" +
			"is printed. Nothing in the files is executed.\n\n" +
			"torchvision's VGG gets ImageNet's mean and std as its colour layer. With --photos it is also normalised to mean\n" +
			"activation 1 over photographs, like pytorch-AdaIN's vgg_normalised.pth, whose decoders need that.\n\n" +
			"Examples:\n" +
			"  adain import --out vgg.safetensors vgg_normalised.pth decoder.pth\n" +
			"  adain import --out mine.safetensors --name mine --photos photos/ vgg19-dcbb9e9d.pth decoder_iter_160000.pth.tar\n" +
			"  adain import --out both.safetensors checkpoint.pt",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "weights `FILE` to write (.safetensors)"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the network; by default vgg19 or lite, after the widths. Styles fit one network only"},
			&cli.StringFlag{Name: "upsampling", Usage: "how the decoder makes maps larger, `KIND`: nearest or bilinear, or one for each, such as nearest,bilinear,bilinear; " +
				"by default what a file of adain's says, else nearest, as in pytorch-AdaIN"},
			&cli.StringFlag{Name: "photos", Usage: "`FOLDER` of photographs that torchvision's VGG is normalised on"},
			jsonFlag("what was written"),
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
	if len(names) != 1 && len(names) != 2 {
		return fmt.Errorf("%d files were named, wanted one that holds encoder and decoder, or one for each", len(names))
	}
	if filepath.Ext(c.String("out")) != ".safetensors" {
		return fmt.Errorf("--out is %q, wanted a name that ends in .safetensors", c.String("out"))
	}
	upsampling := c.String("upsampling")
	if upsampling != "" { // a slip should be known before a network is normalised
		if _, err := upsamplings(upsampling); err != nil {
			return fmt.Errorf("--upsampling: %w", err)
		}
	}
	w, err := network.Import(c.Context, names, c.String("name"), network.Photos{Folder: c.String("photos")}, c.App.ErrWriter)
	if err != nil {
		return err
	}
	if upsampling != "" {
		if w, err = w.WithUpsamplings(upsampling); err != nil {
			return fmt.Errorf("--upsampling: %w", err)
		}
	}
	if err := w.Save(c.String("out")); err != nil {
		return err
	}
	return printFiles(c, []madeFile{{c.String("out"), w.Network, w.Widths.String(), "weights"}})
}
