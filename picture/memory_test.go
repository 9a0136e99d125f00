package picture

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"adainfilter/model/modeltest"
)

// TestLittleMemory reads pictures where there is not much memory: what does not fit is an error, and the process goes on.
func TestLittleMemory(t *testing.T) {
	modeltest.LittleMemory(t, func() string {
		folder := t.TempDir()
		for name, size := range map[string]image.Rectangle{"middle.png": image.Rect(0, 0, 3000, 4000),
			"small.png": image.Rect(0, 0, 30, 20)} {
			var file bytes.Buffer
			if err := png.Encode(&file, image.NewGray(size)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name), file.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, "large.png"), headOf(t, 5000, 6000), 0o666); err != nil {
			t.Fatal(err)
		}
		return folder
	}, func(folder string) { readLargePictures(t, folder) })
}

func readLargePictures(t *testing.T, folder string) {
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
