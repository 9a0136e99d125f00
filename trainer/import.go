package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/pth"
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
	encoder, err := pth.Read(names[0])
	if err != nil {
		return err
	}
	decoder, err := pth.Read(names[1])
	if err != nil {
		return err
	}
	metadata := map[string]string{
		"recipe": "imported", "date": time.Now().UTC().Format(time.RFC3339),
		"encoder-file": filepath.Base(names[0]), "decoder-file": filepath.Base(names[1]),
	}
	plain := !isTorchvision(encoder)
	if !plain {
		metadata["recipe"] = "imported, torchvision's VGG-19 normalised to mean activation 1"
	}
	get := pairTensors(encoder, decoder)
	file := names[0] + " and " + names[1]
	w, err := model.AssembleWeights(file, c.String("name"), get, metadata)
	if err != nil {
		return err
	}
	if !plain {
		folder := c.String("photos")
		if folder == "" {
			return errors.New("the encoder is torchvision's VGG, which must be normalised: name a folder of photographs with --photos")
		}
		if err := normalise(c, w, folder); err != nil {
			return err
		}
	}
	if err := w.Save(c.String("out")); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: network %s, widths %v\n", c.String("out"), w.Network, w.Widths)
	return nil
}

// pairTensors finds the tensor of a key of the weights file ("encoder.29.weight") in the two files, where it may be called
// "29.weight" or by its whole key, or by torchvision's name.
func pairTensors(encoder, decoder *pth.File) func(string) ([]int, []float32, error) {
	vgg := isTorchvision(encoder)
	return func(key string) ([]int, []float32, error) {
		f, short := encoder, key[len("encoder."):]
		side := model.Side(key[:len("encoder")])
		if side == model.Decoder {
			f = decoder
		}
		names := []string{short, key}
		if side == model.Encoder && vgg {
			if shape, v, ok := imageNetColour(key); ok {
				return shape, v, nil
			}
			names = []string{torchvisionName(short)}
		}
		for _, name := range names {
			if t := f.Tensors[name]; t != nil {
				v, err := t.Float32()
				if err != nil {
					return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
				}
				return t.Shape, v, nil
			}
		}
		return nil, nil, missing(f, side, names[0])
	}
}

// missing says which tensor is not there, and whether the files may have been given in the wrong order.
func missing(f *pth.File, side model.Side, name string) error {
	err := fmt.Errorf("the %s file lacks the tensor %q among its %d", side, name, len(f.Names))
	other := map[model.Side]string{model.Encoder: "28.weight", model.Decoder: "0.weight"}[side]
	if f.Tensors[other] != nil {
		return errors.New(err.Error() + "; were encoder and decoder given in the wrong order?")
	}
	return err
}
