package cuda

import (
	"slices"

	"adainfilter/model"
)

// steady is what the pixels of a film follow, model/smoothing.go. Its memory is for frames of one size and no part of their plan, as
// statistics of another picture replace that but change nothing here.
type steady struct {
	memory
	frame   extent  // that the memory is for
	before  uintptr // the frame before, in any format
	result  uintptr // its blended result
	changes uintptr // a byte for each pixel

	// What a frame must have in common with the one before; the statistics say the rest.
	follows       bool // there was one, and it was smoothed
	format        model.Format
	colorimetry   model.Colorimetry
	style, second model.Stats
	alpha         float32
}

// place takes the memory for frames of a size, unless it is there.
func (s *steady) place(frame extent) (err error) {
	if s.device != nil {
		return nil
	}
	s.frame = frame
	picture, changes := steadyRoom(frame)
	for _, room := range []struct {
		at    *uintptr
		bytes int64
	}{{&s.before, picture}, {&s.result, picture}, {&s.changes, changes}} {
		if *room.at, err = s.take(room.bytes); err != nil {
			return err
		}
	}
	return nil
}

// steadyRoom is how many bytes a picture of any format and its changes take.
func steadyRoom(e extent) (picture, changes int64) {
	return int64(stagingSize(e.width, e.height)), int64(changesPitch(e)) * int64(e.height)
}

func steadyBytes(e extent) int64 {
	picture, changes := steadyRoom(e)
	return 2*picture + changes
}

// changesPitch is the bytes from row to row of the changes.
func changesPitch(e extent) int { return ceil(e.width, rowAlignment) * rowAlignment }

// close gives the memory back, when no kernel uses it.
func (s *steady) close() error {
	s.follows = false
	return s.free()
}

// remember notes a frame that went well.
func (s *steady) remember(src *model.Image, look *model.Look) {
	s.follows = look.Smoothing > 0
	if !s.follows {
		return
	}
	s.format, s.colorimetry, s.alpha = src.Format, src.Colorimetry, look.Alpha
	keep(&s.style, look.Style)
	keep(&s.second, second(look))
}

// like says whether a frame may follow the one before, as far as its look says so.
func (s *steady) like(src *model.Image, look *model.Look) bool {
	return s.follows && s.format == src.Format && s.colorimetry == src.Colorimetry && s.alpha == look.Alpha &&
		same(s.style, look.Style) && same(s.second, second(look))
}

// second is the style of the second region, if there is one.
func second(look *model.Look) (style model.Stats) {
	if look.Mask != nil {
		style = look.Mask.Second
	}
	return style
}

// keep copies statistics to memory that is used again.
func keep(to *model.Stats, from model.Stats) {
	to.Mean, to.Std = append(to.Mean[:0], from.Mean...), append(to.Std[:0], from.Std...)
}

func same(a, b model.Stats) bool { return slices.Equal(a.Mean, b.Mean) && slices.Equal(a.Std, b.Std) }

// tell gives a chain's last kernels what is the frame's own.
func (s *steady) tell(c *chain, to, from frame, src *model.Image, look *model.Look) {
	weight := 0
	if s.like(src, look) {
		weight = model.BlendWeight(look.Smoothing)
	}
	before, result := placed(src, s.frame, s.before), placed(src, s.frame, s.result)
	c.changes.SetBytes(0, from.bytes())
	c.changes.SetBytes(1, before.bytes())
	c.blend.SetBytes(0, to.bytes())
	c.blend.SetBytes(1, from.bytes())
	c.blend.SetBytes(2, result.bytes())
	c.blend.SetInt(7, weight)
	c.blend.SetInt(8, flag(look.PreserveColor))
}

// addSteady lets the result follow that of the frame before.
func (e *Engine) addSteady(p *plan, c *chain) error {
	err := e.addChanges(p, c)
	if err != nil {
		return err
	}
	k, parts := e.library.kernels["steady_blend"], 1
	if c.masked {
		parts = regions
	}
	c.blend, err = c.add("steady pixels", k, [3]int{k.launch.tiles(p.frame.width, p.frame.height), 1, 1},
		frameSize, frameSize, frameSize, pointerSize, intSize, pointerSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.changing()
	c.blend.SetPointer(3, e.steady.changes)
	c.blend.SetInt(4, changesPitch(p.frame))
	c.blend.SetPointer(5, e.network.goesOn)
	c.blend.SetInt(6, parts)
	pixels := p.frame.pixels()
	c.costs(40*pixels, 13*pixels)
	return nil
}

// addChanges compares the frame with the one before, and takes its place.
func (e *Engine) addChanges(p *plan, c *chain) (err error) {
	k := e.library.kernels["steady_changes"]
	c.changes, err = c.add("steady pixels", k, [3]int{k.launch.tiles(p.frame.width, p.frame.height), 1, 1},
		frameSize, frameSize, pointerSize, intSize)
	if err != nil {
		return err
	}
	c.changing()
	c.changes.SetPointer(2, e.steady.changes)
	c.changes.SetInt(3, changesPitch(p.frame))
	pixels := p.frame.pixels()
	c.costs(9*pixels, 10*pixels)
	return nil
}
