package modeltest

import (
	"fmt"
	"math"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// newMask is a mask of width x height: white, a slope with noise, black, and a disc of the other colour in each half. A seed of its
// own moves all of it.
func newMask(seed uint64, width, height, channels int) *model.Mask {
	m := &model.Mask{Width: width, Height: height, White: make([]uint8, width*height), Second: RandomStats(seed+50, channels)}
	for i := range m.White {
		x, y := (float64(i%width)+0.5)/float64(width), (float64(i/width)+0.5)/float64(height)
		v := 1.5 + 0.2*math.Sin(float64(seed)) - 2*x
		if math.Hypot(math.Mod(2*x, 1)-0.5, y-0.4) < 0.2 {
			v = 1 - v
		}
		if v > 0 && v < 1 {
			v += 0.1 * math.Sin(float64(7*i)+float64(seed))
		}
		m.White[i] = uint8(255 * min(max(v, 0), 1))
	}
	return m
}

// even is a mask of one value but for one pixel in its middle.
func even(value, middle uint8, width, height, channels int) *model.Mask {
	m := newMask(1, width, height, channels)
	for i := range m.White {
		m.White[i] = value
	}
	m.White[height/2*width+width/2] = middle
	return m
}

// mask is every kind of mask: of the frame's size and of others, soft ones, regions that are empty and that are next to nothing.
func (s suite) mask() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		c := w.Widths[3]
		formats := s.formats()
		for i, size := range sizes {
			for k, m := range []*model.Mask{
				newMask(1, size[0], size[1], c), newMask(2, 5, 3, c), newMask(3, 2*size[0]+1, 3*size[1], c), newMask(4, 1, 1, c),
				even(255, 255, size[0], size[1], c), even(0, 0, 9, 7, c), even(0, 255, size[0], size[1], c), even(255, 0, size[0], size[1], c),
			} {
				if s.short && i != shortSize[k] {
					continue
				}
				alpha := []float32{1, 0.4}[(i+k)%2]
				f := frame{format: formats[(i+k)%len(formats)], width: size[0], height: size[1], pad: k, alpha: alpha, seed: uint64(i), mask: m}
				if err := s.check(e, w, f); err != nil {
					return fmt.Errorf("mask %d of %dx%d: %w", k, m.Width, m.Height, err)
				}
			}
		}
		return nil
	})
}

// preserveColor demands the frame's chroma, which no rounding excuses, beside the reference's luminance.
func (s suite) preserveColor() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		for i, size := range sizes {
			for k, format := range s.formats() {
				if (s.short || k > 7) && i != shortSize[k%8] {
					continue
				}
				f := frame{format: format, width: size[0], height: size[1], pad: 3 * k, offset: k, alpha: 1, seed: uint64(i), preserve: true}
				f.colorimetry.Matrix = []model.Matrix{model.BT601, model.BT709}[i%2]
				if err := s.check(e, w, f); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// checkColours reports chroma samples that are not the content's and, in RGB formats, samples of a pixel that did not all move alike.
func checkColours(got, content *model.Image) error {
	to, from := ref.Channels(got), ref.Channels(content)
	if got.Format.Layout().Colour != model.ColourRGB {
		for c := 1; c < len(to); c++ {
			for i := range to[c].Width * to[c].Height {
				x, y := i%to[c].Width, i/to[c].Width
				if g, w := to[c].Get(x, y), from[c].Get(x, y); g != w {
					return fmt.Errorf("chroma: sample %d of row %d of channel %d is %d, wanted the content's %d", x, y, c, g, w)
				}
			}
		}
		return nil
	}
	for i := range got.Width * got.Height {
		x, y := i%got.Width, i/got.Width
		d := to[0].Get(x, y) - from[0].Get(x, y)
		for c := range to {
			if step := to[c].Get(x, y) - from[c].Get(x, y); step != d {
				return fmt.Errorf("chroma: pixel (%d,%d) moved by %d in channel %d, wanted %d, the same step for all", x, y, step, c, d)
			}
		}
	}
	return nil
}

// step is a frame of a film, and what happens before it.
type step struct {
	what string
	frame
	cut        bool // its content is of another scene
	statistics bool // the engine is asked for statistics of another size first
}

// film is a sequence in which each frame shows one rule of smoothing.
func film(channels int) []step {
	style := RandomStats(30, channels)
	shot := func(faded float64, smoothing float32) frame {
		return frame{format: model.RGB, width: 72, height: 56, alpha: 1, seed: 35, style: style, faded: faded, smoothing: smoothing}
	}
	with := func(f frame, change func(f *frame)) frame { change(&f); return f }
	first, second := newMask(5, 72, 56, channels), newMask(8, 20, 16, channels)
	restyled := *first
	restyled.Second = RandomStats(31, channels)
	mask := func(m *model.Mask) func(f *frame) { return func(f *frame) { f.mask = m } }
	small := func(f *frame) { f.width, f.height = 71, 55 }
	return []step{
		{what: "first frame", frame: shot(0, 0.8)},
		{what: "second frame", frame: shot(0.03, 0.8)},
		{what: "another share", frame: shot(0.06, 0.5)},
		{what: "no smoothing", frame: shot(0, 0)},
		{what: "smoothing again", frame: shot(0.06, 0.9)},
		{what: "statistics in between", frame: shot(0.07, 0.9), statistics: true},
		{what: "discontinuity", frame: with(shot(0, 0.9), func(f *frame) { f.discontinuity = true })},
		{what: "after a discontinuity", frame: shot(0.06, 0.9)},
		{what: "another size", frame: with(shot(0, 0.9), small)},
		{what: "another size goes on", frame: with(shot(0.06, 0.9), small)},
		{what: "the first size again", frame: shot(0.02, 0.9)},
		{what: "and on", frame: shot(0.07, 0.9)},
		{what: "fade", frame: shot(0.3, 0.9)},
		{what: "fade goes on", frame: shot(0.5, 0.9)},
		{what: "cut", frame: with(shot(0.95, 0.9), func(f *frame) { f.seed = 36 }), cut: true},
		{what: "cut back", frame: shot(0, 0.9), cut: true},
		{what: "after the cuts", frame: shot(0.06, 0.9)},
		{what: "mask", frame: with(shot(0, 0.9), mask(first))},
		{what: "mask goes on", frame: with(shot(0.06, 0.9), mask(first))},
		{what: "same regions, another style", frame: with(shot(0.07, 0.9), mask(&restyled))},
		{what: "another mask", frame: with(shot(0, 0.9), mask(second))},
		{what: "another mask goes on", frame: with(shot(0.06, 0.9), mask(second))},
		{what: "no mask", frame: shot(0, 0.9)},
		{what: "no mask goes on", frame: shot(0.06, 0.9)},
	}
}

// smoothing shows the engine and the reference the same film.
func (s suite) smoothing() error { return s.showFilm(film) }

// showFilm shows a new engine and the reference a film for a number of channels.
func (s suite) showFilm(film func(channels int) []step) error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		r, err := ref.Open(w, model.Options{})
		if err != nil {
			return err
		}
		return s.show(e, r, film(w.Widths[3]))
	})
}

// show gives both engines a film and compares their results.
func (s suite) show(e, r model.Engine, film []step) error {
	for i, f := range film {
		if f.statistics {
			if err := s.checkStatistics(e, e.Weights(), model.NV12, 19, 27); err != nil {
				return err
			}
		}
		if err := s.compare(e, r, f.frame, s.tolerance.loose()); err != nil {
			return fmt.Errorf("frame %d, %s: %w", i+1, f.what, err)
		}
	}
	return nil
}
