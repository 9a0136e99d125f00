package live

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/pipelines/xserver"
	"adainfilter/trainer/film"
)

// TestNoWindow: where none can open, the sentence says why, before a source is opened.
func TestNoWindow(t *testing.T) {
	film.Init()
	if gst.Find("ximagesink") == nil {
		t.Skip("GStreamer's element ximagesink is missing")
	}
	t.Setenv("WAYLAND_DISPLAY", "")
	for display, want := range map[string]string{"": "neither DISPLAY nor WAYLAND_DISPLAY is set", ":4711": "no window opens on DISPLAY=:4711"} {
		t.Setenv("DISPLAY", display)
		err := Run(t.Context(), Config{Source: "test", Height: 64, Window: true, Prepare: func(*gst.Element) error { return nil }})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("DISPLAY=%q: error is %v, wanted %q", display, err, want)
		}
	}
}

// TestWindowSink opens one on a server, or takes what is asked for.
func TestWindowSink(t *testing.T) {
	film.Init()
	if gst.Find("ximagesink") == nil {
		t.Skip("GStreamer's element ximagesink is missing")
	}
	t.Setenv("SINK", "fakesink name=window")
	if sink, err := windowSink(); err != nil || sink != "fakesink name=window" {
		t.Errorf("with SINK: %q, %v", sink, err)
	}
	t.Setenv("SINK", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("DISPLAY", xserver.Start(t, "-noreset"))
	if sink, err := windowSink(); err != nil || !slices.Contains([]string{"xvimagesink", "ximagesink"}, sink) {
		t.Errorf("on an X server: %q, %v", sink, err)
	}
}
