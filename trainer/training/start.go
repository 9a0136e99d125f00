package training

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
)

// startWeights are the network at the first step: a checkpoint's, those of --init, or the loss network's encoder or a part of
// it with a random decoder; and upsampling as --upsampling has it.
func (t *run) startWeights(ctx context.Context, checkpoint *record.Checkpoint) (*model.Weights, error) {
	w, err := t.startLayers(ctx, checkpoint)
	if err != nil || t.o.Upsampling == "" {
		return w, err
	}
	if w, err = w.WithUpsamplings(t.o.Upsampling); err != nil {
		return nil, fmt.Errorf("--upsampling: %w", err)
	}
	return w, nil
}

func (t *run) startLayers(ctx context.Context, checkpoint *record.Checkpoint) (*model.Weights, error) {
	o, widths := t.o, t.o.widths(t.Setup)
	w := &model.Weights{Network: o.Name, Widths: widths}
	if w.Network == "" {
		w.Network = widths.Name()
	}
	switch {
	case checkpoint != nil:
		w.Layers = network.Blank(widths)
		if !o.lite() {
			copy(w.Layers, t.layers)
		}
		w.Layers[0].Weight, w.Layers[0].Bias = checkpoint.Colour[:9], checkpoint.Colour[9:]
		return w, checkpoint.Check(len(w.TrainedParameters(o.lite())))
	case o.Init != "":
		return w, t.initFrom(ctx, w)
	case o.lite():
		encoder, err := network.Prune(ctx, t.layers, widths, t.photos(o), t.out)
		if err != nil {
			return nil, err
		}
		w.Layers = encoder
	default:
		w.Layers = slices.Clone(t.layers)
	}
	w.Layers = append(w.Layers, network.RandomDecoder(widths, o.Seed)...)
	return w, nil
}

// widths are those of the network that is trained.
func (o *Options) widths(s Setup) model.Widths {
	if o.lite() {
		return o.Widths
	}
	return s.Loss
}

// settleWidths gives the network lite the widths of --init, or of the setup, where --widths says none.
func (o *Options) settleWidths(s Setup) error {
	if !o.lite() || o.Widths != (model.Widths{}) {
		return nil
	}
	o.Widths = s.Small
	if o.Init != "" {
		w, err := style.LoadNetwork(o.Init)
		if err != nil {
			return fmt.Errorf("--init: %w", err)
		}
		o.Widths = w.Widths
	}
	return nil
}

// initFrom gives w the layers of --init, a weights file or, for the frozen encoder, PyTorch's file of a decoder.
func (t *run) initFrom(ctx context.Context, w *model.Weights) error {
	o := t.o
	start, err := network.Start(o.Init, t.layers)
	if err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	if start.Widths != w.Widths && o.lite() {
		if start, err = network.Widen(start, w.Widths, o.Seed); err != nil {
			return fmt.Errorf("--widths: %s: %w", o.Init, err)
		}
	}
	if start.Widths != w.Widths {
		return fmt.Errorf("--init: %s has widths %v, wanted %v for --network %s", o.Init, start.Widths, w.Widths, o.Network)
	}
	if id := start.EncoderID(); !o.lite() && id != t.loss {
		return fmt.Errorf("--init: the encoder of %s (%s) is not that of %s (%s), for which its decoder was made", o.Init, id, o.VGG, t.loss)
	}
	w.Layers = start.Layers
	if o.Revive {
		return t.revive(ctx, w)
	}
	return nil
}

// parent says what a run's weights come from.
func (t *run) parent() string {
	parent := fmt.Sprintf("VGG-19 of %s, encoder %s", filepath.Base(t.o.VGG), t.loss)
	if t.o.Init != "" {
		parent += "; begun from " + filepath.Base(t.o.Init)
	}
	return parent
}
