package element

/*
#include <stdlib.h>
#include "adain.h"
*/
import "C"

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"adainfilter/model"
)

// state is what an element has between start and stop.
type state struct {
	weights *model.Weights
	engine  model.Engine // streaming thread only
	style   atomic.Pointer[model.Style]
	worker  *worker

	content, result model.Image // as negotiated; the planes are those of the frame under way
	look            model.Look  // of the frame under way
}

// start loads the weights, opens the engine and loads the first style, so that the first frame already has it.
func start(f *filter, engines model.Engines) (*state, error) {
	s := copySettings(f.element)
	weights, err := loadWeights(s.weights)
	if err != nil {
		return nil, fileFailure(err)
	}
	engine, err := engines.Open(weights, s.options)
	if err != nil {
		return nil, failure{initKind, err}
	}
	started := false
	defer func() { // also where an engine panics
		if !started {
			engine.Close()
		}
	}()
	st := &state{weights: weights, engine: engine}
	loader := &loader{engines: engines, weights: weights}
	style, err := loader.load(s, s.options.Threads)
	if err != nil {
		return nil, err
	}
	st.style.Store(style)
	logInfo(f.element, fmt.Sprintf("engine: %s; wanted device %s, precision %s, threads %d (0: all)", engine.Describe(),
		s.options.Device, s.options.Precision, s.options.Threads))
	postStyle(f.element, s.name(), nil)
	st.worker = startWorker(f.element, st, loader, s.styleSerial)
	started = true
	return st, nil
}

// stop waits for the worker, then frees the engine.
func (st *state) stop() error {
	st.worker.stop()
	return st.engine.Close()
}

func loadWeights(path string) (*model.Weights, error) {
	if path == "" {
		return model.BuiltinWeights()
	}
	return model.LoadWeights(path)
}

// negotiate takes over the frames' format and size. matrix is a value of model.Matrix.
func (st *state) negotiate(format string, width, height, matrix int, fullRange bool) error {
	f, err := model.ParseFormat(format)
	if err != nil {
		return err
	}
	if width < model.MinSize || height < model.MinSize {
		return fmt.Errorf("frames of %dx%d pixels are too small for style transfer, wanted at least %dx%d", width, height,
			model.MinSize, model.MinSize)
	}
	m := model.Image{Format: f, Width: width, Height: height}
	if f.YUV() {
		m.Colorimetry = model.Colorimetry{Matrix: model.Matrix(matrix), FullRange: fullRange}
	}
	st.content, st.result = m, m
	return nil
}

// frame stylises one frame with the style in force.
func (st *state) frame(f *C.AdaInFrame) error {
	setPlanes(&st.content, &f.src)
	setPlanes(&st.result, &f.dst)
	st.look = model.Look{Style: st.style.Load().Stats, Alpha: float32(f.alpha)}
	if err := model.CheckStylize(st.weights, &st.result, &st.content, &st.look); err != nil {
		return failure{streamKind, err}
	}
	if st.look.Alpha == 0 {
		copySamples(&st.result, &st.content)
		return nil
	}
	if err := st.engine.Stylize(&st.result, &st.content, &st.look); err != nil {
		return failure{failedKind, err}
	}
	return nil
}

// setPlanes lets m see the memory of a mapped frame.
func setPlanes(m *model.Image, planes *[C.ADAIN_PLANES]C.AdaInPlane) {
	for i := range m.Format.Planes() {
		p := &planes[i]
		m.Planes[i].Data = unsafe.Slice((*byte)(p.data), int(p.size))
		m.Planes[i].Stride = int(p.stride)
	}
}

// copySamples is for the rare frame that cannot be handed on as it is at alpha 0, because downstream would not find its rows.
func copySamples(dst, src *model.Image) {
	for i := range src.Format.Planes() {
		d, s := dst.Planes[i], src.Planes[i]
		row, rows := src.Format.Plane(i, src.Width, src.Height)
		for y := range rows {
			copy(d.Data[y*d.Stride:y*d.Stride+row], s.Data[y*s.Stride:])
		}
	}
}
