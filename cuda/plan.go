package cuda

import (
	"errors"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// plan is everything for pictures of one size: memory, the kernels in order with their arguments, and these as graphs.
type plan struct {
	memory
	layout
	buffer [2]uintptr // the planes, in turn

	plain    *chain
	masked   *chain        // for frames with a mask; nil before the first one
	pictures *driver.Graph // the first plain.encode steps

	// Where pictures in host memory lie on the GPU and in pinned memory; none until the first one comes.
	content, result staging
	shares          shares
}

// staging is memory for one picture of any format.
type staging struct {
	pinned []byte
	device uintptr
}

// chain is all kernels of a frame, in order.
type chain struct {
	masked bool // two regions: AdaIN is applied to the plane, not to the weights of the layer behind it
	steps  []step
	encode int // so many steps give the statistics of a plain frame
	smooth int // the step that knows the frame before
	adapt  int // the step that takes alpha, as its argument 4
	graph  *driver.Graph
}

// step is one kernel of a chain.
type step struct {
	layer  string // what it is for
	name   string // of the kernel
	kernel *driver.Kernel
	flop   float64 // as the kernel computes, folded
	bytes  float64 // read from and written to the GPU's memory at least
}

// newPlan takes all memory for pictures of a size and makes the graphs for frames without a mask, in the current context. Errors: out of
// memory, and whatever else the driver refuses; nothing stays taken then.
func (e *Engine) newPlan(width, height int) (p *plan, err error) {
	unfinished := &plan{layout: lay(e.network.layers, width, height)}
	defer func() {
		if err != nil {
			err = errors.Join(err, unfinished.close())
		}
	}()
	p = unfinished
	for i, bytes := range p.layout.memory {
		if p.buffer[i], err = p.take(bytes); err != nil {
			return nil, err
		}
	}
	if p.plain, err = e.newChain(p, false); err != nil {
		return nil, err
	}
	p.pictures, err = driver.NewGraph(p.plain.list()[:p.plain.encode])
	return p, err
}

// newChain makes the kernels of a frame and their graph. What memory it takes is the plan's, which must be closed after an error.
func (e *Engine) newChain(p *plan, masked bool) (*chain, error) {
	c := &chain{masked: masked}
	err := e.addSteps(p, c)
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

// addSteps lists the kernels: layers one to join-1, statistics, smoothing, AdaIN on the plane or folded into the next layer, the other
// layers.
func (e *Engine) addSteps(p *plan, c *chain) error {
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
	if err := e.addSmooth(c); err != nil {
		return err
	}
	return e.addAdapt(c)
}

// place is memory for a picture in host memory, of which which is the engine's own.
func (p *plan) place(s *staging) error {
	if s.device != 0 {
		return nil
	}
	bytes := stagingSize(p.width, p.height)
	device, err := p.take(int64(bytes))
	if err != nil {
		return err
	}
	if s.pinned, err = p.pin(bytes); err != nil {
		return err
	}
	s.device = device
	return nil
}

// bring orders the picture onto the GPU if it is not there, and says where it lies.
func (p *plan) bring(m *model.Image, s cu.Stream) (frame, error) {
	if m.Device() {
		return onDevice(m), nil
	}
	if err := p.place(&p.content); err != nil {
		return frame{}, err
	}
	f, bytes := staged(m, p.content.device)
	packRows(p.content.pinned, m)
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(p.content.device), pointer(p.content.pinned), int64(bytes), s)
	return f, driver.Wrap("copy of a picture to the GPU", err)
}

// target says where the kernels are to write the picture m.
func (p *plan) target(m *model.Image) (frame, error) {
	if m.Device() {
		return onDevice(m), nil
	}
	if err := p.place(&p.result); err != nil {
		return frame{}, err
	}
	f, _ := staged(m, p.result.device)
	return f, nil
}

// collect orders the result back if m lies in host memory; unpackRows brings it there when the stream is through.
func (p *plan) collect(m *model.Image, s cu.Stream) error {
	if m.Device() {
		return nil
	}
	_, bytes := staged(m, p.result.device)
	err := cu.MemcpyDtoHAsync(pointer(p.result.pinned), cu.DevicePtr(p.result.device), int64(bytes), s)
	return driver.Wrap("copy of a picture from the GPU", err)
}

// close frees everything; the stream must be through with it.
func (p *plan) close() error {
	failed := []error{p.release((*driver.Graph).Close), p.free()}
	return errors.Join(failed...)
}

// release frees what the host keeps of graphs and kernels.
func (p *plan) release(free func(*driver.Graph) error) error {
	var failed []error
	if p.pictures != nil {
		failed = append(failed, free(p.pictures))
	}
	for _, c := range []*chain{p.plain, p.masked} {
		if c != nil {
			failed = append(failed, c.release(free))
		}
	}
	p.plain, p.masked, p.pictures = nil, nil, nil
	return errors.Join(failed...)
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
