package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
)

func TestMain(m *testing.M) {
	film.Init()
	os.Exit(m.Run())
}

// reading runs a source until it has given n frames, or ends.
func reading(t *testing.T, s *Source, n int64) (said []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var frames atomic.Int64
	last := time.Duration(-1)
	err = s.Run(ctx, To{Clock: media.NewClock(), Height: 24,
		Frames: func(p media.Packet) {
			if p.At <= last {
				t.Errorf("a frame of %v follows one of %v", p.At, last)
			}
			last = p.At
			if frames.Add(1) == n {
				cancel()
			}
		},
		Say: func(err error, pause time.Duration) { said = append(said, fmt.Sprintf("%v, %v", err, pause)) }})
	if err == nil && frames.Load() < n {
		t.Errorf("%d frames came, wanted %d; said: %q", frames.Load(), n, said)
	}
	return said, err
}

// TestBrokenSource breaks after some frames, again and again; pauses grow.
func TestBrokenSource(t *testing.T) {
	s := &Source{Name: "breaks", limit: time.Minute,
		line: "videotestsrc name=source is-live=true ! video/x-raw,width=32,height=24,framerate=50/1 ! identity error-after=6"}
	said, err := reading(t, s, 12)
	if err != nil || len(said) != 2 || !strings.HasSuffix(said[0], ", 1s") || !strings.HasSuffix(said[1], ", 2s") || !strings.Contains(said[0], `source "breaks"`) {
		t.Errorf("it says %q, %v, wanted twice that it is tried again, after 1s and 2s", said, err)
	}
}

// TestDeadSource fails before its first frame: what may come back is tried again, what is a film or lacks an element is not.
func TestDeadSource(t *testing.T) {
	dead := func(end ending, line string) *Source {
		return &Source{Name: "dead", limit: time.Minute, end: end, line: line}
	}
	failing := "videotestsrc name=source ! identity error-after=1"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tries := 0
	err := dead(again, failing).Run(ctx, To{Clock: media.NewClock(), Height: 24, Frames: func(media.Packet) {}, Say: func(error, time.Duration) {
		if tries++; tries == 2 {
			cancel()
		}
	}})
	if err != nil || tries != 2 {
		t.Errorf("it was tried %d times, %v, wanted 2 and no error", tries, err)
	}
	for name, s := range map[string]*Source{"a film": dead(loops, failing), "standard input": dead(closes, failing), "no such element": dead(again, "nosuchsrc name=source")} {
		if said, err := reading(t, s, 1); err == nil || len(said) > 0 {
			t.Errorf("%s: it says %q, %v, wanted an error at once", name, said, err)
		}
	}
}

// TestStalledSource has a decoder that takes a second for a frame, where less is allowed.
func TestStalledSource(t *testing.T) {
	s := &Source{Name: "film é%.avi", limit: 200 * time.Millisecond, end: closes,
		line: "videotestsrc name=source ! video/x-raw,width=32,height=24 ! identity sleep-time=3000000"}
	if _, err := reading(t, s, 9); err == nil || !strings.Contains(err.Error(), "film é%.avi") || !strings.Contains(err.Error(), film.ErrStalled.Error()) {
		t.Errorf("error is %v, wanted one that names the source", err)
	}
}

// TestPaced: what begins at any time and comes as fast as it can is played from now, at its own pace.
func TestPaced(t *testing.T) {
	s := &Source{Name: "paced", limit: time.Minute, paced: true, end: closes,
		line: "videotestsrc name=source num-buffers=20 timestamp-offset=7200000000000 ! video/x-raw,width=32,height=24,framerate=20/1"}
	began := time.Now()
	if _, err := reading(t, s, 20); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d < 900*time.Millisecond {
		t.Errorf("a second of film took %v", d)
	}
}

// TestCameras has three devices of two cameras.
func TestCameras(t *testing.T) {
	dir := t.TempDir()
	devices, classes = filepath.Join(dir, "dev"), filepath.Join(dir, "class")
	defer func() { devices, classes = "/dev", "/sys/class/video4linux" }()
	os.MkdirAll(devices, 0o700)
	for name, is := range map[string][2]string{"video0": {"Integrated Camera", "0"}, "video1": {"Integrated Camera", "1"}, "video10": {"USB Camera X", "0"}} {
		os.MkdirAll(filepath.Join(classes, name), 0o700)
		os.WriteFile(filepath.Join(devices, name), nil, 0o600)
		os.WriteFile(filepath.Join(classes, name, "name"), []byte(is[0]+"\n"), 0o600)
		os.WriteFile(filepath.Join(classes, name, "index"), []byte(is[1]+"\n"), 0o600)
	}
	for name, want := range map[string]string{"webcam": "video0", "usb cam": "video10", "integrated": "video0", "camera": "2 cameras", "none": "no camera of that name"} {
		s, err := Parse(name)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(s.value)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q is %s, wanted %s", name, got, want)
		}
	}
}

// TestDevices: a device that is no camera is refused at once.
func TestDevices(t *testing.T) {
	if _, err := Parse("/dev/null"); err == nil || !strings.Contains(err.Error(), "no camera") {
		t.Errorf("/dev/null: %v, wanted that it is no camera", err)
	}
}

// TestAddresses hides what is secret.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"rtsp://user:secret@camera/stream":    "rtsp://user:xxxxx@camera/stream",
		"rtmp://server/app/secret":            "rtmp://server/app/...",
		"srt://server:9000?passphrase=secret": "srt://server:9000",
		"https://server/live/index.m3u8":      "https://server/live/index.m3u8",
	} {
		s, err := Parse(address)
		if err != nil || s.Name != want || s.Title != want {
			t.Errorf("%s: %+v, %v, wanted %s", address, s, err, want)
		}
		if err := s.failure(fmt.Errorf("cannot open %s", address)); strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the message tells the secret: %v", address, err)
		}
	}
	if gst.Find("srtsrc") == nil {
		t.Skip("GStreamer's element srtsrc is missing")
	}
}
