package network

import (
	"context"
	"fmt"
	"io"
	"slices"

	"adainfilter/model"
)

// Loss reads the encoder that losses and scores are measured with: from a weights file, or from any that Import knows, such as
// pytorch-AdaIN's vgg_normalised.pth and torchvision's vgg19-*.pth, which it normalises on photographs. The widths are those of
// model.VGG19 outside of tests.
// Progress and warnings go to out. Errors: a file that cannot be read or holds something else, no photographs where they are needed,
// ctx is done.
func Loss(ctx context.Context, path string, widths model.Widths, photos Photos, out io.Writer) ([]model.Conv, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if w, err := model.ParseWeights(path, data); err == nil {
		if w.Widths != widths {
			return nil, fmt.Errorf("%s holds the network %s with widths %v, wanted VGG-19 with widths %v", path, w.Network, w.Widths, widths)
		}
		return Encoder(w), nil
	}
	f, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	h, err := f.find(model.Encoder)
	if err != nil {
		return nil, fmt.Errorf("%w: wanted the encoder of VGG-19, such as vgg_normalised.pth", err)
	}
	w, err := assembleEncoder(h, widths)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if h.plain {
		if photos.Folder == "" {
			return nil, fmt.Errorf("%s is torchvision's VGG, which must be normalised: name a folder of photographs with --photos", path)
		}
		if err := normalise(ctx, w, photos, out); err != nil {
			return nil, err
		}
	}
	return w.Layers, nil
}

// assembleEncoder makes weights of an encoder alone; layers beyond relu4_1 are passed over.
func assembleEncoder(h *half, widths model.Widths) (*model.Weights, error) {
	w := &model.Weights{Network: "loss network", Widths: widths}
	for _, l := range widths.Layers() {
		if l.Side != model.Encoder {
			continue
		}
		c := model.Conv{Layer: l}
		for _, p := range []struct {
			key   string
			to    *[]float32
			shape []int
		}{{".weight", &c.Weight, []int{l.Out, l.In, l.Kernel, l.Kernel}}, {".bias", &c.Bias, []int{l.Out}}} {
			shape, v, err := h.tensor(l.Key() + p.key)
			switch {
			case err != nil:
				return nil, err
			case !slices.Equal(shape, p.shape):
				return nil, fmt.Errorf("tensor %q has shape %v, wanted %v as in VGG-19", l.Key()+p.key, shape, p.shape)
			case model.NotFinite(v) >= 0:
				return nil, fmt.Errorf("tensor %q has a NaN or an infinity, wanted finite numbers", l.Key()+p.key)
			}
			*p.to = v
		}
		w.Layers = append(w.Layers, c)
	}
	return w, nil
}

// Encoder are the layers of the encoder; they share their memory with w.
func Encoder(w *model.Weights) []model.Conv {
	return slices.DeleteFunc(slices.Clone(w.Layers), func(c model.Conv) bool { return c.Side != model.Encoder })
}

// EncoderID is model.Weights.EncoderID of an encoder alone.
func EncoderID(layers []model.Conv) string { return (&model.Weights{Layers: layers}).EncoderID() }
