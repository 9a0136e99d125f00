package emu_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
// copies land at once, a slot that is overwritten too early never when they land late; ThreadSanitizer needs no particular order.
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

// plainOnly is run without -march=native and with the portable switch between threads.
var plainOnly = []run{{portable, "rand:1", "mix", ""}}

func TestKernels(t *testing.T) {
	files := testFiles(t)
	for _, name := range files {
		wanted := runs
		if r, ok := onlyOnce[name]; ok {
			wanted = r
		}
		if name == "emulator" || name == "instructions" {
			wanted = append(append([]run(nil), wanted...), plainOnly...)
		}
		if testing.Short() {
			wanted = wanted[:1]
		}
		for _, r := range wanted {
			t.Run(name+"/"+r.String(), func(t *testing.T) {
				t.Parallel()
				program := build(t, r.variant, name, "")
				out, err := execute(t, r, program)
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
	kernels, err := filepath.Glob(filepath.Join(root, "cuda", "kernels", "*.cu"))
	if err != nil || len(kernels) == 0 {
		t.Fatal("no kernels are found: ", err)
	}
	for _, k := range kernels {
		if name := strings.TrimSuffix(filepath.Base(k), ".cu"); !tested[name] {
			t.Errorf("cuda/kernels/%s.cu has no cuda/emu/tests/%s.cpp", name, name)
		}
	}
}

// bugs are mistakes that lie in the kernels under #ifdef BUG_name, each with the runs that must find it: tests of the tests.
var bugs = []struct {
	name, file string
	cases      string // prefix of the cases that run
	runs       []run
	says       string // what the output must have, besides that of the sanitizer
}{
	{"NO_SYNC", "conv", "conv_n64", []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}, ""},
	{"WAR", "conv", "conv_n64", []run{{plain, "fwd", "now", ""}, {plain, "rev", "mix", ""}, {race, "rand:1", "late", ""}}, ""},
	{"NO_WAIT", "conv", "conv_n64", []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}, ""},
	{"OOB_SMEM", "conv", "conv_n64", []run{{address, "rand:1", "mix", ""}, {race, "lock", "late", ""}}, "conv_load.cuh"},
	{"OOB_SMEM", "conv", "conv_n64", []run{{plain, "fwd", "late", ""}}, "bytes of shared memory"},
	{"OOB_GLOBAL", "conv", "conv_n64", []run{{address, "rand:1", "mix", ""}}, "conv_load.cuh"},
	{"DIVERGENT", "conv", "conv_n64", []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}}, "wait at different __syncthreads"},
	{"FRAG", "conv", "conv_n64", []run{{plain, "fwd", "mix", ""}}, "values are wrong"},
	{"NO_SYNC", "statistics", "", []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}, ""},
	{"NO_SYNC", "regions", "regions_sizes", []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}, ""},
	{"NO_SYNC", "smooth", "smooth_sizes", []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}, ""},
	{"NO_SYNC", "enlarge", "enlarge_slopes", []run{{plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}, ""},
	{"OOB", "steady", "steady_sizes", []run{{address, "rand:1", "mix", ""}}, "steady.cu"},
	{"STATIC_OOB", "emulator", "emulator_shapes", []run{{address, "rand:1", "mix", ""}}, "global-buffer-overflow"},
	{"NO_SYNCWARP", "instructions", "instructions_syncwarp", []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}, {race, "lock", "mix", ""}}, ""},
	{"NO_EMPTY", "conv90", "conv90_several", []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}}, "more arrivals in a phase"},
	{"NO_ORDER", "conv90", "conv90_several", []run{{plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}, ""},
	{"EARLY_FREE", "conv90", "conv90_several", []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}, ""},
}

func TestSeededBugsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("builds each kernel once more for each bug")
	}
	for _, b := range bugs {
		for _, r := range b.runs {
			t.Run(fmt.Sprintf("%s-%s/%s", b.file, b.name, r), func(t *testing.T) {
				t.Parallel()
				out, err := execute(t, r, build(t, r.variant, b.file, b.name), b.cases)
				var exit *exec.ExitError
				if !errors.As(err, &exit) {
					t.Fatalf("not found (%v):\n%s", err, out)
				}
				for _, want := range []string{r.variant.report, b.says} {
					if !strings.Contains(out, want) {
						t.Errorf("it ended with %v, but its output has no %q:\n%s", err, want, out)
					}
				}
			})
		}
	}
}

// execute returns what the program said on both streams. A program that hangs is ended.
func execute(t *testing.T, r run, program string, cases ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	arguments := append(append([]string(nil), r.variant.wrapper...), program)
	for _, c := range cases {
		if c != "" {
			arguments = append(arguments, c)
		}
	}
	c := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	c.Env = append(os.Environ(), "EMU_SCHED="+r.order, "EMU_CP="+r.copies,
		// Stacks that the program switches by itself hide what is still reachable from the leak check.
		"ASAN_OPTIONS=detect_leaks=0", "TSAN_OPTIONS=halt_on_error=1", "UBSAN_OPTIONS=print_stacktrace=1")
	if r.swizzle != "" {
		c.Env = append(c.Env, "EMU_SWZ="+r.swizzle)
	}
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		return string(out), errors.New("it did not end within ten minutes")
	}
	return string(out), err
}
