package cuda

import (
	"errors"
	"fmt"
	"math"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// Gradients travel in float16, whose smallest number with all digits is 6e-5, while a mean over all pixels makes them as small as 1e-8. So
// they are multiplied by a power of two and divided again where they become float32. A step begins with 16 times the number of all pixels and takes a
// 16th as long as a gradient overflows. It remembers nothing of that: the same step has the same bits after it was resumed.
const (
	smallerScale  = 16
	smallestScale = 1. / (1 << 20)
	decoderShare  = 64 // the decoder's gradients are divided by this: those of samples, behind the loss network, are larger
)

// Step is model.TrainingEngine.Step.
func (t *Training) Step(b *model.Batch, u model.Update) (losses model.Losses, err error) {
	if err := b.Check(t.options, u); err != nil {
		return losses, fmt.Errorf("cuda: %w", err)
	}
	err = t.inside(func() error {
		losses, err = t.step(b, u)
		if err != nil {
			_ = t.wait() // nothing may be under way; the error stands already
		}
		return err
	})
	if err != nil {
		return losses, fmt.Errorf("cuda: training step: %w", err)
	}
	return losses, nil
}

func (t *Training) step(b *model.Batch, u model.Update) (losses model.Losses, err error) {
	p, err := t.planFor(termsOf(u))
	if err != nil {
		return losses, err
	}
	if !t.packed {
		if err := t.packing.run(t.stream); err != nil {
			return losses, err
		}
		t.packed = true
	}
	if err := p.upload(b); err != nil {
		return losses, err
	}
	scale := 16 * math.Exp2(math.Floor(math.Log2(float64(t.options.Batch*t.options.Height*t.options.Width))))
	for repeats := 0; ; repeats, scale = repeats+1, scale/smallerScale {
		p.set(b, u, scale)
		if losses, err = p.run(u); err != nil {
			return losses, err
		}
		losses.Repeats = repeats
		if model.NotFinite([]float64{losses.Total}) >= 0 {
			return losses, fmt.Errorf("the loss is %v, wanted a finite number: a sample of the batch is none, or a smaller rate or a clip-norm may help", losses.Total)
		}
		if model.NotFinite([]float64{losses.Gradient}) < 0 {
			return losses, t.move(u, losses.Gradient)
		}
		if scale < smallestScale {
			return losses, errors.New("the gradient is not finite, however small its scale: a smaller rate or a clip-norm may help")
		}
	}
}

// terms say which losses a step has, and so what it computes.
type terms struct{ content, style, identity, consistency, lattice bool }

func termsOf(u model.Update) terms {
	return terms{u.Content > 0, u.Style > 0, u.Identity > 0, u.Consistency > 0, u.Lattice > 0}
}

// judged: the loss network sees the results. styled: there are results with the style.
func (t terms) judged() bool { return t.content || t.style }
func (t terms) styled() bool { return t.judged() || t.consistency || t.lattice }

// planFor is the plan for some losses. The old one goes first, so that two need not fit at once.
func (t *Training) planFor(which terms) (*plan, error) {
	if t.plan != nil && t.plan.terms == which {
		return t.plan, nil
	}
	if err := t.dropPlan(); err != nil {
		return nil, err
	}
	p := &plan{t: t, terms: which}
	if err := p.prepare(); err != nil {
		bytes := p.bytes
		err = errors.Join(err, p.close())
		if driver.IsOutOfMemory(err) {
			err = fmt.Errorf("the GPU's memory does not suffice for %d pictures of %dx%d, for which more than %s were taken; a smaller --batch or --size takes less: %w",
				t.options.Batch, t.options.Width, t.options.Height, size(bytes), err)
		}
		return nil, err
	}
	t.plan = p
	return p, nil
}

// dropPlan frees the plan, when the GPU is through with it.
func (t *Training) dropPlan() error {
	if t.plan == nil {
		return nil
	}
	p := t.plan
	t.plan = nil
	return errors.Join(t.wait(), p.close())
}
