package media

import (
	"runtime"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/film"
)

// Packet is a frame or a piece of sound, raw or coded.
type Packet struct {
	At   time.Duration // when it was taken, by the session's clock
	Caps string        // what it is, as GStreamer writes it
	Key  bool          // it can be decoded without those before it; always so for what is raw and for sound

	Data   []byte      // of what is coded and of sound, else nil; never changed
	Buffer *gst.Buffer // of raw frames, valid during a call only
}

// Reader makes packets of the samples of one sink. The zero value is ready. One thread at a time.
type Reader struct {
	caps *gst.Caps // of the last sample; as long as they are held, no others have their address
	text string
}

func (r *Reader) describe(sample *gst.Sample) string {
	if caps := sample.GetCaps(); r.caps == nil || caps.Unsafe() != r.caps.Unsafe() {
		r.caps, r.text = caps, caps.String()
	}
	return r.text
}

// Raw calls f with a sample as a packet, and lets go of the sample then. shift is what makes the session's time of the sample's running
// time. A sample without a time is left out.
func (r *Reader) Raw(sample *gst.Sample, shift time.Duration, f func(Packet)) {
	defer release(sample)
	at, ok := RunningTime(sample)
	if !ok {
		return
	}
	buffer := sample.GetBuffer()
	defer unref(buffer)
	f(Packet{At: at + shift, Caps: r.describe(sample), Key: true, Buffer: buffer})
}

// Coded is a sample as a packet with bytes of its own; the sample is let go of.
func (r *Reader) Coded(sample *gst.Sample, shift time.Duration) (p Packet, ok bool) {
	at, ok := RunningTime(sample)
	if !ok {
		release(sample)
		return p, false
	}
	buffer := sample.GetBuffer()
	key := !buffer.HasFlags(gst.BufferFlagDeltaUnit)
	unref(buffer)
	p = Packet{At: at + shift, Caps: r.describe(sample), Key: key}
	p.Data = film.Take(sample)
	return p, true
}

// RunningTime is that of a sample's buffer in its pipeline.
func RunningTime(sample *gst.Sample) (at time.Duration, ok bool) {
	buffer := sample.GetBuffer()
	if buffer == nil {
		return 0, false
	}
	defer unref(buffer)
	pts := buffer.PresentationTimestamp()
	if pts == gst.ClockTimeNone {
		return 0, false
	}
	rt := sample.GetSegment().ToRunningTime(gst.FormatTime, uint64(pts))
	runtime.KeepAlive(sample) // which owns the segment
	return time.Duration(rt), rt != ^uint64(0)
}

// Keep is a buffer with a packet's pixels that is valid until Drop.
func (p Packet) Keep() *gst.Buffer { return p.Buffer.Copy() }

// Drop lets go of a buffer of Keep, nil too. Go's collector would do so late, since it does not see how large buffers are.
func Drop(buffer *gst.Buffer) {
	if buffer != nil {
		unref(buffer)
	}
}

func release(sample *gst.Sample) {
	runtime.SetFinalizer(sample, nil)
	sample.Unref()
}

func unref(buffer *gst.Buffer) {
	runtime.SetFinalizer(buffer, nil)
	buffer.Unref()
}

// Push gives a packet to an appsrc at a time of its pipeline. Pixels are shared, not copied. Caps must have been set.
func Push(to *app.Source, p Packet, at time.Duration) {
	var buffer *gst.Buffer
	if p.Buffer != nil {
		buffer = p.Buffer.Copy() // of the times only: others hold the same buffer
	} else {
		buffer = gst.NewBufferFromBytes(p.Data)
	}
	defer unref(buffer)
	buffer.SetPresentationTimestamp(gst.ClockTime(at))
	if !p.Key {
		buffer.SetFlags(gst.BufferFlagDeltaUnit)
	}
	to.PushBuffer(buffer)
}
