// Package xserver gives tests a display without a screen.
package xserver

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Start starts Xvfb with the options besides its own, until the test ends, and returns its display, as ":1". Where Xvfb is not installed
// the test is skipped.
func Start(t testing.TB, options ...string) string {
	t.Helper()
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skipf("a window needs an X server: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	server := exec.Command("Xvfb", append(options, "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "320x240x24")...)
	server.ExtraFiles = []*os.File{w}
	err = server.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
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
