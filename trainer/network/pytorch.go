// Package network makes networks of files and of other networks: it reads PyTorch's encoders and decoders, normalises, prunes and
// revives encoders, and draws decoders.
package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/pth"
)

// Import makes a network of PyTorch's files of an encoder and a decoder. Without a name the widths name it. An encoder of torchvision is
// normalised on photographs. Progress and warnings go to out. Errors: a file that cannot be read, a tensor that is not there or has
// another shape, no photographs where they are needed, ctx is done.
func Import(ctx context.Context, encoderFile, decoderFile, name string, photos Photos, out io.Writer) (*model.Weights, error) {
	encoder, err := pth.Read(encoderFile)
	if err != nil {
		return nil, err
	}
	decoder, err := pth.Read(decoderFile)
	if err != nil {
		return nil, err
	}
	metadata := map[string]string{
		"recipe": "imported", "date": time.Now().UTC().Format(time.RFC3339),
		"encoder-file": filepath.Base(encoderFile), "decoder-file": filepath.Base(decoderFile),
	}
	plain := !isTorchvision(encoder)
	if !plain {
		metadata["recipe"] = "imported, torchvision's VGG-19 normalised to mean activation 1"
	}
	w, err := model.AssembleWeights(encoderFile+" and "+decoderFile, name, pairTensors(encoder, decoder), metadata)
	if err != nil || plain {
		return w, err
	}
	if photos.Folder == "" {
		return nil, errors.New("the encoder is torchvision's VGG, which must be normalised: name a folder of photographs with --photos")
	}
	return w, normalise(ctx, w, photos, out)
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

// Use guesses what a PyTorch file is good for from the tensors' names.
func Use(f *pth.File) string {
	has := func(key string) bool { return f.Tensors[key] != nil }
	switch {
	case isTorchvision(f):
		return "torchvision's VGG: encoder for adain import, with --photos"
	case has("0.weight") && has("29.weight"):
		return "encoder for adain import"
	case has("1.weight") && has("28.weight"):
		return "decoder for adain import"
	}
	return "unknown"
}
