package emu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// run is one execution of a test program: how it was built, in which order threads run, when copies land.
type run struct {
	variant       *variant
	order, copies string
	swizzle       string // "" is the emulator's default
}

func (r run) String() string { return fmt.Sprintf("%s-%s-%s", r.variant.name, r.order, r.copies) }

// runs is what every test file goes through. A missing barrier shows in most orders but not in lockstep; a missing wait never shows when
// copies land at once, a slot that is overwritten too early never when they land late; data races are found in any order.
var runs = []run{
	{plain, "fwd", "mix", ""},
	{plain, "rev", "mix", ""},
	{plain, "rand:1", "mix", ""},
	{plain, "rand:2", "mix", ""},
	{plain, "rand:3", "mix", ""},
	{plain, "rand:4", "now", ""},
	{plain, "rand:5", "late", ""},
	{plain, "lock", "mix", "strict"},
	{address, "rand:6", "mix", ""},
	{race, "rand:7", "mix", ""},
}

// onlyOnce are the tests of the emulator that choose orders on their own, or have none.
var onlyOnce = map[string][]run{
	"errors": {{plain, "fwd", "late", ""}},
}

// quick is what a short test takes of a file's runs, the i-th file: one order, another for each file so that all are tried, and whatever
// else there is than plain programs.
func quick(i int, all []run) []run {
	var kept, orders []run
	for _, r := range all {
		if r.variant == plain {
			orders = append(orders, r)
		} else {
			kept = append(kept, r)
		}
	}
	return append(kept, orders[i%len(orders)])
}

// quickCases are those that a short test runs in programs that are watched, of files whose cases take long then.
var quickCases = map[string]string{"conv": "conv_n32", "conv90": "conv90_several", "conv90_first": "conv90_first_formats"}

// plainOnly is run without -march=native and with the portable switch between threads.
var plainOnly = []run{{portable, "rand:1", "mix", ""}}

func TestKernels(t *testing.T) {
	files := testFiles(t)
	for i, name := range files {
		wanted := runs
		if r, ok := onlyOnce[name]; ok {
			wanted = r
		}
		if name == "emulator" || name == "instructions" {
			wanted = append(append([]run(nil), wanted...), plainOnly...)
		}
		if testing.Short() {
			wanted = quick(i, wanted)
		}
		for _, r := range wanted {
			t.Run(name+"/"+r.String(), func(t *testing.T) {
				t.Parallel()
				program, cases := build(t, r.variant, name, nil), ""
				if testing.Short() && r.variant != plain {
					cases = quickCases[name]
				}
				out, err := execute(t, r, program, cases)
				if err != nil {
					t.Errorf("EMU_SCHED=%s EMU_CP=%s EMU_SWZ=%s %s: %v\n%s", r.order, r.copies, r.swizzle, program, err, out)
				}
			})
		}
	}
}

// Every kernel has a file of tests of its name.
func TestEveryKernelIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, name := range testFiles(t) {
		tested[name] = true
	}
	kernels, err := filepath.Glob(filepath.Join("..", "kernels", "*.cu"))
	if err != nil || len(kernels) == 0 {
		t.Fatal("no kernels are found: ", err)
	}
	for _, k := range kernels {
		if name := strings.TrimSuffix(filepath.Base(k), ".cu"); !tested[name] {
			t.Errorf("cuda/kernels/%s.cu has no cuda/emu/tests/%s.cpp", name, name)
		}
	}
}

// execute returns what the program said on both streams. A program that hangs is ended.
func execute(t *testing.T, r run, program string, cases ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, slices.DeleteFunc(cases, func(c string) bool { return c == "" })...)
	c.Env = append(os.Environ(), "EMU_SCHED="+r.order, "EMU_CP="+r.copies,
		// Stacks that the program switches by itself hide what is still reachable from the leak check.
		"ASAN_OPTIONS=detect_leaks=0", "UBSAN_OPTIONS=print_stacktrace=1")
	if r.swizzle != "" {
		c.Env = append(c.Env, "EMU_SWZ="+r.swizzle)
	}
	out, err := c.CombinedOutput()
	if c.ProcessState != nil {
		t.Logf("%s of processor time", c.ProcessState.UserTime()+c.ProcessState.SystemTime())
	}
	if ctx.Err() != nil {
		return string(out), errors.New("it did not end within ten minutes")
	}
	return string(out), err
}
