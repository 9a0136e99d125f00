package cuda

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/model"
)

// Training is model.TrainingEngine on a GPU: products of float16 with sums in float32, statistics, losses, parameters, moments and averages
// in float32 or better. A step has the same bits whenever it is done on the same kind of GPU, since nothing that it depends on lies outside
// model.TrainingState. Close it to give the GPU's memory back.
type Training struct {
	options model.TrainingOptions
	widths  model.Widths
	real    [4]int // channels of the loss network's levels
	device  *device
	library *library
	stream  cu.Stream
	memory  // what does not depend on the losses
	layers
	plan *plan // for the latest step's losses; nil before the first one and after a failure

	state    [2]uintptr // parameters, first moments, second moments and averages behind one another, float32; one is in force
	now      int        // which
	steps    int
	count    int        // parameters
	packed   bool       // whether the layers have the parameters in force
	gradient uintptr    // float32 [count]
	update   orders     // parameters in force to new ones and to the layers
	packing  orders     // parameters in force to the layers
	adam     adam       // what update takes
	colour   uintptr    // of a trained encoder: the colour layer, float32 weight [3][3] and bias [3]
	folded   [2]uintptr // conv1_1 with it, and the gradient of that, float32
	closed   bool
}

var _ model.TrainingEngine = (*Training)(nil)

// layers of the networks; that of colours is folded into the next one.
type layers struct {
	loss, encoder, decoder []*trainedLayer // encoder is that of loss, where it is not trained
}

// OpenTraining is the model.TrainingOpener of this package; device and context are found as Open does. Memory for features is taken by the
// first step. Errors: what model.CheckTraining refuses, float32, more pixels than the kernels count, and those of Open.
func OpenTraining(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
	if err := model.CheckTraining(loss, w, o); err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	if err := checkPrecision(&o); err != nil {
		return nil, err
	}
	if pixels := 3 * o.Batch * (o.Height + 2) * (o.Width + 2); pixels > math.MaxInt32/2 {
		return nil, fmt.Errorf("cuda: a batch of %d pictures of %dx%d is more than the kernels count; take fewer or smaller ones", o.Batch, o.Width, o.Height)
	}
	d, err := openDevice(o.Options)
	if err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	t := &Training{options: o, widths: w.Widths, device: d}
	if err := t.load(loss, w); err != nil {
		return nil, fmt.Errorf("cuda: open training of widths %v on %s: %w", w.Widths, d.name, errors.Join(err, t.Close()))
	}
	return t, nil
}

// checkPrecision settles the precision, or refuses it.
func checkPrecision(o *model.TrainingOptions) error {
	switch o.Precision {
	case model.AutoPrecision, model.Half, "":
		o.Precision = model.Half
		return nil
	}
	return fmt.Errorf("cuda: training with precision %q is not to be had on a GPU, whose kernels multiply float16; use %q or %q",
		o.Precision, model.AutoPrecision, model.Half)
}

// Precision is model.TrainingEngine.Precision.
func (t *Training) Precision() model.Precision { return model.Half }

// Describe names the GPU and the precision.
func (t *Training) Describe() string {
	return fmt.Sprintf("GPU %d, %s, compute capability %d.%d, mma.sync, float16 with float32 sums", t.device.number, t.device.name,
		t.device.capability/10, t.device.capability%10)
}

// State is model.TrainingEngine.State.
func (t *Training) State() (*model.TrainingState, error) {
	s := &model.TrainingState{Steps: t.steps}
	err := t.inside(func() error {
		at := t.state[t.now]
		for _, v := range []*[]float32{&s.Parameters, &s.First, &s.Second, &s.Average} {
			*v = make([]float32, t.count)
			if err := cu.MemcpyDtoHAsync(unsafe.Pointer(&(*v)[0]), cu.DevicePtr(at), 4*int64(t.count), t.stream); err != nil {
				return errors.Join(driver.Wrap("copy of the training's state from the GPU", err), t.wait())
			}
			at += uintptr(4 * t.count)
		}
		return t.wait()
	})
	if err != nil {
		return nil, fmt.Errorf("cuda: state of the training: %w", err)
	}
	return s, nil
}

// Restore is model.TrainingEngine.Restore.
func (t *Training) Restore(s *model.TrainingState) error {
	if err := s.Check(t.count); err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	if err := t.inside(func() error { return t.write(s.Parameters, s.First, s.Second, s.Average) }); err != nil {
		return fmt.Errorf("cuda: restore training: %w", err)
	}
	t.steps = s.Steps
	return nil
}

// write puts vectors into the state that is not in force, which then is.
func (t *Training) write(vectors ...[]float32) error {
	at := t.state[1-t.now]
	var err error
	for _, v := range vectors {
		err = errors.Join(err, driver.Wrap("copy of the training's state to the GPU",
			cu.MemcpyHtoDAsync(cu.DevicePtr(at), unsafe.Pointer(&v[0]), 4*int64(len(v)), t.stream)))
		at += uintptr(4 * len(v))
	}
	err = errors.Join(err, t.wait())
	runtime.KeepAlive(vectors) // the copies have been made only now
	if err == nil {
		t.now, t.packed = 1-t.now, false
	}
	return err
}

// Close is model.TrainingEngine.Close.
func (t *Training) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	if err := t.device.enter(); err != nil {
		if driver.IsContextLost(err) { // and all memory with it
			err = nil
		}
		t.update.close()
		t.packing.close()
		if t.plan != nil {
			t.plan.close()
		}
		if err = errors.Join(err, t.device.close()); err != nil {
			return fmt.Errorf("cuda: close: %w", err)
		}
		return nil
	}
	failed := []error{t.dropPlan(), t.free()}
	t.update.close()
	t.packing.close()
	if t.stream != cu.NoStream {
		failed = append(failed, driver.Wrap("cuStreamDestroy", t.stream.Destroy()))
	}
	if t.library != nil {
		failed = append(failed, t.library.unload())
	}
	t.device.leave()
	failed = append(failed, t.device.close())
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("cuda: close: %w", err)
	}
	return nil
}

// inside does something in the engine's context.
func (t *Training) inside(do func() error) error {
	if err := t.device.enter(); err != nil {
		return err
	}
	defer t.device.leave()
	return do()
}

func (t *Training) wait() error { return driver.Wrap("cuStreamSynchronize", t.stream.Synchronize()) }
