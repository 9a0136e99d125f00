package modeltest

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"adainfilter/model"
)

// advance lets an engine do steps without a reference and returns the state after them.
func advance(e model.TrainingEngine, u model.Update, batches ...*model.Batch) (*model.TrainingState, error) {
	for i, b := range batches {
		if _, err := e.Step(b, u); err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return e.State()
}

// both runs a case with the encoder frozen and trained.
func (s trainingSuite) both(use func(p *pair) error) error {
	for _, encoder := range []bool{false, true} {
		if err := s.with(small(encoder), use); err != nil {
			return err
		}
	}
	return nil
}

// keyed are batches that show the same pictures again, with keys: in other places, with other alphas, a content and a style
// under the same number, and a picture without key.
func keyed(o model.TrainingOptions) (batches []*model.Batch) {
	pictures := RandomBatch(21, model.TrainingOptions{Height: o.Height, Width: o.Width}, make([]float32, 4))
	keys := []uint64{0, 1, 1<<40 | 1, 2} // the first has none
	size := 3 * o.Height * o.Width
	for i, show := range [][2]int{{0, 1}, {1, 0}, {2, 2}, {3, 1}, {0, 3}, {2, 1}} {
		b := &model.Batch{Alpha: []float32{1, float32(i) / 8}}
		for k := range 2 {
			content, style := show[k], show[1-k]
			b.Content = append(b.Content, pictures.Content[content*size:][:size]...)
			b.Style = append(b.Style, pictures.Style[style*size:][:size]...)
			b.Moved = append(b.Moved, pictures.Moved[content*size:][:size]...)
			b.Motion = append(b.Motion, pictures.Motion[content])
			b.ContentKey, b.StyleKey = append(b.ContentKey, keys[content]), append(b.StyleKey, keys[style])
		}
		batches = append(batches, b)
	}
	return batches
}

// cache demands that keys change no bit, whatever there is room for.
func (s trainingSuite) cache() error {
	for _, encoder := range []bool{false, true} {
		var want *model.TrainingState
		for _, bytes := range []int64{0, 100, 1000, 1 << 20} {
			c := small(encoder)
			c.cache = bytes
			err := s.with(c, func(p *pair) error {
				batches := keyed(p.options)
				if bytes == 0 {
					for _, b := range batches {
						b.ContentKey, b.StyleKey = nil, nil
					}
				}
				got, err := advance(p.engine, update(everything), batches...)
				if err == nil && want != nil {
					err = sameState(got, want)
				}
				want = got
				return err
			})
			if err != nil {
				return fmt.Errorf("cache of %d bytes: %w", bytes, err)
			}
		}
	}
	return nil
}

// restore demands that a state has everything that is needed to go on, and that it is a copy.
func (s trainingSuite) restore() error {
	return s.both(func(p *pair) error {
		u := update(everything)
		u.ClipNorm = 1
		b := []*model.Batch{RandomBatch(1, p.options, p.alphas), RandomBatch(2, p.options, p.alphas), RandomBatch(3, p.options, p.alphas)}
		middle, err := advance(p.engine, u, b[0])
		if err != nil {
			return err
		}
		want, err := advance(p.engine, u, b[1:]...)
		if err != nil {
			return err
		}
		other, err := p.another()
		if err != nil {
			return err
		}
		defer other.Close()
		for i, e := range []model.TrainingEngine{p.engine, other} {
			name := []string{"itself", "another engine"}[i]
			s := copyOf(middle)
			if err := e.Restore(s); err != nil {
				return err
			}
			spoil(s)
			if s, err = e.State(); err != nil {
				return err
			}
			if err := sameState(s, middle); err != nil {
				return fmt.Errorf("state restored in %s: %w", name, err)
			}
			spoil(s)
			got, err := advance(e, u, b[1:]...)
			if err != nil {
				return err
			}
			if err := sameState(got, want); err != nil {
				return fmt.Errorf("two steps after a state was restored in %s: %w", name, err)
			}
		}
		return nil
	})
}

// another opens an engine like the pair's.
func (p *pair) another() (model.TrainingEngine, error) {
	w := RandomWeights(1, p.widths)
	loss := encoderLayers(w)
	if p.training.encoder {
		loss = encoderLayers(RandomWeights(2, p.loss))
	}
	return p.suite.open(loss, w, p.options)
}

func copyOf(s *model.TrainingState) *model.TrainingState {
	c := *s
	for _, v := range []*[]float32{&c.Parameters, &c.First, &c.Second, &c.Average} {
		*v = append([]float32(nil), *v...)
	}
	return &c
}

// spoil fills a state with NaN.
func spoil(s *model.TrainingState) {
	for _, v := range [][]float32{s.Parameters, s.First, s.Second, s.Average} {
		for i := range v {
			v[i] = float32(math.NaN())
		}
	}
}

// twoEngines lets two engines do the same at the same time: all bits have to be the same.
func (s trainingSuite) twoEngines() error {
	return s.both(func(p *pair) error {
		other, err := p.another()
		if err != nil {
			return err
		}
		defer other.Close()
		var states [2]*model.TrainingState
		var failed [2]error
		var wait sync.WaitGroup
		for i, e := range []model.TrainingEngine{p.engine, other} {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for seed := range uint64(4) {
					if states[i], failed[i] = advance(e, update(everything), RandomBatch(seed, p.options, p.alphas)); failed[i] != nil {
						return
					}
				}
			}()
		}
		wait.Wait()
		if err := errors.Join(failed[:]...); err != nil {
			return err
		}
		return sameState(states[1], states[0])
	})
}
