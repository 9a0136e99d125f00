package cuda

import "adainfilter/model"

// steady is what the pixels of a film follow, model/smoothing.go. Its memory is for frames of one size and no part of their plan, as
// statistics of another picture replace that but change nothing here.
type steady struct {
	memory
	frame   extent  // that the memory is for
	before  uintptr // the frame before, in any format
	result  uintptr // its blended result
	changes uintptr // a byte for each pixel
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
func (s *steady) close() error { return s.free() }

// tell gives a chain's last kernels what is the frame's own.
func (s *steady) tell(c *chain, to, from frame, src *model.Image, stylization *model.Stylization) {
	before, result := placed(src, s.frame, s.before), placed(src, s.frame, s.result)
	c.changes.SetBytes(0, from.bytes())
	c.changes.SetBytes(1, before.bytes())
	c.blend.SetBytes(0, to.bytes())
	c.blend.SetBytes(1, from.bytes())
	c.blend.SetBytes(2, result.bytes())
	c.blend.SetInt(8, flag(stylization.PreserveColor))
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
