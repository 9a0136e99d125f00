package emu

import (
	"bytes"
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

// sources are compiled one by one. The kernels and the emulator's own files see CUDA's language, the driver's do not.
var sources = []struct {
	pattern string
	options []string
}{
	{"cuda/kernels/*.cu", []string{"-include", "emu.h", "-Wno-unknown-pragmas", "-x", "c++"}},
	{"cuda/emu/runtime/*.cpp", []string{"-include", "emu.h", "-Wno-unknown-pragmas"}},
	{"cuda/emu/libcuda/*.cpp", []string{"-include", "emu.h", "-Wno-deprecated-declarations"}},
}

// headers are no sources of their own, but what comes out depends on them.
var headers = []string{"cuda/kernels/*.cuh", "cuda/emu/*.h", "cuda/emu/libcuda/*.h", "cuda/emu/runtime/*.h", "cuda/emu/libcuda/nvcuvid.c"}

var options = []string{"-std=c++17", "-O2", "-g", "-march=native", "-fPIC", "-Wall"}

// Folder returns the folder with libcuda.so.1 and libnvcuvid.so.1, built from the sources as they are now if that was not done before.
// It lies in the repository's build/, or among the user's caches where that cannot be written. Processes may call it at the same time.
func Folder() (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	key, err := hash(root)
	if err != nil {
		return "", err
	}
	parent := filepath.Join(root, "build", "emu")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		caches, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w: no folder for it: %w", ErrMissing, err)
		}
		parent = filepath.Join(caches, "adainfilter", "emu")
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return "", err
		}
	}
	lock, err := os.OpenFile(filepath.Join(parent, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	dir := filepath.Join(parent, key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	unfinished, err := os.MkdirTemp(parent, "unfinished")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	if err := Build(unfinished); err != nil {
		return "", err
	}
	return dir, os.Rename(unfinished, dir)
}

// Build compiles kernels, emulator and driver into dir, which must exist: libcuda.so.1, libnvcuvid.so.1. It uses all processors.
// The error is an ErrMissing where g++ or the CUDA headers are absent, else it holds what the compiler says.
func Build(dir string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	include, err := cudaHeaders(root)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("g++"); err != nil {
		return fmt.Errorf("%w: g++ is not installed", ErrMissing)
	}
	objects, err := compile(root, dir, include)
	if err != nil {
		return err
	}
	link := append([]string{"-shared", "-Wl,-soname,libcuda.so.1", "-Wl,-Bsymbolic", "-o", filepath.Join(dir, "libcuda.so.1")}, objects...)
	if err := gxx(root, append(link, "-lpthread")...); err != nil {
		return err
	}
	for _, o := range objects {
		os.Remove(o)
	}
	return gxx(root, "-x", "c", "-shared", "-fPIC", "-O1", "-Wl,-soname,libnvcuvid.so.1", "-o", filepath.Join(dir, "libnvcuvid.so.1"), "cuda/emu/libcuda/nvcuvid.c")
}

// compile makes an object file of each source, as many at a time as there are processors, and returns their names.
func compile(root, dir, include string) ([]string, error) {
	var (
		objects []string
		failed  []error
		mutex   sync.Mutex
		group   sync.WaitGroup
		free    = make(chan struct{}, runtime.NumCPU())
	)
	for _, s := range sources {
		files, err := glob(root, s.pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			object := filepath.Join(dir, strings.ReplaceAll(file, "/", "_")+".o")
			objects = append(objects, object)
			arguments := append([]string{"-c", "-o", object, "-I", "cuda/emu", "-I", "cuda/kernels", "-isystem", include}, options...)
			arguments = append(append(arguments, s.options...), file)
			group.Add(1)
			go func() {
				defer group.Done()
				free <- struct{}{}
				defer func() { <-free }()
				if err := gxx(root, arguments...); err != nil {
					mutex.Lock()
					failed = append(failed, err)
					mutex.Unlock()
				}
			}()
		}
	}
	group.Wait()
	return objects, errors.Join(failed...)
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

// hash is different whenever the libraries would be: for other sources, options, compilers or processors.
func hash(root string) (string, error) {
	h := sha256.New()
	patterns := append([]string(nil), headers...)
	for _, s := range sources {
		patterns = append(patterns, s.pattern)
		fmt.Fprintln(h, s.options)
	}
	fmt.Fprintln(h, options)
	for _, p := range patterns {
		files, err := glob(root, p)
		if err != nil {
			return "", err
		}
		for _, name := range files {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				return "", err
			}
			fmt.Fprintln(h, name, len(text))
			h.Write(text)
		}
	}
	version, err := exec.Command("g++", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%w: g++ is not installed", ErrMissing)
	}
	h.Write(version)
	processor, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range bytes.Split(processor, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("flags")) {
			h.Write(line)
			break
		}
	}
	_, _ = io.WriteString(h, runtime.GOARCH)
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), nil
}
