// tests ARGUMENT... [-- ARGUMENT...]: runs `go test` with the arguments, then with those behind each `--`. Shows what `go test` shows
// and, at the end, the line of each package again and what was skipped and why. Its exit status is that of the first run that failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

type name struct{ pkg, test string }

// report is what runs have shown so far.
type report struct {
	out      io.Writer
	said     map[name]*strings.Builder // of tests that have not ended
	packages []string                  // their closing lines
	skipped  map[string][]string       // tests by reason
}

func newReport(out io.Writer) *report {
	return &report{out: out, said: map[name]*strings.Builder{}, skipped: map[string][]string{}}
}

var (
	// frame is what the test framework itself says of a test.
	frame   = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME) |\s*--- (PASS|SKIP): )`)
	closing = regexp.MustCompile(`^(ok  |FAIL|---|\?   )\t`)
	place   = regexp.MustCompile(`^\s*\S+\.go:\d+: `)
)

// read takes the lines of one run.
func (r *report) read(lines io.Reader) error {
	scan := bufio.NewScanner(lines)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil {
			fmt.Fprintln(r.out, scan.Text())
			continue
		}
		r.take(e)
	}
	return scan.Err()
}

func (r *report) take(e event) {
	n := name{e.Package, e.Test}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "output" && e.Test == "":
		if closing.MatchString(e.Output) {
			r.packages = append(r.packages, e.Output)
		}
		if e.Output != "PASS\n" {
			fmt.Fprint(r.out, e.Output)
		}
	case e.Action == "output":
		if r.said[n] == nil {
			r.said[n] = &strings.Builder{}
		}
		if !frame.MatchString(e.Output) {
			r.said[n].WriteString(e.Output)
		}
	case e.Test == "" && e.Action == "fail": // also of tests that were under way when the program died
		for _, left := range slices.SortedFunc(maps.Keys(r.said), func(a, b name) int { return strings.Compare(a.test, b.test) }) {
			if left.pkg == e.Package {
				r.show(left)
			}
		}
	case e.Test != "" && e.Action == "fail":
		r.show(n)
	case e.Test != "" && e.Action == "skip":
		r.skip(n)
	case e.Test != "" && e.Action == "pass":
		delete(r.said, n)
	}
}

func (r *report) show(n name) {
	if text := r.said[n]; text != nil {
		fmt.Fprint(r.out, text)
	}
	delete(r.said, n)
}

func (r *report) skip(n name) {
	reason := "no reason given"
	if text := r.said[n]; text != nil && strings.TrimSpace(text.String()) != "" {
		reason = strings.Join(strings.Fields(place.ReplaceAllString(text.String(), "")), " ")
	}
	delete(r.said, n)
	r.skipped[reason] = append(r.skipped[reason], n.pkg+"."+n.test)
}

// end shows the packages' lines again, and what was skipped, by reason.
func (r *report) end() {
	fmt.Fprintln(r.out)
	for reason, tests := range sorted(r.skipped) {
		fmt.Fprintf(r.out, "skipped: %s\n", reason)
		for _, test := range tests {
			fmt.Fprintf(r.out, "    %s\n", test)
		}
	}
	if len(r.skipped) == 0 {
		fmt.Fprintln(r.out, "skipped: nothing")
	}
	for _, line := range r.packages {
		fmt.Fprint(r.out, line)
	}
}

func sorted(m map[string][]string) func(func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			slices.Sort(m[key])
			if !yield(key, slices.Compact(m[key])) {
				return
			}
		}
	}
}

// run runs `go test` once and gives its exit status.
func (r *report) run(arguments []string) (int, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, arguments...)...)
	cmd.Stderr = os.Stderr
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	readErr := r.read(lines)
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), readErr
	}
	return 0, errors.Join(readErr, err)
}

func main() {
	status := 0
	r := newReport(os.Stdout)
	for rest := os.Args[1:]; len(rest) > 0; {
		arguments := rest
		if i := slices.Index(rest, "--"); i >= 0 {
			arguments, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		fmt.Println("go test", strings.Join(arguments, " "))
		code, err := r.run(arguments)
		if err != nil {
			fmt.Fprintln(os.Stderr, "tests:", err)
			code = max(code, 1)
		}
		if status == 0 {
			status = code
		}
	}
	r.end()
	os.Exit(status)
}
