package emu

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// ErrMissing is why the emulated driver cannot be built on a machine that lacks a tool or a header for it. Tests skip then.
var ErrMissing = errors.New("the emulated CUDA driver cannot be built here")

// driverSources are what libcuda.so.1 is made of, each with the options that are its own.
var driverSources = []struct {
	pattern string
	options []string
}{
	{"cuda/kernels/*.cu", []string{"-include", "emu.h", "-Wno-unknown-pragmas", "-x", "c++"}},
	{"cuda/emu/runtime/*.cpp", []string{"-include", "emu.h", "-Wno-unknown-pragmas"}},
	{"cuda/emu/libcuda/*.cpp", []string{"-include", "emu.h", "-Wno-deprecated-declarations"}},
}

const decoderSource = "cuda/emu/libnvcuvid/nvcuvid.cpp"

// Folder returns the folder with libcuda.so.1 and libnvcuvid.so.1, built from the sources as they are now if that was not done before.
// It lies in the repository's build/emu, where the link `driver` leads to the newest, or among the user's caches where that cannot be
// written. Processes may call it at the same time. The error is an ErrMissing where g++ or the CUDA headers are absent, else it holds what
// the compiler says.
func Folder() (string, error) {
	c, err := newCompiler()
	if err != nil {
		return "", err
	}
	include, err := cudaHeaders(c.root)
	if err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return c.driver(include)
}

// driver puts both libraries into a folder of their own.
func (c *compiler) driver(include string) (string, error) {
	var objects []*part
	for _, s := range driverSources {
		files, err := glob(c.root, s.pattern)
		if err != nil {
			return "", err
		}
		options := slices.Concat([]string{"-O2", "-march=native", "-fPIC", "-I", kernelFolder, "-isystem", include}, s.options)
		for _, file := range files {
			o, err := c.object(file, options, nil)
			if err != nil {
				return "", err
			}
			objects = append(objects, o)
		}
	}
	library, err := c.program(objects, []string{"-shared", "-Wl,-soname,libcuda.so.1", "-Wl,-Bsymbolic", "-lpthread"})
	if err != nil {
		return "", err
	}
	o, err := c.object(decoderSource, []string{"-fPIC", "-O1"}, nil)
	if err != nil {
		return "", err
	}
	decoder, err := c.program([]*part{o}, []string{"-shared", "-Wl,-soname,libnvcuvid.so.1"})
	if err != nil {
		return "", err
	}
	folder := filepath.Join(c.dir, "driver-"+filepath.Base(library)[:8]+filepath.Base(decoder)[:8])
	if !keep(folder) {
		if err := c.install(folder, map[string]string{"libcuda.so.1": library, "libnvcuvid.so.1": decoder}); err != nil {
			return "", err
		}
	}
	return folder, c.point(folder)
}

// install makes a folder of files by other names.
func (c *compiler) install(folder string, files map[string]string) error {
	unfinished, err := os.MkdirTemp(c.dir, "unfinished")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	if err := os.Chmod(unfinished, 0o755); err != nil {
		return err
	}
	for name, from := range files {
		if err := os.Link(from, filepath.Join(unfinished, name)); err != nil {
			return err
		}
	}
	return os.Rename(unfinished, folder)
}

// point lets the link `driver` lead to the folder.
func (c *compiler) point(folder string) error {
	link, to := filepath.Join(c.dir, "driver"), filepath.Base(folder)
	if before, err := os.Readlink(link); err == nil && before == to {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(to, link)
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

// glob lists files of the repository by their names from its root.
func glob(root, pattern string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	for i := range found {
		found[i], _ = filepath.Rel(root, found[i])
	}
	return found, err
}
