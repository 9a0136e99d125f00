package training

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"adainfilter/model"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
)

// startWeights are the network at the first step: a checkpoint's, those of --init, or the loss network's encoder or a part of
// it with a random decoder; and upsampling as --upsampling has it.
func startWeights(ctx context.Context, s Setup, o *Options, loss []model.Conv, checkpoint *record.Checkpoint, out io.Writer) (*model.Weights, error) {
	w, err := startLayers(ctx, s, o, loss, checkpoint, out)
	if err != nil || o.Upsampling == "" {
		return w, err
	}
	if w, err = w.WithUpsamplings(o.Upsampling); err != nil {
		return nil, fmt.Errorf("--upsampling: %w", err)
	}
	return w, nil
}

func startLayers(ctx context.Context, s Setup, o *Options, loss []model.Conv, checkpoint *record.Checkpoint, out io.Writer) (*model.Weights, error) {
	widths := s.Loss
	if o.lite() {
		widths = s.Small
	}
	w := &model.Weights{Network: o.Name, Widths: widths}
	if w.Network == "" {
		w.Network = widths.Name()
	}
	switch {
	case checkpoint != nil:
		w.Layers = network.Blank(widths)
		if !o.lite() {
			copy(w.Layers, loss)
		}
		w.Layers[0].Weight, w.Layers[0].Bias = checkpoint.Colour[:9], checkpoint.Colour[9:]
		return w, checkpoint.Check(len(w.TrainedParameters(o.lite())))
	case o.Init != "":
		return w, initFrom(ctx, w, s.photos(o), o, loss, out)
	case o.lite():
		encoder, err := network.Prune(ctx, loss, widths, s.photos(o), out)
		if err != nil {
			return nil, err
		}
		w.Layers = encoder
	default:
		w.Layers = slices.Clone(loss)
	}
	w.Layers = append(w.Layers, network.RandomDecoder(widths, o.Seed)...)
	return w, nil
}

// initFrom gives w the layers of the weights file --init. Silent filters of a trained encoder are drawn anew.
func initFrom(ctx context.Context, w *model.Weights, photos network.Photos, o *Options, loss []model.Conv, out io.Writer) error {
	start, err := model.LoadWeights(o.Init)
	if err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	if start.Widths != w.Widths {
		return fmt.Errorf("--init: %s has widths %v, wanted %v for --network %s", o.Init, start.Widths, w.Widths, o.Network)
	}
	if id := start.EncoderID(); !o.lite() && id != network.EncoderID(loss) {
		return fmt.Errorf("--init: the encoder of %s (%s) is not that of %s (%s), for which its decoder was made", o.Init, id, o.VGG, network.EncoderID(loss))
	}
	w.Layers = start.Layers
	if !o.lite() {
		return nil
	}
	revived, err := network.Revive(ctx, w, photos, o.Seed)
	if revived > 0 {
		fmt.Fprintf(out, "adain: %d filters of %s hardly answer to the content pictures and were drawn anew\n", revived, o.Init)
	}
	return err
}

// parent says what a run's weights come from.
func (t *run) parent() string {
	parent := fmt.Sprintf("VGG-19 of %s, encoder %s", filepath.Base(t.o.VGG), t.loss)
	if t.o.Init != "" {
		parent += "; begun from " + filepath.Base(t.o.Init)
	}
	return parent
}
