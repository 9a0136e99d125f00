// Package output gives the stylised picture of adain live, with sound, to other programs: as a camera, to servers, players and files. An
// output that breaks is tried again and holds up nothing else.
package output

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"adainfilter/trainer/live/source"
)

// Kinds says what an output can be, for the help of the command.
const Kinds = "v4l2:/dev/video10 (a camera for meetings), pipewire (one for OBS and browsers), rtmp://, srt://, udp://, rtsp or rtsp:HOST:PORT " +
	"(a server), window, FILE.mkv, - (Matroska on standard output), y4m:FILE or y4m:- (raw pictures)"

// Output is where the picture goes.
type Output struct {
	Name   string // for messages, without what is secret
	Window bool   // a window of the pipeline itself; nothing else of an output holds then
	Stdout bool   // it writes to standard output

	annexB   bool   // its muxer wants H.264 with start codes (ITU-T H.264, annex B), not lengths
	raw      bool   // it takes raw frames, else H.264 and AAC
	line     string // elements behind the frames, or a muxer called mux and what stands behind it; the one called to has the property
	property string
	value    any
	secret   string // what no message may hold
	once     bool   // what fails cannot be opened again
	file     string // a recording, whose further tries have names of their own
	server   string // address of an RTSP server
}

// Parse finds out what an output is and whether it can be there. token is what viewers of an RTSP server need; one that others than
// this machine reach must have it. Errors are sentences.
func Parse(s, token string) (*Output, error) {
	scheme, rest, isURL := strings.Cut(s, "://")
	kind, what, _ := strings.Cut(s, ":")
	switch {
	case s == "":
		return nil, errors.New("--output is empty, wanted " + Kinds)
	case isURL:
		return address(s, strings.ToLower(scheme), rest)
	case s == "window":
		return &Output{Name: s, Window: true}, nil
	case s == "pipewire":
		return pipewire(), nil
	case kind == "v4l2":
		return loopback(what)
	case kind == "rtsp":
		return server(what, token)
	case kind == "y4m":
		return y4m(what)
	case s == "-":
		return toStdout("matroskamux name=mux streamable=true ! fdsink name=to sync=false async=false", false)
	case strings.EqualFold(filepath.Ext(s), ".mkv"):
		return recording(s)
	case filepath.Ext(s) != "" && !strings.ContainsRune(kind, '/'):
		return nil, fmt.Errorf("--output %s: recordings are Matroska, wanted a name that ends with .mkv; adain transcode or ffmpeg make an MP4 of it", s)
	}
	return nil, fmt.Errorf("--output %q is of no kind that there is, wanted %s", s, Kinds)
}

// latency is how long a muxer waits for what is late, in ns: the picture comes later than the sound.
const latency = " latency=3000000000"

func address(s, scheme, rest string) (*Output, error) {
	u, err := url.Parse(s)
	if err != nil || rest == "" || (u.Host == "" && scheme != "srt") {
		return nil, fmt.Errorf("--output is not a complete address, wanted %s://host/path", scheme) // it may hold a key
	}
	o := &Output{Name: source.Redacted(u), value: s, secret: s}
	const stream = "mpegtsmux name=mux alignment=7" + latency
	switch scheme {
	case "rtmp", "rtmps":
		o.line, o.property = "flvmux name=mux streamable=true"+latency+" ! rtmp2sink name=to sync=false async=false", "location"
	case "srt":
		// Without a viewer nothing waits, and a viewer that comes later begins with what is new.
		o.annexB = true
		o.line, o.property = stream+" ! srtsink name=to wait-for-connection=false sync=false async=false", "uri"
	case "udp":
		port, err := strconv.Atoi(u.Port())
		if err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("--output %s has no port, wanted udp://host:port", o.Name)
		}
		o.line = fmt.Sprintf("%s ! udpsink name=to port=%d auto-multicast=true sync=false async=false", stream, port)
		o.property, o.value, o.annexB = "host", u.Hostname(), true
	case "rtsp", "rtsps":
		return nil, errors.New("--output rtsp is a server here, wanted rtsp or rtsp:HOST:PORT; to send a picture to a server take rtmp:// or srt://")
	default:
		return nil, fmt.Errorf("--output is an address of the kind %q, wanted rtmp, rtmps, srt or udp", scheme)
	}
	return o, nil
}

// recording is a file that a killed program leaves readable: all that was written is on the drive's way at once, and Matroska needs no end.
func recording(path string) (*Output, error) {
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("--output %s: there is such a file already, and recordings never replace one", path)
	}
	if dir, err := os.Stat(filepath.Dir(path)); err != nil || !dir.IsDir() {
		return nil, fmt.Errorf("--output %s: there is no folder %s", path, filepath.Dir(path))
	}
	return &Output{Name: path, line: "matroskamux name=mux min-cluster-duration=500000000 max-cluster-duration=1000000000 ! " +
		"filesink name=to buffer-mode=unbuffered sync=false async=false", property: "location", value: path, file: path}, nil
}

// next is the name of a recording's further try.
func next(path string) string {
	end := filepath.Ext(path)
	for i := 2; ; i++ {
		name := fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, end), i, end)
		if _, err := os.Lstat(name); err != nil {
			return name
		}
	}
}

// raw422 is what programs expect of a camera.
const raw422 = "videoconvert ! video/x-raw,format=YUY2,colorimetry=bt601 ! "

var isDevice = regexp.MustCompile(`^/dev/video\d+$`)

func loopback(path string) (*Output, error) {
	if _, err := os.Stat(path); err != nil {
		n := strings.TrimPrefix(path, "/dev/video")
		if !isDevice.MatchString(path) {
			n = "10"
		}
		return nil, fmt.Errorf("--output v4l2:%s: there is no such device. The module v4l2loopback makes it: apt install v4l2loopback-dkms, then "+
			"modprobe v4l2loopback video_nr=%s card_label=adain exclusive_caps=1", path, n)
	}
	return &Output{Name: "v4l2:" + path, raw: true, line: raw422 + "v4l2sink name=to sync=false async=false", property: "device", value: path}, nil
}

// pipewire keeps the sink's own pool from the converter, whose frames it would take for empty ones (PipeWire 0.3.65).
func pipewire() *Output {
	return &Output{Name: "pipewire", raw: true, line: raw422 + "identity drop-allocation=true ! pipewiresink name=to mode=provide sync=false async=false " +
		"stream-properties=properties,media.class=Video/Source,media.role=Camera,node.name=adain,node.description=adain"}
}

// y4m has a steady rate: Y4M has no times.
func y4m(path string) (*Output, error) {
	// y4menc writes the padding of rows too, so there must be none.
	const line = "videorate ! videoconvertscale ! video/x-raw,format=I420,framerate=30/1,width=[8,16384,8],height=[2,16384,2],colorimetry=bt709 ! y4menc ! "
	if path == "-" {
		return toStdout(line+"fdsink name=to sync=false async=false", true)
	}
	if path == "" {
		return nil, errors.New("--output y4m: has no file, wanted y4m:FILE or y4m:-")
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return nil, fmt.Errorf("--output y4m:%s: there is such a file already, and recordings never replace one", path)
	}
	return &Output{Name: "y4m:" + path, raw: true, once: true, line: line + "filesink name=to sync=false async=false", property: "location", value: path}, nil
}

// server is the address of an RTSP server: HOST:PORT, HOST or nothing.
func server(where, token string) (*Output, error) {
	if where == "" {
		where = "127.0.0.1"
	}
	host, port, err := net.SplitHostPort(where)
	if err != nil {
		host, port = strings.Trim(where, "[]"), "8554"
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && token == "" {
		return nil, fmt.Errorf("--output rtsp:%s could be watched by everybody who reaches that address: give it a --token, or take rtsp alone", where)
	}
	return &Output{Name: "rtsp:" + net.JoinHostPort(host, port), server: net.JoinHostPort(host, port), secret: token}, nil
}

// Coded says whether it takes H.264 and AAC.
func (o *Output) Coded() bool { return !o.raw && !o.Window }
