package emu_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// root is the repository's folder; tests run in their package's.
var root, _ = filepath.Abs(filepath.Join("..", ".."))

// variant is a way to compile test programs.
type variant struct {
	name           string
	program        []string // options for kernels and tests
	runtime        []string // for the emulator's runtime
	link           []string
	report         string   // what a finding's report says, "" where a wrong value or an error of the emulator is the finding
	wrapper        []string // before the program's name, set by check
	once           sync.Once
	missing        string // why it cannot be used here
	addressesFixed bool   // does not work with too much randomness in addresses
}

var (
	native = []string{"-O2", "-march=native"}
	plain  = &variant{name: "plain", program: native, runtime: native}
	// What another processor than x86-64 gets, and an x86-64 without half precision.
	portable = &variant{name: "portable", program: []string{"-O2"}, runtime: []string{"-O2", "-DEMU_UCONTEXT"}}
	address  = &variant{name: "address", program: sanitized, runtime: sanitized, link: []string{"-fsanitize=address,undefined"}, report: "AddressSanitizer"}
	race     = &variant{
		name:    "race",
		program: []string{"-O1", "-march=native", "-fsanitize=thread"},
		runtime: []string{"-O2", "-march=native", "-DEMU_TSAN"},
		link:    []string{"-fsanitize=thread"}, report: "ThreadSanitizer: data race", addressesFixed: true,
	}
	// The option for sections: else overruns of static __shared__ arrays are not seen.
	sanitized = []string{"-O1", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fsanitize-sections=emu_shared"}
)

// Line numbers are what reports need; with all of -g the compiler takes twice as long. The note that is left out is about passing tensor
// maps by value, and of no interest within one compiler.
var language = []string{"-std=c++17", "-g1", "-Wall", "-Wno-unknown-pragmas", "-Wno-psabi", "-include", "emu.h", "-I", "cuda/emu", "-I", "cuda/emu/tests", "-I", "cuda/kernels"}

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
	if v.addressesFixed {
		// google/sanitizers issue 1716: older libraries find no place for their tables.
		text, _ := os.ReadFile("/proc/sys/vm/mmap_rnd_bits")
		if bits, _ := strconv.Atoi(strings.TrimSpace(string(text))); bits > 28 {
			v.wrapper = []string{"setarch", "-R"}
		}
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
	command := append(slices.Clone(v.wrapper), program)
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Sprintf("%s: %v: %s", strings.Join(command, " "), err, out)
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

// build returns the program of a test file, with a seeded bug if one is named. What was built before from equal sources is used again.
func build(t *testing.T, v *variant, name, bug string) string {
	t.Helper()
	v.usable(t)
	program := v.program
	if bug != "" {
		program = append(slices.Clone(program), "-DBUG_"+bug)
	}
	parts := []*part{
		object(program, "cuda/emu/tests/"+name+".cpp", kernelSources),
		object(v.program, "cuda/emu/tests/main.cpp", headers),
	}
	runtimeFiles, err := filepath.Glob(filepath.Join("runtime", "*.cpp"))
	if err != nil || len(runtimeFiles) == 0 {
		t.Fatal("the emulator's runtime is not found: ", err)
	}
	for _, f := range runtimeFiles {
		parts = append(parts, object(v.runtime, "cuda/emu/"+f, headers))
	}
	var group sync.WaitGroup
	for _, p := range parts {
		group.Add(1)
		go func() {
			defer group.Done()
			p.make()
		}()
	}
	group.Wait()
	var objects []string
	for _, p := range parts {
		if p.err != nil {
			t.Fatal(p.err)
		}
		objects = append(objects, p.file)
	}
	linked := linkedProgram(objects, v.link)
	if linked.make(); linked.err != nil {
		t.Fatal(linked.err)
	}
	return linked.file
}

// part is a file that g++ makes, at most once per run of the tests, and not at all if the cache has it.
type part struct {
	once      sync.Once
	arguments []string
	key       string // of everything that goes in
	file      string
	err       error
}

var (
	parts   sync.Map // by key
	workers = make(chan struct{}, runtime.NumCPU())
)

func (p *part) make() {
	p.once.Do(func() {
		dir, err := cache()
		if err != nil {
			p.err = err
			return
		}
		p.file = filepath.Join(dir, p.key)
		if now := time.Now(); os.Chtimes(p.file, now, now) == nil {
			return
		}
		workers <- struct{}{}
		defer func() { <-workers }()
		// Another process may make the same: each writes a file of its own, and the last to be done wins.
		unfinished := fmt.Sprintf("%s.%d", p.file, os.Getpid())
		c := exec.Command("g++", append(slices.Clone(p.arguments), "-o", unfinished)...)
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			p.err = fmt.Errorf("g++ %s: %w\n%s", strings.Join(p.arguments, " "), err, out)
			return
		}
		p.err = os.Rename(unfinished, p.file)
	})
}

func newPart(arguments []string, inputs string) *part {
	key := digest(strings.Join(arguments, " "), inputs, compiler())
	p, _ := parts.LoadOrStore(key, &part{arguments: arguments, key: key})
	return p.(*part)
}

func object(options []string, source string, others func() string) *part {
	text, err := os.ReadFile(filepath.Join(root, source))
	p := newPart(slices.Concat(language, options, []string{"-c", source}), string(text)+others())
	if err != nil {
		p.once.Do(func() { p.err = err })
	}
	return p
}

// Object files are named by their contents' key, so their names say what goes in.
func linkedProgram(objects, options []string) *part {
	return newPart(slices.Concat(objects, options, []string{"-pthread"}), "")
}

func digest(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintln(h, len(t))
		h.Write([]byte(t))
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:12])
}

// headers is the text of everything that the runtime includes, kernelSources of everything that tests do.
var (
	headers       = sync.OnceValue(func() string { return contents("emu.h", "runtime/*.h", "tests/*.h", "../kernels/*.cuh") })
	kernelSources = sync.OnceValue(func() string { return headers() + contents("../kernels/*.cu") })
)

func contents(patterns ...string) string {
	var all strings.Builder
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern)
		for _, name := range found {
			text, err := os.ReadFile(name)
			fmt.Fprintln(&all, name, len(text), err)
			all.Write(text)
		}
	}
	return all.String()
}

// compiler is what -march=native and g++ stand for on this machine.
var compiler = sync.OnceValue(func() string {
	version, _ := exec.Command("g++", "--version").Output()
	processor, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range bytes.Split(processor, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("flags")) || bytes.HasPrefix(line, []byte("Features")) {
			return string(version) + string(line)
		}
	}
	return string(version)
})

// cache is a folder in the repository's build/, or among the user's caches where that cannot be written. What was not used for a week
// goes.
var cache = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(root, "build", "emu", "tests")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		caches, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no folder for test programs: %w", err)
		}
		dir = filepath.Join(caches, "adainfilter", "emu", "tests")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 7*24*time.Hour {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return dir, err
})
