package live

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sources says what a source can be, for the help of the command.
const Sources = "webcam, a device such as /dev/video1, a film file (again and again), rtsp://..., screen (X11), or test"

// source is where frames come from.
type source struct {
	name     string // for messages, without passwords
	title    string // for the page, without folders
	line     string // elements as gst-launch understands them; the one called source has the property
	property string // "" is none
	value    string
	loops    bool // it has an end, and begins anew there
}

// parseSource finds out what a source is and whether it can be there.
func parseSource(s string) (source, error) {
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return source{}, errors.New("the source is empty, wanted " + Sources)
	case s == "test":
		return source{name: s, title: "test picture",
			line: "videotestsrc name=source is-live=true pattern=smpte horizontal-speed=2 ! video/x-raw,width=640,height=360,framerate=30/1"}, nil
	case s == "webcam":
		return webcam()
	case s == "screen":
		if os.Getenv("DISPLAY") == "" {
			return source{}, errors.New("source screen: DISPLAY is not set; wanted a running X11 display")
		}
		return source{name: s, title: s, line: "ximagesrc name=source use-damage=false"}, nil
	case scheme == "rtsp" || scheme == "rtsps":
		return rtsp(s)
	case isURL:
		return source{}, fmt.Errorf("the source is an address of the kind %q, wanted rtsp:// or rtsps://", scheme)
	}
	return file(s)
}

// decoded lets raw frames pass and decodes the JPEG pictures of many cameras.
const decoded = " ! decodebin"

func webcam() (source, error) {
	devices, err := filepath.Glob("/dev/video*")
	if err != nil || len(devices) == 0 {
		return source{}, errors.New("source webcam: there is no camera, no /dev/video*")
	}
	slices.Sort(devices)
	return camera(devices[0]), nil
}

func camera(device string) source {
	return source{name: device, title: device, line: "v4l2src name=source" + decoded, property: "device", value: device}
}

func rtsp(s string) (source, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return source{}, errors.New("the source is not a complete address, wanted rtsp://host/path") // it may hold a password
	}
	return source{name: u.Redacted(), title: u.Redacted(),
		line:     "rtspsrc name=source latency=200 ! application/x-rtp,media=video" + decoded,
		property: "location", value: s}, nil
}

func file(path string) (source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return source{}, fmt.Errorf("source: %w", err)
	}
	switch {
	case info.Mode()&os.ModeCharDevice != 0:
		return camera(path), nil
	case !info.Mode().IsRegular():
		return source{}, fmt.Errorf("source %q is a folder, a pipe or a socket, wanted %s", path, Sources)
	case info.Size() == 0:
		return source{}, fmt.Errorf("source %q has 0 bytes, wanted a film", path)
	}
	return source{name: path, title: filepath.Base(path), line: "filesrc name=source" + decoded,
		property: "location", value: path, loops: true}, nil
}
