package harness

/*
#include <stdlib.h>
#include "harness.h"
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Guard fills the memory of buffers that GuardOutput makes.
const Guard = 0xA5

// Flags of a buffer that tests use.
const (
	Discont = C.GST_BUFFER_FLAG_DISCONT
	Marker  = C.GST_BUFFER_FLAG_MARKER
)

// None is an unknown time.
const None = ^uint64(0)

// Frame is a video buffer in one piece of memory.
type Frame struct {
	Format         string
	Width, Height  int
	Memory         []byte
	Offset, Stride []int // per plane, bytes
	Meta           bool  // described by a GstVideoMeta, otherwise by the caps alone
	ROI            int   // x of its region of interest, -1 for none
	PTS, DTS       uint64
	Duration       uint64
	Number         uint64 // the buffer's offset field
	Flags          uint
	Context        uintptr // CUcontext of the memory of a frame that came out, 0 for system memory
	Offered        bool    // came out in memory of the pool that Pool lets downstream offer
}

// Push sends a frame; the error is the name of the flow return.
func (h *Harness) Push(f Frame) error {
	return f.given(func(c *C.HnFrame) C.int { return C.hn_push(h.h, c) })
}

// given calls push with the frame as C sees it.
func (f Frame) given(push func(*C.HnFrame) C.int) error {
	c := C.HnFrame{
		format: C.CString(f.Format), width: C.int(f.Width), height: C.int(f.Height), planes: C.int(len(f.Offset)),
		data: (*C.guint8)(C.CBytes(f.Memory)), size: C.gsize(len(f.Memory)), roi_x: C.int(f.ROI),
		pts: C.guint64(f.PTS), dts: C.guint64(f.DTS), duration: C.guint64(f.Duration), number: C.guint64(f.Number), flags: C.guint(f.Flags),
	}
	defer C.free(unsafe.Pointer(c.format))
	defer C.free(unsafe.Pointer(c.data))
	if f.Meta {
		c.meta = 1
	}
	for i := range f.Offset {
		c.offset[i], c.stride[i] = C.gsize(f.Offset[i]), C.int(f.Stride[i])
	}
	return flow(push(&c))
}

// PushMany sends n black frames and drops what comes out, all in C.
func (h *Harness) PushMany(caps string, n int) error {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	return flow(C.hn_push_many(h.h, text, C.int(n)))
}

// Pull takes a frame that came out; ok is false where there is none.
func (h *Harness) Pull() (f Frame, ok bool) {
	var c C.HnFrame
	if C.hn_pull(h.h, &c) == 0 {
		return Frame{}, false
	}
	defer C.g_free(C.gpointer(c.data))
	f = Frame{
		Format: C.GoString(c.format), Width: int(c.width), Height: int(c.height),
		Memory: C.GoBytes(unsafe.Pointer(c.data), C.int(c.size)), Meta: c.meta != 0, ROI: int(c.roi_x),
		PTS: uint64(c.pts), DTS: uint64(c.dts), Duration: uint64(c.duration), Number: uint64(c.number), Flags: uint(c.flags),
		Context: uintptr(c.context), Offered: c.offered != 0,
	}
	for i := range c.planes {
		f.Offset = append(f.Offset, int(c.offset[i]))
		f.Stride = append(f.Stride, int(c.stride[i]))
	}
	return f, true
}

// GuardOutput makes the sink pad ask for output buffers with padding in pixels around the picture, their memory full of
// Guard. It holds from the next caps on.
func (h *Harness) GuardOutput(left, right, top, bottom int) {
	C.hn_guard_output(h.h, C.guint(left), C.guint(right), C.guint(top), C.guint(bottom))
}

func flow(r C.int) error {
	if r == C.GST_FLOW_OK {
		return nil
	}
	return errors.New(C.GoString(C.gst_flow_get_name(C.GstFlowReturn(r))))
}
