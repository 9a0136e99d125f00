// Package documents holds the pages of the manual. Its tests run the lines of every page of the repository as a reader would.
package documents

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// line is a command of a block ```sh: its lines joined, without the comment behind it.
type line struct {
	page   string // from the repository's root
	number int    // of its first line
	text   string
}

func (l line) String() string { return fmt.Sprintf("%s:%d: %s", l.page, l.number, l.text) }

var comment = regexp.MustCompile(`(^|\s+)#.*$`)

// block is the inside of a fence of a language, and the number of the line above it.
type block struct {
	number int
	text   string
}

// blocks finds the fences of a language in a page.
func blocks(text, language string) (found []block) {
	inside := false
	for i, l := range strings.Split(text, "\n") {
		switch {
		case inside && l == "```":
			inside = false
		case inside:
			found[len(found)-1].text += l + "\n"
		case l == "```"+language:
			inside = true
			found = append(found, block{number: i + 1})
		}
	}
	return found
}

// linesOf are the commands of a page.
func linesOf(page, text string) (found []line) {
	for _, b := range blocks(text, "sh") {
		whole, first := "", 0
		for i, l := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
			if whole == "" {
				first = b.number + 1 + i
			}
			if part, more := strings.CutSuffix(l, `\`); more {
				whole += part
				continue
			}
			if whole += comment.ReplaceAllString(l, ""); whole != "" {
				found = append(found, line{page, first, strings.Join(strings.Fields(whole), " ")})
			}
			whole = ""
		}
	}
	return found
}

// pages reads every page of the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (path == "build" || path == ".git") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".md") {
			var data []byte
			data, err = os.ReadFile(filepath.Join("..", path))
			found[path] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLinesOf(t *testing.T) {
	got := linesOf("p.md", "x\n```sh\n# all of it\na  b   # c\nd '#e' \\\n  f\n```\n```python\ng\n```\n```sh\nh#i\n```\n")
	want := []line{{"p.md", 4, "a b"}, {"p.md", 5, "d '#e' f"}, {"p.md", 12, "h#i"}}
	if !slices.Equal(got, want[:len(got)]) || len(got) != len(want) {
		t.Errorf("found %v, wanted %v", got, want)
	}
}

var (
	subcommand = regexp.MustCompile(`(?:^|[ /=])(?:adain|adainfilter) ([a-z]+)( .*|$)`)
	option     = regexp.MustCompile(` (--[a-z][a-z_-]*)`)
	ours       = regexp.MustCompile(`(?:^|[ '])((?:pipelines|documents|model|tools)/[A-Za-z0-9_./-]+)`)
)

// spelled says what is wrong with a line as it is written: a subcommand, an option or a file of the repository that is not there.
func spelled(l line, help func(subcommand string) string) error {
	for _, file := range ours.FindAllStringSubmatch(l.text, -1) {
		if _, err := os.Stat(filepath.Join("..", file[1])); err != nil {
			return fmt.Errorf("%s: there is no file %s", l, file[1])
		}
	}
	for _, part := range strings.Split(l.text, " | ") {
		m := subcommand.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		text := help(m[1])
		if text == "" {
			return fmt.Errorf("%s: adain has no subcommand %s", l, m[1])
		}
		for _, o := range option.FindAllStringSubmatch(m[2], -1) {
			if !regexp.MustCompile(`(^|[ ,])` + o[1] + `([ ,]|$)`).MatchString(strings.ReplaceAll(text, "\n", " ")) {
				return fmt.Errorf("%s: adain %s has no option %s", l, m[1], o[1])
			}
		}
	}
	return nil
}

// command is the built adain; without it the test is skipped.
func command(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../build/adain")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the command is not built (make build): %v", err)
	}
	return path
}

// helper asks the command for its help, once for each subcommand; "" is for one that it does not have.
func helper(path string) func(string) string {
	texts := map[string]string{}
	return func(name string) string {
		if _, ok := texts[name]; !ok {
			out, err := exec.Command(path, name, "--help").Output()
			texts[name] = string(out)
			if err != nil || !strings.Contains(texts[name], "adain "+name+" - ") {
				texts[name] = ""
			}
		}
		return texts[name]
	}
}

func TestSpelling(t *testing.T) {
	help := helper(command(t))
	n := 0
	for page, text := range pages(t) {
		for _, l := range linesOf(page, text) {
			n++
			if err := spelled(l, help); err != nil {
				t.Error(err)
			}
		}
	}
	if n < 50 {
		t.Errorf("found %d lines on all pages, wanted at least 50", n)
	}
}

func TestSpellingFinds(t *testing.T) {
	help := helper(command(t))
	for text, want := range map[string]string{
		"adain transcode --codec h264 film.mp4":                "",
		"X=1 build/adain live --source test":                   "",
		"build/adain transcode --codex h264":                   "no option --codex",
		"adain transcod --codec h264":                          "no subcommand transcod",
		"docker run --rm adainfilter live --port 1":            "no option --port",
		"pipelines/none.sh film.mp4":                           "no file pipelines/none.sh",
		"adain train --init model/builtin/none.safetensors":    "no file model/builtin/none.safetensors",
		"adain train --init model/builtin/lite.safetensors":    "",
		"gst-launch-1.0 videotestsrc ! adainfilter ! fakesink": "",
	} {
		err := spelled(line{"page.md", 1, text}, help)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, wanted %q", text, err, want)
		}
	}
}
