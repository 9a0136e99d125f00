package ref

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"adainfilter/model"
)

// Adam's constants (Kingma & Ba 2015, section 2).
const (
	beta1, beta2 = 0.9, 0.999
	adamEpsilon  = 1e-8
)

// Training trains a network with the functions of this package. Its state is kept in float32, all else is float64. It
// remembers nothing of pictures that have a key.
type Training struct {
	loss    []model.Conv
	weights *model.Weights // those at the start
	options model.TrainingOptions
	state   model.TrainingState
	parts   Parts
}

var _ model.TrainingEngine = (*Training)(nil)

// Parts are the pieces of a training step that a test may replace, to see whether its suite finds the difference.
type Parts struct {
	Pad   func(g Features, border func(i, n int) int) Features // back through a layer's padding
	AdaIN func(x Features, style Moments, alpha float64, g Features) (gx Features, gStyle Moments)
	Round func(x Features) // every picture, feature and gradient but results without ReLU, in place
	// Layers are those of a network or of half of it whose weights products are made of, given those of the state.
	Layers func(layers []model.Conv) []model.Conv
}

// Exact are the parts of OpenTraining.
func Exact() Parts {
	return Parts{
		Pad:    func(g Features, border func(i, n int) int) Features { return PadGradient(g, 1, border) },
		AdaIN:  AdaINGradient,
		Round:  func(Features) {},
		Layers: func(layers []model.Conv) []model.Conv { return layers },
	}
}

// OpenTraining is the model.TrainingOpener of this package; it refuses CUDA and half.
func OpenTraining(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
	return NewTraining(loss, w, o, Exact())
}

// NewTraining is OpenTraining with other parts.
func NewTraining(loss []model.Conv, w *model.Weights, o model.TrainingOptions, parts Parts) (*Training, error) {
	if err := model.CheckTraining(loss, w, o); err != nil {
		return nil, fmt.Errorf("reference engine: %w", err)
	}
	if o.Device == model.CUDA || o.Precision == model.Half {
		return nil, errors.New("the reference engine trains on the CPU in float64 only")
	}
	copied := *w
	copied.Layers = clone(w.Layers)
	start := w.TrainedParameters(o.Encoder)
	return &Training{
		loss: clone(loss), weights: &copied, options: o, parts: parts,
		state: model.TrainingState{
			Parameters: start, Average: slices.Clone(start),
			First: make([]float32, len(start)), Second: make([]float32, len(start)),
		},
	}, nil
}

func clone(layers []model.Conv) []model.Conv {
	layers = slices.Clone(layers)
	for i := range layers {
		layers[i].Weight, layers[i].Bias = slices.Clone(layers[i].Weight), slices.Clone(layers[i].Bias)
	}
	return layers
}

// Precision is that of model.TrainingEngine; float64 counts as float32, which the state has.
func (t *Training) Precision() model.Precision { return model.Float32 }

// Step is that of model.TrainingEngine.
func (t *Training) Step(b *model.Batch, u model.Update) (model.Losses, error) {
	if err := b.Check(t.options, u); err != nil {
		return model.Losses{}, fmt.Errorf("reference engine: %w", err)
	}
	losses, gradient, err := t.evaluate(b, u)
	if err != nil {
		return losses, fmt.Errorf("reference engine: %w", err)
	}
	if model.NotFinite([]float64{losses.Total, losses.Gradient}) >= 0 {
		return losses, fmt.Errorf("reference engine: the loss is %v and its gradient's length %v, wanted finite numbers", losses.Total, losses.Gradient)
	}
	if u.ClipNorm > 0 && losses.Gradient > u.ClipNorm {
		for i := range gradient {
			gradient[i] *= u.ClipNorm / losses.Gradient
		}
	}
	t.adam(gradient, u)
	return losses, nil
}

// Margin is how near a batch comes to where a gradient jumps, a sum of 0 before a ReLU or equal maxima of a pooling: the
// smallest distance relative to the mean absolute sum of its layer. An engine whose rounding is larger may take the other side.
func (t *Training) Margin(b *model.Batch, u model.Update) (float64, error) {
	if err := b.Check(t.options, u); err != nil {
		return 0, err
	}
	e, _, err := t.evaluation(b, u)
	if err != nil {
		return 0, err
	}
	nearest := math.Inf(1)
	for n := range b.Alpha {
		nearest = min(nearest, e.margin(e.forward(n)))
	}
	return nearest, nil
}

// evaluate computes losses and gradients, these in the order of Trained.
func (t *Training) evaluate(b *model.Batch, u model.Update) (model.Losses, []float64, error) {
	e, gradient, err := t.evaluation(b, u)
	if err != nil {
		return model.Losses{}, nil, err
	}
	for n := range b.Alpha {
		e.backward(n, e.forward(n))
	}
	e.finish(gradient)
	return e.losses, gradient, nil
}

// evaluation prepares one with the present parameters; it adds its gradients to the second result.
func (t *Training) evaluation(b *model.Batch, u model.Update) (*evaluation, []float64, error) {
	w, err := t.weights.WithTrained(t.options.Encoder, t.state.Parameters)
	if err != nil {
		return nil, nil, err
	}
	e := &evaluation{
		batch: b, update: u, height: t.options.Height, width: t.options.Width, train: t.options.Encoder, parts: t.parts,
		loss: stack{layers: t.loss, gradients: make([]parameters, len(t.loss)), parts: t.parts},
	}
	gradient := make([]float64, len(t.state.Parameters))
	rest := gradient
	for _, c := range w.Layers {
		var g parameters
		if c.Trained(t.options.Encoder) {
			n, all := len(c.Weight), len(c.Weight)+len(c.Bias)
			g, rest = parameters{rest[:n], rest[n:all]}, rest[all:]
		}
		side := &e.encoder
		if c.Side == model.Decoder {
			side = &e.decoder
		}
		side.layers, side.gradients, side.parts = append(side.layers, c), append(side.gradients, g), t.parts
	}
	for _, s := range []*stack{&e.loss, &e.encoder, &e.decoder} {
		s.layers = t.parts.Layers(s.layers)
	}
	return e, gradient, nil
}

// adam updates the state (Kingma & Ba 2015, algorithm 1).
func (t *Training) adam(gradient []float64, u model.Update) {
	s := &t.state
	s.Steps++
	first, second := 1-math.Pow(beta1, float64(s.Steps)), 1-math.Pow(beta2, float64(s.Steps))
	at := 0
	for _, l := range t.weights.Widths.Trained(t.options.Encoder) {
		rate := u.Rate
		switch {
		case l.Name == "conv1_1":
			rate = u.FirstRate
		case l.Side == model.Encoder:
			rate = u.EncoderRate
		}
		for end := at + l.MAC() + l.Out; at < end; at++ {
			g := gradient[at]
			m := beta1*float64(s.First[at]) + (1-beta1)*g
			v := beta2*float64(s.Second[at]) + (1-beta2)*g*g
			p := float64(s.Parameters[at]) - rate*(m/first)/(math.Sqrt(v/second)+adamEpsilon)
			s.First[at], s.Second[at], s.Parameters[at] = float32(m), float32(v), float32(p)
			s.Average[at] = float32(u.Average*float64(s.Average[at]) + (1-u.Average)*float64(s.Parameters[at]))
		}
	}
}

// State is that of model.TrainingEngine.
func (t *Training) State() (*model.TrainingState, error) {
	s := copyState(&t.state)
	return &s, nil
}

// Restore is that of model.TrainingEngine.
func (t *Training) Restore(s *model.TrainingState) error {
	if err := s.Check(len(t.state.Parameters)); err != nil {
		return fmt.Errorf("reference engine: %w", err)
	}
	t.state = copyState(s)
	return nil
}

func copyState(s *model.TrainingState) model.TrainingState {
	return model.TrainingState{
		Steps: s.Steps, Parameters: slices.Clone(s.Parameters), Average: slices.Clone(s.Average),
		First: slices.Clone(s.First), Second: slices.Clone(s.Second),
	}
}

// Describe is that of model.TrainingEngine.
func (t *Training) Describe() string { return "CPU, plain Go reference, float64" }

// Close has nothing to free.
func (t *Training) Close() error { return nil }
