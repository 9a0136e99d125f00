package cuda

import (
	"fmt"
	"strings"
	"unsafe"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

const (
	pointerSize = 8
	intSize     = 4
	floatSize   = 4
	mapSize     = int(unsafe.Sizeof(driver.TensorMap{}))
	frameSize   = int(unsafe.Sizeof(frame{}))
)

// add appends a launch of a kernel whose arguments have these sizes.
func (c *chain) add(layer string, k kernel, grid [3]int, sizes ...int) (*driver.Kernel, error) {
	launch, err := driver.NewKernel(k.name, k.function, sizes...)
	if err != nil {
		return nil, err
	}
	launch.SetShape(grid, [3]int{int(k.launch.threads), 1, 1}, int(k.launch.shared))
	c.steps = append(c.steps, step{layer: layer, name: k.name, kernel: launch})
	return launch, nil
}

// costs notes what the latest step computes and moves at least.
func (c *chain) costs(flop, bytes float64) {
	s := &c.steps[len(c.steps)-1]
	s.flop, s.bytes = flop, bytes
}

// addFirst turns the picture into relu1_1.
func (e *Engine) addFirst(p *plan, c *chain, i int) error {
	layer, out, k := e.network.layers[i], p.planes[i], e.library.kernels["first"]
	grid := [3]int{k.launch.tiles(out.w, out.h), ceil(out.c, int(k.launch.tileC)), 1}
	a, err := c.add(layer.Name, k, grid, frameSize, pointerSize, pointerSize, pointerSize, intSize)
	if err != nil {
		return err
	}
	c.first = a
	c.changing()
	a.SetPointer(1, e.network.weight[i])
	a.SetPointer(2, e.network.bias[i])
	a.SetPointer(3, p.buffer[i%2])
	a.SetInt(4, out.c)
	pixels := float64(out.w) * float64(out.h)
	c.costs(2*pixels*27*float64(out.c), pixels*3+float64(out.bytes()))
	return nil
}

// addConvolution is a layer from plane to plane.
func (e *Engine) addConvolution(p *plan, c *chain, i int) error {
	n := e.network
	layer, in, out := n.layers[i], p.planes[i-1], p.planes[i]
	large, small := e.library.kernels["conv90_c128"].launch, e.library.kernels["conv90_c128_small"].launch
	name := layer.convolution(e.device.capability == hopper, func() bool { return smaller(large, small, in, out.c, e.device.processors) })
	k, found := e.library.kernels[name]
	if !found {
		return fmt.Errorf("layer %s wants kernel %q, which was not loaded", layer.Name, name)
	}
	halo := 0
	if n.layers[i+1].phases == 4 {
		halo = 1 // the next layer is behind an upsampling: the edge repeats
	}
	var err error
	if strings.HasPrefix(name, "conv90") {
		err = e.addMapped(p, c, i, k, in, halo)
	} else {
		err = e.addPlain(p, c, i, k, in, halo)
	}
	products := float64(layer.phases) * float64(layer.taps) * float64(layer.in) * float64(layer.out)
	if err == nil {
		c.costs(2*products*float64(in.w)*float64(in.h), float64(in.bytes()+out.bytes())+2*products)
	}
	return err
}

// addPlain is a kernel that multiplies by mma.sync: a block for each tile, channel tile and phase.
func (e *Engine) addPlain(p *plan, c *chain, i int, k kernel, in plane, halo int) error {
	layer := e.network.layers[i]
	grid := [3]int{k.launch.tiles(in.w, in.h), layer.out / int(k.launch.tileC), layer.phases}
	a, err := c.add(layer.Name, k, grid, pointerSize, pointerSize, pointerSize, pointerSize, intSize, intSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	weight, bias := e.network.parameters(i, c.masked)
	for j, address := range []uintptr{p.buffer[(i-1)%2], weight, bias, p.buffer[i%2]} {
		a.SetPointer(j, address)
	}
	for j, v := range []int{in.h, in.w, layer.in, layer.out, halo} {
		a.SetInt(4+j, v)
	}
	return nil
}

// addMapped is a kernel that multiplies by wgmma: as many blocks as the GPU has processors, each taking tile after tile.
func (e *Engine) addMapped(p *plan, c *chain, i int, k kernel, in plane, halo int) error {
	layer := e.network.layers[i]
	tileW, tileH, tileC := int(k.launch.tileW), int(k.launch.tileH), int(k.launch.tileC)
	rows := tileH + 2
	if k.name == "conv90_c128_up" { // its tiles are of one phase, which reads a row less
		rows = tileH + 1
	}
	row := 2 * layer.in * (in.w + 2)
	x, err := driver.EncodeTiled(p.buffer[(i-1)%2], [4]int{layer.in, in.w + 2, in.h + 2, 1}, [3]int{2 * layer.in, row, row * (in.h + 2)},
		[4]int{64, tileW, rows, 1})
	if err != nil {
		return fmt.Errorf("plane before layer %s: %w", layer.Name, err)
	}
	weight, bias := e.network.parameters(i, c.masked)
	all := layer.phases * layer.taps * layer.out
	w, err := driver.EncodeTiled(weight, [4]int{layer.in, all, 1, 1}, [3]int{2 * layer.in, 2 * layer.in * all, 2 * layer.in * all},
		[4]int{64, tileC, 1, 1})
	if err != nil {
		return fmt.Errorf("weights of layer %s: %w", layer.Name, err)
	}
	tiles := k.launch.tiles(in.w, in.h) * layer.out / tileC * layer.phases
	a, err := c.add(layer.Name, k, [3]int{min(e.device.processors, tiles), 1, 1},
		mapSize, mapSize, pointerSize, pointerSize, intSize, intSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	a.SetBytes(0, x[:])
	a.SetBytes(1, w[:])
	a.SetPointer(2, bias)
	a.SetPointer(3, p.buffer[i%2])
	for j, v := range []int{in.h, in.w, layer.in, layer.out, halo} {
		a.SetInt(4+j, v)
	}
	return nil
}

// addStatistics are mean and standard deviation of the encoder's last plane: of bands of rows, then of all.
func (e *Engine) addStatistics(p *plan, c *chain) error {
	n := e.network
	at, in := p.buffer[(n.join-1)%2], p.planes[n.join-1]
	k := e.library.kernels["statistics_partial"]
	bands := ceil(in.h, int(k.launch.tileH))
	partial, err := p.bands(0, int64(bands)*8*int64(in.c))
	if err != nil {
		return err
	}
	a, err := c.add("statistics", k, [3]int{bands, ceil(in.c, int(k.launch.tileC)), 1}, pointerSize, pointerSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.costs(5*float64(in.h)*float64(in.w)*float64(in.c), float64(in.bytes()))
	a.SetPointer(0, at)
	a.SetPointer(1, partial)
	k = e.library.kernels["statistics_merge"]
	b, err := c.add("statistics", k, [3]int{ceil(in.c, int(k.launch.tileC)), 1, 1}, pointerSize, pointerSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.costs(10*float64(bands)*float64(in.c), 8*float64(bands)*float64(in.c))
	b.SetPointer(0, partial)
	b.SetPointer(1, n.content)
	for _, k := range []*driver.Kernel{a, b} {
		for j, v := range []int{in.h, in.w, in.c} {
			k.SetInt(2+j, v)
		}
	}
	return nil
}

// addSmooth mixes the statistics with those in force at the frame before.
func (e *Engine) addSmooth(p *plan, c *chain) error {
	n := e.network
	channels, parts := n.layers[n.join].in, 1
	if c.masked {
		parts = regions
	}
	a, err := c.add("statistics", e.library.kernels["smooth"], [3]int{parts, 1, 1},
		pointerSize, pointerSize, pointerSize, pointerSize, floatSize, floatSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.smooth = a
	c.changing()
	for j, address := range []uintptr{n.content, n.previous, n.before, n.goesOn} {
		a.SetPointer(j, address)
	}
	a.SetFloat(5, float32(model.SceneCut(p.width, p.height)))
	a.SetInt(6, channels)
	a.SetInt(7, e.weights.Widths[3])
	values := float64(parts) * 2 * float64(channels)
	c.costs(8*values, 32*values)
	return nil
}

// addAdapt folds AdaIN and alpha into the decoder's first layer.
func (e *Engine) addAdapt(c *chain) error {
	n := e.network
	layer := n.layers[n.join]
	a, err := c.add("AdaIN", e.library.kernels["adapt"], [3]int{layer.out, 1, 1},
		pointerSize, pointerSize, pointerSize, pointerSize, floatSize, pointerSize, pointerSize, intSize, intSize)
	if err != nil {
		return err
	}
	for j, address := range []uintptr{n.master, n.bias[n.join], n.content, n.style} {
		a.SetPointer(j, address)
	}
	a.SetPointer(5, n.adapted)
	a.SetPointer(6, n.shifted)
	a.SetInt(7, layer.in)
	a.SetInt(8, layer.out)
	products := float64(layer.taps) * float64(layer.in) * float64(layer.out)
	c.costs(3*products, 6*products)
	c.adapt = a
	c.changing()
	return nil
}

// addLast turns the last plane into the picture.
func (e *Engine) addLast(p *plan, c *chain, i int) error {
	layer, in, k := e.network.layers[i], p.planes[i-1], e.library.kernels["last"]
	a, err := c.add(layer.Name, k, [3]int{k.launch.tiles(p.width, p.height), 1, 1},
		pointerSize, pointerSize, pointerSize, frameSize, frameSize, intSize, intSize, intSize, intSize)
	if err != nil {
		return err
	}
	c.last = a
	c.changing()
	for j, address := range []uintptr{p.buffer[(i-1)%2], e.network.weight[i], e.network.bias[i]} {
		a.SetPointer(j, address)
	}
	for j, v := range []int{in.h, in.w, in.c} {
		a.SetInt(5+j, v)
	}
	pixels := float64(p.width) * float64(p.height)
	c.costs(2*pixels*27*float64(in.c), pixels*3+float64(in.bytes()))
	return nil
}
