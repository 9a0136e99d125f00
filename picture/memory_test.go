package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLittleMemory reads pictures in a process that may not take much more memory than it has: what does not fit is an error, and the process
// goes on.
func TestLittleMemory(t *testing.T) {
	if folder := os.Getenv("ADAIN_LITTLE_MEMORY"); folder != "" {
		readLargePictures(t, folder)
		return
	}
	folder := t.TempDir()
	for name, size := range map[string]image.Rectangle{"large.png": image.Rect(0, 0, 5000, 6000), "middle.png": image.Rect(0, 0, 3000, 4000),
		"small.png": image.Rect(0, 0, 30, 20)} {
		var file bytes.Buffer
		if err := png.Encode(&file, image.NewGray(size)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), file.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(os.Args[0], "-test.run=^TestLittleMemory$", "-test.v")
	c.Env = append(os.Environ(), "ADAIN_LITTLE_MEMORY="+folder)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
}

func readLargePictures(t *testing.T, folder string) {
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
	for _, c := range []struct {
		name      string
		shortSide int
		says      string
	}{
		{"large.png", 0, "has 5000x6000 pixels: not enough memory, wanted 360 MB"},
		{"large.png", 100, "has 5000x6000 pixels: not enough memory"},
		{"middle.png", 4000, "has 3000x4000 pixels: not enough memory"}, // it can be decoded, but not scaled
		{"small.png", 100, ""},
	} {
		path := filepath.Join(folder, c.name)
		_, err := ReadStyle(path, c.shortSide, Limit{})
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s with short side %d: error %v, wanted %q", c.name, c.shortSide, err, c.says)
		}
	}
}
