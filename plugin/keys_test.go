package main

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/pipelines/xserver"
)

// transcript is what a program has written so far.
type transcript struct {
	sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.Lock()
	defer w.Unlock()
	return w.text.String()
}

// startServer starts an X server without a screen and gives its display.
func startServer(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("keys need an X server and somebody to press them: %v", err)
		}
	}
	if out, err := run(t, nil, "gst-inspect-1.0", "ximagesink"); err != nil {
		t.Skipf("keys need the element ximagesink: %s", out)
	}
	// Without -r a key that xdotool holds too long on a busy machine repeats itself.
	return "DISPLAY=" + xserver.Start(t, "-r")
}

// told is what gst-launch has said of a property so far, in order.
func (w *transcript) told(property string) (values []string) {
	for _, m := range regexp.MustCompile(`adainfilter0: `+property+` = (.*)\n`).FindAllStringSubmatch(w.String(), -1) {
		values = append(values, m[1])
	}
	return values
}

// alphas are those told of in steps of 0.05, beginning with that of the start.
func (w *transcript) alphas(t *testing.T) []int {
	t.Helper()
	steps := []int{20}
	for _, text := range w.told("alpha") {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(math.Abs(20*v-math.Round(20*v)) < 1e-6) {
			t.Fatalf("alpha is %s, wanted a multiple of 0.05", text)
		}
		steps = append(steps, int(math.Round(20*v)))
	}
	return steps
}

// styles are the places of those told of among the built-in ones, beginning with that of the start; one round further each time that
// they begin anew.
func (w *transcript) styles(t *testing.T) []int {
	t.Helper()
	names := model.BuiltinStyles()
	at := slices.Index(names, model.DefaultStyle)
	steps := []int{at}
	for _, text := range w.told("style") {
		place := slices.Index(names, strings.Trim(text, `"`))
		if place < 0 {
			t.Fatalf("style is %s, wanted a built-in one", text)
		}
		for place-at > len(names)/2 {
			place -= len(names)
		}
		for at-place > len(names)/2 {
			place += len(names)
		}
		at = place
		steps = append(steps, at)
	}
	return steps
}

// TestKeys presses keys in a window and reads in gst-launch's words what changes: one step for each key. A key that shows nothing for two
// seconds is pressed again: there may be no window yet.
func TestKeys(t *testing.T) {
	folder := built(t, "gst-launch-1.0")
	display := startServer(t)
	said := &transcript{}
	window := exec.Command("gst-launch-1.0", "-v", "-m", "videotestsrc", "is-live=true", "!", "video/x-raw,width=64,height=64", "!",
		"adainfilter", "navigation=true", "!", "videoconvert", "!", "ximagesink")
	window.Env = append(os.Environ(), display, "GST_PLUGIN_PATH="+folder, registry(nil), "NO_COLOR=1", "LC_ALL=C")
	window.Stdout, window.Stderr = said, said
	if err := window.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		window.Process.Kill()
		window.Wait()
	}()
	press := func(key string) {
		// No window manager gives the window the focus; the pointer does.
		cmd := exec.Command("xdotool", "mousemove", "20", "20", "key", key)
		cmd.Env = append(os.Environ(), display)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("xdotool: %v\n%s", err, out)
		}
	}
	for _, c := range []struct {
		key   string
		step  int
		steps func(*testing.T) []int
	}{
		{"Down", -1, said.alphas}, {"Down", -1, said.alphas}, {"Up", 1, said.alphas},
		{"Right", 1, said.styles}, {"Right", 1, said.styles}, {"Left", -1, said.styles},
	} {
		before := len(c.steps(t))
		shows := func() bool {
			steps := c.steps(t)
			n := len(steps)
			return n > before && steps[n-1]-steps[n-2] == c.step
		}
		for i := 0; !shows(); i++ {
			if i == 3000 {
				t.Fatalf("the key %s does not show; gst-launch says\n%s", c.key, said)
			}
			if i%200 == 0 {
				press(c.key)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for what, steps := range map[string][]int{"alpha": said.alphas(t), "style": said.styles(t)} {
		t.Logf("%s went in steps %v", what, steps)
		for i := range steps[1:] {
			// Alpha stays at its upper end, should a key have been pressed again.
			if d := steps[i+1] - steps[i]; d != 1 && d != -1 && !(what == "alpha" && d == 0 && steps[i] == 20) {
				t.Errorf("%s went in steps %v, wanted neighbours", what, steps)
			}
		}
	}
	names := said.told("style")
	inForce := regexp.MustCompile(`adain-style, name=\(string\)"?` + strings.Trim(names[len(names)-1], `"`) + `"?, ok=\(boolean\)true`)
	for end := time.Now().Add(20 * time.Second); !inForce.MatchString(said.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the style of the last key does not come into force; gst-launch says\n%s", said)
		}
	}
}
