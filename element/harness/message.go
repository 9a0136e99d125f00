package harness

/*
#include "harness.h"
*/
import "C"

import "time"

// Message is what tests look at in a message of the bus.
type Message struct {
	Type      string // "error", "eos", "element", "qos", ...
	Domain    string // of an error or warning: "gst-resource-error-quark", ...
	Code      int
	Text      string
	Debug     string
	Structure string // name of the message's structure
	Style     string // of adain-style: name, ok, error
	OK        bool
	Error     string
	Processed uint64 // of a QoS message
	Dropped   uint64
}

func nextMessage(bus *C.GstBus, wait time.Duration) (Message, bool) {
	var c C.HnMessage
	if C.hn_next_message(bus, &c, C.guint64(wait)) == 0 {
		return Message{}, false
	}
	defer C.hn_message_clear(&c)
	return Message{
		Type: C.GoString(c._type), Domain: C.GoString(c.domain), Code: int(c.code), Text: C.GoString(c.text), Debug: C.GoString(c.debug),
		Structure: C.GoString(c.structure), Style: C.GoString(c.style), OK: c.style_ok != 0, Error: C.GoString(c.style_error),
		Processed: uint64(c.processed), Dropped: uint64(c.dropped),
	}, true
}
