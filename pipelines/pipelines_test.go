// Package pipelines tests the launch scripts on films made on the spot. They use the plugin of the folder build.
package pipelines

import (
	"bufio"
	"errors"
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

// needsPython skips a test where Python or its GStreamer is missing, which building and the other scripts do without.
func needsPython(t *testing.T) {
	t.Helper()
	if text, err := run(t, "./timeline.py", "--help"); err != nil {
		if errors.Is(err, os.ErrNotExist) || strings.Contains(text, "Python's GStreamer is missing") {
			t.Skipf("%v: %s", err, text)
		}
		t.Fatalf("%v\n%s", err, text)
	}
}

// moments of the test of timeline.py, and the alpha that frames have by them.
const moments = `# seconds, over, alpha, style
0    0    0.2  woodcut
0.52 0.4  1    ember
1.2  0    0.5  -
1.6  0.2  -    sunset
`

func alphaAt(seconds float64) float64 {
	switch {
	case seconds < 0.52:
		return 0.2
	case seconds < 1.2:
		return min(0.2+0.8*(seconds-0.52)/0.4, 1)
	}
	return 0.5
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc", "avdec_h264", "pngenc", "multifilesink")
	needsPython(t)
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte(moments), 0o644); err != nil {
		t.Fatal(err)
	}
	changes := []string{ // each before the frame of its time
		"0.000 s: style woodcut, alpha 0.2 over 0 s",
		"0.520 s: style ember, alpha 1 over 0.4 s", "0.520 s: style ember is in force", "0.520 s: frame with alpha 0.2000",
		"0.920 s: frame with alpha 1.0000", "0.920 s: alpha is 1.0000",
		"1.200 s: alpha 0.5 over 0 s", "1.200 s: frame with alpha 0.5000", "1.200 s: alpha is 0.5000",
		"1.600 s: style sunset over 0.2 s", "1.600 s: style sunset is in force", "1.600 s: frame with alpha 0.5000",
	}
	frame := regexp.MustCompile(`(?m)^([0-9.]+) s: frame with alpha ([0-9.]+)$`)
	for _, c := range []struct {
		name, out, files string
		wantFiles        int
	}{
		{"film", "out.mp4", "out.mp4*", 1},
		{"Matroska, a name with spaces", "an out.mkv", "an out.mkv*", 1},
		{"pictures", "%03d.png", "*.png", 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, c.out)
			text, err := run(t, "./timeline.py", "test", out, list, "--seconds", "2", "--size", "64x48", "--verbose")
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			rest := text
			for _, change := range changes {
				_, after, ok := strings.Cut(rest, change+"\n")
				if !ok {
					t.Fatalf("no %q in its place in\n%s", change, text)
				}
				rest = after
			}
			if n := strings.Count(text, "is in force"); n != 3 {
				t.Errorf("%d styles came into force, wanted 3:\n%s", n, text)
			}
			painted := frame.FindAllStringSubmatch(text, -1)
			if len(painted) != 50 {
				t.Errorf("%d frames, wanted 50", len(painted))
			}
			for i, m := range painted {
				at, want := fmt.Sprintf("%.3f", float64(i)/25), fmt.Sprintf("%.4f", alphaAt(float64(i)/25))
				if m[1] != at || m[2] != want {
					t.Errorf("frame %d: at %s s with alpha %s, wanted %s s with %s", i, m[1], m[2], at, want)
				}
			}
			if files, _ := filepath.Glob(filepath.Join(dir, c.files)); len(files) != c.wantFiles {
				t.Errorf("%d files, wanted %d: %v", len(files), c.wantFiles, files)
			}
			if c.wantFiles == 1 {
				if n := len(frames(t, out)); n != 50 {
					t.Errorf("%d frames in the file, wanted 50", n)
				}
			}
		})
	}
}

// TestTimelineWindow: frames are shown at their times, and changes come as they do in a file.
func TestTimelineWindow(t *testing.T) {
	needs(t)
	needsPython(t)
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("0 0 1 woodcut\n0.2 0.4 0 ember\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SINK", "fakesink sync=true")
	start := time.Now()
	text, err := run(t, "./timeline.py", "test", "window", list, "--seconds", "1", "--size", "64x48")
	if err != nil || !strings.Contains(text, "style ember is in force") || !strings.Contains(text, "0.600 s: alpha is 0.0000") {
		t.Fatalf("error %v, wanted ember and an alpha of 0 after 0.6 s:\n%s", err, text)
	}
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("a second took %v", took)
	}
}

// TestTimelineStopped: Ctrl-C ends the file as if the stream had ended there.
func TestTimelineStopped(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc", "avdec_h264")
	needsPython(t)
	out := filepath.Join(t.TempDir(), "out.mp4")
	cmd := exec.Command("./timeline.py", "test", out, "--size", "64x48")
	var said strings.Builder
	cmd.Stderr = &said
	lines, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		if strings.HasPrefix(scan.Text(), "3.000 s: alpha is") {
			cmd.Process.Signal(os.Interrupt)
		}
	}
	if err := cmd.Wait(); err != nil || said.Len() > 0 {
		t.Fatalf("error %v, said %q, wanted neither", err, said.String())
	}
	if n := len(frames(t, out)); n <= 75 {
		t.Errorf("%d frames in the file, wanted more than the 75 of three seconds", n)
	}
}

func TestTimelineRefuses(t *testing.T) {
	t.Parallel()
	needs(t, "x264enc")
	needsPython(t)
	for _, c := range []struct{ name, in, out, list, want string }{
		{"no film", "none.mp4", "out.mp4", moments, "cannot read none.mp4"},
		{"not a film", "list", "out.mp4", moments, "timeline.py: "},
		{"in place", "list", "list", moments, "OUT is IN"},
		{"unknown kind", "test", "out.ogv", moments, "OUT must end in"},
		{"pictures of one name", "test", "frame.png", moments, "OUT must end in"},
		{"no moments", "test", "out.mp4", "# none\n", "has no moments"},
		{"too few words", "test", "out.mp4", "0 0 1\n", "line 1: wanted SECONDS OVER ALPHA STYLE"},
		{"no number", "test", "out.mp4", "\nnan 0 1 ember\n", "line 2: wanted SECONDS OVER ALPHA STYLE"},
		{"before the start", "test", "out.mp4", "-1 0 1 ember\n", "must not be negative"},
		{"alpha", "test", "out.mp4", "0 0 1.5 ember\n", "ALPHA must lie between 0 and 1, found 1.5"},
		{"order", "test", "out.mp4", "1 0 1 ember\n1 0 0 -\n", "line 2: begins before the moment above is over"},
		{"overlap", "test", "out.mp4", "0 2 1 ember\n1 0 0 -\n", "line 2: begins before the moment above is over"},
		{"first style", "test", "out.mp4", "0 0 1 none.jpg\n", "none.jpg"},
		{"later style", "test", "out.mp4", "0 0 1 ember\n0.2 0 1 none.jpg\n", "style none.jpg: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			list := filepath.Join(dir, "list")
			if err := os.WriteFile(list, []byte(c.list), 0o644); err != nil {
				t.Fatal(err)
			}
			in, out := c.in, filepath.Join(dir, c.out)
			if in == "list" {
				in = list
			}
			said, err := run(t, "./timeline.py", in, out, list, "--seconds", "1", "--size", "64x48")
			if err == nil || !strings.Contains(said, c.want) || strings.Contains(said, "Traceback") {
				t.Errorf("error %v, said %q, wanted %q", err, said, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
