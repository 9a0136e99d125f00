package main

import (
	"os"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/picture"
)

// stylePicture writes a picture whose path needs care.
func stylePicture(t *testing.T) string {
	t.Helper()
	img := model.NewImage(model.RGB, 40, 30)
	for i := range img.Planes[0].Data {
		img.Planes[0].Data[i] = byte(i * i)
	}
	folder := t.TempDir() + "/a b 100% ä"
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	file := folder + "/style,1.png"
	if err := picture.Write(file, img); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLeaks runs lines under GStreamer's leak tracer, which names every object that is alive at the end.
func TestLeaks(t *testing.T) {
	style := stylePicture(t)
	for _, line := range []string{
		"videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48 ! adainfilter ! fakesink",
		"videotestsrc num-buffers=20 ! video/x-raw,format=NV12,width=65,height=49 ! adainfilter alpha=0.5 ! queue ! adainfilter alpha=0 ! fakesink",
		"videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! adainfilter style-size=64 style=STYLE ! fakesink",
	} {
		arguments := append([]string{"-f", "-q"}, strings.Fields(line)...)
		for i := range arguments {
			arguments[i] = strings.ReplaceAll(arguments[i], "STYLE", `"`+style+`"`)
		}
		out, err := run(t, []string{"GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7"}, "gst-launch-1.0", arguments...)
		if err != nil || strings.Contains(out, "object-alive") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	// The tracer is at work: a line that must leak nothing says so, one without it says nothing.
	out, _ := run(t, []string{"GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7"}, "gst-launch-1.0", "-q", "fakesrc", "num-buffers=1", "!", "fakesink")
	if !strings.Contains(out, "leaks") {
		t.Skipf("this GStreamer has no leak tracer: %s", out)
	}
}

// TestMessages is what a user reads when a line cannot work.
func TestMessages(t *testing.T) {
	const source = "videotestsrc num-buffers=3 ! "
	for line, wanted := range map[string]string{
		source + "video/x-raw,width=4,height=4 ! adainfilter ! fakesink": "ERROR: from element /GstPipeline:pipeline0/GstAdaInFilter:adainfilter0: Frames of 4x4 pixels are too small",
		source + "adainfilter style=nosuchstyle ! fakesink":              `Style "nosuchstyle" is neither a file nor a built-in style`,
		source + "adainfilter device=cuda ! fakesink":                    `Device "cuda" is not available in this build`,
		source + "adainfilter weights=/no/such.file ! fakesink":          "/no/such.file",
	} {
		out, err := run(t, nil, "gst-launch-1.0", append([]string{"-f"}, strings.Fields(line)...)...)
		if err == nil || !strings.Contains(out, wanted) {
			t.Errorf("%s: %v, wanted %q in\n%s", line, err, wanted, out)
		}
	}
}
