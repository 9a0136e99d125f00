package cuda

import (
	"errors"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// chain is all kernels of a frame, in order.
type chain struct {
	masked bool // two regions: AdaIN is applied to the plane, not to the weights of the layer behind it
	steps  []step
	encode int   // where nothing is before the network, so many steps give the statistics of a plain frame
	varies []int // the steps that take arguments of the frame

	// The kernels of those steps; nil where the chain lacks them.
	reduce, first, smooth, adapt, last, slopes, enlarge, changes, blend *driver.Kernel

	graph *driver.Graph
}

// step is one kernel of a chain.
type step struct {
	layer  string // what it is for
	name   string // of the kernel
	kernel *driver.Kernel
	flop   float64 // as the kernel computes, folded
	bytes  float64 // read from and written to the GPU's memory at least
}

// newChain makes the kernels of a frame and their graph. What memory it takes is the plan's, which must be closed after an error.
func (e *Engine) newChain(p *plan, masked, steady bool) (*chain, error) {
	c := &chain{masked: masked}
	err := e.addSteps(p, c, steady)
	if err == nil {
		c.graph, err = driver.NewGraph(c.list())
	}
	if err != nil {
		return nil, errors.Join(err, c.release((*driver.Graph).Close))
	}
	return c, nil
}

// list is the kernels alone.
func (c *chain) list() []*driver.Kernel {
	list := make([]*driver.Kernel, len(c.steps))
	for i, s := range c.steps {
		list[i] = s.kernel
	}
	return list
}

// changing notes that the latest step takes arguments of the frame.
func (c *chain) changing() { c.varies = append(c.varies, len(c.steps)-1) }

// addSteps lists the kernels: what makes the frame smaller, the network, what makes its result larger, what steadies it.
func (e *Engine) addSteps(p *plan, c *chain, steady bool) error {
	type add = func(p *plan, c *chain) error
	steps := []add{e.addNetwork}
	if p.frame != p.extent {
		steps = []add{e.addReduce, e.addNetwork, e.addEnlarge}
	}
	if steady {
		steps = append(steps, e.addSteady)
	}
	for _, step := range steps {
		if err := step(p, c); err != nil {
			return err
		}
	}
	return nil
}

// addNetwork lists layers one to join-1, statistics, smoothing, AdaIN on the plane or folded into the next layer, the other layers.
func (e *Engine) addNetwork(p *plan, c *chain) error {
	n := e.network
	for i := range n.layers {
		if i == n.join {
			if err := e.addAdaIN(p, c); err != nil {
				return err
			}
		}
		add := e.addConvolution
		switch i {
		case 0:
			add = e.addFirst
		case len(n.layers) - 1:
			add = e.addLast
		}
		if err := add(p, c, i); err != nil {
			return err
		}
	}
	return nil
}

// addAdaIN is all between encoder and decoder.
func (e *Engine) addAdaIN(p *plan, c *chain) error {
	if c.masked {
		return e.addRegions(p, c)
	}
	if err := e.addStatistics(p, c); err != nil {
		return err
	}
	c.encode = len(c.steps)
	if err := e.addSmooth(p, c); err != nil {
		return err
	}
	return e.addAdapt(c)
}

// own gives the kernels what is the frame's own: src, which lies at from, and where its result is to go.
func (c *chain) own(p *plan, s *steady, to, from frame, src *model.Image, stylization *model.Stylization) {
	seen, made, keep := from, to, stylization.PreserveColor
	if c.blend != nil {
		s.tell(c, to, from, src, stylization)
		keep = false // of what is blended
	}
	if c.reduce != nil {
		seen, made = p.small.frames(src, p.extent)
		c.reduce.SetBytes(0, seen.bytes())
		c.reduce.SetBytes(1, from.bytes())
		c.slopes.SetBytes(0, seen.bytes())
		c.slopes.SetBytes(1, made.bytes())
		c.enlarge.SetBytes(0, to.bytes())
		c.enlarge.SetBytes(1, from.bytes())
		c.enlarge.SetBytes(2, made.bytes())
		c.enlarge.SetInt(4, flag(keep))
		keep = false // of what is enlarged
	}
	c.first.SetBytes(0, seen.bytes())
	c.last.SetBytes(3, made.bytes())
	c.last.SetBytes(4, seen.bytes())
	c.last.SetInt(8, flag(keep))
}

func (c *chain) release(free func(*driver.Graph) error) (err error) {
	if c.graph != nil {
		err = free(c.graph)
	}
	for _, s := range c.steps {
		s.kernel.Close()
	}
	c.graph, c.steps = nil, nil
	return err
}
