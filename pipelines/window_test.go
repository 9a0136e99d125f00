package pipelines

import (
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/pipelines/xserver"
)

// inWindow are the scripts that show a window, each for some frames.
func inWindow(t *testing.T) map[string][]string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "film.mp4")
	film(t, clip, "width=64,height=48", "x264enc speed-preset=ultrafast", "", "mp4mux")
	t.Setenv("SOURCE", "videotestsrc num-buffers=5")
	t.Setenv("SIZE", "64x48")
	return map[string][]string{
		"webcam.sh":   nil,
		"compare.sh":  {clip, "window"},
		"timeline.py": {"test", "window", "--seconds", "0.2", "--size", "64x48"},
	}
}

func TestWindow(t *testing.T) {
	needs(t, "x264enc", "avdec_h264", "ximagesink")
	needsPython(t)
	scripts := inWindow(t)
	t.Setenv("WAYLAND_DISPLAY", "")
	// Without -noreset the server refuses clients for a moment whenever the last one has gone.
	t.Setenv("DISPLAY", xserver.Start(t, "-noreset"))
	for name, arguments := range scripts {
		said, err := run(t, "./"+name, arguments...)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
		if strings.HasSuffix(name, ".sh") && !strings.Contains(said, "imagesink") {
			t.Errorf("%s opens no window:\n%s", name, said)
		}
	}
}

// TestNoWindow: where none can open, a script says why and fails.
func TestNoWindow(t *testing.T) {
	needs(t, "x264enc", "avdec_h264", "ximagesink")
	needsPython(t)
	scripts := inWindow(t)
	t.Setenv("WAYLAND_DISPLAY", "")
	for display, want := range map[string]string{"": "no screen for a window: neither DISPLAY nor WAYLAND_DISPLAY is set", ":4711": "no window opens on DISPLAY=:4711"} {
		t.Setenv("DISPLAY", display)
		for name, arguments := range scripts {
			if said, err := run(t, "./"+name, arguments...); err == nil || !strings.Contains(said, name+": "+want) {
				t.Errorf("DISPLAY=%q %s: error %v, said %q, wanted %q", display, name, err, said, want)
			}
		}
	}
}
