package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// transcript is what a program has written so far.
type transcript struct {
	sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.Lock()
	defer w.Unlock()
	return w.text.String()
}

// startServer starts an X server without a screen and gives its display.
func startServer(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("keys need an X server and somebody to press them: %v", err)
		}
	}
	if out, err := run(t, nil, "gst-inspect-1.0", "ximagesink"); err != nil {
		t.Skipf("keys need the element ximagesink: %s", out)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	server := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "320x240x24")
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
	return fmt.Sprintf("DISPLAY=:%d", display)
}

// TestKeys presses keys in a window and reads in gst-launch's words what changes.
func TestKeys(t *testing.T) {
	folder := built(t, "gst-launch-1.0")
	display := startServer(t)
	said := &transcript{}
	window := exec.Command("gst-launch-1.0", "-v", "videotestsrc", "is-live=true", "!", "video/x-raw,width=64,height=64", "!",
		"adainfilter", "navigation=true", "style=warm-oil", "!", "videoconvert", "!", "ximagesink")
	window.Env = append(os.Environ(), display, "GST_PLUGIN_PATH="+folder, "GST_REGISTRY="+t.TempDir()+"/registry.bin", "NO_COLOR=1", "LC_ALL=C")
	window.Stdout, window.Stderr = said, said
	if err := window.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		window.Process.Kill()
		window.Wait()
	}()
	press := func(key string) {
		// No window manager gives the window the focus; the pointer does.
		cmd := exec.Command("xdotool", "mousemove", "20", "20", "key", key)
		cmd.Env = append(os.Environ(), display)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("xdotool: %v\n%s", err, out)
		}
	}
	for _, c := range []struct{ key, wanted string }{
		{"Down", ": alpha = 0.9"}, {"Up", ": alpha = 1\n"}, {"Right", ": style = woodcut"}, {"Left", ": style = warm-oil"},
	} {
		for end := time.Now().Add(20 * time.Second); !strings.Contains(said.String(), c.wanted); {
			if time.Now().After(end) {
				t.Fatalf("the key %s does not bring %q; gst-launch says\n%s", c.key, c.wanted, said)
			}
			press(c.key)
			time.Sleep(300 * time.Millisecond)
		}
	}
}
