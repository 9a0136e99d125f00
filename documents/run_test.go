package documents

import (
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLines runs every line of every page.
func TestLines(t *testing.T) {
	command(t)
	if out, err := exec.Command("gst-inspect-1.0", "--exists", "videotestsrc").CombinedOutput(); err != nil {
		t.Skipf("GStreamer's tools are not installed: %v %s", err, out)
	}
	t.Setenv("GST_REGISTRY", filepath.Join(t.TempDir(), "registry.bin"))
	vgg := ""
	if !testing.Short() {
		vgg = randomVGG(t)
	}
	left, replaced := make([]bool, len(notHere)), make([]bool, len(instead))
	texts := pages(t)
	for _, page := range slices.Sorted(maps.Keys(texts)) {
		lines := linesOf(page, texts[page])
		if len(lines) == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(page, "/", "-"), func(t *testing.T) {
			s := newSandbox(t, page, vgg)
			if !testing.Short() && missing("transcode") == "" {
				s.films(t)
			}
			for _, l := range lines {
				runLine(t, s, l, left, replaced)
			}
		})
	}
	for i, used := range left {
		if !used {
			t.Errorf("no page has a line that begins with %q", notHere[i].begins)
		}
	}
	for i, used := range replaced {
		if !used && !testing.Short() {
			t.Errorf("no page has a line with %s", instead[i].what)
		}
	}
}

// runLine runs one, or says why not; it marks the rules that it used.
func runLine(t *testing.T, s *sandbox, l line, left, replaced []bool) {
	for i, n := range notHere {
		if strings.HasPrefix(l.text, n.begins) {
			left[i] = true
			t.Run("line", func(t *testing.T) { t.Skipf("%s: %s", n.reason, l) })
			return
		}
	}
	if testing.Short() && !cheap.MatchString(l.text) {
		t.Logf("left to make test-all: %s", l)
		return
	}
	for i, r := range instead {
		replaced[i] = replaced[i] || r.what.MatchString(l.text) // also for a line that cannot be run here
	}
	if what := missing(l.text); what != "" {
		t.Run("line", func(t *testing.T) { t.Skipf("there is no %s: %s", what, l) })
		return
	}
	if strings.HasPrefix(l.text, "export ") {
		s.exports += l.text + "\n"
	}
	text := l.text
	for i, r := range instead {
		if r.what.MatchString(text) {
			replaced[i] = true
			text = r.what.ReplaceAllString(text, r.by)
		}
	}
	if strings.Contains(text, "${PAGE}") && s.live == nil {
		s.startPage(t)
	}
	start := time.Now()
	if err := s.run(text); err != nil {
		t.Errorf("%s\nwas run as %v", l, err)
	}
	t.Logf("%.1f s: %s", time.Since(start).Seconds(), text)
}

// TestPython runs the program of the page on the element, with the fade that the page adds to it.
func TestPython(t *testing.T) {
	command(t)
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if what := missing("timeline.py"); what != "" {
		t.Skip("there is no ", what)
	}
	t.Setenv("GST_REGISTRY", filepath.Join(t.TempDir(), "registry.bin"))
	page := pages(t)["documents/element.md"]
	programs := blocks(page, "python")
	if len(programs) != 2 {
		t.Fatalf("documents/element.md has %d programs, wanted 2", len(programs))
	}
	before, after, ok := strings.Cut(programs[0].text, "pipeline.set_state")
	if !ok {
		t.Fatal("the program does not set the pipeline's state")
	}
	imports := regexp.MustCompile("`(gi\\.require_version[^`]*)` and\n?.*`(from gi[^`]*)`").FindStringSubmatch(strings.ReplaceAll(page, "\n", " "))
	if imports == nil {
		t.Fatal("the page does not say what the fade imports")
	}
	program := before + imports[1] + "\n" + imports[2] + "\n" + programs[1].text + "pipeline.set_state" + after
	for what, by := range map[string]string{
		"autovideosink": "fakesink sync=true", "adainfilter name": "video/x-raw,width=64,height=48 ! adainfilter name",
		"print(s.get_value": "seen.append(s.get_value('name')); print(s.get_value", "Gst.init(None)": "Gst.init(None)\nseen = []",
		"GLib.MainLoop().run()": "loop = GLib.MainLoop()\nGLib.timeout_add_seconds(90, loop.quit)\n" +
			"GLib.timeout_add(200, lambda: (len(seen) > 1 and paint.props.alpha == 1 and loop.quit()) or True)\n" +
			"loop.run()\nprint('alpha', paint.props.alpha)\npipeline.set_state(Gst.State.NULL)",
	} {
		if !strings.Contains(program, what) {
			t.Fatalf("the program has no %s", what)
		}
		program = strings.Replace(program, what, by, 1)
	}
	s := newSandbox(t, "documents/element.md", "")
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-u", "-c", program)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "woodcut,my painting.jpg is in force") || !strings.Contains(string(out), "alpha 1.0") {
		t.Errorf("%v, wanted the style in force and an alpha of 1 at the end of the fade:\n%s\n%s", err, out, program)
	}
}
