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
1.6  0.2  -    pop
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
		"1.600 s: style pop over 0.2 s", "1.600 s: style pop is in force", "1.600 s: frame with alpha 0.5000",
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
