package harness

/*
#include <stdlib.h>
#include "harness.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Component is how GStreamer describes one component of a format (GstVideoFormatInfo).
type Component struct{ Depth, Shift, Step, Plane, Offset, SubX, SubY int }

// FormatInfo is GStreamer's description of a format.
type FormatInfo struct {
	Components       []Component
	Planes           int
	Complex          bool // the components do not say all
	Alpha, YUV, Gray bool
}

// Format describes a format; ok is false where this GStreamer lacks it.
func Format(name string) (f FormatInfo, ok bool) {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	var c C.HnFormat
	if C.hn_format(text, &c) == 0 {
		return f, false
	}
	f = FormatInfo{Planes: int(c.planes), Complex: c.complex != 0 || c.tiled != 0, Alpha: c.alpha != 0, YUV: c.yuv != 0, Gray: c.gray != 0}
	for i := range int(c.components) {
		f.Components = append(f.Components, Component{int(c.depth[i]), int(c.shift[i]), int(c.step[i]), int(c.plane[i]), int(c.offset[i]),
			int(c.sub_x[i]), int(c.sub_y[i])})
	}
	return f, true
}

// Layout is how frames of caps lie in memory without a GstVideoMeta: bytes, and offset and stride of four planes.
func Layout(caps string) (size int, offset, stride [4]int, err error) {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	var bytes C.gsize
	var offsets [4]C.gsize
	var strides [4]C.int
	if C.hn_layout(text, &bytes, &offsets[0], &strides[0]) == 0 {
		return 0, offset, stride, fmt.Errorf("caps %s are no video", caps)
	}
	for i := range offsets {
		offset[i], stride[i] = int(offsets[i]), int(strides[i])
	}
	return int(bytes), offset, stride, nil
}

// Convert is what videoconvert makes of a frame of caps from, without dithering, as a frame of caps to.
func Convert(from string, frame []byte, to string) ([]byte, error) {
	a, b := C.CString(from), C.CString(to)
	defer C.free(unsafe.Pointer(a))
	defer C.free(unsafe.Pointer(b))
	size, _, _, err := Layout(to)
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	if C.hn_convert(a, (*C.guint8)(&frame[0]), b, (*C.guint8)(&out[0])) == 0 {
		return nil, fmt.Errorf("videoconvert does not convert %s to %s", from, to)
	}
	return out, nil
}
