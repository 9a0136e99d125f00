package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
	"adainfilter/trainer/film"
	"adainfilter/trainer/terminal"
	"adainfilter/trainer/transcode"
)

const filter = "adainfilter"

// needed are the elements that commands and scripts take, by what they are for.
var needed = []struct{ what, elements string }{
	{"any film", "decodebin parsebin videoconvert videoscale appsink appsrc"},
	{"files", "mp4mux qtmux matroskamux webmmux avimux"},
	{"decoding", "avdec_h264 avdec_h265 vp9dec dav1ddec jpegdec pngdec"},
	{"parsing", "h264parse h265parse vp9parse av1parse"},
	{"adain live", "jpegenc pngenc v4l2src rtspsrc"},
	{"a window", "ximagesink xvimagesink ximagesrc"},
	{"frames in GPU memory", "cudaupload cudadownload nvh264dec"},
}

// optional are elements that nobody misses who lacks their hardware, or of which another does the same.
var optional = map[string]bool{"cudaupload": true, "cudadownload": true, "nvh264dec": true, "dav1ddec": true, "avimux": true}

// gstreamer says what there is of GStreamer.
func (r *Report) gstreamer() {
	rows := []terminal.Row{{"version", pluginVersion("coreelements")}, {"element " + filter, installed()}}
	for _, name := range []string{"GST_PLUGIN_PATH", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_FEATURE_RANK", "GST_REGISTRY"} {
		if value := os.Getenv(name); value != "" {
			rows = append(rows, terminal.Row{name, value})
		}
	}
	for _, n := range needed {
		var there, missing []string
		for _, e := range strings.Fields(n.elements) {
			switch {
			case gst.Find(e) != nil:
				there = append(there, e)
			case optional[e]:
				missing = append(missing, e)
			default:
				missing = append(missing, e)
				r.lack(packageOf(e))
			}
		}
		text := strings.Join(there, " ")
		if len(missing) > 0 {
			text = strings.TrimSpace(text + "; not: " + strings.Join(missing, " "))
		}
		rows = append(rows, terminal.Row{n.what, strings.TrimPrefix(text, "; ")})
	}
	r.add("GStreamer", rows)
}

// packageOf is the Debian package of an element.
func packageOf(element string) string {
	switch element {
	case "ximagesink", "xvimagesink":
		return "gstreamer1.0-x"
	}
	return film.Package(element)
}

// pluginVersion is that of a plug-in; the elements of GStreamer's core have the core's.
func pluginVersion(name string) string {
	plugin, err := gst.GetRegistry().FindPlugin(name)
	if err != nil || plugin == nil {
		return "unknown"
	}
	defer runtime.KeepAlive(plugin)
	return plugin.Version()
}

// installed says where GStreamer finds the plug-in, which the command itself does not need.
func installed() string {
	plugin, err := gst.GetRegistry().FindPlugin(filter)
	if err != nil || plugin == nil {
		return "not found by GStreamer, which adain does not need, but gst-launch-1.0: set GST_PLUGIN_PATH or install it"
	}
	defer runtime.KeepAlive(plugin)
	text := fmt.Sprintf("%s, %s", plugin.Version(), plugin.Filename())
	if plugin.Version() != model.Version {
		text += ", which is another version than this program's"
	}
	return text
}

// encoders says which work.
func (r *Report) encoders(ctx context.Context) {
	coders := map[string][]transcode.Coder{}
	var order []string
	for _, c := range transcode.Coders(ctx) {
		if coders[c.Codec] == nil {
			order = append(order, c.Codec)
		}
		coders[c.Codec] = append(coders[c.Codec], c)
	}
	var rows []terminal.Row
	for _, codec := range order {
		all := coders[codec]
		var names []string
		for _, c := range all {
			if c.Works {
				names = append(names, c.Element)
			} else {
				names = append(names, "not "+c.Element+" ("+c.Why+")")
			}
		}
		rows = append(rows, terminal.Row{codec, strings.Join(names, ", ")})
		if len(all) == 1 && !all[0].Works {
			r.lack(film.Package(all[0].Element))
		}
	}
	r.add("encoders", rows)
}

// surroundings are everything else that a command may want.
func (r *Report) surroundings(g Ground) {
	var rows []terminal.Row
	version, err := g.Pictures()
	if err != nil {
		version = err.Error()
		r.lack("libvips42")
	}
	rows = append(rows, terminal.Row{"libvips, for HEIC, AVIF, JPEG XL", version})
	ffmpeg, err := exec.LookPath("ffmpeg")
	if errors.Is(err, exec.ErrNotFound) {
		ffmpeg = "not there; with it adain transcode checks the sound once more"
	}
	rows = append(rows, terminal.Row{"ffmpeg", ffmpeg})
	screen := "none: neither DISPLAY nor WAYLAND_DISPLAY is set"
	if x, wayland := os.Getenv("DISPLAY"), os.Getenv("WAYLAND_DISPLAY"); x != "" || wayland != "" {
		screen = strings.TrimSpace(fmt.Sprintf("DISPLAY=%s WAYLAND_DISPLAY=%s", x, wayland))
	}
	rows = append(rows, terminal.Row{"screen", screen})
	cameras, _ := filepath.Glob("/dev/video*")
	text := "none, no /dev/video*"
	if len(cameras) > 0 {
		text = strings.Join(cameras, " ")
	}
	r.add("besides", append(rows, terminal.Row{"cameras", text}))
}
