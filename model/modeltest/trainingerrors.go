package modeltest

import (
	"fmt"
	"math"

	"adainfilter/model"
)

// badStep is a good step with one thing changed.
type badStep struct {
	name   string
	change func(b *model.Batch, u *model.Update)
}

var nan32 = float32(math.NaN())

// badSteps are refused before anything is computed.
func badSteps(o model.TrainingOptions) []badStep {
	return []badStep{
		{"short content", func(b *model.Batch, _ *model.Update) { b.Content = b.Content[1:] }},
		{"long content", func(b *model.Batch, _ *model.Update) { b.Content = append(b.Content, 0) }},
		{"no style", func(b *model.Batch, _ *model.Update) { b.Style = nil }},
		{"no alphas", func(b *model.Batch, _ *model.Update) { b.Alpha = nil }},
		{"too many alphas", func(b *model.Batch, _ *model.Update) { b.Alpha = append(b.Alpha, 1) }},
		{"alpha below 0", func(b *model.Batch, _ *model.Update) { b.Alpha[0] = -0.1 }},
		{"alpha above 1", func(b *model.Batch, _ *model.Update) { b.Alpha[1] = 1.1 }},
		{"alpha NaN", func(b *model.Batch, _ *model.Update) { b.Alpha[1] = nan32 }},
		{"too few keys", func(b *model.Batch, _ *model.Update) { b.ContentKey = []uint64{1} }},
		{"too many keys", func(b *model.Batch, _ *model.Update) { b.StyleKey = []uint64{1, 2, 3} }},
		{"nothing moved", func(b *model.Batch, _ *model.Update) { b.Moved = nil }},
		{"no maps", func(b *model.Batch, _ *model.Update) { b.Motion = nil }},
		{"moved out of the picture", func(b *model.Batch, _ *model.Update) { b.Motion[0] = model.Translation(0, -float32(o.Height)) }},
		{"deformed", func(b *model.Batch, _ *model.Update) { b.Motion[0][1] = 0.5 }},
		{"no loss", func(_ *model.Batch, u *model.Update) { u.Objective = model.Objective{} }},
		{"loss weight below 0", func(_ *model.Batch, u *model.Update) { u.Style = -1 }},
		{"loss weight NaN", func(_ *model.Batch, u *model.Update) { u.Identity = math.NaN() }},
		{"rate infinite", func(_ *model.Batch, u *model.Update) { u.Rate = math.Inf(1) }},
		{"rate below 0", func(_ *model.Batch, u *model.Update) { u.FirstRate = -1e-9 }},
		{"clip NaN", func(_ *model.Batch, u *model.Update) { u.ClipNorm = math.NaN() }},
		{"average of 1", func(_ *model.Batch, u *model.Update) { u.Average = 1 }},
	}
}

// deadSteps have losses that are not finite.
func deadSteps(o model.TrainingOptions) []badStep {
	inside := o.Height/2*o.Width + o.Width/2
	return []badStep{
		{"content NaN", func(b *model.Batch, _ *model.Update) { b.Content[inside] = nan32 }},
		{"style NaN", func(b *model.Batch, _ *model.Update) { b.Style[len(b.Style)-1] = nan32 }},
		{"moved NaN", func(b *model.Batch, _ *model.Update) { b.Moved[inside] = nan32 }},
		{"content NaN, style loss only", func(b *model.Batch, u *model.Update) {
			b.Content[0], u.Objective = nan32, model.Objective{Style: 1}
		}},
		{"content NaN, identity only", func(b *model.Batch, u *model.Update) {
			b.Content[len(b.Content)-1], u.Objective = nan32, model.Objective{Identity: 1}
		}},
	}
}

func (s trainingSuite) badBatches() error { return s.refuses(badSteps) }

func (s trainingSuite) notFinite() error { return s.refuses(deadSteps) }

// refuses demands an error for each step, the state of before, and a good step afterwards as if nothing had been.
func (s trainingSuite) refuses(steps func(o model.TrainingOptions) []badStep) error {
	return s.both(func(p *pair) error {
		u := update(everything)
		before, err := advance(p.engine, u, RandomBatch(1, p.options, p.alphas))
		if err != nil {
			return err
		}
		for _, bad := range steps(p.options) {
			b, changed := RandomBatch(2, p.options, p.alphas), u
			bad.change(b, &changed)
			if _, err := p.engine.Step(b, changed); err == nil {
				return fmt.Errorf("%s: not refused", bad.name)
			}
			if err := p.stands(before); err != nil {
				return fmt.Errorf("%s: refused, but then: %w", bad.name, err)
			}
		}
		short := copyOf(before)
		short.Second = short.Second[1:]
		if err := p.engine.Restore(short); err == nil {
			return fmt.Errorf("a state that is too short: not refused")
		}
		if err := p.stands(before); err != nil {
			return fmt.Errorf("a state that is too short: refused, but then: %w", err)
		}
		return p.step(u)
	})
}

// stands reports a state of the engine that is not the given one.
func (p *pair) stands(want *model.TrainingState) error {
	got, err := p.engine.State()
	if err != nil {
		return err
	}
	return sameState(got, want)
}

// badOptions demands errors of the opener.
func (s trainingSuite) badOptions() error {
	for _, bad := range []struct {
		name   string
		change func(o *model.TrainingOptions)
	}{
		{"no pictures", func(o *model.TrainingOptions) { o.Batch = 0 }},
		{"height that is no multiple of 8", func(o *model.TrainingOptions) { o.Height = 12 }},
		{"no width", func(o *model.TrainingOptions) { o.Width = 0 }},
		{"cache below 0", func(o *model.TrainingOptions) { o.Cache = -1 }},
		{"frozen encoder that is not the loss network", func(o *model.TrainingOptions) { o.Encoder = false }},
	} {
		o := model.TrainingOptions{Options: model.Options{Precision: s.tolerance.Precision}, Encoder: true, Batch: 1, Height: 8, Width: 8}
		bad.change(&o)
		if e, err := s.open(encoderLayers(RandomWeights(2, Widths)), RandomWeights(1, Widths), o); err == nil {
			e.Close()
			return fmt.Errorf("%s: not refused", bad.name)
		}
	}
	o := model.TrainingOptions{Options: model.Options{Precision: s.tolerance.Precision}, Batch: 1, Height: 8, Width: 8}
	w := RandomWeights(1, Widths)
	if e, err := s.open(encoderLayers(w)[1:], w, o); err == nil {
		e.Close()
		return fmt.Errorf("loss network without its first layer: not refused")
	}
	return nil
}
