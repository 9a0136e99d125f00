package model_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestLittleMemory reads a large file where there is no memory for it: an error, and no end of the process.
func TestLittleMemory(t *testing.T) {
	modeltest.LittleMemory(t, func() string {
		path := filepath.Join(t.TempDir(), "large.safetensors")
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 1<<30); err != nil { // of holes
			t.Fatal(err)
		}
		return path
	}, func(path string) {
		_, err := model.LoadWeights(path)
		if err == nil || !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), path+": not enough memory, wanted 1074 MB") {
			t.Errorf("error is %v, wanted one that says how much is missing for which file", err)
		}
		if err := model.CheckMemory(1 << 20); err != nil {
			t.Errorf("a megabyte is there: %v", err)
		}
	})
}
