package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// built is the folder of the built plugin; the test is skipped where it has not been built or GStreamer's tools are missing.
func built(t *testing.T, tool string) string {
	t.Helper()
	folder, err := filepath.Abs("../build/gstreamer-1.0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder + "/libgstadainfilter.so"); err != nil {
		t.Skipf("the plugin is not built (make build): %v", err)
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("GStreamer's tools are not installed: %v", err)
	}
	return folder
}

// registries is a folder for GStreamer's lists of plugins.
var registries string

// registry is the list for programs with this environment: an emulated driver brings elements along. To make one
// takes seconds.
func registry(environment []string) string {
	h := fnv.New64a()
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "GST_") {
			io.WriteString(h, variable+"\n")
		}
	}
	return fmt.Sprintf("GST_REGISTRY=%s/%x", registries, h.Sum64())
}

// run is a GStreamer tool with the built plugin, a registry of the tests and no mercy for GLib criticals. It ends after two minutes:
// now and then gst-launch-1.0 of GStreamer 1.22 waits for ever after it has shown an error.
func run(t *testing.T, environment []string, tool string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, arguments...)
	cmd.Env = append(os.Environ(), "GST_PLUGIN_PATH="+built(t, tool), registry(environment), "G_DEBUG=fatal-criticals",
		"GST_DEBUG_NO_COLOR=1", "NO_COLOR=1", "LC_ALL=C")
	cmd.Env = append(cmd.Env, environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// property is what a table or gst-inspect says of one; value is "" where it has no simple default.
type property struct{ kind, value, change string }

var (
	inspectName    = regexp.MustCompile(`^  ([a-z][a-z-]*) +: `)
	inspectDefault = regexp.MustCompile(`Default: +(?:\d+, )?"?([^"]*?)"? *$`)
	kinds          = []string{"String", "Boolean", "Unsigned Integer64", "Integer", "Double", "Enum", "GstValueArray", "GstStructure"}
)

// inspected reads the element's own properties out of gst-inspect's text.
func inspected(text string) map[string]property {
	found := map[string]property{}
	name := ""
	_, text, _ = strings.Cut(text, "Element Properties:")
	for _, line := range strings.Split(text, "\n") {
		if m := inspectName.FindStringSubmatch(line); m != nil {
			name = m[1]
			continue
		}
		p := found[name]
		switch {
		case strings.Contains(line, "PLAYING state"):
			p.change = "PLAYING"
		case strings.Contains(line, "only in NULL or READY"):
			p.change = "READY"
		}
		if strings.Contains(line, "controllable") {
			p.change += " controllable"
		}
		for _, kind := range kinds {
			if p.kind == "" && strings.Contains(line, kind) {
				p.kind = kind
			}
		}
		if m := inspectDefault.FindStringSubmatch(line); m != nil && p.kind != "" && p.kind[0] != 'G' {
			p.value = m[1]
		}
		found[name] = p
	}
	for _, inherited := range []string{"", "name", "parent", "qos"} {
		delete(found, inherited)
	}
	return found
}

// documented reads the rows | property | type | default | may change | meaning | of the section Properties.
func documented(text string) (map[string]property, error) {
	_, text, ok := strings.Cut(text, "\n## Properties\n")
	if !ok {
		return nil, errors.New("documents/element.md has no section Properties")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	found := map[string]property{}
	for _, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "/"), "|")
		if len(cells) != 7 || strings.HasPrefix(strings.TrimSpace(cells[1]), "-") || strings.TrimSpace(cells[1]) == "property" {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`\"")
		}
		p := property{kind: documentedKind(cells[2])}
		if p.kind != "" && p.kind[0] != 'G' {
			p.value = cells[3]
			if p.value == "empty" {
				p.value = ""
			}
		}
		for _, word := range []string{"READY", "PLAYING"} {
			if strings.Contains(cells[4], word) {
				p.change = word
			}
		}
		if strings.Contains(cells[4], "controllable") {
			p.change += " controllable"
		}
		if strings.TrimSpace(cells[5]) == "" {
			return nil, fmt.Errorf("documents/element.md: property %s has no meaning", cells[1])
		}
		found[cells[1]] = p
	}
	return found, nil
}

func documentedKind(cell string) string {
	short := map[string]string{
		"string": "String", "boolean": "Boolean", "uint64": "Unsigned Integer64", "int": "Integer", "double": "Double", "enum": "Enum",
	}
	word := strings.Trim(strings.Fields(cell + " ?")[0], "`,:")
	if kind, ok := short[word]; ok {
		return kind
	}
	return word
}

func TestProperties(t *testing.T) {
	text, err := run(t, nil, "gst-inspect-1.0", "adainfilter")
	if err != nil {
		t.Fatalf("gst-inspect-1.0: %v\n%s", err, text)
	}
	got := inspected(text)
	for name, want := range map[string]property{
		"alpha": {"Double", "1", "PLAYING controllable"}, "device": {"Enum", "auto", "READY"}, "style-weights": {"GstValueArray", "", "PLAYING"},
		"weights": {"String", "", "READY"}, "style-size": {"Integer", "512", "PLAYING"},
	} {
		if got[name] != want {
			t.Errorf("gst-inspect says %s is %+v, wanted %+v", name, got[name], want)
		}
	}
	page, err := os.ReadFile("../documents/element.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no documents/element.md to compare with")
	}
	if err != nil {
		t.Fatal(err)
	}
	table, err := documented(string(page))
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(got))
	if want := slices.Sorted(maps.Keys(table)); !slices.Equal(names, want) {
		t.Errorf("gst-inspect has the properties %v, documents/element.md %v", names, want)
	}
	for _, name := range names {
		if p, ok := table[name]; ok && p != got[name] {
			t.Errorf("property %s: documents/element.md says %+v, gst-inspect %+v", name, p, got[name])
		}
	}
}

func TestDocumented(t *testing.T) {
	table, err := documented("# x\n## Properties\n\n| property | type | default | may change | meaning |\n| --- | --- | --- | --- | --- |\n" +
		"| `alpha` | double, 0 to 1 | `1` | PLAYING, controllable | strength |\n| `weights` | string | `\"\"` | READY | file |\n" +
		"| style-weights | GstValueArray of double | equal | PLAYING | shares |\n\n## Next\n| a | b | c | d | e |\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]property{
		"alpha": {"Double", "1", "PLAYING controllable"}, "weights": {"String", "", "READY"}, "style-weights": {"GstValueArray", "", "PLAYING"},
	}
	if !maps.Equal(table, want) {
		t.Errorf("the table reads as %+v, wanted %+v", table, want)
	}
}
