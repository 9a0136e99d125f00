package model

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLittleMemory reads a large file in a process that may not take more memory than it has: an error, and no end of the process.
func TestLittleMemory(t *testing.T) {
	path := os.Getenv("ADAIN_LITTLE_MEMORY")
	if path == "" {
		path = filepath.Join(t.TempDir(), "large.safetensors")
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 1<<30); err != nil { // of holes
			t.Fatal(err)
		}
		c := exec.Command(os.Args[0], "-test.run=^TestLittleMemory$", "-test.v")
		c.Env = append(os.Environ(), "ADAIN_LITTLE_MEMORY="+path)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%.2000s", err, out)
		}
		return
	}
	var pages int64
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(statm), &pages); err != nil {
		t.Fatal(err)
	}
	limit := uint64(pages)*uint64(os.Getpagesize()) + 256<<20
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	_, err = LoadWeights(path)
	if err == nil || !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), path+": not enough memory, wanted 1074 MB") {
		t.Errorf("error is %v, wanted one that says how much is missing for which file", err)
	}
	if err := CheckMemory(1 << 20); err != nil {
		t.Errorf("a megabyte is there: %v", err)
	}
}
