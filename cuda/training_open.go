package cuda

import (
	"errors"
	"fmt"
	"runtime"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// load brings kernels, loss network and parameters to the GPU.
func (t *Training) load(loss []model.Conv, w *model.Weights) (err error) {
	return t.inside(func() error {
		if t.library, err = loadKernels(t.device.capability, func(m kernels.Module) bool { return m.Training || m.Name == "statistics" }); err != nil {
			return err
		}
		if t.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
			return driver.Wrap("cuStreamCreate", err)
		}
		if err := t.loadLoss(loss); err != nil {
			return fmt.Errorf("loss network: %w", err)
		}
		return t.loadTrained(w)
	})
}

// loadLoss brings the layers that do not change to the GPU, the colours folded into the first one.
func (t *Training) loadLoss(loss []model.Conv) (err error) {
	var parameters memory
	defer func() { err = errors.Join(err, parameters.free()) }()
	for i, c := range foldedLayers(loss) {
		l := newTrainedLayer(c.Layer, -1)
		t.loss = append(t.loss, l)
		if level := levelOf(c.Layer); level >= 0 {
			t.real[level] = c.Out
		}
		if i == 0 {
			l.factor = 1. / pictureRange
		}
		if err := t.allocateLayer(l); err != nil {
			return err
		}
		values := append(append([]float32(nil), c.Weight...), c.Bias...)
		at, err := upload(&parameters, t.stream, values)
		if err == nil {
			err = t.packOnce(l, at)
		}
		err = errors.Join(err, t.wait())
		runtime.KeepAlive(values) // the copy has been made only now
		if err != nil {
			return fmt.Errorf("layer %s: %w", c.Name, err)
		}
	}
	return nil
}

// foldedLayers are an encoder's layers with the colour layer folded into the next.
func foldedLayers(layers []model.Conv) []model.Conv {
	return append([]model.Conv{model.FoldColour(layers[0], layers[1])}, layers[2:]...)
}

// loadTrained brings the layers that change to the GPU, and takes memory for what changes them.
func (t *Training) loadTrained(w *model.Weights) error {
	for _, c := range w.Layers {
		if !c.Trained(t.options.Encoder) {
			continue
		}
		l := newTrainedLayer(c.Layer, t.count)
		t.count += c.MAC() + c.Out
		if c.Side == model.Decoder {
			t.decoder = append(t.decoder, l)
		} else {
			t.encoder = append(t.encoder, l)
		}
		if err := t.allocateLayer(l); err != nil {
			return err
		}
	}
	bytes := 4 * int64(t.count)
	if err := t.allocateAll([]buffer{{&t.state[0], 4 * bytes}, {&t.state[1], 4 * bytes}, {&t.gradient, bytes}}); err != nil {
		return err
	}
	if t.options.Encoder {
		if err := t.loadColour(w); err != nil {
			return err
		}
	} else {
		t.encoder = t.loss
	}
	if err := t.prepareUpdate(); err != nil {
		return err
	}
	start := w.TrainedParameters(t.options.Encoder)
	zero := make([]float32, t.count)
	return t.write(start, zero, zero, start)
}

// loadColour brings the colour layer of a trained encoder to the GPU.
func (t *Training) loadColour(w *model.Weights) (err error) {
	first := t.encoder[0]
	first.factor = 1. / pictureRange
	bytes := 4 * int64(first.MAC()+first.Out)
	if err := t.allocateAll([]buffer{{&t.folded[0], bytes}, {&t.folded[1], bytes}}); err != nil {
		return err
	}
	colour := append(append([]float32(nil), w.Layers[0].Weight...), w.Layers[0].Bias...)
	t.colour, err = upload(&t.memory, t.stream, colour)
	err = errors.Join(err, t.wait())
	runtime.KeepAlive(colour) // the copy has been made only now
	return err
}

func newTrainedLayer(l model.Layer, at int) *trainedLayer {
	return &trainedLayer{Layer: l, cin: padded(l.In), cout: padded(l.Out), factor: 1, at: at}
}

func (t *Training) allocateLayer(l *trainedLayer) error {
	bytes := 2 * 9 * int64(l.cin) * int64(l.cout)
	return t.allocateAll([]buffer{{&l.weight, bytes}, {&l.turned, bytes}, {&l.bias, 4 * int64(l.cout)}})
}
