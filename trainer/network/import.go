// Package network makes networks of files and of other networks: it reads encoders and decoders as others save them, normalises, prunes and
// revives encoders, and draws decoders.
package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"adainfilter/model"
)

// Import makes a network of one file that holds an encoder and a decoder, or of two, in any order. Without a name the widths name it. An
// encoder of torchvision gets ImageNet's mean and std as its colour layer, and is normalised if photos names a folder. What was recognised
// is said on out in one line, then progress and warnings. Upsamplings are those that a file of this program names, else nearest. Errors: a
// file that cannot be read, one that does not hold what is wanted, with the layer that does not fit, its shape and the shape wanted; values
// that are not finite; ctx is done.
func Import(ctx context.Context, paths []string, name string, photos Photos, out io.Writer) (*model.Weights, error) {
	encoder, decoder, err := halves(paths)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "adain: %v; %v\n", encoder, decoder)
	if encoder.widths != decoder.widths {
		return nil, fmt.Errorf("%s is an encoder of widths %v, but the decoder %s has %v: layer %q has shape %v, wanted shape %v",
			encoder.file.Path, encoder.widths, decoder.file.Path, decoder.widths, decoder.convs[0].weight.Name, decoder.convs[0].weight.Shape,
			[]int{encoder.widths[2], encoder.widths[3], 3, 3})
	}
	metadata := map[string]string{
		"recipe": "imported", "date": time.Now().UTC().Format(time.RFC3339),
		"encoder-file": filepath.Base(encoder.file.Path), "decoder-file": filepath.Base(decoder.file.Path),
	}
	normalised := encoder.plain && photos.Folder != ""
	switch {
	case normalised:
		metadata["recipe"] = "imported, torchvision's VGG-19 normalised to mean activation 1"
	case encoder.plain:
		metadata["recipe"] = "imported, torchvision's VGG-19 as it is"
		fmt.Fprintln(out, "adain: the encoder is taken as it is; for a decoder that was trained with vgg_normalised.pth name a folder of photographs with --photos")
	case photos.Folder != "":
		return nil, errors.New("--photos normalises an encoder without a colour layer (torchvision's), and this one has one")
	}
	get := func(key string) ([]int, []float32, error) {
		if strings.HasPrefix(key, string(model.Decoder)) {
			return decoder.tensor(key)
		}
		return encoder.tensor(key)
	}
	w, err := model.AssembleWeights(strings.Join(paths, " and "), name, get, metadata)
	if err != nil {
		return nil, err
	}
	if text := decoder.file.upsampling; text != "" {
		if w, err = w.WithUpsamplings(text); err != nil {
			return nil, fmt.Errorf("%s: metadata: %w", decoder.file.Path, err)
		}
	}
	if !normalised {
		return w, nil
	}
	return w, normalise(ctx, w, photos, out)
}

// halves finds encoder and decoder in one or two files. Where both hold both, the encoder of the first and the decoder of the second count.
func halves(paths []string) (encoder, decoder *half, err error) {
	var files []*File
	for _, path := range paths {
		f, err := Open(path)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	first, last := files[0], files[len(files)-1]
	encoder, err = first.find(model.Encoder)
	if err == nil {
		decoder, err = last.find(model.Decoder)
	}
	if err == nil || len(files) == 1 {
		return encoder, decoder, err
	}
	other, otherErr := last.find(model.Encoder)
	if otherErr != nil {
		return nil, nil, err
	}
	if decoder, otherErr = first.find(model.Decoder); otherErr != nil {
		return nil, nil, err
	}
	return other, decoder, nil
}

// Use says what a file is good for.
func Use(f *File) string {
	encoder, err := f.find(model.Encoder)
	decoder, err2 := f.find(model.Decoder)
	switch {
	case err == nil && err2 == nil:
		return "encoder and decoder for adain import"
	case err == nil && encoder.plain:
		return "encoder for adain import, torchvision's VGG"
	case err == nil:
		return "encoder for adain import"
	case err2 == nil && decoder != nil:
		return "decoder for adain import"
	}
	return "unknown"
}
