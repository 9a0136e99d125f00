package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// asCommand makes a process of the test's program act as the command.
const asCommand = "ADAIN_TEST_AS_COMMAND"

func init() {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
}

// commandOnPath puts a program of the name adain in front of PATH for the rest of the test.
func commandOnPath(t *testing.T) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asCommand, program)
	if err := os.WriteFile(filepath.Join(dir, "adain"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// shell gives what a shell prints, or skips the test where there is no such shell.
func shell(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	out, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, arguments, err, out)
	}
	return string(out)
}

// completionFile writes the script for a shell into a file.
func completionFile(t *testing.T, shell string) string {
	t.Helper()
	out, _ := mustRun(t, "completion", shell)
	path := filepath.Join(t.TempDir(), "adain."+shell)
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// options are all names of an option, as they are typed.
func options(f cli.Flag) (names []string) {
	for _, n := range f.Names() {
		names = append(names, strings.Repeat("-", min(len(n), 2))+n)
	}
	return names
}

func TestManual(t *testing.T) {
	page, _ := mustRun(t, "manual")
	if !strings.Contains(page, ".TH adain 1\n") || !strings.Contains(page, ".SH NAME\nadain \\- ") {
		t.Errorf("the page has no title or no name:\n%.200s", page)
	}
	for _, c := range newApp(io.Discard, io.Discard).Commands {
		_, rest, ok := strings.Cut(page, ".SH "+c.Name+"\n")
		if !ok {
			t.Errorf("the page has no section %s", c.Name)
			continue
		}
		section, _, _ := strings.Cut(rest, "\n.SH ")
		if !strings.Contains(section, "adain "+c.Name+" [OPTIONS]") || !strings.Contains(section, "Example") {
			t.Errorf("%s has no usage or no example:\n%s", c.Name, section)
		}
		for _, f := range c.Flags {
			for _, o := range options(f) {
				if !regexp.MustCompile(`(?m)^\\fB.*` + o + `(, .*)?\\fP( \\fI.+\\fP)?: .+$`).MatchString(section) {
					t.Errorf("%s lacks %s:\n%s", c.Name, o, section)
				}
			}
		}
	}
	if strings.Contains(page, `=""`) {
		t.Errorf("an option has an empty value:\n%s", page)
	}
}

func TestManualFormat(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip(err)
	}
	page, _ := mustRun(t, "manual")
	cmd := exec.Command("groff", "-man", "-ww", "-z")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("error %v, groff warns:\n%s", err, out)
	}
}

func TestCompletionRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"completion", "0 shells were named"},
		{"completion bash zsh", "2 shells were named"},
		{"completion tcsh", `shell "tcsh" is unknown`},
		{"manual page", `"page" is not an option`},
	} {
		if _, _, err := run(strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("adain %s: error %v, wanted %q", c.args, err, c.want)
		}
	}
}

// offers are what each shell must have to offer for a line, among others or alone.
var offers = []struct {
	line, want string
	not        string
}{
	{"adain sty", "stylize style", "train"},
	{"adain ", "stylize train completion", "--help"},
	{"adain --v", "--version", "--help"},
	{"adain stylize --al", "--alpha --alpha-strip", "--content"},
	{"adain train --content_", "--content_dir --content_weight", "--content-weight"},
	{"adain stylize --content a.png --", "--style --out", "--name"},
	{"adain stylize --content $(touch", "", "--style"},
}

func checkOffers(t *testing.T, complete func(t *testing.T, line string) string) {
	for _, c := range offers {
		t.Run(c.line, func(t *testing.T) {
			got := strings.Fields(complete(t, c.line))
			for _, w := range strings.Fields(c.want) {
				if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
					t.Errorf("%q is not offered, but %q", w, got)
				}
			}
			if strings.Contains(" "+strings.Join(got, " ")+" ", " "+c.not+" ") {
				t.Errorf("%q is offered: %q", c.not, got)
			}
		})
	}
}

func TestBashCompletion(t *testing.T) {
	commandOnPath(t)
	script := completionFile(t, "bash")
	shell(t, "bash", "-n", script)
	checkOffers(t, func(t *testing.T, line string) string {
		return shell(t, "bash", "-c", `. "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 != *" " ]] || COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _adain adain; echo "${COMPREPLY[*]}"`, "-", script, line)
	})
}

func TestZshCompletion(t *testing.T) {
	commandOnPath(t)
	script := completionFile(t, "zsh")
	shell(t, "zsh", "-n", script)
	// The functions that show what they are given stand for those of an interactive zsh.
	checkOffers(t, func(t *testing.T, line string) string {
		return shell(t, "zsh", "-f", "-c", `compdef() { }; _files() { }; _describe() { print -rl -- ${${(P)2}%%:*} }
			. "$1"; words=(${=2}); [[ $2 != *" " ]] || words+=(""); CURRENT=$#words PREFIX=$words[-1]
			_adain | grep "^$PREFIX" || :`, "-", script, line)
	})
}

func TestFishCompletion(t *testing.T) {
	script := completionFile(t, "fish")
	t.Setenv("HOME", t.TempDir())
	shell(t, "fish", "--no-execute", script)
	checkOffers(t, func(t *testing.T, line string) string {
		var names bytes.Buffer
		out := shell(t, "fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, line)
		for _, l := range strings.Split(out, "\n") {
			name, _, _ := strings.Cut(l, "\t")
			fmt.Fprintln(&names, name)
		}
		return names.String()
	})
}

// TestFishFiles: behind an option with a value fish offers files.
func TestFishFiles(t *testing.T) {
	script := completionFile(t, "fish")
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	if err := os.WriteFile(filepath.Join(dir, "a picture.png"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := shell(t, "fish", "--no-config", "-c",
		`cd $argv[2]; source $argv[1]; complete -C "adain stylize --content a"`, script, dir)
	if !strings.Contains(got, "picture.png") {
		t.Errorf("no file is offered, but %q", got)
	}
}
