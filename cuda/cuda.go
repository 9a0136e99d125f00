package cuda

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// Engine is model.Engine on a GPU: pictures in GPU memory are read and written where they lie, those in host memory are staged. One
// call at a time; each runs in one operating system thread, in the engine's context, and leaves the thread the context that it had.
type Engine struct {
	weights *model.Weights
	device  *device
	library *library
	network *network
	stream  cu.Stream
	plan    *plan // for the latest size; nil before the first picture and after a failure
	before  seen  // what the statistics in network.previous are of
}

// seen is a frame that was stylised; of no size if there was none, or it failed.
type seen struct {
	width, height int
	mask          *model.Mask
}

// like says whether the frame before had the size and the regions of this one.
func (s seen) like(m *model.Image, look *model.Look) bool {
	return s.width == m.Width && s.height == m.Height && s.mask.SameRegions(look.Mask)
}

var _ model.Engine = (*Engine)(nil)

// Open is the model.Opener of this package. It finds the GPU of o.DeviceID (-1: the first that will do), works in o.Context (0: the
// GPU's primary context, which programs on CUDA's runtime share), compiles the kernels for the GPU (the driver keeps the result for the
// next time) and copies the parameters there; memory for a size is taken when its first picture arrives. Errors: no driver or one that is
// too old, no such GPU, compute capability below 8.0, float32, which the kernels do not compute, no memory, and what the driver says.
func Open(w *model.Weights, o model.Options) (model.Engine, error) {
	switch o.Precision {
	case model.AutoPrecision, model.Half, "":
	case model.Float32:
		return nil, fmt.Errorf("cuda: precision %q is not to be had on a GPU, whose kernels multiply float16; use %q or %q", o.Precision, model.AutoPrecision, model.Half)
	default:
		return nil, fmt.Errorf("cuda: precision %q, wanted %q or %q", o.Precision, model.AutoPrecision, model.Half)
	}
	d, err := openDevice(o)
	if err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	e := &Engine{weights: w, device: d}
	if err := e.load(); err != nil {
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
	if e.library, err = loadKernels(e.device.needed); err != nil {
		return err
	}
	// Not the default stream: it would wait for whatever else the program does in this context.
	if e.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return driver.Wrap("cuStreamCreate", err)
	}
	e.network, err = upload(e.weights, e.stream)
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

// encode returns the statistics of a picture, mean and std with channels as in memory, until the network's room is used again.
func (e *Engine) encode(picture *model.Image) ([]float32, error) {
	p, err := e.planFor(picture)
	if err != nil {
		return nil, err
	}
	src, err := p.bring(picture, e.stream)
	if err != nil {
		return nil, err
	}
	p.plain.steps[0].kernel.SetBytes(0, src.bytes())
	if err := p.pictures.SetArguments(0); err != nil {
		return nil, err
	}
	if err := p.pictures.Launch(e.stream); err != nil {
		return nil, err
	}
	both, err := e.network.fetch(e.stream)
	if err != nil {
		return nil, err
	}
	return both, e.wait()
}

// Stylize is model.Engine.Stylize. It returns when the result is complete.
func (e *Engine) Stylize(dst, src *model.Image, look *model.Look) error {
	if err := model.CheckStylize(e.weights, dst, src, look); err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	for _, m := range [...]*model.Image{dst, src} {
		if err := check(m); err != nil {
			return fmt.Errorf("cuda: %w", err)
		}
	}
	if err := e.device.enter(); err != nil {
		return e.fail("frame", src, err)
	}
	defer e.device.leave()
	if err := e.stylize(dst, src, look); err != nil {
		e.before = seen{}
		_ = e.wait() // as in Statistics
		return e.fail("frame", src, err)
	}
	e.before = seen{src.Width, src.Height, look.Mask}
	return nil
}

func (e *Engine) stylize(dst, src *model.Image, look *model.Look) error {
	p, c, err := e.prepare(dst, src, look)
	if err != nil {
		return err
	}
	for _, i := range [...]int{0, c.smooth, c.adapt, len(c.steps) - 1} {
		if err := c.graph.SetArguments(i); err != nil {
			return err
		}
	}
	if err := c.graph.Launch(e.stream); err != nil {
		return err
	}
	if err := p.collect(dst, e.stream); err != nil {
		return err
	}
	if err := e.wait(); err != nil {
		return err
	}
	if !dst.Device() {
		unpackRows(dst, p.result.pinned)
	}
	return nil
}

// prepare orders what a frame needs onto the GPU and tells the kernels about it.
func (e *Engine) prepare(dst, src *model.Image, look *model.Look) (*plan, *chain, error) {
	p, err := e.planFor(src)
	if err != nil {
		return nil, nil, err
	}
	c, err := e.chainFor(p, src, look.Mask != nil)
	if err != nil {
		return nil, nil, err
	}
	if err := e.send(p, look); err != nil {
		return nil, nil, err
	}
	from, err := p.bring(src, e.stream)
	if err != nil {
		return nil, nil, err
	}
	to, err := p.target(dst)
	if err != nil {
		return nil, nil, err
	}
	c.steps[0].kernel.SetBytes(0, from.bytes())
	smooth := c.steps[c.smooth].kernel
	smooth.SetFloat(2, look.Smoothing)
	smooth.SetInt(6, flag(look.Fresh || !e.before.like(src, look)))
	c.steps[c.adapt].kernel.SetFloat(4, look.Alpha)
	last := c.steps[len(c.steps)-1].kernel
	last.SetBytes(3, to.bytes())
	last.SetBytes(4, from.bytes())
	last.SetInt(8, flag(look.PreserveColor))
	return p, c, nil
}

// send orders what is new in a look onto the GPU.
func (e *Engine) send(p *plan, look *model.Look) error {
	if err := e.network.send(0, look.Style, e.stream); err != nil || look.Mask == nil {
		return err
	}
	if err := e.network.send(1, look.Mask.Second, e.stream); err != nil {
		return err
	}
	return p.divide(look.Mask, e.stream)
}

// flag is a bool as kernels take it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// planFor is the plan for the picture's size. The old one goes first, so that two sizes need not fit at once.
func (e *Engine) planFor(m *model.Image) (*plan, error) {
	if e.plan != nil && e.plan.width == m.Width && e.plan.height == m.Height {
		return e.plan, nil
	}
	if err := e.forget(); err != nil {
		return nil, err
	}
	p, err := e.newPlan(m.Width, m.Height)
	if err != nil {
		return nil, e.explain(err, m)
	}
	e.plan = p
	return p, nil
}

// chainFor is the plan's chain of kernels for a frame with or without a mask. Where there is no memory for it the plan goes too, with what
// was taken already.
func (e *Engine) chainFor(p *plan, m *model.Image, masked bool) (*chain, error) {
	if !masked {
		return p.plain, nil
	}
	if p.masked == nil {
		c, err := e.newChain(p, true)
		if err != nil {
			return nil, errors.Join(e.explain(err, m), e.forget())
		}
		p.masked = c
	}
	return p.masked, nil
}

// explain adds to a lack of memory how much is wanted.
func (e *Engine) explain(err error, m *model.Image) error {
	if !driver.IsOutOfMemory(err) {
		return err
	}
	l := lay(e.network.layers, m.Width, m.Height)
	return fmt.Errorf("the GPU's memory does not suffice for this size, which takes about %s: %w", size(l.memory[0]+l.memory[1]), err)
}

// forget frees the plan, when the GPU is through with it.
func (e *Engine) forget() error {
	if e.plan == nil {
		return nil
	}
	p := e.plan
	e.plan = nil
	return errors.Join(e.wait(), p.close())
}

func (e *Engine) wait() error { return driver.Wrap("cuStreamSynchronize", e.stream.Synchronize()) }

func (e *Engine) fail(what string, m *model.Image, err error) error {
	return fmt.Errorf("cuda: %s of %dx%d with network %q: %w", what, m.Width, m.Height, e.weights.Network, err)
}

// Describe names the GPU, the instructions that multiply and the precision.
func (e *Engine) Describe() string {
	multiply := "mma.sync"
	if e.device.capability == hopper {
		multiply = "wgmma"
	}
	return fmt.Sprintf("GPU %d, %s, compute capability %d.%d, %s, float16", e.device.number, e.device.name, e.device.capability/10, e.device.capability%10, multiply)
}

// Close frees everything on the GPU. Where the owner of the context has destroyed it, everything there went with it, which is no error.
func (e *Engine) Close() error {
	if err := e.device.enter(); err != nil {
		return e.abandon(err)
	}
	var failed []error
	failed = append(failed, e.forget())
	if e.network != nil {
		failed = append(failed, e.network.free())
	}
	if e.stream != cu.NoStream {
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
	if e.plan != nil {
		failed = append(failed, e.plan.release((*driver.Graph).Abandon))
		e.plan = nil
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
	for i := range m.Format.Planes() {
		if (m.Planes[i].Device != 0) != m.Device() {
			return fmt.Errorf("image: plane %d lies in other memory than plane 0", i)
		}
	}
	return nil
}
