package harness

/*
#include "harness.h"
*/
import "C"

import "unsafe"

// Plenty is more than a test uses.
const Plenty = 1 << 20

// Scarce is memory for buffers, of which there is as much as a test says. It begins with none.
type Scarce struct{ allocator *C.GstAllocator }

// NewScarce makes one; Close frees it.
func NewScarce() Scarce { return Scarce{C.hn_scarce()} }

// Close lets go of the memory; buffers that are still there keep theirs.
func (s Scarce) Close() { C.gst_object_unref(C.gpointer(unsafe.Pointer(s.allocator))) }

// Set says how many buffers can be allocated from now on, and how often buffers can be mapped.
func (s Scarce) Set(allocations, maps int) {
	C.hn_scarce_set(s.allocator, C.int(allocations), C.int(maps))
}

// ScarceOutput makes the sink pad offer a pool of such memory that allocates some buffers at once. It holds from the next caps on.
func (h *Harness) ScarceOutput(s Scarce, buffers int) {
	C.hn_scarce_output(h.h, s.allocator, C.guint(buffers))
}

// PushScarce sends a frame of zeros that lies in such memory.
func (h *Harness) PushScarce(f Frame, s Scarce) error {
	return f.given(func(c *C.HnFrame) C.int {
		c.allocator = s.allocator
		return C.hn_push(h.h, c)
	})
}
