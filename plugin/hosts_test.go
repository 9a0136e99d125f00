package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestHosts plays the element in programs that save and load, or that bring frames of their own.
func TestHosts(t *testing.T) {
	const python = "/usr/bin/python3" // the one that has GStreamer's bindings
	if out, err := exec.Command(python, "-c", `import gi; gi.require_version("Gst", "1.0")`).CombinedOutput(); err != nil {
		t.Skipf("GStreamer's bindings for Python are not installed: %v %s", err, out)
	}
	for _, host := range []string{"playbin", "gst-play", "camerabin", "ges", "webrtc", "validate"} {
		t.Run(host, func(t *testing.T) {
			if host == "validate" && testing.Short() {
				t.Skip("plays 28 films")
			}
			said, err := run(t, []string{"G_DEBUG="}, python, "hosts.py", host, t.TempDir()) // hosts have criticals of their own
			var exit *exec.ExitError
			switch {
			case errors.As(err, &exit) && exit.ExitCode() == 77:
				t.Skip(strings.TrimSpace(said))
			case err != nil:
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}
