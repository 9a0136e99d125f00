package modeltest

import (
	"fmt"
	"math/rand/v2"

	"adainfilter/model"
	"adainfilter/model/lut"
	"adainfilter/model/ref"
)

// newTable is a table that leaves colours about where they are but for amount; from low to high in all channels.
func newTable(cube bool, size int, low, high, amount float32) *lut.Table {
	t := lut.New(cube, size)
	r := rand.New(rand.NewPCG(uint64(size), 11))
	for i := range len(t.Values) / 4 {
		for c, at := range [3]int{i % size, i / size % size, i / size / size} {
			if !cube {
				at = i
			}
			t.Values[4*i+c] = low + (high-low)*float32(at)/float32(size-1) + amount*(r.Float32()-0.5)
		}
	}
	for c := range t.Low {
		t.Low[c], t.High[c] = low, high
	}
	return t
}

// skewed is a cube whose domain is another one in each channel, and which turns the channels round.
func skewed(size int) *lut.Table {
	t := lut.Sampled(size, func(rgb [3]float64) [3]float64 { return [3]float64{rgb[1], 1 - rgb[2], rgb[0] * rgb[0]} })
	t.Low, t.High = [3]float32{0.1, -0.5, 0}, [3]float32{0.9, 1.25, 2}
	return t
}

// tables goes through kinds and sizes of tables before and after the network, domains that reach beyond colours and fall short of them,
// values beyond [0,1], and all formats and the other controls with tables. What is made of samples of the network is compared as such.
func (s suite) tables() error {
	curves, cube := newTable(false, 17, 0, 1, 0.05), newTable(true, 9, 0, 1, 0.1)
	pairs := []struct{ before, after *lut.Table }{
		{cube, nil}, {nil, cube}, {curves, cube}, {skewed(3), curves}, {newTable(true, 2, -0.5, 2, 0.4), skewed(2)},
		{newTable(false, 2, 0.25, 0.75, 0.2), newTable(true, 4, 0.1, 0.8, 0.6)}, {newTable(false, 1000, -1, 1, 0.01), newTable(true, 33, 0, 1, 0.02)},
	}
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		formats := s.formats()
		for i, p := range pairs {
			for k, size := range sizes {
				if s.short && k != shortSize[i] && k != 5 {
					continue
				}
				f := frame{format: formats[(i+k)%len(formats)], width: size[0], height: size[1], pad: k, alpha: []float32{1, 0.4}[k%2], seed: uint64(20 + i),
					before: p.before, after: p.after}
				if err := s.check(e, w, f); err != nil {
					return fmt.Errorf("tables %d: %w", i, err)
				}
			}
		}
		return s.tablesAndControls(e, w, cube, curves)
	})
}

// tablesAndControls is tables with what works in the frame's samples, statistics in between, tables that come and go.
func (s suite) tablesAndControls(e model.Engine, w *model.Weights, cube, curves *lut.Table) error {
	r, err := ref.Open(w, model.Options{})
	if err != nil {
		return err
	}
	shot := frame{format: model.RGB, width: 72, height: 56, alpha: 1, seed: 35, style: RandomStats(30, w.Widths[3]), smoothing: 0.8}
	for i, f := range []frame{
		shot,
		{format: model.NV12, width: 72, height: 56, alpha: 1, seed: 35, before: cube, after: curves, preserve: true},
		{format: model.BGRA, width: 72, height: 56, alpha: 1, seed: 35, before: cube, after: curves, preserve: true},
		{format: model.I420, width: 72, height: 56, alpha: 1, seed: 35, before: curves, after: cube, processing: 24},
	} {
		if err := s.compare(e, r, f, s.tolerance.loose()); err != nil {
			return fmt.Errorf("controls %d: %w", i, err)
		}
	}
	with := func(before, after *lut.Table, faded float64) frame {
		f := shot
		f.before, f.after, f.faded = before, after, faded
		return f
	}
	return s.show(e, r, []step{
		{what: "first frame", frame: with(cube, curves, 0)},
		{what: "tables go on", frame: with(cube, curves, 0.03)},
		{what: "statistics in between", frame: with(cube, curves, 0.06), statistics: true},
		{what: "another table after", frame: with(cube, cube, 0.05)},
		{what: "another table before", frame: with(curves, cube, 0.03)},
		{what: "no tables", frame: with(nil, nil, 0.06)},
		{what: "tables again", frame: with(cube, curves, 0.03)},
	})
}
