// Package source reads what adain live stylises: cameras, screens, films and what comes over a network, with its sound. What breaks is
// tried again.
package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"adainfilter/trainer/film"
)

// Kinds says what a source can be, for the help of the command.
const Kinds = "webcam, a camera's name or device (/dev/video1), a film file (again and again), an address (rtsp://, rtmp://, srt://, udp://, " +
	"http:// of HLS), screen (of X11 or Wayland), - (standard input), or test"

// Source is where frames come from.
type Source struct {
	Name  string // for messages, without passwords
	Title string // for the page, without folders

	line     string // elements as gst-launch understands them; the one called source has the property
	video    string // what its video branch begins with, where not at the end of line
	sound    string // what its branch of sound begins with, "" where it has none
	property string // "" is none
	value    any
	secret   string // what no message may hold, "" is none
	// What must be opened before the pipeline starts and done with behind it: further properties of source. nil is nothing.
	open func(context.Context) (properties map[string]any, done func(), err error)

	paced bool          // its times are not this machine's, so that they say how fast to play, not when
	end   ending        // what follows when it ends
	limit time.Duration // how long no frame may come once one has
	// The size of its first frame, so that one that comes back with another is scaled.
	width, height int
}

// ending is what follows the end of a source.
type ending int

const (
	again  ending = iota // an end is a failure, and it is tried again
	loops                // it begins anew at once
	closes               // it is over
)

// liveLimit is how long a camera or a network may give nothing before it is opened anew.
const liveLimit = 15 * time.Second

// Parse finds out what a source is and whether it can be there. Errors are sentences that begin with "source".
func Parse(s string) (*Source, error) {
	src, err := parse(s)
	if err == nil && src.limit == 0 {
		src.limit = liveLimit
	}
	return src, err
}

func parse(s string) (*Source, error) {
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return nil, errors.New("the source is empty, wanted " + Kinds)
	case s == "test":
		return &Source{Name: s, Title: "test picture", line: "videotestsrc name=source is-live=true pattern=smpte horizontal-speed=2 ! " +
			"video/x-raw,width=640,height=360,framerate=30/1", sound: "audiotestsrc is-live=true wave=ticks volume=0.3"}, nil
	case s == "-":
		return &Source{Name: "standard input", Title: "standard input", line: "fdsrc name=source" + decoded, sound: "decoded. ", property: "fd",
			value: 0, paced: true, end: closes, limit: film.DecodeLimit}, nil
	case s == "webcam":
		return webcam()
	case s == "screen":
		return screen()
	case isURL:
		return address(s, strings.ToLower(scheme))
	}
	if _, err := os.Stat(s); errors.Is(err, os.ErrNotExist) && !strings.ContainsRune(s, '/') && filepath.Ext(s) == "" {
		return named(s)
	}
	return file(s)
}

// decoded lets raw frames pass and decodes the rest.
const decoded = " ! decodebin name=decoded"

// streams are the elements that read the addresses of a scheme, and the property that takes it.
var streams = map[string]struct {
	element, property string
	paced             bool
}{
	"rtmp": {"rtmp2src name=source" + decoded, "location", true}, "rtmps": {"rtmp2src name=source" + decoded, "location", true},
	"srt": {"srtsrc name=source" + decoded, "uri", true}, "udp": {"udpsrc name=source" + decoded, "uri", true},
	"http": {"uridecodebin name=source", "uri", true}, "https": {"uridecodebin name=source", "uri", true},
}

func address(s, scheme string) (*Source, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the source is not a complete address, wanted %s://host/path", scheme) // it may hold a password
	}
	src := &Source{Name: Redacted(u), secret: s, value: s, sound: "decoded. "}
	src.Title = src.Name
	if scheme == "rtsp" || scheme == "rtsps" {
		src.line, src.property = "rtspsrc name=source latency=200", "location"
		src.video = "source. ! application/x-rtp,media=video ! decodebin"
		src.sound = "source. ! application/x-rtp,media=audio ! decodebin"
		return src, nil
	}
	st, ok := streams[scheme]
	if !ok {
		return nil, fmt.Errorf("the source is an address of the kind %q, wanted rtsp, rtsps, rtmp, rtmps, srt, udp, http or https", scheme)
	}
	src.line, src.property, src.paced = st.element, st.property, st.paced
	if strings.HasPrefix(scheme, "http") {
		src.sound = "source. "
	}
	return src, nil
}

// Redacted is an address without what is secret in it: a password, and of RTMP and SRT the stream's key.
func Redacted(u *url.URL) string {
	short := *u
	short.RawQuery, short.Fragment = "", ""
	if i := strings.LastIndexByte(short.Path, '/'); strings.HasPrefix(u.Scheme, "rtmp") && i > 0 {
		short.Path, short.RawPath = short.Path[:i]+"/...", ""
	}
	return short.Redacted()
}

func file(path string) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	switch {
	case info.Mode()&os.ModeCharDevice != 0:
		return device(path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("source %q is a folder, a pipe or a socket, wanted %s", path, Kinds)
	case info.Size() == 0:
		return nil, fmt.Errorf("source %q has 0 bytes, wanted a film", path)
	case film.IsStill(path):
		return nil, fmt.Errorf("source %q is a picture, wanted a film; adain stylize is for pictures", path)
	}
	return &Source{Name: path, Title: filepath.Base(path), line: "filesrc name=source" + decoded, sound: "decoded. ",
		property: "location", value: path, paced: true, end: loops, limit: film.DecodeLimit}, nil
}
