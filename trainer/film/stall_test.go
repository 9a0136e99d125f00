package film

import (
	"context"
	"errors"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// bars writes n frames of colour bars; film/filmtest cannot be imported here.
func bars(t *testing.T, n string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bars.avi")
	p, err := NewPipeline("videotestsrc num-buffers="+n+" ! video/x-raw,format=BGR,width=50,height=34,framerate=5/1 ! avimux ! filesink name=out", path, time.Minute)
	if err != nil {
		t.Skip("GStreamer's elements for a test film are missing: ", err)
	}
	defer p.Close()
	out, err := p.Element("out")
	if err != nil {
		t.Fatal(err)
	}
	if err := out.SetProperty("location", path); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// stalls is an element that sleeps for an hour in the middle of a film, in a way that no change of state interrupts.
const stalls = "identity sleep-time=3600000000 ! "

// TestStall has decoders that give nothing and cannot be stopped either.
func TestStall(t *testing.T) {
	path := bars(t, "5")
	defer func(d time.Duration) { closeLimit = d }(closeLimit)
	closeLimit = 100 * time.Millisecond
	const limit = 300 * time.Millisecond

	t.Run("frames", func(t *testing.T) {
		r, err := open(strings.Replace(decode, "videoconvert", stalls+"videoconvert", 1), path, limit)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := r.next(ctx); !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "bars.avi") {
			t.Errorf("error is %v, wanted %v and the film's name", err, ErrStalled)
		}
		within(t, "Close", func() {
			if r.Close() {
				t.Error("Close says that all threads have ended")
			}
		})
	})
	t.Run("run", func(t *testing.T) {
		p, err := Open("filesrc name=file ! decodebin ! "+stalls+"fakesink sync=false", path, limit)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := p.Run(ctx, nil); !errors.Is(err, ErrStalled) {
			t.Errorf("error is %v, wanted %v", err, ErrStalled)
		}
		within(t, "Close", func() { p.Close() })
	})
}

// within fails if something takes longer than anything here should.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); f() }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Errorf("%s has not come back", what)
	}
}

// TestSlowReader takes its time for each frame: that is no stall of the decoder.
func TestSlowReader(t *testing.T) {
	const limit = 200 * time.Millisecond
	r, err := open(decode, bars(t, "5"), limit)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 3 {
		time.Sleep(2 * limit)
		if _, err := r.next(t.Context()); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
}

// TestRelease holds on to every buffer that reaches the sink: once frames are read nobody else does, though Go frees nothing.
func TestRelease(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	r, err := open(decode, bars(t, "5"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sink, err := r.Sink("frames")
	if err != nil {
		t.Fatal(err)
	}
	buffers := make(chan *gst.Buffer, 100)
	sink.AddProbe(gst.PadProbeTypeBuffer, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		buffers <- BufferOf(info).Ref()
		return gst.PadProbeOK
	})
	for frame, err := r.next(t.Context()); ; frame, err = r.next(t.Context()) {
		if err != nil {
			break
		}
		if len(frame.Planes[0].Data) != 50*3*34+2*34 {
			t.Fatalf("a frame has %d bytes", len(frame.Planes[0].Data))
		}
	}
	close(buffers)
	n := 0
	for b := range buffers {
		// The sink itself keeps the last.
		if n++; !b.IsWritable() && len(buffers) > 0 {
			t.Errorf("buffer %d is still in use", n)
		}
		b.Unref()
	}
	if n < 2 {
		t.Errorf("%d buffers were seen, wanted some", n)
	}
}
