package element

/*
#include "adain.h"
*/
import "C"

import (
	"fmt"
	"maps"
	"unsafe"

	"adainfilter/model"
)

// gpuEngine is an engine on a GPU. It holds a reference to the context it works in.
type gpuEngine struct {
	model.Engine
	context *C.GstCudaContext // nil is the GPU's primary context, which GStreamer does not share
	stream  C.gpointer        // a GstCudaStream; nil is one of the engine's own
}

// Close frees the engine, then lets go of its stream and its context.
func (e *gpuEngine) Close() error {
	defer C.adain_context_unref(e.context)
	defer C.adain_stream_unref(e.stream)
	return e.Engine.Close()
}

// Warning is the engine's.
func (e *gpuEngine) Warning() string { return model.Warning(e.Engine) }

// inContext are engines of which that for CUDA works in the context that the element has when it opens, one for frames on the element's
// stream.
func inContext(element *C.GstAdaInFilter, engines model.Engines, frames bool) model.Engines {
	open := engines[model.CUDA]
	if open == nil {
		return engines
	}
	own := maps.Clone(engines)
	own[model.CUDA] = func(w *model.Weights, o model.Options) (model.Engine, error) {
		context := C.adain_context_ref(element)
		var stream C.gpointer
		if frames {
			stream = C.adain_stream_ref(element, context)
		}
		opened := false
		defer func() {
			if !opened {
				C.adain_stream_unref(stream)
				C.adain_context_unref(context)
			}
		}()
		o.Context, o.Stream = uintptr(C.adain_context_handle(context)), uintptr(C.adain_stream_handle(stream))
		engine, err := open(w, o)
		if err != nil {
			return nil, err
		}
		opened = true
		return &gpuEngine{engine, context, stream}, nil
	}
	return own
}

// goesAhead says that a frame in GPU memory need not be done when it is handed on: where nothing depends on how long it took. In a live
// pipeline latency and drops do, and with a size that is the element's to choose, that.
func (st *state) goesAhead() bool {
	e, ok := st.engine.(*gpuEngine)
	if !ok || st.tempo.pace.Live() || st.processing == autoSize {
		return false
	}
	_, ok = e.Engine.(model.AheadEngine)
	return ok
}

// ahead orders the frame under way.
func (st *state) ahead(f *C.AdaInFrame) error {
	streams := model.Streams{Content: uintptr(f.src_stream), Result: uintptr(f.dst_stream)}
	return st.engine.(*gpuEngine).Engine.(model.AheadEngine).StylizeAhead(&st.result, &st.content, &st.stylization, streams)
}

// follow opens the engine anew if it works in another context than the element's, which holds the frames from now on. Where
// that fails the old one stays. It is called by the streaming thread, between frames.
func (st *state) follow() error {
	old, ok := st.engine.(*gpuEngine)
	if !ok {
		return nil
	}
	context := C.adain_context_ref(st.element)
	defer C.adain_context_unref(context)
	if context == old.context {
		return nil
	}
	engine, err := st.engines.Open(st.weights, st.options)
	if err != nil {
		return failure{initKind, fmt.Errorf("the frames lie in another CUDA context, in which the engine cannot work: %w", err)}
	}
	st.engine = engine
	if err := old.Close(); err != nil {
		logWarning(st.element, fmt.Sprintf("closing the engine in the old CUDA context: %v", err))
	}
	return nil
}

// setDevicePlane lets plane i of m see the GPU memory of a mapped frame.
func setDevicePlane(m *model.Image, i int, p *C.AdaInPlane) error {
	row, rows := m.Format.Plane(i, m.Width, m.Height)
	m.Planes[i] = model.Plane{Device: uintptr(unsafe.Pointer(p.data)), Stride: int(p.stride)}
	if need := int(p.stride)*(rows-1) + row; need > int(p.size) {
		return fmt.Errorf("plane %d of %v %dx%d has %d bytes of GPU memory, wanted at least %d", i, m.Format, m.Width, m.Height, p.size, need)
	}
	return nil
}
