package live

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-gst/go-gst/gst"
)

// windowSink is the first element that can open a window here, or what the variable SINK names, as for the launch scripts. autovideosink
// would take a sink that shows nothing, or end the program. GStreamer must be initialised. Errors: no screen, no such element, none opens.
func windowSink() (string, error) {
	if sink := os.Getenv("SINK"); sink != "" {
		return sink, nil
	}
	wayland, x := os.Getenv("WAYLAND_DISPLAY"), os.Getenv("DISPLAY")
	var names []string
	if wayland != "" {
		names = append(names, "waylandsink")
	}
	if x != "" {
		names = append(names, "xvimagesink", "ximagesink")
	}
	if len(names) == 0 {
		return "", errors.New("there is no screen for a window: neither DISPLAY nor WAYLAND_DISPLAY is set (over ssh: ssh -X; on a console: SINK=kmssink)")
	}
	var tried []string
	for _, name := range append(names, "glimagesink") {
		if gst.Find(name) == nil {
			continue
		}
		sink, err := gst.NewElement(name)
		if err != nil {
			continue
		}
		err = sink.SetState(gst.StateReady)
		sink.SetState(gst.StateNull)
		if err == nil {
			return name, nil
		}
		tried = append(tried, name)
	}
	if len(tried) == 0 {
		return "", errors.New("GStreamer has no element for a window: install Debian's package gstreamer1.0-x")
	}
	return "", fmt.Errorf("no window opens on DISPLAY=%s WAYLAND_DISPLAY=%s, tried: %s", x, wayland, strings.Join(tried, " "))
}
