package live

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film/filmtest"
)

// clip writes some frames of colour bars at 10 frames per second.
func clip(t *testing.T, frames int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film é%.avi")
	filmtest.Needs(t, "jpegenc", "avimux")
	filmtest.Write(t, path, fmt.Sprintf(
		"videotestsrc num-buffers=%d ! video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc ! avimux ! filesink name=out", frames))
	return path
}

// TestFilmAgain plays eight frames three times, without and with somebody who watches.
func TestFilmAgain(t *testing.T) {
	r := start(t, Config{Source: clip(t, 8), Height: 24})
	time.Sleep(time.Second)
	m := r.watch(t)
	began := time.Now()
	for range 18 {
		average(t, m)
	}
	// In real time it takes 1.8 seconds, less what came late before it, and some more to begin anew; as fast as possible, a tenth of that.
	if d := time.Since(began); d < 900*time.Millisecond || d > 8*time.Second {
		t.Errorf("18 frames at 10 frames per second took %v", d)
	}
}

func TestRunErrors(t *testing.T) {
	dir := t.TempDir()
	text, empty := filepath.Join(dir, "text.mp4"), filepath.Join(dir, "empty.mp4")
	os.WriteFile(text, []byte(strings.Repeat("no film at all\n", 100)), 0o600)
	os.WriteFile(empty, nil, 0o600)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("DISPLAY", "")
	for _, c := range []struct{ source, style, want string }{
		{"", "ember", "the source is empty"},
		{filepath.Join(dir, "none.mp4"), "ember", "none.mp4: no such file"},
		{dir, "ember", "is a folder"},
		{empty, "ember", "0 bytes"},
		{text, "ember", "text.mp4"},
		{clip(t, 1), "ember", "1 frames, wanted a film"},
		{"gopher://user:secret@example.com/film", "ember", `the kind "gopher"`},
		{"rtsp://", "ember", "rtsp://host/path"},
		{"screen", "ember", "DISPLAY is not set"},
		{"test", filepath.Join(dir, "none.png"), "none.png"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := Run(ctx, Config{Source: c.source, Height: 24, Listen: "127.0.0.1:0", Engine: openEngine, Out: io.Discard, Err: io.Discard,
			Prepare: func(e *gst.Element) error { return e.SetProperty("style", c.style) }})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("source %q, style %q: %v, wanted %q", c.source, c.style, err, c.want)
		}
	}
	if left := folder(t, temp); left != "" {
		t.Errorf("left: %s", left)
	}
	eventually(t, "no goroutine is left", func() bool { return goroutines() == "" })
}
