package cuda

import "adainfilter/model"

// small is what frames need that the network sees smaller, for pictures of any format.
type small struct {
	frame, result uintptr
	slopes        uintptr // float32 (h,w,2 or 4)
}

// placeSmall takes the memory for it.
func (p *plan) placeSmall() (err error) {
	picture, slopes := smallRoom(p.extent)
	for _, room := range []struct {
		at    *uintptr
		bytes int64
	}{{&p.small.frame, picture}, {&p.small.result, picture}, {&p.small.slopes, slopes}} {
		if *room.at, err = p.take(room.bytes); err != nil {
			return err
		}
	}
	return nil
}

// smallRoom is how many bytes a small picture of any format and its slopes take.
func smallRoom(e extent) (picture, slopes int64) {
	return int64(stagingSize(e.width, e.height)), 16 * int64(e.width) * int64(e.height)
}

func smallBytes(e extent) int64 {
	picture, slopes := smallRoom(e)
	return 2*picture + slopes
}

// frames are the small frame and the small result of src.
func (s *small) frames(src *model.Image, e extent) (seen, made frame) {
	return placed(src, e, s.frame), placed(src, e, s.result)
}

// addReduce makes the small frame.
func (e *Engine) addReduce(p *plan, c *chain) (err error) {
	k := e.library.kernels["reduce"]
	c.reduce, err = c.add("processing size", k, [3]int{k.launch.tiles(p.width, p.height), 3, 1}, frameSize, frameSize)
	if err != nil {
		return err
	}
	c.changing()
	pixels, few := p.frame.pixels(), p.extent.pixels()
	c.costs(6*pixels, 3*(pixels+few))
	return nil
}

// addEnlarge makes the result of the small one.
func (e *Engine) addEnlarge(p *plan, c *chain) (err error) {
	k := e.library.kernels["enlarge_slopes"]
	c.slopes, err = c.add("processing size", k, [3]int{k.launch.tiles(p.width, p.height), 1, 1}, frameSize, frameSize, pointerSize)
	if err != nil {
		return err
	}
	c.changing()
	c.slopes.SetPointer(2, p.small.slopes)
	pixels, few := p.frame.pixels(), p.extent.pixels()
	c.costs(250*few, (6+16)*few)

	k = e.library.kernels["enlarge"]
	c.enlarge, err = c.add("processing size", k, [3]int{k.launch.tiles(p.frame.width, p.frame.height), 2, 1},
		frameSize, frameSize, frameSize, pointerSize, intSize)
	if err != nil {
		return err
	}
	c.changing()
	c.enlarge.SetPointer(3, p.small.slopes)
	c.costs(40*pixels, 6*pixels+16*few)
	return nil
}
