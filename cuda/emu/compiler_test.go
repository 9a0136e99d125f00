package emu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What was not asked for in a week goes, what is asked for stays.
func TestOldFilesGo(t *testing.T) {
	c := &compiler{dir: t.TempDir()}
	long := time.Now().Add(-keptFor - time.Hour)
	for _, name := range []string{"unused", "used", "new", "lock", "unfinished1/libcuda.so.1"} {
		file := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if name != "new" {
			if err := os.Chtimes(filepath.Join(c.dir, strings.Split(name, "/")[0]), long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !keep(filepath.Join(c.dir, "used")) || keep(filepath.Join(c.dir, "absent")) {
		t.Error("keep does not tell what is there")
	}
	if err := c.clean(); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != "lock new used" {
		t.Errorf("left are: %s", got)
	}
}

// A program is built anew if a file changes that it includes, however far down, and only then.
func TestInputs(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Skip(err)
	}
	c := &compiler{root: root}
	const source = "cuda/emu/tests/conv.cpp"
	text, err := c.inputs(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, wanted := range map[string]bool{
		source: true, "cuda/emu/emu.h": true, "cuda/emu/tests/test.h": true, "cuda/kernels/conv.cu": true,
		"cuda/kernels/conv_load.cuh": true, "cuda/kernels/last.cu": false, "cuda/emu/runtime/block.h": false,
	} {
		if strings.Contains(text, "\n"+name+" ") != wanted && !strings.HasPrefix(text, name+" ") {
			t.Errorf("%s is among what %s is made of: %v", name, source, !wanted)
		}
	}
	other, err := c.inputs(source, texts{"cuda/kernels/conv_load.cuh": "nothing"})
	if err != nil || other == text {
		t.Errorf("a replaced header makes no difference (%v)", err)
	}
}

// A bug whose place in the source is no longer there, or there twice, is an error and not a test that finds nothing.
func TestBugsNeedTheirPlace(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Skip(err)
	}
	for _, from := range []string{"no such text", "__syncthreads();"} {
		b := bug{name: "lost", file: "conv.cu", edits: []edit{{from, ""}}}
		if _, err := b.seed(root); err == nil || !strings.Contains(err.Error(), "wanted once") {
			t.Errorf("%q: %v", from, err)
		}
	}
	for _, b := range bugs {
		if _, err := b.seed(root); err != nil {
			t.Error(err)
		}
	}
}
