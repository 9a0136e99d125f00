package film

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/go-gst/go-gst/gst"
)

// Debian's packages of GStreamer's plug-ins.
const (
	base  = "gstreamer1.0-plugins-base"
	good  = "gstreamer1.0-plugins-good"
	bad   = "gstreamer1.0-plugins-bad"
	ugly  = "gstreamer1.0-plugins-ugly"
	libav = "gstreamer1.0-libav"
)

// packages are the Debian packages that have an element, or read what lies in a file: elements by their names, the rest by the name of
// its caps. Where several have one, it is that of the element which the command would take.
var packages = map[string]string{
	"parsebin": base, "decodebin": base, "videotestsrc": base, "videoconvert": base, "videoscale": base, "videoconvertscale": base, "appsink": base, "appsrc": base,
	"mp4mux": good, "qtmux": good, "matroskamux": good, "webmmux": good, "avimux": good, "vp9enc": good, "vp8enc": good, "jpegenc": good, "pngenc": good,
	"deinterlace": good, "videocrop": good, "capssetter": good, "v4l2src": good, "ximagesrc": good, "rtspsrc": good,
	"v4l2sink": good, "flvmux": good, "y4menc": good, "aacparse": good, "udpsink": good, "udpsrc": good, "pulsesrc": good, "audiomixer": base, "uridecodebin": base,
	"rtmp2sink": bad, "rtmp2src": bad, "srtsink": bad, "srtsrc": bad, "mpegtsmux": bad,
	"pipewiresink": "gstreamer1.0-pipewire", "pipewiresrc": "gstreamer1.0-pipewire",
	"h264parse": bad, "h265parse": bad, "av1parse": bad, "vp9parse": bad, "x265enc": bad, "av1enc": bad, "openh264enc": bad, "x264enc": ugly,

	"video/x-h264": libav, "video/x-h265": libav, "video/mpeg": libav, "video/x-prores": libav, "video/x-ffv": libav, "video/x-dnxhd": libav,
	"video/x-wmv": libav, "video/x-divx": libav, "video/x-h263": libav, "video/x-flash-video": libav, "video/x-msmpeg": libav, "video/x-vp6": libav,
	"video/x-dv": good, "video/x-vp8": good, "video/x-vp9": good, "image/jpeg": good, "image/png": good, "video/x-av1": bad,
	"video/x-theora": base, "application/ogg": base, "video/quicktime": good, "video/x-matroska": good, "video/webm": good, "video/x-msvideo": good, "video/x-flv": good,
	"video/mpegts": bad, "application/mxf": bad, "video/x-ms-asf": ugly,
}

// elementPrefixes are those of elements that are many.
var elementPrefixes = []struct{ prefix, pkg string }{{"avenc_", libav}, {"avdec_", libav}, {"nv", bad}, {"va", bad}, {"qsv", bad}, {"cuda", bad}}

// Package is the Debian package of an element, or of what decodes caps of a name such as video/x-h264; "" where that is not known.
func Package(name string) string {
	if p := packages[name]; p != "" {
		return p
	}
	for _, e := range elementPrefixes {
		if strings.HasPrefix(name, e.prefix) && !strings.Contains(name, "/") {
			return e.pkg
		}
	}
	return ""
}

// Lacking says that GStreamer has no element of a name, and where it is to be had.
func Lacking(element string) string { return lacks("the element "+element, element) }

func lacks(what, name string) string {
	text := "GStreamer lacks " + what
	if p := Package(name); p != "" {
		text += fmt.Sprintf(" (Debian's package %s has it; sudo apt install %[1]s)", p)
	}
	return text
}

// noElement finds the name in GStreamer's sentence about a pipeline that it cannot build.
var noElement = regexp.MustCompile(`no element "([^"]+)"`)

// capsName finds what a message missing-plugin asks for: it holds caps as text, with quotes escaped.
var capsName = regexp.MustCompile(`detail=\(GstCaps\)[^a-z]*([a-z]+/[-a-z0-9.]+)`)

// elementName is what the same message holds where an element of a known name is missing.
var elementName = regexp.MustCompile(`detail=\(string\)"?([-_a-z0-9]+)`)

// Lacks says whether plug-ins were missing. Call it when Run has returned.
func (p *Pipeline) Lacks() bool { return len(p.missing) > 0 }

// Lacking are the caps, as text, or the names of elements for which plug-ins were missing. Call it when Run has returned.
func (p *Pipeline) Lacking() []string { return p.lacking }

// Lack is an error that names all plug-ins that were missing, or err where there were none. Call it when Run has returned.
func (p *Pipeline) Lack(err error) error {
	if !p.Lacks() {
		return err
	}
	return errors.New(strings.Join(p.missing, "; "))
}

// capsText finds all caps in a message missing-plugin.
var capsText = regexp.MustCompile(`detail=\(GstCaps\)(.*), name=`)

// Note remembers what a message of the kind element says about missing plug-ins, for Failure. Run and Posted do it by themselves.
func (p *Pipeline) Note(message *gst.Message) {
	s := message.GetStructure()
	if s == nil || s.Name() != "missing-plugin" {
		return
	}
	defer runtime.KeepAlive(message) // which owns s
	text := s.String()
	found := capsName.FindStringSubmatch(text)
	if found == nil {
		found = elementName.FindStringSubmatch(text)
	}
	if found == nil {
		return
	}
	what, _ := s.GetValue("name")
	name, _ := what.(string)
	if name == "" {
		name = "what reads " + found[1]
	}
	if sentence := lacks("a plug-in: "+name, found[1]); !slices.Contains(p.missing, sentence) {
		p.missing = append(p.missing, sentence)
		if all := capsText.FindStringSubmatch(text); all != nil {
			found[1] = strings.NewReplacer(`\`, "", `"`, "").Replace(all[1])
		}
		p.lacking = append(p.lacking, found[1])
	}
}
