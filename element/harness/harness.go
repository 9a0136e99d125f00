// Package harness drives the element in tests: GstHarness, pipelines and the bus, without a plugin file. It exists because
// _test.go files cannot hold C. Failures of the harness itself end the test program, as GstHarness does.
package harness

/*
// Under its full name: the short one is a link that only the development package has.
#cgo LDFLAGS: -l:libgstcuda-1.0.so.0
#cgo pkg-config: gstreamer-1.0 gstreamer-base-1.0 gstreamer-check-1.0 gstreamer-video-1.0 gstreamer-controller-1.0
#include <malloc.h>
#include <stdlib.h>
#include "harness.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Init starts GStreamer.
func Init() { C.gst_init(nil, nil) }

// Deinit ends GStreamer in this process; tracers report then.
func Deinit() { C.gst_deinit() }

// Trim gives free memory of C back, so that what is left can be measured.
func Trim() { C.malloc_trim(0) }

// Harness is one adainfilter, alone or in a line of elements, between a source pad and a sink pad of the test.
type Harness struct {
	element *C.GstElement // the whole line
	filter  *C.GstElement // the adainfilter
	h       *C.GstHarness
}

// New starts an element with properties given as name, value, name, value, as gst-launch understands the values. The
// element must start; use a Pipeline where it does not.
func New(caps string, properties ...string) *Harness {
	h := Prepare("adainfilter", properties...)
	h.Start(caps)
	return h
}

// Prepare makes a line of elements, of which the adainfilter is called f if it is not alone, and sets its properties. A line that
// is wrong gives nil.
func Prepare(line string, properties ...string) *Harness {
	text := C.CString(line)
	defer C.free(unsafe.Pointer(text))
	element := C.hn_element(text)
	if element == nil {
		return nil
	}
	h := &Harness{element: element, filter: C.hn_filter(element)}
	for i := 0; i+1 < len(properties); i += 2 {
		h.Set(properties[i], properties[i+1])
	}
	return h
}

// Start starts what Prepare made.
func (h *Harness) Start(caps string) {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	h.h = C.hn_harness(h.element, text)
}

// Close stops and frees the elements.
func (h *Harness) Close() {
	C.gst_object_unref(C.gpointer(unsafe.Pointer(h.filter)))
	C.hn_free(h.h, h.element)
}

// Null, Ready and Play change the state of the element.
func (h *Harness) Null() { C.gst_element_set_state(h.element, C.GST_STATE_NULL) }

// Ready takes the element back to READY.
func (h *Harness) Ready() { C.gst_element_set_state(h.element, C.GST_STATE_READY) }

// Play takes the element to PLAYING.
func (h *Harness) Play() { C.gst_harness_play(h.h) }

// Set sets a property from text.
func (h *Harness) Set(property, value string) {
	p, v := C.CString(property), C.CString(value)
	defer C.free(unsafe.Pointer(p))
	defer C.free(unsafe.Pointer(v))
	C.hn_set(h.filter, p, v)
}

// SetStyleAndWeights sets style and two style-weights so that they become known together.
func (h *Harness) SetStyleAndWeights(style string, first, second float64) {
	s := C.CString(style)
	defer C.free(unsafe.Pointer(s))
	C.hn_set_style_and_weights(h.filter, s, C.double(first), C.double(second))
}

// SetTogether sets two properties from text so that they become known together.
func (h *Harness) SetTogether(property, value, other, otherValue string) {
	p, v, o, w := C.CString(property), C.CString(value), C.CString(other), C.CString(otherValue)
	defer C.free(unsafe.Pointer(p))
	defer C.free(unsafe.Pointer(v))
	defer C.free(unsafe.Pointer(o))
	defer C.free(unsafe.Pointer(w))
	C.hn_set_together(h.filter, p, v, o, w)
}

// SetInMiddle sets two properties so that they become known together, the first in the middle of a notification of a third one, which is
// set to value, and the second some time later.
func (h *Harness) SetInMiddle(third, value string, first, second [2]string) {
	t, p, v := C.CString(third), C.CString(first[0]), C.CString(first[1])
	defer C.free(unsafe.Pointer(t))
	defer C.free(unsafe.Pointer(p))
	defer C.free(unsafe.Pointer(v))
	C.hn_set_half(h.filter, t, p, v)
	h.Set(third, value)
	time.Sleep(5 * time.Millisecond)
	h.Set(second[0], second[1])
	C.g_object_thaw_notify((*C.GObject)(unsafe.Pointer(h.filter)))
}

// Get is a property as text.
func (h *Harness) Get(property string) string {
	p := C.CString(property)
	defer C.free(unsafe.Pointer(p))
	return take(C.hn_get(h.filter, p))
}

// Save keeps the properties as a preset of GStreamer's.
func (h *Harness) Save(preset string) bool { return h.preset(preset, 1) }

// Load sets the properties from a preset.
func (h *Harness) Load(preset string) bool { return h.preset(preset, 0) }

func (h *Harness) preset(name string, save C.gboolean) bool {
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	return C.hn_preset(h.filter, n, save) != 0
}

// Ramp binds property to a line from 0 at time 0 to 1 at d.
func (h *Harness) Ramp(property string, d time.Duration) bool {
	p := C.CString(property)
	defer C.free(unsafe.Pointer(p))
	return C.hn_ramp(h.filter, p, C.guint64(d)) != 0
}

// Passthrough says whether the element hands buffers on untouched.
func (h *Harness) Passthrough() bool { return C.hn_is_passthrough(h.filter) != 0 }

// Caps sends a caps event and says whether the element has taken it.
func (h *Harness) Caps(caps string) bool {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	return C.hn_caps(h.h, text) != 0
}

// Drain waits until all frames have come out.
func (h *Harness) Drain() { C.hn_drain(h.h) }

// Received is how many frames have come out.
func (h *Harness) Received() int { return int(C.gst_harness_buffers_received(h.h)) }

// Flush sends flush-start, flush-stop and a new segment.
func (h *Harness) Flush() { C.hn_flush(h.h) }

// Segment sends a new segment.
func (h *Harness) Segment() { C.hn_segment(h.h) }

// Key sends upstream that a key of a window went down and up, and says whether that came out.
func (h *Harness) Key(name string) bool {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return C.hn_key(h.h, text) != 0
}

// Notified gives the number of times that a property has been notified since, as long as the element is not closed.
func (h *Harness) Notified(property string) func() int {
	text := C.CString(property)
	defer C.free(unsafe.Pointer(text))
	n := C.hn_notified(h.filter, text)
	return func() int { return int(*n) }
}

// EOS sends the end of the stream and says whether it came out.
func (h *Harness) EOS() bool { return C.gst_harness_push_event(h.h, C.gst_event_new_eos()) != 0 }

// Report sends upstream, as a sink does, by how much the frame of a running time came too late.
func (h *Harness) Report(running, late time.Duration) {
	C.hn_report(h.h, C.gint64(late), C.guint64(running), 0)
}

// Throttle sends upstream, as a sink does, that for some time behind the frame of a running time no other is wanted.
func (h *Harness) Throttle(running, wait time.Duration) {
	C.hn_report(h.h, C.gint64(wait), C.guint64(running), 1)
}

// Told is the lateness that those upstream have heard of last.
func (h *Harness) Told() time.Duration { return time.Duration(C.hn_told(h.h)) }

// Clock gives the element a clock that stands still until it is advanced.
func (h *Harness) Clock() { C.hn_clock(h.h) }

// Advance moves the clock on.
func (h *Harness) Advance(by time.Duration) { C.hn_advance(h.h, C.guint64(by)) }

// Now is the time of the clock.
func (h *Harness) Now() time.Duration { return time.Duration(C.hn_time(h.h)) }

// Latency is that up to the end of the line, behind a live source of some.
func (h *Harness) Latency(upstream time.Duration) time.Duration {
	return time.Duration(C.hn_latency(h.h, C.guint64(upstream)))
}

// Proposal is what the element answers to an allocation query.
type Proposal struct{ Pool, VideoMeta, CropMeta, GPU bool }

// Proposes asks the element for an allocation.
func (h *Harness) Proposes(caps string) Proposal {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	found := C.hn_proposes(h.h, text)
	return Proposal{found&1 != 0, found&2 != 0, found&4 != 0, found&8 != 0}
}

// Takes are the caps that the element takes while downstream takes the caps given.
func (h *Harness) Takes(downstream string) string {
	text := C.CString(downstream)
	defer C.free(unsafe.Pointer(text))
	return take(C.hn_takes(h.h, text))
}

// Out are the caps of the frames that have come out.
func (h *Harness) Out() string { return take(C.hn_out(h.h)) }

// Accepts asks the element whether it would accept caps.
func (h *Harness) Accepts(caps string) bool {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	return C.hn_accepts(h.h, text) != 0
}

// Message waits for the next message of the bus; ok is false where none came in time.
func (h *Harness) Message(wait time.Duration) (m Message, ok bool) {
	return nextMessage(h.element.bus, wait)
}

// take is C's string as Go's, and frees it.
func take(c *C.char) string {
	defer C.g_free(C.gpointer(c))
	return C.GoString(c)
}
