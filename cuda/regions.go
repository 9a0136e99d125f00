package cuda

import (
	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// shares is how much of each pixel of relu4_1 belongs to the first region of a mask, on the GPU, float32 (h,w).
type shares struct {
	pinned []byte
	device uintptr
	mask   *model.Mask // that they are of; nil before the first one
}

// divide orders the shares of a mask onto the GPU if those of other regions are there.
func (p *plan) divide(m *model.Mask, s cu.Stream) error {
	if p.shares.mask.SameRegions(m) {
		return nil
	}
	m.Shares(p.width, p.height, floats(p.shares.pinned))
	p.shares.mask = m
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(p.shares.device), pointer(p.shares.pinned), int64(len(p.shares.pinned)), s)
	if err != nil {
		p.shares.mask = nil // what is on the GPU now is unknown
	}
	return driver.Wrap("copy of the mask to the GPU", err)
}

// placeShares takes the memory for shares, unless it is there.
func (p *plan) placeShares(bytes int) (err error) {
	if p.shares.pinned != nil {
		return nil
	}
	if p.shares.device, err = p.take(int64(bytes)); err != nil {
		return err
	}
	p.shares.pinned, err = p.pin(bytes)
	return err
}

// bands is the memory for statistics of bands, taken once for frames of either kind.
func (p *plan) bands(masked int, bytes int64) (at uintptr, err error) {
	if p.partial[masked] == 0 {
		p.partial[masked], err = p.take(bytes)
	}
	return p.partial[masked], err
}

// addRegions are mean and standard deviation of the encoder's last plane in each region, smoothed, and AdaIN of that plane. It takes the
// memory that only frames with a mask need.
func (e *Engine) addRegions(p *plan, c *chain) error {
	in := p.planes[e.network.join-1]
	if err := p.placeShares(4 * in.h * in.w); err != nil {
		return err
	}
	if err := e.addRegionStatistics(p, c, in); err != nil {
		return err
	}
	if err := e.addSmooth(p, c); err != nil {
		return err
	}
	return e.addApply(p, c, in)
}

func (e *Engine) addRegionStatistics(p *plan, c *chain, in plane) error {
	k, values := e.library.kernels["regions_partial"], float64(in.h)*float64(in.w)*float64(in.c)
	bands := ceil(in.h, int(k.launch.tileH))
	partial, err := p.bands(1, int64(regions)*int64(bands)*12*int64(in.c))
	if err != nil {
		return err
	}
	a, err := c.add("statistics", k, [3]int{bands, ceil(in.c, int(k.launch.tileC)), regions},
		pointerSize, pointerSize, pointerSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.costs(7*regions*values, float64(in.bytes())+4*float64(in.h)*float64(in.w))
	for j, address := range []uintptr{p.buffer[(e.network.join-1)%2], p.shares.device, partial} {
		a.SetPointer(j, address)
	}
	for j, v := range []int{in.h, in.w, in.c} {
		a.SetInt(3+j, v)
	}
	k = e.library.kernels["regions_merge"]
	b, err := c.add("statistics", k, [3]int{ceil(in.c, int(k.launch.tileC)), regions, 1}, pointerSize, pointerSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.costs(10*regions*float64(bands)*float64(in.c), 12*regions*float64(bands)*float64(in.c))
	b.SetPointer(0, partial)
	b.SetPointer(1, e.network.content)
	b.SetInt(2, in.h)
	b.SetInt(3, in.c)
	return nil
}

// addApply does AdaIN with alpha on the plane where it lies.
func (e *Engine) addApply(p *plan, c *chain, in plane) error {
	n, k := e.network, e.library.kernels["regions_apply"]
	a, err := c.add("AdaIN", k, [3]int{ceil(in.h, int(k.launch.tileH)), ceil(in.c, int(k.launch.tileC)), 1},
		pointerSize, pointerSize, pointerSize, pointerSize, floatSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	for j, address := range []uintptr{p.buffer[(n.join-1)%2], p.shares.device, n.content, n.style} {
		a.SetPointer(j, address)
	}
	for j, v := range []int{in.h, in.w, in.c} {
		a.SetInt(5+j, v)
	}
	c.costs(13*float64(in.h)*float64(in.w)*float64(in.c), 2*float64(in.bytes())+4*float64(in.h)*float64(in.w))
	c.adapt = a
	c.changing()
	return nil
}
