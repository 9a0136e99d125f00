package cuda

import (
	"errors"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// schedule is everything for pictures of one size that the network sees at one size: memory, the kernels in order with their arguments, and
// these as graphs.
type schedule struct {
	memory
	layout            // of the size that the network sees
	frame  extent     // of the pictures
	buffer [2]uintptr // the planes, in turn

	launches   [2][followings]*launches // without and with a mask; nil before the first such frame
	statistics *driver.Graph            // the encoder's part of launches[0][0]; nil before the first statistics

	// Where pictures in host memory lie on the GPU and in pinned memory; none until the first one comes.
	content, result staging
	reduced         reduced    // of no memory where the network sees the pictures themselves
	partial         [2]uintptr // statistics of bands, without and with a mask
	shares          shares
}

// staging is memory for one picture of any format.
type staging struct {
	pinned []byte
	device uintptr
}

// newLayout is the layout for a size that the network sees.
func (e *Engine) newLayout(size extent) layout {
	return newLayout(e.network.layers, size, e.fusesFirst(), e.fusesLast())
}

// newSchedule takes the memory that all pictures of a size need, in the current context. Errors: out of memory, and whatever else the driver
// refuses; nothing stays taken then.
func (e *Engine) newSchedule(frame, network extent) (s *schedule, err error) {
	unfinished := &schedule{layout: e.newLayout(network), frame: frame}
	defer func() {
		if err != nil {
			err = errors.Join(err, unfinished.close())
		}
	}()
	s = unfinished
	if err := s.allocateAll([]buffer{{&s.buffer[0], s.layout.memory[0]}, {&s.buffer[1], s.layout.memory[1]}}); err != nil {
		return nil, err
	}
	if frame != network {
		err = s.allocateReduced()
	}
	return s, err
}

// written is the address of the plane that layer i writes.
func (s *schedule) written(i int) uintptr { return s.buffer[i%2] }

// makeStatistics makes the graph for statistics, of launches that begin with the network, when the first ones are wanted.
func (s *schedule) makeStatistics(l *launches) (err error) {
	if s.statistics == nil {
		s.statistics, err = driver.NewGraph(l.kernels(l.encoder))
	}
	return err
}

// allocateStaging is memory for a picture in host memory, unless it is there.
func (s *schedule) allocateStaging(p *staging) error {
	if p.device != 0 {
		return nil
	}
	bytes := stagingSize(s.frame)
	device, err := s.allocate(int64(bytes))
	if err != nil {
		return err
	}
	if p.pinned, err = s.pin(bytes); err != nil {
		return err
	}
	p.device = device
	return nil
}

// stage orders the picture onto the GPU if it is not there, and says where it lies.
func (s *schedule) stage(m *model.Image, stream cu.Stream) (kernels.Frame, error) {
	if m.Device() {
		return onDevice(m), nil
	}
	if err := s.allocateStaging(&s.content); err != nil {
		return kernels.Frame{}, err
	}
	f, bytes := staged(m, s.content.device)
	packRows(s.content.pinned, m)
	err := cu.MemcpyHtoDAsync(cu.DevicePtr(s.content.device), pointer(s.content.pinned), int64(bytes), stream)
	return f, driver.Wrap("copy of a picture to the GPU", err)
}

// target says where the kernels are to write the picture m.
func (s *schedule) target(m *model.Image) (kernels.Frame, error) {
	if m.Device() {
		return onDevice(m), nil
	}
	if err := s.allocateStaging(&s.result); err != nil {
		return kernels.Frame{}, err
	}
	f, _ := staged(m, s.result.device)
	return f, nil
}

// readBack orders the result back if m lies in host memory; unpackRows brings it there when the stream is through.
func (s *schedule) readBack(m *model.Image, stream cu.Stream) error {
	if m.Device() {
		return nil
	}
	_, bytes := placed(m, s.result.device)
	err := cu.MemcpyDtoHAsync(pointer(s.result.pinned), cu.DevicePtr(s.result.device), int64(bytes), stream)
	return driver.Wrap("copy of a picture from the GPU", err)
}

// close frees everything; the stream must be through with it.
func (s *schedule) close() error {
	failed := []error{s.release((*driver.Graph).Close), s.free()}
	return errors.Join(failed...)
}

// release frees what the host keeps of graphs and kernels.
func (s *schedule) release(free func(*driver.Graph) error) error {
	var failed []error
	if s.statistics != nil {
		failed = append(failed, free(s.statistics))
	}
	for _, kinds := range s.launches {
		for _, l := range kinds {
			if l != nil {
				failed = append(failed, l.release(free))
			}
		}
	}
	s.launches, s.statistics = [2][followings]*launches{}, nil
	return errors.Join(failed...)
}
