package film

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
)

// Take copies a sample's bytes and lets go of it at once: what the garbage collector frees it frees late, since it does not see
// how large samples are. The sample must not be used any more.
func Take(sample *gst.Sample) []byte {
	buffer := sample.GetBuffer()
	data := buffer.Bytes()
	runtime.SetFinalizer(buffer, nil)
	buffer.Unref()
	runtime.SetFinalizer(sample, nil)
	sample.Unref()
	return data
}

// takeFrame is Take for a frame in RGB.
func takeFrame(sample *gst.Sample) (*model.Image, error) {
	w, h := frameSize(sample)
	data := Take(sample)
	// GStreamer's layout of RGB without further notice: rows begin at multiples of 4 bytes.
	stride := (3*w + 3) &^ 3
	switch {
	case w < 1 || h < 1:
		return nil, errors.New("GStreamer gives a frame without a size")
	case len(data) < stride*(h-1)+3*w:
		return nil, fmt.Errorf("a frame of %dx%d has %d bytes, wanted %d", w, h, len(data), stride*h)
	}
	frame := &model.Image{Format: model.RGB, Width: w, Height: h}
	frame.Planes[0] = model.Plane{Data: data, Stride: stride}
	return frame, nil
}

// frameSize is what a sample's caps say, 0 where they say nothing.
func frameSize(sample *gst.Sample) (width, height int) {
	caps := sample.GetCaps()
	if caps == nil || caps.GetSize() == 0 {
		return 0, 0
	}
	defer runtime.KeepAlive(caps)
	s := caps.GetStructureAt(0)
	return Int(s, "width"), Int(s, "height")
}

// Int is a field of a structure that is a whole number, 0 if there is none.
func Int(s *gst.Structure, name string) int {
	v, err := s.GetValue(name)
	if err != nil {
		return 0
	}
	switch v := v.(type) {
	case int:
		return v
	case uint:
		return int(v)
	}
	return 0
}

// EventOf is the event that a pad probe sees, nil if it sees something else. It is valid during the probe's call only.
func EventOf(info *gst.PadProbeInfo) *gst.Event {
	if info.Type()&(gst.PadProbeTypeEventDownstream|gst.PadProbeTypeEventFlush) == 0 {
		return nil
	}
	return info.GetEvent()
}

// BufferOf is the buffer that a pad probe sees, nil if it sees something else. It is valid during the probe's call only.
func BufferOf(info *gst.PadProbeInfo) *gst.Buffer {
	if info.Type()&gst.PadProbeTypeBuffer == 0 {
		return nil
	}
	return info.GetBuffer()
}

// WithData calls f with the bytes of a buffer, which are valid during the call only.
func WithData(buffer *gst.Buffer, f func([]byte)) {
	m := buffer.Map(gst.MapRead)
	defer buffer.Unmap()
	if p := m.Data(); p != nil {
		f(unsafe.Slice((*byte)(p), m.Size()))
	}
}
