package cuda

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
)

// Engine is model.Engine on a GPU: pictures in GPU memory are read and written where they lie, those in host memory are staged. One
// call at a time; each runs in one operating system thread, in the engine's context, and leaves the thread the context that it had.
type Engine struct {
	weights  *model.Weights
	device   *device
	library  *library
	network  *network
	stream   cu.Stream
	foreign  bool // the stream is somebody else's
	ahead    ahead
	schedule *schedule     // for the latest sizes; nil before the first picture and after a failure
	history  model.History // what the statistics in network.previous are of
	blend    temporalBlend // what the pixels follow

	before, after table // around the network
	closed        bool
}

var (
	_ model.Engine      = (*Engine)(nil)
	_ model.Warner      = (*Engine)(nil)
	_ model.AheadEngine = (*Engine)(nil)
)

// Open is the model.Opener of this package. It finds the GPU of o.DeviceID (-1: the first that will do), works in o.Context (0: the
// GPU's primary context, which programs on CUDA's runtime share), loads the kernels and copies the parameters there; memory for a size is taken when its first picture arrives. Errors: no driver or one that is
// too old, no such GPU, compute capability below 8.0, float32 and int8, which the kernels do not compute, no memory, and what the driver says.
func Open(w *model.Weights, o model.Options) (model.Engine, error) {
	switch o.Precision {
	case model.AutoPrecision, model.Half, "":
	case model.Float32, model.Int8:
		return nil, fmt.Errorf("cuda: precision %q is not to be had on a GPU, whose kernels multiply float16; use %q or %q", o.Precision, model.AutoPrecision, model.Half)
	default:
		return nil, fmt.Errorf("cuda: precision %q, wanted %q or %q", o.Precision, model.AutoPrecision, model.Half)
	}
	d, err := openDevice(o)
	if err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	e := &Engine{weights: w, device: d, stream: driver.Stream(o.Stream), foreign: o.Stream != 0}
	err = d.choosePath()
	if err == nil {
		err = e.load()
	}
	if err != nil {
		return nil, fmt.Errorf("cuda: open network %q on %s: %w", w.Network, d.name, errors.Join(err, e.Close()))
	}
	return e, nil
}

// load brings kernels and parameters to the GPU.
func (e *Engine) load() (err error) {
	if err := e.device.enter(); err != nil {
		return err
	}
	defer e.device.leave()
	if e.library, err = loadKernels(e.device.capability, e.device.needed); err != nil {
		return err
	}
	// Not the default stream: it would wait for whatever else the program does in this context.
	if !e.foreign {
		if e.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
			return driver.Wrap("cuStreamCreate", err)
		}
	}
	e.network, err = uploadNetwork(e.weights, e.stream)
	return err
}

// Weights are those the engine was opened with.
func (e *Engine) Weights() *model.Weights { return e.weights }

// Statistics is model.Engine.Statistics.
func (e *Engine) Statistics(picture *model.Image) (model.Stats, error) {
	if err := check(picture); err != nil {
		return model.Stats{}, fmt.Errorf("cuda: %w", err)
	}
	if err := e.device.enter(); err != nil {
		return model.Stats{}, e.fail("statistics", picture, err)
	}
	defer e.device.leave()
	both, err := e.encode(picture)
	if err != nil {
		_ = e.wait() // nothing may be under way when the caller gets the picture back; the error stands already
		return model.Stats{}, e.fail("statistics", picture, err)
	}
	c := e.weights.Widths[3]
	mean, std := both[:len(both)/2], both[len(both)/2:]
	return model.Stats{Mean: mean[:c], Std: std[:c]}.Clone(), nil
}

// encode returns the statistics of a picture, mean and std with channels as in memory, until the network's staging is used again.
func (e *Engine) encode(picture *model.Image) ([]float32, error) {
	whole := extent{picture.Width, picture.Height}
	s, err := e.scheduleFor(whole, whole)
	if err != nil {
		return nil, err
	}
	l, err := e.launchesFor(s, false, alone)
	if err != nil {
		return nil, err
	}
	if err := s.makeStatistics(l); err != nil {
		return nil, err
	}
	*l.first.table = kernels.Lookup{}
	if *l.first.frame, err = s.stage(picture, e.stream); err != nil {
		return nil, err
	}
	l.first.bind()
	if err := s.statistics.SetArguments(0); err != nil {
		return nil, err
	}
	if err := s.statistics.Launch(e.stream); err != nil {
		return nil, err
	}
	both, err := e.network.readStatistics(e.stream)
	if err != nil {
		return nil, err
	}
	return both, e.wait()
}

// scheduleFor is the schedule for pictures of a size that the network sees at another, or the same. The old one goes first, so that two
// sizes need not fit at once.
func (e *Engine) scheduleFor(frame, network extent) (*schedule, error) {
	if e.schedule != nil && e.schedule.frame == frame && e.schedule.extent == network {
		return e.schedule, nil
	}
	if err := e.dropSchedule(); err != nil {
		return nil, err
	}
	s, err := e.newSchedule(frame, network)
	if err != nil {
		return nil, e.explain(err, frame, network, alone)
	}
	e.schedule = s
	return s, nil
}

// launchesFor is the schedule's kernels for frames with or without a mask, whose pixels follow others or not. Where there is no memory for them the schedule
// goes too, with what was taken already, and with the frame before, be it for statistics only.
func (e *Engine) launchesFor(s *schedule, masked bool, how following) (*launches, error) {
	l := &s.launches[flag(masked)][how]
	if *l != nil {
		return *l, nil
	}
	var err error
	if how != alone {
		err = e.blend.allocateFor(s.frame, how)
	}
	if err == nil {
		*l, err = e.newLaunches(s, masked, how)
	}
	if err != nil {
		e.history.Forget()
		return nil, errors.Join(e.explain(err, s.frame, s.extent, how), e.dropSchedule(), e.blend.free())
	}
	return *l, nil
}

// explain adds to a lack of memory how much is wanted.
func (e *Engine) explain(err error, frame, network extent, how following) error {
	if !driver.IsOutOfMemory(err) {
		return err
	}
	l := e.newLayout(network)
	wanted := l.memory[0] + l.memory[1]
	if frame != network {
		wanted += reducedBytes(network)
	}
	wanted += blendBytes(frame, how)
	return fmt.Errorf("the GPU's memory does not suffice for this size, which takes about %s: %w", size(wanted), err)
}

// dropSchedule frees the schedule, when the GPU is through with it.
func (e *Engine) dropSchedule() error {
	if e.schedule == nil {
		return nil
	}
	s := e.schedule
	e.schedule = nil
	return errors.Join(e.wait(), s.close())
}

// wait is until the GPU is through with all frames.
func (e *Engine) wait() error {
	e.ahead.ordered = 0
	return driver.Wrap("cuStreamSynchronize", e.stream.Synchronize())
}

func (e *Engine) fail(what string, m *model.Image, err error) error {
	return fmt.Errorf("cuda: %s of %dx%d with network %q: %w", what, m.Width, m.Height, e.weights.Network, err)
}

// Describe names the GPU, the instructions that multiply and the precision.
func (e *Engine) Describe() string {
	multiply := "mma.sync"
	if e.device.wgmma {
		multiply = "wgmma"
	}
	return fmt.Sprintf("GPU %d, %s, compute capability %d.%d, %s, float16", e.device.number, e.device.name, e.device.capability/10, e.device.capability%10, multiply)
}

// Warning is model.Warner's: why a GPU that has wgmma is not to use it.
func (e *Engine) Warning() string { return e.device.warning }

// Close is model.Engine.Close. Where the owner of the context has destroyed it, everything there went with it, which is no error.
func (e *Engine) Close() error {
	if e.closed {
		return nil
	}
	e.closed = true
	if err := e.device.enter(); err != nil {
		return e.abandon(err)
	}
	var failed []error
	failed = append(failed, e.dropSchedule(), e.blend.free(), e.before.free(), e.after.free(), e.ahead.free())
	if e.network != nil {
		failed = append(failed, e.network.free())
	}
	if e.stream != cu.NoStream && !e.foreign {
		failed = append(failed, driver.Wrap("cuStreamDestroy", e.stream.Destroy()))
	}
	if e.library != nil {
		failed = append(failed, e.library.unload())
	}
	e.device.leave()
	failed = append(failed, e.device.close())
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("cuda: close: %w", err)
	}
	return nil
}

// abandon frees what is left to free without a context, which could not be entered for a reason.
func (e *Engine) abandon(reason error) error {
	if driver.IsContextLost(reason) {
		reason = nil
	}
	failed := []error{reason}
	if e.schedule != nil {
		failed = append(failed, e.schedule.release((*driver.Graph).Abandon))
		e.schedule = nil
	}
	failed = append(failed, e.device.close())
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("cuda: close: %w", err)
	}
	return nil
}

// check refuses a picture of which only some planes lie in GPU memory.
func check(m *model.Image) error {
	if err := m.Check(); err != nil {
		return err
	}
	if !m.Format.Layout().CUDA {
		return fmt.Errorf("image: the GPU's kernels do not know %v, wanted one of %v", m.Format, model.CUDAFormats())
	}
	for i := range m.Format.Planes() {
		if (m.Planes[i].Device != 0) != m.Device() {
			return fmt.Errorf("image: plane %d lies in other memory than plane 0", i)
		}
	}
	return nil
}
