package harness

/*
#include <stdlib.h>
#include "harness.h"
*/
import "C"

import (
	"errors"
	"time"
	"unsafe"
)

// Pipeline is what a gst-launch line describes.
type Pipeline struct{ element *C.GstElement }

// NewPipeline parses a line.
func NewPipeline(launch string) (*Pipeline, error) {
	text := C.CString(launch)
	defer C.free(unsafe.Pointer(text))
	var e *C.char
	p := C.hn_pipeline(text, &e)
	if p == nil {
		return nil, errors.New(take(e))
	}
	return &Pipeline{p}, nil
}

// Play goes to PLAYING, waits and says whether that was reached.
func (p *Pipeline) Play() bool { return C.hn_state(p.element, C.GST_STATE_PLAYING) > 0 }

// Pause is Play for PAUSED.
func (p *Pipeline) Pause() bool { return C.hn_state(p.element, C.GST_STATE_PAUSED) > 0 }

// Null is Play for NULL.
func (p *Pipeline) Null() bool { return C.hn_state(p.element, C.GST_STATE_NULL) > 0 }

// Seek flushes and goes to a position.
func (p *Pipeline) Seek(to time.Duration) bool { return C.hn_seek(p.element, C.guint64(to)) != 0 }

// Set sets a property of the element with a name.
func (p *Pipeline) Set(name, property, value string) {
	n, pr, v := C.CString(name), C.CString(property), C.CString(value)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(pr))
	defer C.free(unsafe.Pointer(v))
	C.hn_set_in(p.element, n, pr, v)
}

// Get is a property of the element with a name, as gst-launch writes values.
func (p *Pipeline) Get(name, property string) string {
	n, pr := C.CString(name), C.CString(property)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(pr))
	return take(C.hn_get_in(p.element, n, pr))
}

// Wait returns the next message of one of the types, or ok false where none came in time. Latencies are asked for anew when an element
// wishes it, as gst-launch does.
func (p *Pipeline) Wait(wait time.Duration, types ...string) (m Message, ok bool) {
	for end := time.Now().Add(wait); ; {
		m, ok := nextMessage(p.element.bus, max(time.Until(end), 0))
		if !ok {
			return Message{}, false
		}
		if m.Type == "latency" {
			C.hn_latency_anew(p.element)
		}
		for _, t := range types {
			if m.Type == t {
				return m, true
			}
		}
	}
}

// Close stops and frees the pipeline.
func (p *Pipeline) Close() { C.hn_stop(p.element) }
