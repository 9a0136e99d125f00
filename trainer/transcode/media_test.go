package transcode

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
)

// needs skips a test where GStreamer lacks an element.
func needs(t *testing.T, elements ...string) { t.Helper(); filmtest.Needs(t, elements...) }

const patience = filmtest.Patience

// clip makes a film of a moving pattern: 64x48, 25 frames a second, a key frame every tenth, unless the arguments say otherwise.
func clip(t *testing.T, name string, frames int, more string) string {
	t.Helper()
	needs(t, "x264enc", "mp4mux", "avenc_aac", "h264parse")
	path := filepath.Join(t.TempDir(), name)
	filmtest.Write(t, path, fmt.Sprintf("videotestsrc pattern=smpte75 horizontal-speed=3 num-buffers=%d ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! "+
		"x264enc key-int-max=10 bframes=2 speed-preset=ultrafast ! h264parse ! %s", frames, more))
	return path
}

const toMP4 = "mp4mux name=m ! filesink name=out"

// withSound adds a track of sound as long as so many frames.
func withSound(frames int, muxer string) string {
	return fmt.Sprintf("%s name=m ! filesink name=out  audiotestsrc wave=ticks num-buffers=%d samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=2 ! "+
		"avenc_aac ! aacparse ! m.", muxer, frames)
}

// shown is one decoded frame.
type shown struct {
	time time.Duration
	sum  uint32
}

// decode decodes the first video of a film.
func decode(t *testing.T, path string) (frames []shown, caps string) {
	t.Helper()
	g, err := film.Open("filesrc name=file ! parsebin name=streams  decodebin name=decoder ! fakesink name=sink sync=false async=false", path, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	c := &coding{Pipeline: g, job: &job{plan: &plan{Facts: &facts{Media: videoMedia(t, path)}}}, abort: make(chan error, 1)}
	if err := c.linkDecoder(); err != nil {
		t.Fatal(err)
	}
	sink, err := c.Sink("sink")
	if err != nil {
		t.Fatal(err)
	}
	var s clock
	sink.AddProbe(gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		if event := film.EventOf(info); event != nil {
			switch event.Type() {
			case gst.EventTypeSegment:
				s.segment(event)
			case gst.EventTypeCaps:
				caps = event.ParseCaps().String()
			}
		} else if buffer := film.BufferOf(info); buffer != nil {
			at, _ := s.time(buffer.PresentationTimestamp())
			film.WithData(buffer, func(data []byte) { frames = append(frames, shown{at, crc32.ChecksumIEEE(data)}) })
		}
		return gst.PadProbeOK
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Run(ctx, c.abort); err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	return frames, caps
}

// videoMedia is the name of the coded video's caps.
func videoMedia(t *testing.T, path string) string {
	t.Helper()
	videos := scan(t, path).videos()
	if len(videos) == 0 {
		t.Fatalf("%q has no video", path)
	}
	return videos[0].media
}

func sums(frames []shown) (s []uint32) {
	for _, f := range frames {
		s = append(s, f.sum)
	}
	return s
}

// samePictures fails unless two films have the same pictures.
func samePictures(t *testing.T, got, want string) {
	t.Helper()
	a, _ := decode(t, got)
	b, _ := decode(t, want)
	if len(b) == 0 || !slices.Equal(sums(a), sums(b)) {
		differ := 0
		for i := range min(len(a), len(b)) {
			if a[i].sum != b[i].sum {
				differ++
			}
		}
		t.Fatalf("%d pictures, wanted %d, %d of them differ", len(a), len(b), differ)
	}
}

// sameSound fails unless all packets of sound are the same.
func sameSound(t *testing.T, got, want string) {
	t.Helper()
	a, b := scan(t, got).sounds(), scan(t, want).sounds()
	if len(a) != len(b) || len(b) == 0 {
		t.Fatalf("%d tracks of sound, wanted %d", len(a), len(b))
	}
	for i := range a {
		if a[i].packets != b[i].packets || a[i].bytes != b[i].bytes || a[i].sum != b[i].sum {
			t.Errorf("sound %d has %d packets, %d bytes, wanted %d, %d and the same", i, a[i].packets, a[i].bytes, b[i].packets, b[i].bytes)
		}
	}
}

func scan(t *testing.T, path string) *contents {
	t.Helper()
	c, err := scanFile(context.Background(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list is all files below a folder, hidden ones too.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && path != dir {
			below, _ := filepath.Rel(dir, path)
			names = append(names, below)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
