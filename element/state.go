package element

/*
#include <stdlib.h>
#include "adain.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"adainfilter/model"
	"adainfilter/picture/style"
)

// autoSize is the value of processing-size that leaves the size to the element.
const autoSize = -1

// state is what an element has between start and stop.
type state struct {
	element    *C.GstAdaInFilter
	weights    *model.Weights
	engines    model.Engines
	processing int                   // pixels, as in settings; that of the start; autoSize: what keeps up
	options    model.Options         // of the engine, with the device that auto has found
	engine     model.Engine          // streaming thread only
	scene      atomic.Pointer[scene] // the newest; the worker's to change
	fade       atomic.Pointer[fade]  // what the newest frame has; streaming thread's to change
	worker     *worker
	tables     tables
	tempo      tempo

	content, result model.Image       // as negotiated; the planes are those of the frame under way
	stylization     model.Stylization // of the frame under way
}

// start loads the weights, opens the engine and loads the first style, so that the first frame already has it.
func start(f *filter, engines model.Engines) (*state, error) {
	s := copySettings(f.element)
	if p := s.processing; p != 0 && p != autoSize && p < model.MinSize {
		return nil, failure{settingsKind, fmt.Errorf("processing-size is %d pixels, wanted -1, which is what keeps up with the frames, "+
			"0, which is the frame's size, or at least %d", p, model.MinSize)}
	}
	weights, err := style.LoadNetwork(s.weights)
	if err != nil {
		return nil, fileFailure(err)
	}
	st := &state{element: f.element, weights: weights, engines: inContext(f.element, engines, true), options: s.options, processing: s.processing}
	started := false
	defer func() { // also where an engine panics
		if !started && st.engine != nil {
			st.engine.Close()
		}
	}()
	if err := st.open(); err != nil {
		return nil, err
	}
	if err := st.tables.load(s); err != nil {
		return nil, err
	}
	if f.element.tables = 0; st.tables.ofFiles {
		f.element.tables = 1
	}
	loader := &loader{engines: inContext(f.element, engines, false), weights: weights, device: st.options.Device}
	first, err := loader.load(s, s.options.Threads)
	if err != nil {
		return nil, err
	}
	st.tempo.pace.Forget()
	st.scene.Store(first)
	st.fade.Store(arrived(first))
	logInfo(f.element, fmt.Sprintf("engine: %s; wanted device %s, precision %s, threads %d (0: all)", st.engine.Describe(),
		s.options.Device, s.options.Precision, s.options.Threads))
	postStyle(f.element, s.name(), nil)
	st.worker = startWorker(f.element, st, loader, s.styleSerial)
	started = true
	return st, nil
}

// open opens the engine. On a GPU it works in the CUDA context of the elements around.
func (st *state) open() error {
	if st.options.Device != model.CPU && st.engines[model.CUDA] != nil {
		C.adain_context_ensure(st.element) // where there is none the engine says why there is no GPU, or takes frames of the host
	}
	engine, err := st.engines.Open(st.weights, st.options)
	if err != nil {
		return failure{initKind, err}
	}
	st.engine = engine
	if text := model.Warning(engine); text != "" {
		logWarning(st.element, text)
	}
	if _, ok := engine.(*gpuEngine); ok {
		st.options.Device, st.element.gpu_engine = model.CUDA, 1
		return nil
	}
	st.options.Device, st.element.gpu_engine = model.CPU, 0
	C.adain_context_release(st.element)
	return nil
}

// stop waits for the worker, then frees the engine.
func (st *state) stop() error {
	st.worker.stop()
	return st.engine.Close()
}

// negotiate takes over the frames' format, size and colorimetry, of which that counts which the format has.
func (st *state) negotiate(format string, width, height int, colorimetry model.Colorimetry) error {
	f, err := model.ParseFormat(format)
	if err != nil {
		return err
	}
	if width < model.MinSize || height < model.MinSize {
		return fmt.Errorf("frames of %dx%d pixels are too small for style transfer, wanted at least %dx%d", width, height,
			model.MinSize, model.MinSize)
	}
	switch l := f.Layout(); {
	case l.Colour == model.ColourRGB:
		colorimetry = model.Colorimetry{}
	case l.SubX+l.SubY == 0:
		colorimetry.CositedX, colorimetry.CositedY = false, false
	}
	m := model.Image{Format: f, Width: width, Height: height, Colorimetry: colorimetry}
	st.content, st.result = m, m
	return nil
}

// statistics are those in force. Without a transition those of a new style are so before the first frame that has them. Any thread.
func (st *state) statistics() *model.Style {
	scene, fade := st.scene.Load(), st.fade.Load()
	if fade.to != scene && scene.transition == 0 {
		return scene.style
	}
	in := *fade.to.style
	in.Stats = fade.statistics()
	return &in
}

// frame stylises one frame with the style in force.
func (st *state) frame(f *C.AdaInFrame) error {
	if err := setPlanes(&st.content, &f.src); err != nil {
		return failure{streamKind, err}
	}
	if err := setPlanes(&st.result, &f.dst); err != nil {
		return failure{streamKind, err}
	}
	st.content.Interlaced = f.interlaced != 0
	st.result.Interlaced = st.content.Interlaced
	running, fade := uint64(f.time), st.fade.Load()
	if scene := st.scene.Load(); scene != fade.to {
		fade = fade.towards(scene, running)
		st.fade.Store(fade)
	}
	st.stylization = model.Stylization{
		Alpha: float32(f.alpha), PreserveColor: f.preserve_color != 0, Smoothing: min(float32(f.smoothing), model.MaxSmoothing),
		Motion: f.motion != 0, Discontinuity: f.discontinuity != 0, Before: st.tables.before, After: st.tables.after,
	}
	fade.at(running, &st.stylization)
	var err error
	if st.stylization.Alpha == 0 && !st.tables.ofFiles {
		err = st.copy(&st.result, &st.content, &st.stylization)
	} else {
		err = st.compute(f)
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(model.ArgumentError)):
		return failure{streamKind, err}
	}
	return failure{failedKind, err}
}

// compute makes the frame of the stylization at the size that is its turn, and counts it.
func (st *state) compute(f *C.AdaInFrame) error {
	st.tempo.arrive(f)
	if st.unfit() {
		if err := st.fit(f); err != nil {
			return err
		}
	}
	took, err := st.stylize(f, st.size())
	if err == nil {
		st.done(f, took)
	}
	return err
}

// stylize computes the frame under way at a size and says what that took.
func (st *state) stylize(f *C.AdaInFrame, size int) (time.Duration, error) {
	began := clock()
	st.stylization.ProcessingSize = size
	if f.src_stream != 0 {
		err := st.ahead(f)
		return clock() - began, err
	}
	err := st.engine.Stylize(&st.result, &st.content, &st.stylization) // checks the frame
	return clock() - began, err
}

// setPlanes lets m see the memory of a mapped frame.
func setPlanes(m *model.Image, planes *[C.ADAIN_PLANES]C.AdaInPlane) error {
	for i := range m.Format.Planes() {
		p := &planes[i]
		if p.device != 0 {
			if err := setDevicePlane(m, i, p); err != nil {
				return err
			}
			continue
		}
		m.Planes[i] = model.Plane{Data: unsafe.Slice((*byte)(p.data), int(p.size)), Stride: int(p.stride)}
	}
	return nil
}

// copy stands in for the engine at alpha 0. It is for the rare frame that cannot be handed on as it is, because downstream would not find
// its rows. Frames in GPU memory always can.
func (st *state) copy(dst, src *model.Image, s *model.Stylization) error {
	if err := model.CheckStylize(st.weights, dst, src, s); err != nil {
		return err
	}
	for i := range src.Format.Planes() {
		d, s := dst.Planes[i], src.Planes[i]
		if d.Device != 0 || s.Device != 0 {
			return fmt.Errorf("plane %d lies in the memory of a GPU, and at alpha 0 nothing copies it", i)
		}
		row, rows := src.Format.Plane(i, src.Width, src.Height)
		for y := range rows {
			copy(d.Data[y*d.Stride:y*d.Stride+row], s.Data[y*s.Stride:])
		}
	}
	return nil
}
