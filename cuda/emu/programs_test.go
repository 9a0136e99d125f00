package emu

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// variant is a way to compile test programs.
type variant struct {
	name    string
	program []string // options for kernels and tests
	runtime []string // for the emulator's runtime
	link    []string
	report  string // what a finding's report says, "" where a wrong value or an error of the emulator is the finding
	once    sync.Once
	missing string // why it cannot be used here
}

var (
	native = []string{"-O2", "-march=native"}
	plain  = &variant{name: "plain", program: native, runtime: native}
	// What another processor than x86-64 gets, and an x86-64 without half precision.
	portable = &variant{name: "portable", program: []string{"-O2"}, runtime: []string{"-O2", "-DEMU_UCONTEXT"}}
	address  = &variant{name: "address", program: sanitized, runtime: sanitized, link: []string{"-fsanitize=address,undefined"}, report: "AddressSanitizer"}
	// Instrumented, but not linked with ThreadSanitizer (runtime/races.h).
	race = &variant{
		name:    "race",
		program: []string{"-O1", "-march=native", "-fsanitize=thread"},
		runtime: []string{"-O2", "-march=native", "-DEMU_RACES"},
		report:  "data race: ",
	}
	// The option for sections: else overruns of static __shared__ arrays are not seen.
	sanitized = []string{"-O1", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fsanitize-sections=emu_shared"}
)

// The note that is left out is about passing tensor maps by value, and of no interest within one compiler.
var programOptions = []string{"-Wno-unknown-pragmas", "-Wno-psabi", "-include", "emu.h", "-I", "cuda/emu/tests", "-I", kernelFolder}

// usable skips the test where a program of this variant cannot be built or does not run.
func (v *variant) usable(t *testing.T) {
	t.Helper()
	v.once.Do(func() { v.missing = v.check() })
	if v.missing != "" {
		t.Skipf("no %s programs here: %s", v.name, v.missing)
	}
}

func (v *variant) check() string {
	if _, err := exec.LookPath("g++"); err != nil {
		return "g++ is not installed"
	}
	if len(v.link) == 0 {
		return "" // the others need libraries that may be missing
	}
	dir, err := os.MkdirTemp("", "emu")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	source, program := filepath.Join(dir, "empty.cpp"), filepath.Join(dir, "empty")
	if err := os.WriteFile(source, []byte("int main() { return 0; }\n"), 0o644); err != nil {
		return err.Error()
	}
	arguments := slices.Concat(v.program, v.link, []string{source, "-o", program})
	if out, err := exec.Command("g++", arguments...).CombinedOutput(); err != nil {
		return fmt.Sprintf("g++ %s: %v: %s", strings.Join(arguments, " "), err, out)
	}
	if out, err := exec.Command(program).CombinedOutput(); err != nil {
		return fmt.Sprintf("%s: %v: %s", program, err, out)
	}
	return ""
}

// testFiles are the names in tests/ without the ending, main.cpp left out.
func testFiles(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("tests", "*.cpp"))
	if err != nil || len(found) == 0 {
		t.Fatal("no test programs are found: ", err)
	}
	var names []string
	for _, f := range found {
		if name := strings.TrimSuffix(filepath.Base(f), ".cpp"); name != "main" {
			names = append(names, name)
		}
	}
	return names
}

// compilers is one for all tests.
var compilers = sync.OnceValues(newCompiler)

// build returns the program of a test file, with a seeded bug if one is named. What was built before from equal sources is used again.
func build(t *testing.T, v *variant, name string, b *bug) string {
	t.Helper()
	v.usable(t)
	c, err := compilers()
	if err != nil {
		t.Fatal(err)
	}
	var replaced texts
	if b != nil {
		if replaced, err = b.seed(c.root); err != nil {
			t.Fatal(err)
		}
	}
	runtimes, err := glob(c.root, "cuda/emu/runtime/*.cpp")
	if err != nil || len(runtimes) == 0 {
		t.Fatal("the emulator's runtime is not found: ", err)
	}
	var objects []*part
	add := func(source string, options []string, replaced texts) {
		o, err := c.object(source, slices.Concat(programOptions, options), replaced)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	add("cuda/emu/tests/"+name+".cpp", v.program, replaced)
	add("cuda/emu/tests/main.cpp", v.program, nil)
	for _, f := range runtimes {
		add(f, v.runtime, nil)
	}
	program, err := c.program(objects, append(slices.Clone(v.link), "-pthread"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}
