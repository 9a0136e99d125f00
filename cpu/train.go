package cpu

// #include "train_api.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"adainfilter/model"
)

// Training is model.TrainingEngine on the CPU: oneDNN's convolutions and matrix products, everything else by our own kernels, in
// float32; in half precision the products of wide layers are of bfloat16. It has threads of its own; results do not depend on which thread did what.
type Training struct {
	training *C.adain_cpu_training
	options  model.TrainingOptions
	trained  int // parameters
	text     [C.ADAIN_CPU_ERROR]C.char

	precision string // and why, for Describe
}

var _ model.TrainingEngine = (*Training)(nil)

// OpenTraining is the model.TrainingOpener of this package. Memory for features is taken by the first step.
func OpenTraining(loss []model.Conv, w *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
	if err := model.CheckTraining(loss, w, o); err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	half, precision, err := chooseHalfTraining(o.Precision, hasBFloat16())
	if err != nil {
		return nil, err
	}
	threads, err := teamSize(o.Threads)
	if err != nil {
		return nil, err
	}
	o.Threads, o.Precision = threads, model.Float32
	if half {
		o.Precision = model.Half
	}
	t := &Training{options: o, precision: precision}
	lossShapes, lossParameters, _ := describeLayers(foldedEncoder(loss))
	var network []model.Conv
	for _, c := range w.Layers {
		if c.Trained(o.Encoder) {
			network = append(network, c)
		}
	}
	shapes, parameters, _ := describeLayers(network)
	t.trained = len(parameters)
	colour := append(append([]float32(nil), w.Layers[0].Weight...), w.Layers[0].Bias...)
	options := C.adain_cpu_training_options{
		encoder: flag(o.Encoder), half: flag(half), batch: C.int32_t(o.Batch), height: C.int32_t(o.Height), width: C.int32_t(o.Width),
		threads: C.int32_t(threads), cache: C.int64_t(o.Cache),
	}
	t.training = C.adain_cpu_training_open(&lossShapes[0], (*C.float)(&lossParameters[0]), &shapes[0], C.int(len(shapes)), (*C.float)(&colour[0]),
		(*C.float)(&parameters[0]), &options, &t.text[0])
	if t.training == nil {
		return nil, fmt.Errorf("cpu: open training: %s", C.GoString(&t.text[0]))
	}
	return t, nil
}

// foldedEncoder are an encoder's layers with the colour layer folded into the next.
func foldedEncoder(loss []model.Conv) []model.Conv {
	return append([]model.Conv{model.FoldColour(loss[0], loss[1])}, loss[2:]...)
}

// Step is model.TrainingEngine.Step: one call into C.
func (t *Training) Step(b *model.Batch, u model.Update) (model.Losses, error) {
	if err := b.Check(t.options, u); err != nil {
		return model.Losses{}, fmt.Errorf("cpu: %w", err)
	}
	// The kernels' maximum drops a NaN, so it has to be found here.
	for _, p := range [][]float32{b.Content, b.Style, b.Moved} {
		if i := model.NotFinite(p); i >= 0 {
			return model.Losses{}, fmt.Errorf("cpu: batch has %v at sample %d, wanted finite numbers", p[i], i)
		}
	}
	update := C.adain_cpu_update{
		content: C.double(u.Content), style: C.double(u.Style), identity: C.double(u.Identity), consistency: C.double(u.Consistency), lattice: C.double(u.Lattice),
		rate: C.double(u.Rate), encoder_rate: C.double(u.EncoderRate), first_rate: C.double(u.FirstRate),
		clip_norm: C.double(u.ClipNorm), average: C.double(u.Average), balance_floor: -1,
	}
	if u.Balance {
		update.balance_floor = model.BalanceFloor
	}
	var l C.adain_cpu_losses
	if C.adain_cpu_training_step(t.training, (*C.float)(&b.Content[0]), (*C.float)(&b.Style[0]), (*C.float)(&b.Alpha[0]),
		(*C.float)(unsafe.SliceData(b.Moved)), (*C.float)(unsafe.Pointer(unsafe.SliceData(b.Motion))),
		(*C.uint64_t)(unsafe.SliceData(b.ContentKey)), (*C.uint64_t)(unsafe.SliceData(b.StyleKey)), &update, &l, &t.text[0]) != 0 {
		return model.Losses{}, fmt.Errorf("cpu: training step: %s", C.GoString(&t.text[0]))
	}
	return model.Losses{
		Content: float64(l.content), Style: float64(l.style), Identity: float64(l.identity), Consistency: float64(l.consistency), Lattice: float64(l.lattice),
		Total: float64(l.total), Gradient: float64(l.gradient),
	}, nil
}

// State is model.TrainingEngine.State.
func (t *Training) State() (*model.TrainingState, error) {
	s := &model.TrainingState{
		Parameters: make([]float32, t.trained), First: make([]float32, t.trained),
		Second: make([]float32, t.trained), Average: make([]float32, t.trained),
	}
	s.Steps = int(C.adain_cpu_training_state(t.training, (*C.float)(&s.Parameters[0]), (*C.float)(&s.First[0]), (*C.float)(&s.Second[0]), (*C.float)(&s.Average[0])))
	return s, nil
}

// Restore is model.TrainingEngine.Restore.
func (t *Training) Restore(s *model.TrainingState) error {
	if err := s.Check(t.trained); err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	if C.adain_cpu_training_restore(t.training, (*C.float)(&s.Parameters[0]), (*C.float)(&s.First[0]), (*C.float)(&s.Second[0]), (*C.float)(&s.Average[0]),
		C.int64_t(s.Steps), &t.text[0]) != 0 {
		return fmt.Errorf("cpu: restore training: %s", C.GoString(&t.text[0]))
	}
	return nil
}

// Precision is model.TrainingEngine.Precision.
func (t *Training) Precision() model.Precision { return t.options.Precision }

// Describe names library, instruction set, precision and threads.
func (t *Training) Describe() string {
	return describeCPU(t.precision, t.options.Threads)
}

// Close stops the threads and frees all memory.
func (t *Training) Close() error {
	C.adain_cpu_training_close(t.training)
	t.training = nil
	return nil
}

// implementations lists what oneDNN chose for each convolution of the latest step.
func (t *Training) implementations() []string {
	var text [8192]C.char
	C.adain_cpu_training_implementations(t.training, &text[0], C.int(len(text)))
	return strings.Split(strings.TrimSuffix(C.GoString(&text[0]), ","), ",")
}
