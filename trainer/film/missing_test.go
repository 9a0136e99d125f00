package film

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childVariable makes the test program decode a film, print the error, and end: plug-ins are hidden from a whole process only.
const childVariable = "ADAIN_FILM_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		_, err := Read(context.Background(), path, 0, 2)
		fmt.Print(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestMissingDecoder hides all decoders of H.264.
func TestMissingDecoder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.mp4")
	p, err := Open("videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! x264enc ! h264parse ! mp4mux ! filesink name=file", path, time.Minute)
	if err != nil {
		t.Skip(err)
	}
	defer p.Close()
	if err := p.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	read := func(env ...string) string {
		c := exec.Command(os.Args[0])
		c.Env = append(append(os.Environ(), childVariable+"="+path), env...)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if got := read(); got != "<nil>" {
		t.Skip("no decoder of H.264: ", got)
	}
	var hidden []string
	for _, name := range strings.Fields("avdec_h264 openh264dec vah264dec vaapih264dec vaapidecodebin nvh264dec nvh264sldec v4l2h264dec v4l2slh264dec qsvh264dec vulkanh264dec") {
		hidden = append(hidden, name+":NONE")
	}
	for _, language := range []string{"C", "de_DE.UTF-8"} {
		got := read("GST_PLUGIN_FEATURE_RANK="+strings.Join(hidden, ","), "LC_ALL="+language)
		for _, want := range []string{"film.mp4\" cannot be decoded: GStreamer lacks a plug-in: H.264", "Debian's package gstreamer1.0-libav has it"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: error is %s, wanted %q in it", language, got, want)
			}
		}
	}
}

func TestPackage(t *testing.T) {
	for name, want := range map[string]string{
		"x264enc": ugly, "avenc_ffv1": libav, "nvh264enc": bad, "video/x-h265": libav, "video/mpegts": bad, "video/x-vp9": good, "noneenc": "", "video/x-none": "",
	} {
		if got := Package(name); got != want {
			t.Errorf("%s is in %q, wanted %q", name, got, want)
		}
	}
	if _, err := NewPipeline("fakesrc ! x999enc ! fakesink", "", time.Second); err == nil || err.Error() != "GStreamer lacks the element x999enc" {
		t.Errorf("error is %v", err)
	}
	if got := Lacking("x264enc"); got != "GStreamer lacks the element x264enc (Debian's package gstreamer1.0-plugins-ugly has it; sudo apt install gstreamer1.0-plugins-ugly)" {
		t.Error(got)
	}
}
