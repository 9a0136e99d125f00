// Package element is adainfilter as a GStreamer element: a GstBaseTransform with one frame in and one frame out.
//
//	gst-launch-1.0 videotestsrc ! adainfilter alpha=0.8 ! videoconvert ! autovideosink
//
// C owns what GObject sees (class.c), the properties (specs.c, properties.c), negotiation (caps.c) and mapped frames (frame.c); Go
// owns what happens with them. Every function that C calls is in exports.go, and no panic leaves it.
package element

/*
#cgo pkg-config: gstreamer-1.0 gstreamer-base-1.0 gstreamer-video-1.0
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "adain.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/go-gst/go-glib/glib"
	"github.com/go-gst/go-gst/gst/base"

	"adainfilter/model"
)

// DefaultSmoothing is the value of the property smoothing that nobody has set.
const DefaultSmoothing = C.DEFAULT_SMOOTHING

// available are the engines that elements of this process open.
var available model.Engines

// Register makes the element adainfilter known to GStreamer, which must be initialised: as a feature of plugin (a
// *GstPlugin), or of the program itself where plugin is nil. Elements open their engines with engines. Where another
// library of the process has registered the type already, that one stays in force. False means GStreamer refused.
func Register(plugin unsafe.Pointer, engines model.Engines) bool {
	available = engines
	t := C.adain_lookup_type()
	if t == 0 {
		t = C.GType(glib.RegisterGoType(C.ADAIN_TYPE_NAME, &carrier{}, extends{base.ExtendsBaseTransform}))
		C.adain_add_interfaces(t)
	}
	return C.adain_register(plugin, t) != 0
}

// carrier is the Go type that go-glib wants for a GType. It has no data: go-gst's own virtual methods are not used.
type carrier struct{}

func (*carrier) New() glib.GoObjectSubclass { return &carrier{} }

func (*carrier) ClassInit(class *glib.ObjectClass) {
	c := C.AdaInClass{
		default_style: C.CString(model.DefaultStyle), style_blurb: C.CString(styleBlurb()), smoothing_blurb: C.CString(smoothingBlurb()),
		formats: C.CString(names(model.Formats())), gpu_formats: C.CString(names(model.CUDAFormats())), max_threads: model.MaxThreads,
	}
	for _, text := range []*C.char{c.default_style, c.style_blurb, c.smoothing_blurb, c.formats, c.gpu_formats} {
		defer C.free(unsafe.Pointer(text))
	}
	C.adain_class_init(class.Unsafe(), &c)
}

func names(formats []model.Format) string {
	text := make([]string, len(formats))
	for i, f := range formats {
		text[i] = f.String()
	}
	return strings.Join(text, ",")
}

// extends is go-gst's GstBaseTransform with the size of GstAdaInFilter.
type extends struct{ glib.Extendable }

func (extends) InstanceSize() int64 { return int64(C.sizeof_GstAdaInFilter) }

func styleBlurb() string {
	return fmt.Sprintf("Style: a built-in name (%s), a picture file or a style file (.safetensors). Several, separated by "+
		"commas, are mixed; write \\, for a comma inside a name. It is loaded while frames go on with the old style, and an "+
		"element message adain-style (name, ok, error) says what became of it", strings.Join(model.BuiltinStyles(), ", "))
}

func smoothingBlurb() string {
	return fmt.Sprintf("Against flicker: share that the content's statistics, and the result where the film rests or moves along with it, take over from the "+
		"frame before; above %[1]v acts as %[1]v. It starts anew at a scene cut, a seek and a discontinuity. 0 makes each frame by itself",
		model.MaxSmoothing)
}
