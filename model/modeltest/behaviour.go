package modeltest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"adainfilter/model"
	"adainfilter/model/lut"
)

// sizes changes size and format back and forth on one engine, with statistics in between.
func (s suite) sizes() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		order := []int{3, 0, 5, 1, 3, 4, 2, 5}
		for i, k := range order {
			f := s.formats()[i%8]
			if err := s.check(e, w, frame{format: f, width: sizes[k][0], height: sizes[k][1], alpha: 1, seed: uint64(i)}); err != nil {
				return fmt.Errorf("after %d changes: %w", i, err)
			}
			if i%2 == 0 {
				if err := s.checkStatistics(e, w, f, 20+i, 30-i); err != nil {
					return fmt.Errorf("after %d changes: %w", i, err)
				}
			}
		}
		return nil
	})
}

// determinism demands the same bits for the same frame, with another frame in between.
func (s suite) determinism() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		f := frame{format: model.BGRA, width: 72, height: 88, alpha: 0.7, seed: 10}
		first, _, err := stylize(e, f)
		if err != nil {
			return err
		}
		other := f
		other.seed = 11
		if _, _, err := stylize(e, other); err != nil {
			return err
		}
		second, _, err := stylize(e, f)
		if err != nil {
			return err
		}
		if err := CheckPicture(second, first, Tolerance{}); err != nil {
			return fmt.Errorf("the same frame again: %w", err)
		}
		return nil
	})
}

// twoEngines lets two engines with weights of their own work at the same time.
func (s suite) twoEngines() error {
	var wait sync.WaitGroup
	var failed [2]error
	for k := range failed {
		wait.Add(1)
		go func() {
			defer wait.Done()
			failed[k] = s.with([]model.Widths{Widths, {8, 8, 16, 16}}[k], func(e model.Engine, w *model.Weights) error {
				for i := range 6 {
					size := sizes[1+(i+k)%3]
					if err := s.check(e, w, frame{format: model.NV12, width: size[0], height: size[1], alpha: 1, seed: uint64(i)}); err != nil {
						return err
					}
				}
				return nil
			})
		}()
	}
	wait.Wait()
	for k, err := range failed {
		if err != nil {
			return fmt.Errorf("engine %d of two: %w", k+1, err)
		}
	}
	return nil
}

// call is the arguments of Stylize.
type call struct {
	name        string
	dst, src    *model.Image
	stylization *model.Stylization
}

// changed is a good image after a change.
func changed(change func(m *model.Image)) *model.Image {
	m := model.NewImage(model.NV12, 16, 16)
	change(m)
	return m
}

// badCalls have one thing wrong each.
func badCalls(channels int) []call {
	good := func() *model.Image { return changed(func(*model.Image) {}) }
	other := func(f model.Format, w, h int) *model.Image { return model.NewImage(f, w, h) }
	style := RandomStats(12, channels)
	dead, negative := style.Clone(), style.Clone()
	dead.Mean[3] = float32(math.NaN())
	negative.Std[0] = -1
	unknown := func(m *model.Image) { m.Format = 99 }
	plain := &model.Stylization{Style: style, Alpha: 1}
	with := func(change func(s *model.Stylization)) *model.Stylization {
		s := *plain
		change(&s)
		return &s
	}
	mask := func(width, height, samples int, second model.Stats) *model.Stylization {
		m := &model.Mask{Width: width, Height: height, White: make([]uint8, samples), Second: second}
		return with(func(s *model.Stylization) { s.Mask = m })
	}
	calls := []call{
		{"no content", good(), nil, plain},
		{"no result", nil, good(), plain},
		{"another size", other(model.NV12, 16, 18), good(), plain},
		{"another format", other(model.I420, 16, 16), good(), plain},
		{"another colorimetry", changed(func(m *model.Image) { m.Colorimetry.FullRange = true }), good(), plain},
		{"unknown format", changed(unknown), changed(unknown), plain},
		{"too narrow", other(model.RGB, 7, 16), other(model.RGB, 7, 16), plain},
		{"too low", other(model.RGB, 16, 7), other(model.RGB, 16, 7), plain},
		{"no samples", good(), changed(func(m *model.Image) { m.Planes[1].Data = nil }), plain},
		{"short content", good(), changed(func(m *model.Image) { m.Planes[1].Data = m.Planes[1].Data[1:] }), plain},
		{"short result", changed(func(m *model.Image) { m.Planes[0].Data = m.Planes[0].Data[1:] }), good(), plain},
		{"short stride", changed(func(m *model.Image) { m.Planes[1].Stride = 15 }), good(), plain},
		{"negative stride", good(), changed(func(m *model.Image) { m.Planes[0].Stride = -16 }), plain},
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		name        string
		stylization *model.Stylization
	}{
		{"no stylization", nil},
		{"alpha below 0", with(func(s *model.Stylization) { s.Alpha = -0.1 })},
		{"alpha above 1", with(func(s *model.Stylization) { s.Alpha = 1.1 })},
		{"alpha NaN", with(func(s *model.Stylization) { s.Alpha = nan })},
		{"no style", with(func(s *model.Stylization) { s.Style = model.Stats{} })},
		{"short style", with(func(s *model.Stylization) { s.Style = RandomStats(1, channels-1) })},
		{"style NaN", with(func(s *model.Stylization) { s.Style = dead })},
		{"style std below 0", with(func(s *model.Stylization) { s.Style = negative })},
		{"smoothing below 0", with(func(s *model.Stylization) { s.Smoothing = -0.1 })},
		{"smoothing of 1", with(func(s *model.Stylization) { s.Smoothing = 1 })},
		{"smoothing NaN", with(func(s *model.Stylization) { s.Smoothing = nan })},
		{"processing size below the least", with(func(s *model.Stylization) { s.ProcessingSize = model.MinSize - 1 })},
		{"processing size below 0", with(func(s *model.Stylization) { s.ProcessingSize = -16 })},
		{"short table", with(func(s *model.Stylization) {
			s.Before = &lut.Table{Cube: true, Size: 2, High: [3]float32{1, 1, 1}, Values: make([]float32, 31)}
		})},
		{"table without domain", with(func(s *model.Stylization) { s.After = &lut.Table{Size: 2, Values: make([]float32, 8)} })},
		{"empty mask", mask(0, 0, 0, style)},
		{"mask of negative size", mask(-4, -4, 16, style)},
		{"short mask", mask(16, 16, 255, style)},
		{"long mask", mask(16, 16, 257, style)},
		{"mask without style", mask(16, 16, 256, model.Stats{})},
		{"mask with a short style", mask(16, 16, 256, RandomStats(1, channels-1))},
		{"mask with NaN", mask(16, 16, 256, dead)},
		{"mask with std below 0", mask(16, 16, 256, negative)},
	} {
		calls = append(calls, call{c.name, good(), good(), c.stylization})
	}
	return calls
}

// refusals demands an ArgumentError and an untouched result for bad arguments, and a good frame afterwards.
func (s suite) refusals() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		for _, c := range badCalls(w.Widths[3]) {
			if err := e.Stylize(c.dst, c.src, c.stylization); err == nil {
				return fmt.Errorf("%s: not refused", c.name)
			} else if !errors.As(err, new(model.ArgumentError)) {
				return fmt.Errorf("%s: refused by an error that is no model.ArgumentError: %w", c.name, err)
			}
			if c.dst == nil {
				continue
			}
			for i, p := range c.dst.Planes {
				if k := slices.IndexFunc(p.Data, func(v byte) bool { return v != 0 }); k >= 0 {
					return fmt.Errorf("%s: refused, but byte %d of plane %d of the result was written", c.name, k, i)
				}
			}
		}
		for _, m := range []*model.Image{nil, {}, model.NewImage(model.RGB, 0, 5), changed(func(m *model.Image) { m.Planes[0].Data = nil })} {
			if _, err := e.Statistics(m); err == nil {
				return fmt.Errorf("statistics of an image without samples: not refused")
			}
		}
		return s.check(e, w, frame{format: model.RGB, width: 16, height: 16, alpha: 1})
	})
}
