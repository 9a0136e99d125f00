// Package pipelines tests the launch scripts on films made on the spot. They use the plugin of the folder build.
package pipelines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// needs skips a test where the plugin has not been built or a GStreamer tool or element is missing.
func needs(t *testing.T, elements ...string) {
	t.Helper()
	if _, err := os.Stat("../build/gstreamer-1.0/libgstadainfilter.so"); err != nil {
		t.Skipf("the plugin is not built (make build): %v", err)
	}
	for _, tool := range []string{"bash", "gst-launch-1.0", "gst-inspect-1.0", "gst-discoverer-1.0"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	for _, e := range elements {
		if exec.Command("gst-inspect-1.0", "--exists", e).Run() != nil {
			t.Skipf("the GStreamer element %s is not installed", e)
		}
	}
}

// TestMain gives the scripts a GStreamer registry of their own, so that the tests leave the user's alone.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "registry")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		os.Setenv("GST_REGISTRY", filepath.Join(dir, "registry.bin"))
		os.Setenv("LC_ALL", "C.UTF-8")
		return m.Run()
	}())
}

// run gives what a command prints; one that takes minutes is ended.
func run(t *testing.T, name string, arguments ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.WaitDelay = time.Second
	timer := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// film writes a film of one second: video and sound are what stands between source and muxer, no sound for "".
func film(t *testing.T, path, caps, video, sound, muxer string) {
	t.Helper()
	line := fmt.Sprintf("videotestsrc num-buffers=10 ! video/x-raw,framerate=10/1,%s ! %s ! %s name=m ! filesink name=out", caps, video, muxer)
	if sound != "" {
		line += " audiotestsrc num-buffers=10 samplesperbuffer=4410 ! audio/x-raw,rate=44100,channels=1 ! " + sound + " ! m."
	}
	plain := filepath.Join(t.TempDir(), "film")
	out, err := run(t, "gst-launch-1.0", strings.Fields(strings.Replace(line, "name=out", "location="+plain, 1))...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	if err := os.Rename(plain, path); err != nil {
		t.Fatal(err)
	}
}

var shown = regexp.MustCompile(`last-message = chain .*?pts: (\d+:\d+:\d+\.\d+), .*?duration: ([0-9:.]+|none)`)

// frames are the presentation times of the decoded pictures, in order.
func frames(t *testing.T, path string) []string {
	t.Helper()
	out, err := run(t, "bash", "-c", `. ./launch.bash; gst-launch-1.0 -v filesrc location="$(value "$1")" ! decodebin expose-all-streams=false \
		caps='video/x-raw(ANY)' ! fakesink silent=false sync=false`, "-", path)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	var times []string
	for _, m := range shown.FindAllStringSubmatch(out, -1) {
		times = append(times, m[1])
	}
	return times
}

// found is what gst-discoverer-1.0 says.
func found(t *testing.T, path string) string {
	t.Helper()
	out, err := run(t, "gst-discoverer-1.0", "-v", path)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	return out
}

func TestFile(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc", "vp8enc", "vorbisenc", "avenc_aac", "avdec_h264", "videocrop")
	h264, aac := "x264enc speed-preset=ultrafast", "audioconvert ! avenc_aac ! aacparse"
	for _, c := range []struct {
		name, in, caps, video, sound, muxer, out string
		width, height                            int
		wantSound                                bool
	}{
		{"AAC", "in.mp4", "width=64,height=48", h264, aac, "mp4mux", "out.mp4", 64, 48, true},
		{"no sound", "in.mp4", "width=64,height=48", h264, "", "mp4mux", "out.mp4", 64, 48, false},
		{"other sound, Matroska", "in.mkv", "width=64,height=48", h264, "audioconvert ! vorbisenc", "matroskamux", "out.mkv", 64, 48, true},
		{"odd size", "in.webm", "width=65,height=47", "vp8enc deadline=1", "audioconvert ! vorbisenc", "webmmux", "out.mp4", 64, 46, true},
		{"names", `a b, 100% "ä" \x.mp4`, "width=64,height=48", h264, aac, "mp4mux", `o, 1% 'ü' \y.mp4`, 64, 48, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			in, out := filepath.Join(dir, c.in), filepath.Join(dir, c.out)
			film(t, in, c.caps, c.video, c.sound, c.muxer)
			if text, err := run(t, "./file.sh", in, out, "woodcut", "0.5"); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			want, got := frames(t, in), frames(t, out)
			if len(want) != 10 || len(got) != len(want) {
				t.Errorf("%d frames became %d, wanted 10", len(want), len(got))
			}
			text := found(t, out)
			if size := fmt.Sprintf("Width: %d", c.width); !strings.Contains(text, size) {
				t.Errorf("no %q in\n%s", size, text)
			}
			if size := fmt.Sprintf("Height: %d", c.height); !strings.Contains(text, size) {
				t.Errorf("no %q in\n%s", size, text)
			}
			if sound := strings.Contains(text, "audio/mpeg, mpegversion=(int)4"); sound != c.wantSound {
				t.Errorf("AAC sound: %v, wanted %v", sound, c.wantSound)
			}
			if !regexp.MustCompile(`Duration: 0:00:0(0\.99|1\.0)`).MatchString(text) {
				t.Errorf("the film does not last one second:\n%s", text)
			}
		})
	}
}

// TestVariableRate: pictures keep their times when their distances differ.
func TestVariableRate(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc", "avdec_h264", "capssetter")
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.mkv"), filepath.Join(dir, "out.mkv")
	line := "concat name=c ! x264enc speed-preset=ultrafast ! matroskamux ! filesink location=" + in
	for _, rate := range []string{"10/1", "25/1"} { // which the caps must not say, or the muxer sees a change
		line += " videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=64,height=48,framerate=" + rate +
			" ! capssetter caps=video/x-raw,framerate=0/1 ! c."
	}
	text, err := run(t, "gst-launch-1.0", strings.Fields(line)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if text, err := run(t, "./file.sh", in, out); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want, got := frames(t, in), frames(t, out)
	if len(want) != 10 || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("times\n%v became\n%v", want, got)
	}
}

func TestFileRefuses(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc")
	dir := t.TempDir()
	text := filepath.Join(dir, "text.mp4")
	if err := os.WriteFile(text, []byte("not a film"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good.mp4")
	film(t, good, "width=64,height=48", "x264enc speed-preset=ultrafast", "", "mp4mux")
	for _, c := range []struct{ name, in, out, style, want string }{
		{"missing", filepath.Join(dir, "none.mp4"), filepath.Join(dir, "out.mp4"), "", "cannot read"},
		{"not a film", text, filepath.Join(dir, "out.mp4"), "", "text.mp4"},
		{"in place", text, text, "", "OUT is IN"},
		{"unknown kind", text, filepath.Join(dir, "out.ogv"), "", "OUT must end in"},
		{"no style", good, filepath.Join(dir, "out.mp4"), "none.jpg", "none.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, err := run(t, "./file.sh", c.in, c.out, c.style)
			if err == nil || !strings.Contains(said, c.want) {
				t.Errorf("error %v, said %q, wanted %q", err, said, c.want)
			}
			if c.in != c.out {
				if left, _ := filepath.Glob(c.out + "*"); left != nil {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

func TestCompareAndSheet(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc", "avdec_h264", "compositor", "pngenc")
	dir := t.TempDir()
	in, both, sheet := filepath.Join(dir, "in.mp4"), filepath.Join(dir, "both.mp4"), filepath.Join(dir, "sheet.png")
	film(t, in, "width=64,height=48", "x264enc speed-preset=ultrafast", "", "mp4mux")
	if text, err := run(t, "./compare.sh", in, both); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if text := found(t, both); !strings.Contains(text, "Width: 128") || !strings.Contains(text, "Height: 48") {
		t.Errorf("wanted 128x48:\n%s", text)
	}
	if text, err := run(t, "./sheet.sh", in, in, sheet); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if text := found(t, sheet); !strings.Contains(text, "Width: 128") || !strings.Contains(text, "Height: 192") {
		t.Errorf("wanted 128x192:\n%s", text)
	}
}
