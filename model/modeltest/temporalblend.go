package modeltest

import (
	"fmt"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// stillFilm is a sequence in which each frame shows one rule of what pixels follow. Frames differ by little but for their noise, and
// stylizations that make an end differ by little, so that an engine which goes on nevertheless shows.
func stillFilm(format, sibling model.Format, channels int) []step {
	style := RandomStats(40, channels)
	other, second := style.Clone(), RandomStats(41, channels)
	for c := range other.Std {
		other.Std[c] *= 1.04
	}
	mask := even(255, 128, 56, 48, channels)
	mask.Second = second
	restyled := *mask
	restyled.Second = second.Clone()
	for c := range restyled.Second.Mean {
		restyled.Second.Mean[c]++
	}
	now := frame{format: format, width: 56, height: 48, pad: 5, alpha: 0.9, seed: 42, style: style, smoothing: 0.8}
	var film []step
	show := func(what string, change func(f *frame)) {
		change(&now)
		for k, text := range []string{what, what + ", goes on"} {
			now.noise++
			film = append(film, step{what: text, frame: now, cut: k == 0 && what == "cut", statistics: k == 0 && what == "statistics"})
			now.discontinuity = false
		}
	}
	show("begin", func(*frame) {})
	show("another share", func(f *frame) { f.smoothing = 0.5 })
	show("more than can be", func(f *frame) { f.smoothing = 0.999 })
	show("the frame's colours", func(f *frame) { f.smoothing, f.preserve = 0.9, true })
	show("the result's colours", func(f *frame) { f.preserve = false })
	show("no smoothing", func(f *frame) { f.smoothing = 0 })
	show("smoothing", func(f *frame) { f.smoothing = 0.8 })
	show("alpha", func(f *frame) { f.alpha = 0.87 })
	show("style", func(f *frame) { f.style = other })
	show("statistics", func(*frame) {})
	show("mask", func(f *frame) { f.mask = mask })
	show("second style", func(f *frame) { f.mask = &restyled })
	show("no mask", func(f *frame) { f.mask = nil })
	show("format", func(f *frame) { f.format = sibling })
	show("format back", func(f *frame) { f.format = format })
	show("matrix", func(f *frame) { f.colorimetry.Matrix = model.BT2020 })
	show("range", func(f *frame) { f.colorimetry.FullRange = true })
	show("discontinuity", func(f *frame) { f.discontinuity = true })
	show("processing size", func(f *frame) { f.processing = 47 })
	show("own size", func(f *frame) { f.processing = 0 })
	show("size", func(f *frame) { f.width, f.height = 55, 49 })
	show("cut", func(f *frame) { f.seed, f.faded = 43, 0.9 })
	return film
}

// movingFilm is a sequence in which each frame shows one rule of what follows the motion. The camera pans, by parts of pixels and whole ones.
func movingFilm(format model.Format, channels int) []step {
	now := frame{format: format, width: 72, height: 68, pad: 5, alpha: 0.9, seed: 44, style: RandomStats(40, channels), smoothing: 0.8, motion: true}
	var film []step
	show := func(what string, change func(f *frame)) {
		change(&now)
		for k, text := range []string{what, what + ", goes on"} {
			now.noise, now.pan = now.noise+1, (now.pan+3)%panned
			film = append(film, step{what: text, frame: now, cut: k == 0 && what == "cut", statistics: k == 0 && what == "statistics"})
			now.discontinuity = false
		}
	}
	show("begin", func(*frame) {})
	show("another share", func(f *frame) { f.smoothing = 0.5 })
	show("the frame's colours", func(f *frame) { f.smoothing, f.preserve = 0.9, true })
	show("without motion", func(f *frame) { f.motion, f.preserve = false, false })
	show("with motion", func(f *frame) { f.motion = true })
	show("no smoothing", func(f *frame) { f.smoothing = 0 })
	show("smoothing", func(f *frame) { f.smoothing = 0.8 })
	show("alpha", func(f *frame) { f.alpha = 0.87 })
	show("statistics", func(*frame) {})
	show("discontinuity", func(f *frame) { f.discontinuity = true })
	show("processing size", func(f *frame) { f.processing = 33 })
	show("format", func(f *frame) { f.format, f.processing = siblings[f.format][0], 0 })
	show("size", func(f *frame) { f.width, f.height = 73, 65 })
	show("small", func(f *frame) { f.width, f.height = 41, 36 })
	show("smallest", func(f *frame) { f.width, f.height = 8, 9 })
	show("cut", func(f *frame) { f.width, f.height, f.seed, f.faded = 56, 70, 43, 0.9 })
	return film
}

// motion shows the engine and the reference a film of each kind of format in which the camera moves.
func (s suite) motion() error {
	for i, format := range s.taken(model.RGB, model.NV12, model.P010, model.GBRx10, model.YUY2, model.Y41B, model.GRAY8, model.BGRA, model.I420) {
		if s.short && i > 2 {
			break
		}
		err := s.showFilm(func(channels int) []step { return movingFilm(format, channels) })
		if err != nil {
			return fmt.Errorf("%v: %w", format, err)
		}
	}
	return nil
}

// siblings are formats whose memory looks alike.
var siblings = map[model.Format][]model.Format{
	model.RGB: {model.BGR}, model.BGRA: {model.BGRx}, model.NV12: {model.NV21, model.I420}, model.I420: {model.YV12, model.NV12},
	model.P010: {model.P016}, model.YUY2: {model.YVYU}, model.Y41B: {model.Y42B}, model.GBRx10: {model.GBRx12}, model.GRAY8: {model.GBR},
}

// temporalBlend shows the engine and the reference a film of each kind of format.
func (s suite) temporalBlend() error {
	for i, format := range s.taken(model.RGB, model.NV12, model.P010, model.I420, model.YUY2, model.Y41B, model.GBRx10, model.GRAY8, model.BGRA) {
		if s.short && i > 2 {
			break
		}
		err := s.showFilm(func(channels int) []step { return stillFilm(format, s.taken(siblings[format]...)[0], channels) })
		if err != nil {
			return err
		}
	}
	return nil
}

// processing runs the network at other sizes: reduced by little and by much, wide, high, with what else a stylization can ask for.
func (s suite) processing() error {
	return s.with(Widths, func(e model.Engine, w *model.Weights) error {
		c := w.Widths[3]
		for i, size := range []struct{ width, height, processing int }{
			{33, 41, 16}, {72, 88, 71}, {64, 24, 8}, {15, 17, 8}, {130, 70, 33}, {72, 88, 72}, {33, 41, 500}, {31, 200, 16},
		} {
			for k, format := range s.formats() {
				if (i > 3 || k > 7) && (i+k)%len(s.formats()) > 7 || s.short && k%12 != [...]int{0, 6, 4, 7, 2, 1, 3, 5}[i] {
					continue
				}
				f := frame{format: format, width: size.width, height: size.height, pad: 3 * k, offset: k, alpha: 1, seed: uint64(i),
					processing: size.processing, preserve: (i+k)%3 == 1}
				if (i+k)%4 == 2 {
					f.mask, f.alpha = newMask(uint64(i), size.width, size.height, c), 0.7
				}
				r, err := ref.Open(w, model.Options{})
				if err != nil {
					return err
				}
				if err := s.compare(e, r, f, s.tolerance.loose()); err != nil {
					return fmt.Errorf("processing size %d: %w", size.processing, err)
				}
			}
		}
		return nil
	})
}
