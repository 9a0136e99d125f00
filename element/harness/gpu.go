package harness

/*
#include "harness.h"
*/
import "C"

import "unsafe"

// GPU is a CUDA context of the test's own, as another element or the application has one.
type GPU struct{ context *C.GstCudaContext }

// NewGPU makes a context on a GPU; nil where that fails.
func NewGPU(id int) *GPU {
	c := C.hn_gpu_new(C.guint(id))
	if c == nil {
		return nil
	}
	return &GPU{c}
}

// Handle is the CUcontext.
func (g *GPU) Handle() uintptr { return uintptr(C.hn_gpu_handle(g.context)) }

// Close lets go of the context.
func (g *GPU) Close() { C.gst_object_unref(C.gpointer(unsafe.Pointer(g.context))) }

// Offer gives the element the context, unasked.
func (h *Harness) Offer(g *GPU) { C.hn_gpu_offer(h.element, g.context) }

// Answer gives the element the context when it asks the application for one.
func (h *Harness) Answer(g *GPU) { C.hn_gpu_answer(h.element, g.context) }

// Context asks the element for its CUcontext as a neighbour does; 0 where it has none.
func (h *Harness) Context() uintptr { return uintptr(C.hn_gpu_query(h.h)) }

// Pool makes downstream offer a pool in the context.
func (h *Harness) Pool(g *GPU) { C.hn_gpu_pool(h.h, g.context) }

// PushGPU sends a frame from GPU memory, where it lies pad pixels (even) inside of a larger frame; below 0 the memory is too small for
// it. The error is the name of the flow return, "custom-error" where the GPU did not take the frame.
func (h *Harness) PushGPU(f Frame, g *GPU, pad int) error {
	return f.given(func(c *C.HnFrame) C.int { return C.hn_gpu_push(h.h, c, g.context, C.int(pad)) })
}
