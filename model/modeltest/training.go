package modeltest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// TrainingTolerance is how far a training engine may be from the reference.
type TrainingTolerance struct {
	Precision model.Precision  // that the engine is opened with
	Losses    float64          // of a loss's root, relative to it or to 0.1 if that is larger
	Gradients float64          // relative to the largest gradient of a layer's weight or bias
	Spread    bool             // Gradients is of root mean squares instead of the largest values
	Floor     float64          // a layer's largest gradient counts as this share of the largest of all at least
	Parts     func() ref.Parts // of the reference; nil: it is exact
	Margin    float64          // as ref.Training.Margin has it; batches that come nearer to a jump are left out
}

// TrainingFloat32 is for engines whose sums are float32. A gradient has come through up to 29 layers and back, each of which
// rounds to some 1e-7 of the layer's mean; a division by the std of few pixels enlarges that ten or a hundred times. The
// reference with all features and gradients rounded is up to 7e-5 off; sums in float32 round more. A loss is the mean square of
// differences, whose rounding counts for more the smaller they are: hence its root. A layer's gradient may vanish, as that of
// an encoder does which sees one pixel at relu4_1: then rounding is all there is, and the floor says so.
//
// Rounding also decides on which side of 0 a sum falls, and the gradient of ReLU is 0 on one and 1 on the other: no
// tolerance covers that. Batches are chosen so that all sums keep a distance of the margin from 0, in which rounding fits.
var TrainingFloat32 = TrainingTolerance{Precision: model.Float32, Losses: 1e-4, Gradients: 1e-3, Floor: 1e-3, Margin: 1e-5}

// TrainingHalf is for engines that multiply bfloat16 in Winograd's domain and sum in float32. Rounding to bfloat16 leaves an error of
// 1.7e-3 (root mean square, relative), so a product of two such factors has 2.4e-3, and the transforms of F(4x4,3x3) with the points 0,
// sqrt(1/2), -sqrt(1/2), sqrt(2), -sqrt(2) and infinity enlarge it 5 times, as the sums of their squared factors say: 1.2e-2 of a layer's
// sums. Layers add up in squares, 6e-2 after 27; no loss's root is further off.
//
// A sum that is off by a share e of its standard deviation falls on the other side of 0 with probability e/pi, and a ReLU that takes the
// other side makes the gradient wrong by twice that share in squares: over 27 layers 0.85, where every layer is wide. Such are the bounds
// in the case of wide layers; those of VGG-19 and the built-in network, whose largest maps are narrow ones, come ten times closer. The other
// cases have narrow layers only.
var TrainingHalf = TrainingTolerance{Precision: model.Half, Losses: 6e-2, Gradients: 0.85, Spread: true, Floor: 1e-3, Margin: 1e-5}

// RunTraining runs every case on training engines that open delivers.
func RunTraining(t *testing.T, open model.TrainingOpener, tolerance TrainingTolerance) {
	for _, c := range TrainingCases(open, tolerance) {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TrainingCases are the cases that RunTraining runs.
func TrainingCases(open model.TrainingOpener, tolerance TrainingTolerance) []Case {
	s := trainingSuite{open, tolerance}
	return []Case{
		{"decoder", s.decoder},
		{"encoder", s.encoder},
		{"content", s.alone(model.Objective{Content: 1})},
		{"style", s.alone(model.Objective{Style: 1})},
		{"identity", s.alone(model.Objective{Identity: 1})},
		{"consistency", s.alone(model.Objective{Consistency: 1})},
		{"lattice", s.alone(model.Objective{Lattice: 1})},
		{"balanced", s.alone(model.Objective{Style: 1, Balance: true})},
		{"alphas", s.alphas},
		{"wide", s.wide},
		{"upsampling", s.upsampling},
		{"large", s.large},
		{"flat", s.flat},
		{"steps", s.steps},
		{"average", s.average},
		{"cache", s.cache},
		{"restore", s.restore},
		{"two engines", s.twoEngines},
		{"bad batches", s.badBatches},
		{"not finite", s.notFinite},
		{"bad options", s.badOptions},
	}
}

type trainingSuite struct {
	open      model.TrainingOpener
	tolerance TrainingTolerance
}

// training is what an engine is opened for.
type training struct {
	widths        model.Widths
	loss          model.Widths // of the loss network if the encoder is trained; otherwise it is the encoder
	encoder       bool
	height, width int
	alphas        []float32
	cache         int64
	upsampling    string // as model.Weights.WithUpsamplings takes it; empty is nearest
}

// pair is an engine and the reference, opened alike.
type pair struct {
	suite trainingSuite
	training
	options   model.TrainingOptions
	layers    []model.Layer // that are trained
	engine    model.TrainingEngine
	reference *ref.Training
	seed      uint64 // of the next batch
}

// with opens an engine and closes it after use. What it was opened with is overwritten before, as it has to be copied.
func (s trainingSuite) with(c training, use func(p *pair) error) (err error) {
	w, err := RandomWeights(1, c.widths).WithUpsamplings(cmp.Or(c.upsampling, string(model.Nearest)))
	if err != nil {
		return err
	}
	loss := encoderLayers(w)
	if c.encoder {
		loss = encoderLayers(RandomWeights(2, c.loss))
	}
	p := &pair{suite: s, training: c, layers: c.widths.Trained(c.encoder)}
	p.options = model.TrainingOptions{
		Options: model.Options{Precision: s.tolerance.Precision},
		Encoder: c.encoder, Batch: len(c.alphas), Height: c.height, Width: c.width, Cache: c.cache,
	}
	exact := p.options
	exact.Precision = model.Float32
	parts := ref.Exact
	if s.tolerance.Parts != nil {
		parts = s.tolerance.Parts
	}
	if p.reference, err = ref.NewTraining(loss, w, exact, parts()); err != nil {
		return fmt.Errorf("open the reference: %w", err)
	}
	if p.engine, err = s.open(loss, w, p.options); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() {
		if failed := p.engine.Close(); failed != nil {
			err = errors.Join(err, fmt.Errorf("close: %w", failed))
		}
	}()
	for _, l := range slices.Concat(loss, w.Layers) {
		for _, v := range [][]float32{l.Weight, l.Bias} {
			for i := range v {
				v[i] = float32(math.NaN())
			}
		}
	}
	if p.engine.Describe() == "" {
		return errors.New("method Describe is empty")
	}
	if err := use(p); err != nil {
		return fmt.Errorf("widths %v, encoder trained %v, %dx%d, alphas %v: %w", c.widths, c.encoder, c.width, c.height, c.alphas, err)
	}
	return nil
}

// encoderLayers are those of an encoder with memory of their own where they serve as a loss network.
func encoderLayers(w *model.Weights) []model.Conv {
	layers := slices.DeleteFunc(slices.Clone(w.Layers), func(c model.Conv) bool { return c.Side != model.Encoder })
	for i := range layers {
		layers[i].Weight, layers[i].Bias = slices.Clone(layers[i].Weight), slices.Clone(layers[i].Bias)
	}
	return layers
}

// batch is a new random one that keeps its distance from where gradients jump, in the state that the reference has.
func (p *pair) batch(u model.Update) (*model.Batch, error) {
	for range 200 {
		p.seed++
		b := RandomBatch(p.seed, p.options, p.alphas)
		margin, err := p.reference.Margin(b, u)
		if err != nil {
			return nil, fmt.Errorf("the reference: %w", err)
		}
		if margin >= p.suite.tolerance.Margin {
			return b, nil
		}
	}
	return nil, errors.New("none of 200 batches keeps its distance from where gradients jump")
}

// step compares one step on a new batch with that of the reference, which starts at the engine's state.
func (p *pair) step(u model.Update) error {
	before, err := p.engine.State()
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if err := p.reference.Restore(before); err != nil {
		return err
	}
	b, err := p.batch(u)
	if err != nil {
		return err
	}
	return p.compare(before, b, u)
}

func (p *pair) compare(before *model.TrainingState, b *model.Batch, u model.Update) error {
	if u.Consistency == 0 {
		b.Moved, b.Motion = nil, nil
	}
	unchanged := copyBatch(b)
	want, err := p.reference.Step(b, u)
	if err != nil {
		return err
	}
	got, err := p.engine.Step(b, u)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	if err := sameBatch(b, unchanged); err != nil {
		return err
	}
	if err := p.checkLosses(got, want, u); err != nil {
		return err
	}
	after, err := p.engine.State()
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	reference, err := p.reference.State()
	if err != nil {
		return err
	}
	if err := p.checkGradients(before, after, reference); err != nil {
		return err
	}
	length, wanted := []float64{got.Gradient}, []float64{want.Gradient}
	if err := CheckClose("length of the gradient", length, wanted, p.suite.tolerance.Gradients); err != nil {
		return err
	}
	return p.checkUpdate(before, after, u)
}
