package transcode

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// counter counts frames.
type counter struct {
	silent
	frames *int
}

func (c counter) Frames(_ string, n int) { *c.frames += n }

// A frame that the disk does not take is not counted, neither for those who watch nor for the segment.
func TestFailedFrame(t *testing.T) {
	w, err := createSegment(filepath.Join(t.TempDir(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	j := &job{options: &Options{Watch: counter{frames: &frames}}, plan: &plan{Facts: &facts{Vague: true}}}
	c := &coding{job: j, segment: &segment{}, writer: w, coded: clock{known: true}}
	frame := func() *gst.Buffer {
		b := gst.NewBufferFromBytes(make([]byte, 1<<20)) // more than is kept before it is written
		b.SetPresentationTimestamp(0)
		return b
	}
	if err := c.write(frame()); err != nil || frames != 1 || w.frames != 1 {
		t.Errorf("%v, %d frames are counted and %d of the segment, wanted 1", err, frames, w.frames)
	}
	w.file.Close()
	if err := c.write(frame()); err == nil || frames != 1 || w.frames != 1 {
		t.Errorf("a closed file: %v, %d frames are counted and %d of the segment, wanted 1", err, frames, w.frames)
	}
}

// When a film has been looked at, after each segment and when all are in one file, memory is given back.
func TestRest(t *testing.T) {
	o := order{Inputs: inputsOf(clip(t, "film.mp4", 30, toMP4)), Out: t.TempDir(), Segment: 400 * time.Millisecond}.options(&watcher{})
	var rests atomic.Int32
	o.Rest = func() { rests.Add(1) }
	report, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := report.Films[0].Segments; n < 2 || int(rests.Load()) != n+3 {
		t.Errorf("%d rests in %d segments", rests.Load(), n)
	}
}
