package modeltest

import (
	"math"
	"slices"
	"sync"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// brokenTraining is the reference with something done to it; what is nil is as it should be.
type brokenTraining struct {
	model.TrainingEngine
	step    func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error)
	restore func(e model.TrainingEngine, s *model.TrainingState) error
	state   func(e model.TrainingEngine) (*model.TrainingState, error)
}

func (b *brokenTraining) Step(batch *model.Batch, u model.Update) (model.Losses, error) {
	if b.step == nil {
		return b.TrainingEngine.Step(batch, u)
	}
	return b.step(b.TrainingEngine, batch, u)
}

func (b *brokenTraining) Restore(s *model.TrainingState) error {
	if b.restore == nil {
		return b.TrainingEngine.Restore(s)
	}
	return b.restore(b.TrainingEngine, s)
}

func (b *brokenTraining) State() (*model.TrainingState, error) {
	if b.state == nil {
		return b.TrainingEngine.State()
	}
	return b.state(b.TrainingEngine)
}

func openBroken(b brokenTraining) model.TrainingOpener {
	return func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
		e, err := ref.OpenTraining(loss, w, o)
		if err != nil {
			return nil, err
		}
		broken := b
		broken.TrainingEngine = e
		return &broken, nil
	}
}

// withStep is an opener of the reference that does step instead of its own.
func withStep(step func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error)) model.TrainingOpener {
	return openBroken(brokenTraining{step: step})
}

// withInput changes a copy of what a step sees.
func withInput(change func(b *model.Batch, u *model.Update)) model.TrainingOpener {
	return withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
		b = copyBatch(b)
		change(b, &u)
		return e.Step(b, u)
	})
}

// withState changes the state that a step leaves; before is the one that it found.
func withState(change func(before, after *model.TrainingState, u model.Update)) model.TrainingOpener {
	return withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
		before, _ := e.State()
		losses, err := e.Step(b, u)
		if err != nil {
			return losses, err
		}
		after, _ := e.State()
		change(before, after, u)
		return losses, e.Restore(after)
	})
}

// withLosses changes what a step reports.
func withLosses(change func(l *model.Losses, u model.Update)) model.TrainingOpener {
	return withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
		losses, err := e.Step(b, u)
		change(&losses, u)
		return losses, err
	})
}

// trainingDefect is an engine with something wrong and the name of the case that is there to find it.
type trainingDefect struct {
	name, found string
	open        model.TrainingOpener
}

// gradientDefects go back wrongly.
func gradientDefects() []trainingDefect {
	return []trainingDefect{
		{"reflection not folded back", "decoder", withParts(func(p *ref.Parts) {
			p.Pad = func(g ref.Features, _ func(i, n int) int) ref.Features {
				out := ref.NewFeatures(g.C, g.H-2, g.W-2)
				for c := range g.C {
					for i := range out.H {
						copy(out.Plane(c)[i*out.W:][:out.W], g.Plane(c)[(i+1)*g.W+1:])
					}
				}
				return out
			}
		})},
		{"a repeated edge folded back as a reflection", "upsampling", withParts(func(p *ref.Parts) {
			p.Pad = func(g ref.Features, _ func(i, n int) int) ref.Features { return ref.PadGradient(g, 1, ref.Reflect) }
		})},
		{"style without gradient", "encoder", withParts(func(p *ref.Parts) {
			p.AdaIN = func(x ref.Features, style ref.Moments, alpha float64, g ref.Features) (ref.Features, ref.Moments) {
				gx, gs := ref.AdaINGradient(x, style, alpha, g)
				clear(gs.Mean)
				clear(gs.Std)
				return gx, gs
			}
		})},
		{"content's statistics without gradient", "encoder", withParts(func(p *ref.Parts) {
			p.AdaIN = func(x ref.Features, style ref.Moments, alpha float64, g ref.Features) (ref.Features, ref.Moments) {
				gx, gs := ref.AdaINGradient(x, style, alpha, g)
				std := ref.NewMoments(x).Std
				for i := range gx.Data {
					c := i / (x.H * x.W)
					gx.Data[i] = g.Data[i] * (alpha*style.Std[c]/std[c] + 1 - alpha)
				}
				return gx, gs
			}
		})},
		{"alpha ignored on the way back", "alphas", withParts(func(p *ref.Parts) {
			p.AdaIN = func(x ref.Features, style ref.Moments, _ float64, g ref.Features) (ref.Features, ref.Moments) {
				return ref.AdaINGradient(x, style, 1, g)
			}
		})},
		{"bfloat16 where float32 is wanted", "decoder", withParts(func(p *ref.Parts) {
			p.Round = func(x ref.Features) {
				for i, v := range x.Data {
					x.Data[i] = float64(bfloat16(float32(v)))
				}
			}
		})},
		{"style not divided by the batch", "decoder", withInput(func(b *model.Batch, u *model.Update) { u.Style *= float64(len(b.Alpha)) })},
		{"lattice not divided by the batch", "encoder", withInput(func(b *model.Batch, u *model.Update) { u.Lattice *= float64(len(b.Alpha)) })},
		{"alpha ignored", "alphas", withInput(func(b *model.Batch, _ *model.Update) { b.Alpha[0] = 1 })},
		{"moved the other way", "consistency", withInput(func(b *model.Batch, _ *model.Update) {
			for i, m := range b.Motion {
				b.Motion[i][2], b.Motion[i][5] = -m[2], -m[5]
			}
		})},
		{"moved by whole pixels only", "consistency", withInput(func(b *model.Batch, _ *model.Update) {
			for i := range b.Motion {
				b.Motion[i] = whole(b.Motion[i])
			}
		})},
		{"x and y swapped in a turn", "encoder", withInput(func(b *model.Batch, _ *model.Update) {
			for i, m := range b.Motion {
				b.Motion[i][1], b.Motion[i][3] = m[3], m[1]
			}
		})},
		{"one wrong gradient", "encoder", withState(func(_, after *model.TrainingState, _ model.Update) { after.First[len(after.First)-1] *= 1.01 })},
		{"one NaN gradient", "wide", withState(func(_, after *model.TrainingState, _ model.Update) { after.First[100] = nan32 })},
	}
}

// updateDefects update or report wrongly.
func updateDefects() []trainingDefect {
	move := func(step func(m, v float64, steps int) float64) model.TrainingOpener {
		return withState(func(before, after *model.TrainingState, u model.Update) {
			for i := range after.Parameters {
				m, v := float64(after.First[i]), float64(after.Second[i])
				after.Parameters[i] = float32(float64(before.Parameters[i]) - u.Rate*step(m, v, after.Steps))
				after.Average[i] = float32(u.Average*float64(before.Average[i]) + (1-u.Average)*float64(after.Parameters[i]))
			}
		})
	}
	average := func(change func(before, after *model.TrainingState, d float32, i int) float32) model.TrainingOpener {
		return withState(func(before, after *model.TrainingState, u model.Update) {
			for i := range after.Average {
				after.Average[i] = change(before, after, float32(u.Average), i)
			}
		})
	}
	return []trainingDefect{
		{"no bias correction", "decoder", move(func(m, v float64, _ int) float64 { return m / (math.Sqrt(v) + 1e-8) })},
		{"bias correction of the first step", "steps", move(func(m, v float64, _ int) float64 {
			return m / (1 - beta1) / (math.Sqrt(v/(1-beta2)) + 1e-8)
		})},
		{"epsilon under the root", "decoder", move(func(m, v float64, steps int) float64 {
			return m / (1 - math.Pow(beta1, float64(steps))) / math.Sqrt(v/(1-math.Pow(beta2, float64(steps)))+1e-8)
		})},
		{"not clipped", "steps", withInput(func(_ *model.Batch, u *model.Update) { u.ClipNorm = 0 })},
		{"one rate for all layers", "encoder", withInput(func(_ *model.Batch, u *model.Update) { u.EncoderRate, u.FirstRate = u.Rate, u.Rate })},
		{"first layer with the encoder's rate", "encoder", withInput(func(_ *model.Batch, u *model.Update) { u.FirstRate = u.EncoderRate })},
		{"average from 0", "average", average(func(_, after *model.TrainingState, d float32, i int) float32 { return (1 - d) * after.Parameters[i] })},
		{"average of the parameters before", "average", average(func(before, _ *model.TrainingState, d float32, i int) float32 {
			return d*before.Average[i] + (1-d)*before.Parameters[i]
		})},
		{"steps not counted", "decoder", withState(func(before, after *model.TrainingState, _ model.Update) { after.Steps = before.Steps })},
		{"losses with their weights", "decoder", withLosses(func(l *model.Losses, u model.Update) { l.Style *= u.Style })},
		{"total without weights", "decoder", withLosses(func(l *model.Losses, _ model.Update) {
			l.Total = l.Content + l.Style + l.Identity + l.Consistency
		})},
		{"a loss that nobody wants", "style", withLosses(func(l *model.Losses, _ model.Update) { l.Content = 1e-9 })},
		{"length after clipping", "steps", withLosses(func(l *model.Losses, u model.Update) {
			if u.ClipNorm > 0 {
				l.Gradient = min(l.Gradient, u.ClipNorm)
			}
		})},
		{"loss NaN", "content", withLosses(func(l *model.Losses, _ model.Update) { l.Content = math.NaN() })},
		{"batch changed", "identity", withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
			losses, err := e.Step(b, u)
			b.Content[0]++
			return losses, err
		})},
	}
}

// memoryDefects remember too much or too little.
func memoryDefects() []trainingDefect {
	var lock sync.Mutex
	calls := 0
	byKey := func(key func(content bool, k uint64) uint64) model.TrainingOpener {
		return func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
			seen := map[uint64][]float32{}
			return withInput(func(b *model.Batch, _ *model.Update) {
				size := 3 * o.Height * o.Width
				for n := range len(b.ContentKey) {
					for content, v := range map[bool][]float32{true: b.Content, false: b.Style} {
						k := map[bool][]uint64{true: b.ContentKey, false: b.StyleKey}[content][n]
						if k == 0 || o.Cache == 0 {
							continue
						}
						if old := seen[key(content, k)]; old != nil {
							copy(v[n*size:], old)
						} else {
							seen[key(content, k)] = slices.Clone(v[n*size:][:size])
						}
					}
				}
			})(loss, w, o)
		}
	}
	return []trainingDefect{
		{"contents and styles under one key", "cache", byKey(func(_ bool, k uint64) uint64 { return k })},
		{"half a key", "cache", byKey(func(content bool, k uint64) uint64 {
			if content {
				return uint64(uint32(k))
			}
			return k << 1
		})},
		{"weights not copied", "encoder", func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
			e, err := ref.OpenTraining(loss, w, o)
			return &brokenTraining{TrainingEngine: e, step: func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
				s, _ := e.State()
				late, err := ref.NewTraining(loss, w, o, ref.Exact())
				if err != nil {
					return model.Losses{}, err
				}
				if err := late.Restore(s); err != nil {
					return model.Losses{}, err
				}
				return late.Step(b, u)
			}}, err
		}},
		{"moments not restored", "restore", openBroken(brokenTraining{restore: func(e model.TrainingEngine, s *model.TrainingState) error {
			s = copyOf(s)
			clear(s.First)
			return e.Restore(s)
		}})},
		{"average not restored", "restore", openBroken(brokenTraining{restore: func(e model.TrainingEngine, s *model.TrainingState) error {
			s, now := copyOf(s), s
			now, _ = e.State()
			s.Average = now.Average
			return e.Restore(s)
		}})},
		{"states of any length", "bad batches", openBroken(brokenTraining{restore: func(e model.TrainingEngine, s *model.TrainingState) error {
			_ = e.Restore(s)
			return nil
		}})},
		{"the state itself, not a copy", "restore", func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
			var own *model.TrainingState
			return openBroken(brokenTraining{
				restore: func(e model.TrainingEngine, s *model.TrainingState) error { own = s; return e.Restore(s) },
				state: func(e model.TrainingEngine) (*model.TrainingState, error) {
					if own != nil {
						return own, nil
					}
					return e.State()
				},
			})(loss, w, o)
		}},
		{"differs from engine to engine", "two engines", withState(func(_, after *model.TrainingState, _ model.Update) {
			lock.Lock()
			defer lock.Unlock()
			calls++
			after.Parameters[0] += float32(calls) * 1e-6
		})},
	}
}

// errorDefects do not refuse what they should, or not cleanly.
func errorDefects() []trainingDefect {
	return []trainingDefect{
		{"alpha not checked", "bad batches", withInput(func(b *model.Batch, _ *model.Update) {
			for i, a := range b.Alpha {
				b.Alpha[i] = max(0, min(a, 1))
			}
		})},
		{"a step counted after an error", "bad batches", withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
			losses, err := e.Step(b, u)
			if err != nil {
				s, _ := e.State()
				s.Steps++
				_ = e.Restore(s)
			}
			return losses, err
		})},
		{"NaN not reported", "not finite", withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
			losses, err := e.Step(b, u)
			if math.IsNaN(losses.Total) {
				return losses, nil
			}
			return losses, err
		})},
		{"NaN reported and learned", "not finite", withStep(func(e model.TrainingEngine, b *model.Batch, u model.Update) (model.Losses, error) {
			losses, err := e.Step(b, u)
			if math.IsNaN(losses.Total) {
				s, _ := e.State()
				spoil(s)
				_ = e.Restore(s)
			}
			return losses, err
		})},
		{"any size", "bad options", func(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
			o.Height = (o.Height + 7) / 8 * 8
			return ref.OpenTraining(loss, w, o)
		}},
	}
}

// Every seeded defect has to be found by its case.
func TestTrainingSuiteFindsDefects(t *testing.T) {
	times := map[string]int{} // in a short run each case finds its first two defects
	for _, d := range slices.Concat(gradientDefects(), updateDefects(), memoryDefects(), errorDefects()) {
		if times[d.found]++; testing.Short() && times[d.found] > 2 {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			mustFind(t, TrainingCases(d.open, TrainingFloat32), d.found)
		})
	}
}

// whole is a map rounded to that of whole pixels.
func whole(m model.Affine) model.Affine {
	for i, v := range m {
		m[i] = float32(math.Round(float64(v)))
	}
	return m
}
