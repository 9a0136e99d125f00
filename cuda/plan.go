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
	steps  []step
	encode int // so many steps give the statistics
	smooth int // the step that knows the frame before
	adapt  int // the step that takes alpha

	frames   *driver.Graph // all steps
	pictures *driver.Graph // the first encode steps

	// Where pictures in host memory lie on the GPU and in pinned memory; none until the first one comes.
	content, result staging
}

// staging is memory for one picture of any format.
type staging struct {
	pinned []byte
	device uintptr
}

// step is one kernel of a plan.
type step struct {
	layer  string // what it is for
	name   string // of the kernel
	kernel *driver.Kernel
	flop   float64 // as the kernel computes, folded
	bytes  float64 // read from and written to the GPU's memory at least
}

// newPlan takes all memory for pictures of a size and makes the graphs, in the current context. Errors: out of memory, and whatever else
// the driver refuses; nothing stays taken then.
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
	if err := e.addSteps(p); err != nil {
		return nil, err
	}
	list := make([]*driver.Kernel, len(p.steps))
	for i, s := range p.steps {
		list[i] = s.kernel
	}
	if p.pictures, err = driver.NewGraph(list[:p.encode]); err != nil {
		return nil, err
	}
	p.frames, err = driver.NewGraph(list)
	return p, err
}

// addSteps lists the kernels: layers one to join-1, statistics, smoothing, AdaIN folded into the next layer, the other layers.
func (e *Engine) addSteps(p *plan) error {
	n := e.network
	for i := range n.layers {
		if i == n.join {
			if err := e.addStatistics(p); err != nil {
				return err
			}
			p.encode = len(p.steps)
			if err := e.addSmooth(p); err != nil {
				return err
			}
			if err := e.addAdapt(p); err != nil {
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
		if err := add(p, i); err != nil {
			return err
		}
	}
	return nil
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
	for _, g := range []*driver.Graph{p.frames, p.pictures} {
		if g != nil {
			failed = append(failed, free(g))
		}
	}
	for _, s := range p.steps {
		s.kernel.Close()
	}
	p.frames, p.pictures, p.steps = nil, nil, nil
	return errors.Join(failed...)
}
