package cuda

import (
	"errors"
	"math"

	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// Adam's constants; train_adam has them too.
const beta1, beta2 = 0.9, 0.999

// adam is what a step takes besides the gradient.
type adam struct {
	clip             float64
	rates            [3]float64 // of conv1_1, of the encoder's other layers, of the decoder
	first, second    float64    // 1 / (1 - beta^t)
	average          float64
	firstEnd, encEnd int // parameters below belong to conv1_1, to the encoder
}

// prepareUpdate makes the orders that bring parameters to the layers, and those that change them first.
func (t *Training) prepareUpdate() error {
	t.update.library, t.packing.library = t.library, t.library
	if t.options.Encoder {
		for i, l := range t.encoder {
			t.adam.encEnd += l.MAC() + l.Out
			if i == 0 {
				t.adam.firstEnd = t.adam.encEnd
			}
		}
	}
	addOrder(&t.update, kernels.TrainAdam, values(t.count), kernels.TrainAdamArguments{
		Gradient: address(t.gradient), First: int32(t.adam.firstEnd), Encoder: int32(t.adam.encEnd), Count: int32(t.count),
	}, func(a *kernels.TrainAdamArguments) {
		a.Old, a.Now = address(t.state[t.now]), address(t.state[1-t.now])
		a.Clip, a.Second, a.Average = float32(t.adam.clip), float32(t.adam.second), float32(t.adam.average)
		a.FirstRate, a.EncoderRate, a.Rate = float32(t.adam.rates[0]*t.adam.first), float32(t.adam.rates[1]*t.adam.first), float32(t.adam.rates[2]*t.adam.first)
	})
	t.pack(&t.update, func() uintptr { return t.state[1-t.now] })
	t.pack(&t.packing, func() uintptr { return t.state[t.now] })
	return errors.Join(t.update.err, t.packing.err)
}

// pack adds what brings the parameters at an address to all trained layers.
func (t *Training) pack(o *orders, parameters func() uintptr) {
	trained := t.decoder
	if t.options.Encoder {
		first := t.encoder[0]
		addOrder(o, kernels.TrainFoldColour, values(first.MAC()+first.Out), kernels.TrainFoldColourArguments{
			Colour: address(t.colour), Folded: address(t.folded[0]), Out: int32(first.Out),
		}, func(a *kernels.TrainFoldColourArguments) { a.Parameters = address(parameters()) })
		trained = append(t.encoder[:len(t.encoder):len(t.encoder)], trained...)
	}
	for i, l := range trained {
		at := func() uintptr { return parameters() + uintptr(4*l.at) }
		if i == 0 && t.options.Encoder {
			at = func() uintptr { return t.folded[0] }
		}
		l.pack(o, at)
	}
}

// pack adds what arranges the layer's parameters.
func (l *trainedLayer) pack(o *orders, parameters func() uintptr) {
	addOrder(o, kernels.TrainPack, values(9*l.cin*l.cout), kernels.TrainPackArguments{
		Weight: address(l.weight), Turned: address(l.turned), Bias: address(l.bias),
		Factor: l.factor, In: int32(l.In), Out: int32(l.Out), Cin: int32(l.cin), Cout: int32(l.cout),
	}, func(a *kernels.TrainPackArguments) { a.Parameters = address(parameters()) })
}

// packOnce arranges a layer's parameters and waits.
func (t *Training) packOnce(l *trainedLayer, parameters uintptr) error {
	o := orders{library: t.library}
	defer o.close()
	l.pack(&o, func() uintptr { return parameters })
	if o.err != nil {
		return o.err
	}
	return errors.Join(o.run(t.stream), t.wait())
}

// move makes the step that the gradient asks for, of this length before clipping. After an error the state is that of before.
func (t *Training) move(u model.Update, length float64) error {
	a := &t.adam
	a.clip = 1
	if u.ClipNorm > 0 && length > u.ClipNorm {
		a.clip = u.ClipNorm / length
	}
	a.rates = [3]float64{u.FirstRate, u.EncoderRate, u.Rate}
	a.first, a.second = 1/(1-math.Pow(beta1, float64(t.steps+1))), 1/(1-math.Pow(beta2, float64(t.steps+1)))
	a.average = u.Average
	t.packed = false // if this fails half way
	if err := errors.Join(t.update.run(t.stream), t.wait()); err != nil {
		return err
	}
	t.now, t.packed = 1-t.now, true
	t.steps++
	return nil
}
