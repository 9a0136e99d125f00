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

// layersOf are layers without their parameters.
func layersOf(c []model.Conv) (layers []model.Layer) {
	for i := range c {
		layers = append(layers, c[i].Layer)
	}
	return layers
}

// takeLoss is memory for the encoder among layers, whose first is that of colours, as the loss network.
func (t *Training) takeLoss(layers []model.Layer) error {
	for _, c := range layers[1:] {
		if c.Side != model.Encoder {
			break
		}
		l := newTrainedLayer(c, -1)
		t.loss = append(t.loss, l)
		if level := levelOf(c); level >= 0 {
			t.real[level] = c.Out
		}
		if err := t.allocateLayer(l); err != nil {
			return fmt.Errorf("layer %s: %w", c.Name, err)
		}
	}
	t.loss[0].factor = 1. / pictureRange
	return nil
}

// loadLoss brings the layers that do not change to the GPU, the colours folded into the first one.
func (t *Training) loadLoss(loss []model.Conv) (err error) {
	var parameters memory
	defer func() { err = errors.Join(err, parameters.free()) }()
	if err := t.takeLoss(layersOf(loss)); err != nil {
		return err
	}
	for i, c := range foldedLayers(loss) {
		l := t.loss[i]
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
	if err := t.takeTrained(layersOf(w.Layers)); err != nil {
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

// takeTrained is memory for the layers that change, and for what changes them.
func (t *Training) takeTrained(layers []model.Layer) error {
	for _, c := range layers {
		if !c.Trained(t.options.Encoder) {
			continue
		}
		l := newTrainedLayer(c, t.count)
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
	return t.allocateAll([]buffer{{&t.state[0], 4 * bytes}, {&t.state[1], 4 * bytes}, {&t.gradient, bytes}})
}

// colourValues are weights and biases of the colour layer.
const colourValues = 3*3 + 3

// loadColour brings the colour layer of a trained encoder to the GPU.
func (t *Training) loadColour(w *model.Weights) (err error) {
	if err := t.takeFolded(); err != nil {
		return err
	}
	colour := append(append([]float32(nil), w.Layers[0].Weight...), w.Layers[0].Bias...)
	err = driver.Wrap("copy of the colour layer to the GPU", cu.MemcpyHtoDAsync(cu.DevicePtr(t.colour), pointerTo(colour), 4*colourValues, t.stream))
	err = errors.Join(err, t.wait())
	runtime.KeepAlive(colour) // the copy has been made only now
	return err
}

// takeFolded is memory for a trained encoder's first layer with the colours in it.
func (t *Training) takeFolded() error {
	first := t.encoder[0]
	first.factor = 1. / pictureRange
	bytes := 4 * int64(first.MAC()+first.Out)
	return t.allocateAll([]buffer{{&t.folded[0], bytes}, {&t.folded[1], bytes}, {&t.colour, 4 * colourValues}})
}

func newTrainedLayer(l model.Layer, at int) *trainedLayer {
	return &trainedLayer{Layer: l, cin: padded(l.In), cout: padded(l.Out), factor: 1, at: at}
}

func (t *Training) allocateLayer(l *trainedLayer) error {
	bytes := 2 * 9 * int64(l.cin) * int64(l.cout)
	return t.allocateAll([]buffer{{&l.weight, bytes}, {&l.turned, bytes}, {&l.bias, 4 * int64(l.cout)}})
}
