package pipelines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// screen starts an X server without a screen and gives its display; without one the test is skipped.
func screen(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skipf("a window needs an X server: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// Without -noreset it refuses clients for a moment whenever the last one has gone.
	server := exec.Command("Xvfb", "-noreset", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "320x240x24")
	server.ExtraFiles = []*os.File{w}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	var display int
	if _, err := fmt.Fscan(r, &display); err != nil {
		t.Fatalf("Xvfb says no display: %v", err)
	}
	return fmt.Sprintf(":%d", display)
}

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
	t.Setenv("DISPLAY", screen(t))
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
