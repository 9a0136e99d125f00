package emu

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
)

// ErrMissing is why the emulated driver cannot be built on a machine that lacks a tool or a header for it. Tests skip then.
var ErrMissing = errors.New("the emulated CUDA driver cannot be built here")

// sources are compiled one by one. What comes out depends on the headers too.
var sources = []struct {
	pattern string
	options []string
	headers []string
}{
	{"cuda/kernels/*.cu", []string{"-include", "emu.h", "-Wno-unknown-pragmas", "-x", "c++"}, language},
	{"cuda/emu/runtime/*.cpp", []string{"-include", "emu.h", "-Wno-unknown-pragmas"}, language},
	{"cuda/emu/libcuda/*.cpp", []string{"-include", "emu.h", "-Wno-deprecated-declarations"}, append(language, "cuda/emu/libcuda/*.h")},
}

var language = []string{"cuda/kernels/*.cuh", "cuda/emu/*.h", "cuda/emu/runtime/*.h"}

const decoder = "cuda/emu/libcuda/nvcuvid.c"

var options = []string{"-std=c++17", "-O2", "-g", "-march=native", "-fPIC", "-Wall"}

// Folder returns the folder with libcuda.so.1 and libnvcuvid.so.1, built from the sources as they are now if that was not done before.
// It lies in the repository's build/, or among the user's caches where that cannot be written. Processes may call it at the same time.
func Folder() (string, error) {
	b, err := newBuilder()
	if err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(b.parent, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	units, key, err := b.units()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.parent, key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	unfinished, err := os.MkdirTemp(b.parent, "unfinished")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	if err := b.build(unfinished, units); err != nil {
		return "", err
	}
	return dir, os.Rename(unfinished, dir)
}

// Build compiles kernels, emulator and driver into dir, which must exist: libcuda.so.1, libnvcuvid.so.1. It uses all processors, and what
// an earlier build compiled. The error is an ErrMissing where g++ or the CUDA headers are absent, else it holds what the compiler says.
func Build(dir string) error {
	b, err := newBuilder()
	if err != nil {
		return err
	}
	units, _, err := b.units()
	if err != nil {
		return err
	}
	return b.build(dir, units)
}

// builder knows where things are and what is the same for all of a build.
type builder struct {
	root     string // of the repository
	parent   string // where objects and finished libraries are kept
	include  string // the folder of cuda.h
	compiler string // version and processor: both make other objects
}

// unit is a source and the object that is made of it; the object's name holds a hash of all that it depends on.
type unit struct {
	source, object string
	options        []string
}

func newBuilder() (b builder, err error) {
	if b.root, err = repository(); err != nil {
		return b, err
	}
	if b.include, err = cudaHeaders(b.root); err != nil {
		return b, err
	}
	version, err := exec.Command("g++", "--version").Output()
	if err != nil {
		return b, fmt.Errorf("%w: g++ is not installed (%w)", ErrMissing, err)
	}
	b.compiler = string(version) + processor()
	b.parent = filepath.Join(b.root, "build", "emu")
	if os.MkdirAll(filepath.Join(b.parent, "objects"), 0o755) == nil {
		return b, nil
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		return b, fmt.Errorf("%w: no folder for it: %w", ErrMissing, err)
	}
	b.parent = filepath.Join(caches, "adainfilter", "emu")
	return b, os.MkdirAll(filepath.Join(b.parent, "objects"), 0o755)
}

// units lists all sources. The key is different whenever the libraries would be.
func (b builder) units() (units []unit, key string, err error) {
	all := sha256.New()
	if err := b.hash(all, decoder); err != nil {
		return nil, "", err
	}
	for _, s := range sources {
		files, err := glob(b.root, s.pattern)
		if err != nil {
			return nil, "", err
		}
		for _, file := range files {
			h := sha256.New()
			fmt.Fprintln(h, b.compiler, options, s.options)
			if err := b.hash(h, append([]string{file}, s.headers...)...); err != nil {
				return nil, "", err
			}
			object := fmt.Sprintf("%s-%x.o", strings.ReplaceAll(file, "/", "-"), h.Sum(nil)[:8])
			units = append(units, unit{file, filepath.Join(b.parent, "objects", object), s.options})
			fmt.Fprintln(all, object)
		}
	}
	return units, fmt.Sprintf("%x", all.Sum(nil)[:8]), nil
}

func (b builder) build(dir string, units []unit) error {
	if err := b.compile(units); err != nil {
		return err
	}
	link := []string{"-shared", "-Wl,-soname,libcuda.so.1", "-Wl,-Bsymbolic", "-o", filepath.Join(dir, "libcuda.so.1")}
	for _, u := range units {
		link = append(link, u.object)
	}
	if err := gxx(b.root, append(link, "-lpthread")...); err != nil {
		return err
	}
	library := filepath.Join(dir, "libnvcuvid.so.1")
	return gxx(b.root, "-x", "c", "-shared", "-fPIC", "-O1", "-Wl,-soname,libnvcuvid.so.1", "-o", library, decoder)
}

// compile makes the objects that are not there, as many at a time as there are processors.
func (b builder) compile(units []unit) error {
	var group sync.WaitGroup
	failed := make([]error, len(units))
	free := make(chan struct{}, runtime.NumCPU())
	for i, u := range units {
		if _, err := os.Stat(u.object); err == nil {
			continue
		}
		group.Add(1)
		go func() {
			defer group.Done()
			free <- struct{}{}
			defer func() { <-free }()
			// Complete under its name, or not there.
			unfinished := fmt.Sprintf("%s.%d", u.object, os.Getpid())
			defer os.Remove(unfinished)
			arguments := append([]string{"-c", "-o", unfinished, "-I", "cuda/emu", "-I", "cuda/kernels", "-isystem", b.include}, options...)
			if failed[i] = gxx(b.root, append(append(arguments, u.options...), u.source)...); failed[i] == nil {
				failed[i] = os.Rename(unfinished, u.object)
			}
		}()
	}
	group.Wait()
	return errors.Join(failed...)
}

func gxx(root string, arguments ...string) error {
	c := exec.Command("g++", arguments...)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("g++ %s: %w\n%s", strings.Join(arguments, " "), err, out)
	}
	return nil
}

// repository is the folder that this file was compiled in, two above.
func repository() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(root, "cuda", "emu", "libcuda", "libcuda.h")); err != nil {
		return "", fmt.Errorf("%w: its sources are not where they were compiled: %w", ErrMissing, err)
	}
	return root, nil
}

// cudaHeaders is the folder of cuda.h: one that the compiler is told anyway, or where `make deps` puts it.
func cudaHeaders(root string) (string, error) {
	folders := filepath.SplitList(os.Getenv("C_INCLUDE_PATH") + ":" + os.Getenv("CPATH"))
	folders = append(folders, filepath.Join(root, "build", "cuda", "include"), "/usr/local/cuda/include")
	for _, f := range folders {
		if _, err := os.Stat(filepath.Join(f, "cuda.h")); err == nil {
			return f, nil
		}
	}
	return "", fmt.Errorf("%w: cuda.h is in none of %s (`make deps` brings it)", ErrMissing, strings.Join(folders, ", "))
}

func glob(root, pattern string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	for i := range found {
		found[i], _ = filepath.Rel(root, found[i])
	}
	sort.Strings(found)
	return found, err
}

// hash writes the names and texts of the files that the patterns find.
func (b builder) hash(h io.Writer, patterns ...string) error {
	for _, p := range patterns {
		files, err := glob(b.root, p)
		if err != nil {
			return err
		}
		for _, name := range files {
			text, err := os.ReadFile(filepath.Join(b.root, name))
			if err != nil {
				return err
			}
			fmt.Fprintln(h, name, len(text))
			if _, err := h.Write(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// processor is what -march=native depends on.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "flags") || strings.HasPrefix(line, "Features") {
			return runtime.GOARCH + line
		}
	}
	return runtime.GOARCH
}
