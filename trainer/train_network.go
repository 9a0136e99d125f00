package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/record"
)

// startWeights are the network at the first step: a checkpoint's, those of --init, or the loss network's encoder or a part of
// it with a random decoder.
func startWeights(c *cli.Context, o *trainOptions, s trainSetup, loss []model.Conv, checkpoint *record.Checkpoint) (*model.Weights, error) {
	widths := s.loss
	if o.lite() {
		widths = s.small
	}
	w := &model.Weights{Network: o.name, Widths: widths}
	if w.Network == "" {
		w.Network = widths.Name()
	}
	switch {
	case checkpoint != nil:
		w.Layers = blankLayers(widths)
		if !o.lite() {
			copy(w.Layers, loss)
		}
		w.Layers[0].Weight, w.Layers[0].Bias = checkpoint.Colour[:9], checkpoint.Colour[9:]
		return w, checkpoint.Check(len(w.TrainedParameters(o.lite())))
	case o.init != "":
		return w, initFrom(c, w, o, loss)
	case o.lite():
		encoder, err := slimEncoder(c, o, loss, widths)
		if err != nil {
			return nil, err
		}
		w.Layers = encoder
	default:
		w.Layers = slices.Clone(loss)
	}
	w.Layers = append(w.Layers, randomDecoder(widths, o.seed)...)
	return w, nil
}

// initFrom gives w the layers of the weights file --init. Silent filters of a trained encoder are drawn anew.
func initFrom(c *cli.Context, w *model.Weights, o *trainOptions, loss []model.Conv) error {
	start, err := model.LoadWeights(o.init)
	if err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	if start.Widths != w.Widths {
		return fmt.Errorf("--init: %s has widths %v, wanted %v for --network %s", o.init, start.Widths, w.Widths, o.network)
	}
	if id := start.EncoderID(); !o.lite() && id != encoderID(loss) {
		return fmt.Errorf("--init: the encoder of %s (%s) is not that of %s (%s), for which its decoder was made", o.init, id, o.vgg, encoderID(loss))
	}
	w.Layers = start.Layers
	if !o.lite() {
		return nil
	}
	revived, err := reviveSilent(c, o, w)
	if revived > 0 {
		fmt.Fprintf(c.App.ErrWriter, "adain: %d filters of %s hardly answer to the content pictures and were drawn anew\n", revived, o.init)
	}
	return err
}

// blankLayers are all layers of a network with parameters 0.
func blankLayers(widths model.Widths) (layers []model.Conv) {
	for _, l := range widths.Layers() {
		layers = append(layers, model.Conv{Layer: l, Weight: make([]float32, l.Out*l.In*l.Kernel*l.Kernel), Bias: make([]float32, l.Out)})
	}
	return layers
}

func blankDecoder(widths model.Widths) []model.Conv {
	return slices.DeleteFunc(blankLayers(widths), func(c model.Conv) bool { return c.Side != model.Decoder })
}

// randomDecoder draws weights that keep the size of activations from layer to layer (He et al. 2015, equation 10). The last
// layer is small around grey, so that the first results are pictures without strong colours.
func randomDecoder(widths model.Widths, seed uint64) []model.Conv {
	random := rand.New(rand.NewPCG(seed, 0xdec0de))
	layers := blankDecoder(widths)
	for i, l := range layers {
		scale := math.Sqrt(2 / float64(l.In*l.Kernel*l.Kernel))
		if i == len(layers)-1 {
			scale *= 0.1
			for o := range l.Bias {
				l.Bias[o] = 0.5
			}
		}
		for k := range l.Weight {
			l.Weight[k] = float32(scale * random.NormFloat64())
		}
	}
	return layers
}

// parent says what a run's weights come from.
func (t *training) parent() string {
	parent := fmt.Sprintf("VGG-19 of %s, encoder %s", filepath.Base(t.o.vgg), t.loss)
	if t.o.init != "" {
		parent += "; begun from " + filepath.Base(t.o.init)
	}
	return parent
}
