package cuda

import (
	"errors"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// plan is everything for pictures of one size that the network sees at one size: memory, the kernels in order with their arguments, and
// these as graphs.
type plan struct {
	memory
	layout            // of the size that the network sees
	frame  extent     // of the pictures
	buffer [2]uintptr // the planes, in turn

	chains   [2][2]*chain  // without and with a mask, without and with steady pixels; nil before the first such frame
	pictures *driver.Graph // the first encode steps of chains[0][0]; nil before the first statistics

	// Where pictures in host memory lie on the GPU and in pinned memory; none until the first one comes.
	content, result staging
	small           small      // of no memory where the network sees the pictures themselves
	partial         [2]uintptr // statistics of bands, without and with a mask
	shares          shares
}

// staging is memory for one picture of any format.
type staging struct {
	pinned []byte
	device uintptr
}

// newPlan takes the memory that all pictures of a size need, in the current context. Errors: out of memory, and whatever else the driver
// refuses; nothing stays taken then.
func (e *Engine) newPlan(frame, network extent) (p *plan, err error) {
	unfinished := &plan{layout: lay(e.network.layers, network.width, network.height), frame: frame}
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
	if frame != network {
		err = p.placeSmall()
	}
	return p, err
}

// addPictures makes the graph for statistics, of a chain that begins with the network, when the first ones are wanted.
func (p *plan) addPictures(c *chain) (err error) {
	if p.pictures == nil {
		p.pictures, err = driver.NewGraph(c.list()[:c.encode])
	}
	return err
}

// place is memory for a picture in host memory, of which which is the engine's own.
func (p *plan) place(s *staging) error {
	if s.device != 0 {
		return nil
	}
	bytes := stagingSize(p.frame.width, p.frame.height)
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
	for _, kinds := range p.chains {
		for _, c := range kinds {
			if c != nil {
				failed = append(failed, c.release(free))
			}
		}
	}
	p.chains, p.pictures = [2][2]*chain{}, nil
	return errors.Join(failed...)
}
