package main

import (
	"os"
	"regexp"
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
		arguments := strings.Fields(line)
		for i := range arguments {
			arguments[i] = strings.ReplaceAll(arguments[i], "STYLE", `"`+style+`"`)
		}
		leaks(t, nil, arguments)
	}
}

// leaks fails the test where a line does, or leaves an object behind. It returns what the element logs.
func leaks(t *testing.T, environment, line []string) string {
	t.Helper()
	environment = append(environment, "GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7,adainfilter:4")
	out, err := run(t, environment, "gst-launch-1.0", append([]string{"-f", "-q"}, line...)...)
	if err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	if !strings.Contains(out, "object-alive.class") {
		t.Skipf("this GStreamer has no leak tracer")
	}
	if found := alive.FindAllString(out, -1); found != nil {
		t.Errorf("%s leaks\n%s", line, strings.Join(found, "\n"))
	}
	return out
}

// alive is how the tracer names a leaked object.
var alive = regexp.MustCompile(`(?m):: object-alive, .*$`)

func TestAlivePattern(t *testing.T) {
	const leak = "0:00:00.1 7 0x5 TRACE GST_TRACER :0:: object-alive, type-name=(string)GstPad, address=(gpointer)0x7f;\n"
	const none = "0:00:00.1 7 0x5 DEBUG GST_TRACER gsttracerrecord.c:123:gst_tracer_record_build_format: new format string: object-alive, type-name=(string)%s;\n"
	if !alive.MatchString(none+leak) || alive.MatchString(none) {
		t.Error("leaks are not told from the tracer's other lines")
	}
}

// TestMessages is what a user reads when a line cannot work.
func TestMessages(t *testing.T) {
	const source = "videotestsrc num-buffers=3 ! "
	for line, wanted := range map[string]string{
		source + "video/x-raw,width=4,height=4 ! adainfilter ! fakesink": "ERROR: from element /GstPipeline:pipeline0/GstAdaInFilter:adainfilter0: Frames of 4x4 pixels are too small",
		source + "adainfilter style=nosuchstyle ! fakesink":              `Style "nosuchstyle" is neither a file nor a built-in style`,
		source + "adainfilter device=cuda precision=float32 ! fakesink":  `precision "float32" is not to be had on a GPU`,
		source + "adainfilter weights=/no/such.file ! fakesink":          "/no/such.file",
	} {
		out, err := run(t, nil, "gst-launch-1.0", append([]string{"-f"}, strings.Fields(line)...)...)
		if err == nil || !strings.Contains(out, wanted) {
			t.Errorf("%s: %v, wanted %q in\n%s", line, err, wanted, out)
		}
	}
}
