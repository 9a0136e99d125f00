package driver

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compile builds a C file of testdata, or a program out of it and the table, with the compiler that cgo used.
func compile(t *testing.T, out string, arguments ...string) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("gcc is not installed")
	}
	arguments = append([]string{"-O1", "-Wall", "-Wno-deprecated-declarations", "-I", ".", "-o", out}, arguments...)
	if text, err := exec.Command(gcc, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %s: %v\n%s", strings.Join(arguments, " "), err, text)
	}
}

// A first call carries its arguments through the loading of the driver, whatever thread makes it; what a driver lacks, and a driver that is
// lacking, are errors; copies are counted by direction.
func TestTable(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "calls")
	jumps, err := filepath.Glob("jump_" + arch() + ".*")
	if err != nil || len(jumps) != 1 {
		t.Fatalf("jumps for this machine: %v, %v", jumps, err)
	}
	compile(t, program, "testdata/calls.c", "table.c", "copies.c", jumps[0], "-ldl", "-lpthread")
	compile(t, filepath.Join(dir, "libcuda.so.1"), "-shared", "-fPIC", "testdata/echo.c")
	for _, c := range []struct{ name, libraries string }{{"echo", dir}, {"none", ""}} {
		t.Run(c.name, func(t *testing.T) {
			run := exec.Command(program, c.name)
			run.Env = append(without(os.Environ(), "LD_LIBRARY_PATH"), "LD_LIBRARY_PATH="+c.libraries)
			if c.name == "none" && hasDriver() {
				t.Skip("this machine has an NVIDIA driver")
			}
			if text, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		})
	}
}

// No program needs libcuda, even where the linker could find it; package cu's own wish must have found link/libcuda.a.
func TestLink(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not installed")
	}
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libcuda.so"), "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "testdata/echo.c")
	for _, mode := range []string{"pie", "c-shared"} {
		t.Run(mode, func(t *testing.T) {
			if mode != "pie" && testing.Short() {
				t.Skip("one way to link is enough for a short test")
			}
			program := filepath.Join(dir, mode)
			build := exec.Command("go", "build", "-ldflags=-buildmode="+mode, "-o", program, "./testdata/program")
			build.Env = append(os.Environ(), "LIBRARY_PATH="+dir)
			if text, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			needsNoDriver(t, program)
		})
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	needsNoDriver(t, self)
}

func needsNoDriver(t *testing.T, program string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	if len(libraries) == 0 {
		t.Errorf("%s needs no library at all: is it what was meant?", program)
	}
	for _, l := range libraries {
		if strings.Contains(l, "libcuda") {
			t.Errorf("%s needs %s", program, l)
		}
	}
	// Nor does it offer the driver's functions to others, who could take them for the driver's own.
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if strings.HasPrefix(s.Name, "cuInit") || strings.HasPrefix(s.Name, "cuMem") {
			t.Errorf("%s exports %s", program, s.Name)
		}
	}
}
