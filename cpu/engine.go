// Package cpu is the engine for processors: oneDNN's convolutions between kernels of our own, in chunks small enough to
// stay in a core's cache. README.md in this folder follows a frame through it.
package cpu

/*
#cgo CXXFLAGS: -std=c++20 -O3 -Wall -Wextra -Wno-psabi
#cgo LDFLAGS: -ldnnl -fopenmp
#include <stdlib.h>
#include "engine.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"adainfilter/model"
	"adainfilter/model/lut"
)

// emulateHalf lets tests run bfloat16 where oneDNN has to emulate it.
var emulateHalf = false

// Engine is model.Engine on the CPU. It has threads of its own; the thread that calls only waits.
type Engine struct {
	weights *model.Weights
	engine  *C.adain_cpu_engine
	threads int

	number    number // of what layers multiply
	precision string // and why, for Describe

	chosenWidth, chosenHeight int // of the frame that methods were chosen for; 0 where the rule of thumb is in force

	// Arguments and error text of the call under way, here so that a frame allocates nothing.
	dst, src    C.adain_cpu_image
	stylization C.adain_cpu_stylization
	text        [C.ADAIN_CPU_ERROR]C.char

	before model.History
	shares []float32 // of the mask of the frame before, at its network size, (2,H/8,W/8): of the first region and of the second
}

var _ model.Engine = (*Engine)(nil)

// Open is the model.Opener of this package. It copies the parameters, folding what can be folded, and starts the threads;
// memory for a frame size is taken when the first frame of it arrives. Half precision is an error where the processor
// does not multiply bfloat16 itself; AutoPrecision takes it where the processor does and the weights are known to lose
// nothing by it (HalfPSNR). Int8 is an error where the weights were not calibrated for it (Weights.Int8).
func Open(w *model.Weights, o model.Options) (model.Engine, error) {
	threads, err := teamSize(o.Threads)
	if err != nil {
		return nil, err
	}
	number, precision, err := chooseNumber(w, o.Precision)
	if err != nil {
		return nil, err
	}
	e := &Engine{weights: w, threads: threads, number: number, precision: precision}
	shapes, parameters, encoder := describeLayers(w.Folded())
	var steps *C.float
	half := number == bfloat16
	if number == integer {
		half = hasBFloat16() // the layers that are not in integers
		steps = floats(calibrated(w, shapes, parameters))
	}
	e.engine = C.adain_cpu_open(&shapes[0], C.int(len(shapes)), C.int(encoder), (*C.float)(&parameters[0]), steps, C.int(threads), flag(half), &e.text[0])
	if e.engine == nil {
		return nil, fmt.Errorf("cpu: open network %q: %s", w.Network, C.GoString(&e.text[0]))
	}
	return e, nil
}

// describeLayers gives shapes and parameters of layers as adain_cpu_open wants them, and how many belong to the encoder.
func describeLayers(layers []model.Conv) (shapes []C.adain_cpu_layer, parameters []float32, encoder int) {
	for _, c := range layers {
		shapes = append(shapes, C.adain_cpu_layer{
			in: C.int32_t(c.In), out: C.int32_t(c.Out), kernel: C.int32_t(c.Kernel), relu: flag(c.ReLU), pool: flag(c.Pool),
			phases: flag(c.Phases), upsample: C.int32_t(slices.Index(upsamplings, c.Upsample)), repeat: flag(c.Repeat),
		})
		parameters = append(append(parameters, c.Weight...), c.Bias...)
		if c.Side == model.Encoder {
			encoder++
		}
	}
	return shapes, parameters, encoder
}

// upsamplings are in the order of enum adain_cpu_upsampling.
var upsamplings = []model.Upsampling{model.NoUpsampling, model.Nearest, model.Bilinear}

func flag(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

// Weights are those the engine was opened with.
func (e *Engine) Weights() *model.Weights { return e.weights }

// Statistics is model.Engine.Statistics.
func (e *Engine) Statistics(picture *model.Image) (model.Stats, error) {
	if err := checkHost(picture); err != nil {
		return model.Stats{}, err
	}
	c := e.weights.Widths[3]
	s := model.Stats{Mean: make([]float32, c), Std: make([]float32, c)}
	if e.chosenWidth != 0 { // those of a style follow the rule, whatever frames do
		if err := e.useMethods(""); err != nil {
			return model.Stats{}, err
		}
		e.chosenWidth = 0
	}
	e.src = describe(picture)
	if C.adain_cpu_statistics(e.engine, &e.src, plane(picture, 0), plane(picture, 1), plane(picture, 2), plane(picture, 3),
		(*C.float)(&s.Mean[0]), (*C.float)(&s.Std[0]), &e.text[0]) != 0 {
		return model.Stats{}, e.fail("statistics", picture)
	}
	return s, nil
}

// Stylize is model.Engine.Stylize: one call into C per frame.
func (e *Engine) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if err := model.CheckStylize(e.weights, dst, src, s); err != nil {
		return err
	}
	for _, m := range [...]*model.Image{dst, src} {
		if err := checkHost(m); err != nil {
			return err
		}
	}
	e.dst, e.src = describe(dst), describe(src)
	w, h := s.Size(src.Width, src.Height)
	if e.number == bfloat16 && (w != e.chosenWidth || h != e.chosenHeight) {
		e.choose(w, h)
	}
	continues, blends, moves := e.before.ContinuesStatistics(src, s), e.before.ContinuesPixels(src, s), e.before.FollowsMotion(src, s)
	shift, weight := 0, model.BlendWeight(s.Smoothing)
	if s.Motion {
		shift, weight = model.MotionShift(src.Width, src.Height, w, h), model.MotionWeight(s.Smoothing)
	}
	e.before.Forget() // unless all goes well
	e.stylization = C.adain_cpu_stylization{
		alpha: C.float(s.Alpha), smoothing: C.float(s.Smoothing), scene_cut: C.double(model.SceneCut(w, h)),
		blend_weight: C.int32_t(weight), discontinuity: flag(!continues), blend: flag(blends),
		motion_shift: C.int32_t(shift), moves: flag(moves), preserve_color: flag(s.PreserveColor), width: C.int32_t(w), height: C.int32_t(h),
		before: table(s.Before), after: table(s.After),
	}
	var other model.Stats
	var shares []float32
	if s.Mask != nil {
		if !continues {
			e.share(s.Mask, w, h)
		}
		other, shares = s.Mask.Second, e.shares
	}
	if C.adain_cpu_stylize(e.engine, &e.dst, plane(dst, 0), plane(dst, 1), plane(dst, 2), plane(dst, 3), &e.src, plane(src, 0), plane(src, 1), plane(src, 2), plane(src, 3),
		floats(s.Style.Mean), floats(s.Style.Std), floats(other.Mean), floats(other.Std), floats(shares), tableValues(s.Before), tableValues(s.After), &e.stylization, &e.text[0]) != 0 {
		return e.fail("frame", src)
	}
	e.before.Remember(src, s)
	return nil
}

// share prepares the shares of a mask in a frame that the network sees as width x height.
func (e *Engine) share(m *model.Mask, width, height int) {
	n := (width + 7) / 8 * ((height + 7) / 8)
	e.shares = slices.Grow(e.shares[:0], 2*n)[:2*n]
	m.Shares(width, height, e.shares)
	for i, v := range e.shares[:n] {
		e.shares[n+i] = 1 - v
	}
}

// table describes a table; its values travel by themselves.
func table(t *lut.Table) (c C.adain_cpu_lut) {
	if t == nil {
		return c
	}
	c.size, c.cube = C.int32_t(t.Size), flag(t.Cube)
	for i, scale := range t.Scale() {
		c.low[i], c.scale[i] = C.float(t.Low[i]), C.float(scale)
	}
	return c
}

func tableValues(t *lut.Table) *C.float {
	if t == nil {
		return nil
	}
	return floats(t.Values)
}

// floats is the address of values, nil where there are none.
func floats(v []float32) *C.float { return (*C.float)(unsafe.SliceData(v)) }

func (e *Engine) fail(what string, m *model.Image) error {
	return fmt.Errorf("cpu: %s of %dx%d with network %q: %s", what, m.Width, m.Height, e.weights.Network, C.GoString(&e.text[0]))
}

// Describe names library, instruction set, precision and threads.
func (e *Engine) Describe() string {
	if e.number == integer {
		return fmt.Sprintf("%s (%s)", describeCPU(e.precision, e.threads), C.GoString(C.adain_cpu_byte_kernels()))
	}
	return describeCPU(e.precision, e.threads)
}

func describeCPU(precision string, threads int) string {
	return fmt.Sprintf("CPU, %s, %s, %s, %d threads", C.GoString(C.adain_cpu_library()), C.GoString(C.adain_cpu_kernels()), precision, threads)
}

// teamSize is the number of threads that an option stands for.
func teamSize(wanted int) (int, error) {
	threads := wanted
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if threads < 1 || threads > model.MaxThreads {
		return 0, fmt.Errorf("cpu: %d threads, wanted 0 (all) to %d", wanted, model.MaxThreads)
	}
	return threads, nil
}

// Close stops the threads and frees all memory.
func (e *Engine) Close() error {
	C.adain_cpu_close(e.engine)
	e.engine = nil
	return nil
}

// implementations lists what computes each convolution of the latest frame size.
func (e *Engine) implementations() []string {
	var text [4096]C.char
	C.adain_cpu_implementations(e.engine, &text[0], C.int(len(text)))
	return strings.Split(C.GoString(&text[0]), ",")
}

// useKernels makes our own kernels those of one instruction set, for tests; false where the processor lacks it.
func useKernels(name string) bool {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return C.adain_cpu_use_kernels(text) != 0
}

// useByteKernels is useKernels for what multiplies bytes.
func useByteKernels(name string) bool {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return C.adain_cpu_use_byte_kernels(text) != 0
}

func checkHost(m *model.Image) error {
	if err := m.Check(); err != nil {
		return err
	}
	if m.Device() {
		return fmt.Errorf("cpu: the image lies in the memory of a GPU, wanted host memory")
	}
	return nil
}

// plane is the address of a plane, nil where the format has none.
func plane(m *model.Image, i int) *C.uint8_t {
	if i >= m.Format.Planes() {
		return nil
	}
	return (*C.uint8_t)(unsafe.SliceData(m.Planes[i].Data))
}

func describe(m *model.Image) C.adain_cpu_image {
	l, c := m.Format.Layout(), m.Colorimetry
	form := C.adain_cpu_image{
		format: C.int32_t(m.Format), width: C.int32_t(m.Width), height: C.int32_t(m.Height), planes: C.int32_t(m.Format.Planes()),
		colour: C.int32_t(l.Colour), depth: C.int32_t(l.Depth), channels: C.int32_t(len(l.Channels)), sub_x: C.int32_t(l.SubX), sub_y: C.int32_t(l.SubY),
		cosited_x: flag(c.CositedX), cosited_y: flag(c.CositedY), interlaced: flag(m.Interlaced),
	}
	for i := range m.Format.Planes() {
		form.stride[i] = C.int32_t(m.Planes[i].Stride)
	}
	for i := range l.Channels {
		form.channel[i] = describeChannel(&l.Channels[i])
	}
	if l.Copied != nil {
		form.channel[3] = describeChannel(l.Copied)
	}
	k := c.Conversion(m.Format)
	form.max = C.float(k.Max)
	for i := range 3 {
		form.luminance[i] = C.float(k.Luminance[i])
		for j := range 4 {
			form.to_rgb[i][j], form.from_rgb[i][j] = C.float(k.ToRGB[i][j]), C.float(k.FromRGB[i][j])
		}
	}
	return form
}

func describeChannel(c *model.Channel) C.adain_cpu_channel {
	out := C.adain_cpu_channel{plane: C.int32_t(c.Plane), step: C.int32_t(c.Step), word: C.int32_t(c.Word), depth: C.int32_t(c.Depth), count: C.int32_t(len(c.At))}
	for i, at := range c.At {
		out.offset[i], out.shift[i] = C.int32_t(at.Offset), C.int32_t(at.Shift)
	}
	return out
}
