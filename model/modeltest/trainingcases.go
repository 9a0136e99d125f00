package modeltest

import (
	"fmt"
	"slices"

	"adainfilter/model"
)

// lossWidths are those of loss networks for a trained encoder: others than the network's.
var lossWidths = model.Widths{8, 4, 12, 16}

// everything weights the losses so that each has about the same share of the gradient.
var everything = model.Objective{Content: 1, Style: 0.8, Identity: 1.2, Consistency: 30, Lattice: 50}

// update has rates that differ from layer to layer and move the parameters visibly.
func update(o model.Objective) model.Update {
	return model.Update{Objective: o, Rate: 1e-3, EncoderRate: 4e-4, FirstRate: 1e-5, Average: 0.9}
}

// small is the training of cases that are not about arithmetic.
func small(encoder bool) training {
	return training{widths: Widths, loss: lossWidths, encoder: encoder, height: 8, width: 16, alphas: []float32{1, 0.5}}
}

// check is one step of each training.
func (s trainingSuite) check(o model.Objective, all ...training) error {
	for _, c := range all {
		if err := s.with(c, func(p *pair) error { return p.step(update(o)) }); err != nil {
			return err
		}
	}
	return nil
}

// sized are trainings of all sizes with batches of 1 to 3.
func sized(encoder bool) []training {
	return []training{
		{widths: Widths, loss: lossWidths, encoder: encoder, height: 8, width: 8, alphas: []float32{1, 0.6}},
		{widths: Widths, loss: lossWidths, encoder: encoder, height: 16, width: 24, alphas: []float32{0.5, 1, 0.2}},
		{widths: Widths, loss: lossWidths, encoder: encoder, height: 32, width: 32, alphas: []float32{0.8}},
		{widths: Widths, loss: lossWidths, encoder: encoder, height: 40, width: 24, alphas: []float32{1}},
	}
}

func (s trainingSuite) decoder() error { return s.check(everything, sized(false)...) }

func (s trainingSuite) encoder() error { return s.check(everything, sized(true)...) }

// alone checks a single loss.
func (s trainingSuite) alone(o model.Objective) func() error {
	return func() error {
		for _, encoder := range []bool{false, true} {
			c := training{widths: Widths, loss: lossWidths, encoder: encoder, height: 16, width: 24, alphas: []float32{1, 0.4}}
			if err := s.check(o, c); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s trainingSuite) alphas() error {
	for _, encoder := range []bool{false, true} {
		for _, alphas := range [][]float32{{0}, {1}, {0, 1}, {1, 0, 0.3}} {
			c := training{widths: Widths, loss: lossWidths, encoder: encoder, height: 16, width: 16, alphas: alphas}
			if err := s.check(everything, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// wide has channels of which an engine computes many at once, and a loss network that is wider than the network.
func (s trainingSuite) wide() error {
	one := []float32{0.7}
	if s.tolerance.Spread {
		// Pictures in which a ReLU that took the other side is one of many. Consistency is left out: its gradient is a difference of results that
		// are almost equal, of which rounding leaves little.
		o := everything
		o.Consistency = 0
		s.tolerance.Margin = 0
		return s.check(o,
			training{widths: model.Widths{32, 32, 48, 64}, height: 48, width: 40, alphas: one},
			training{widths: model.Widths{32, 32, 32, 48}, loss: model.Widths{32, 48, 32, 32}, encoder: true, height: 40, width: 48, alphas: one},
		)
	}
	return s.check(everything,
		training{widths: model.Widths{32, 32, 48, 64}, height: 16, width: 16, alphas: one},
		training{widths: model.Widths{64, 64, 64, 64}, height: 8, width: 8, alphas: one},
		training{widths: model.Widths{32, 32, 48, 64}, loss: model.Widths{64, 32, 64, 32}, encoder: true, height: 8, width: 16, alphas: one},
		training{widths: model.Lite, loss: model.VGG19, encoder: true, height: 8, width: 8, alphas: one},
	)
}

// upsampling goes through the upsamplings; the smallest pictures have one pixel where the decoder begins.
func (s trainingSuite) upsampling() error {
	for i, words := range upsamplings {
		encoder := i%2 == 1
		c := training{widths: Widths, loss: lossWidths, encoder: encoder, upsampling: words, height: 8, width: 8, alphas: []float32{1, 0.6}}
		// With the two features of a picture of 8x16 the deviation of a channel may vanish, which enlarges what bfloat16 rounds many times.
		wide := training{widths: model.Widths{32, 32, 48, 64}, upsampling: words, height: 32, width: 24, alphas: []float32{0.7}}
		large := c
		large.height, large.width = 24, 40
		if err := s.check(everything, c, wide, large); err != nil {
			return fmt.Errorf("upsampling %s: %w", words, err)
		}
	}
	return nil
}

// large pictures, for which a fast engine works in pieces. Few losses: the more sums, the nearer some come to 0.
func (s trainingSuite) large() error {
	for _, o := range []model.Objective{{Identity: 1}, {Style: 1}} {
		if err := s.check(o, training{widths: Widths, height: 72, width: 88, alphas: []float32{1}}); err != nil {
			return err
		}
	}
	return s.check(model.Objective{Identity: 1}, training{widths: Widths, loss: lossWidths, encoder: true, height: 56, width: 80, alphas: []float32{1}})
}

// flat pictures have features whose std is the root of Epsilon.
func (s trainingSuite) flat() error {
	for _, encoder := range []bool{false, true} {
		for _, flat := range []string{"content", "style"} {
			c := training{widths: Widths, loss: lossWidths, encoder: encoder, height: 16, width: 16, alphas: []float32{0.9}}
			err := s.with(c, func(p *pair) error {
				before, err := p.engine.State()
				if err != nil {
					return err
				}
				u := update(everything)
				b, err := p.batch(u)
				if err != nil {
					return err
				}
				picture := b.Content
				if flat == "style" {
					picture = b.Style
				}
				for i := range picture {
					picture[i] = 0.25 * float32(1+i/(c.height*c.width))
				}
				return p.compare(before, b, u)
			})
			if err != nil {
				return fmt.Errorf("flat %s: %w", flat, err)
			}
		}
	}
	return nil
}

// steps checks several in a row, of which some are clipped, the hardest first, as float32 moments hide a small gradient behind
// a large one. One step leaves the first layer as it is.
func (s trainingSuite) steps() error {
	for _, encoder := range []bool{false, true} {
		err := s.with(small(encoder), func(p *pair) error {
			for i, clip := range []float64{0.01, 0.1, 1e9, 0} {
				u := update(everything)
				u.ClipNorm = clip
				if i == 1 {
					u.FirstRate = 0
				}
				if err := p.step(u); err != nil {
					return fmt.Errorf("step %d, gradients clipped to %g: %w", i+1, clip, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// average demands that it starts as the parameters, and follows them at once if the decay is 0.
func (s trainingSuite) average() error {
	return s.with(small(true), func(p *pair) error {
		first, err := p.engine.State()
		if err != nil {
			return err
		}
		if !sameBits(first.Average, RandomWeights(1, p.widths).TrainedParameters(true)) {
			return fmt.Errorf("the average of a new engine is not the parameters")
		}
		if !slices.Equal(first.Average, first.Parameters) {
			return fmt.Errorf("the parameters of a new engine are not those that it was opened with")
		}
		for _, decay := range []float64{0.999, 0, 0.5} {
			u := update(model.Objective{Identity: 1})
			u.Average = decay
			if err := p.step(u); err != nil {
				return fmt.Errorf("decay %g: %w", decay, err)
			}
		}
		return nil
	})
}
