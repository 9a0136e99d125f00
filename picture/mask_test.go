package picture

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
)

func TestReadMask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mask.png")
	img := model.NewImage(model.RGBA, 5, 1)
	copy(img.Planes[0].Data, []byte{255, 255, 255, 0, 0, 0, 0, 9, 255, 0, 0, 255, 0, 255, 0, 1, 0, 0, 255, 2})
	if err := Write(path, img); err != nil {
		t.Fatal(err)
	}
	mask, err := ReadMask(path, Limit{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint8{255, 0, 76, 150, 29}; mask.Width != 5 || mask.Height != 1 || !bytes.Equal(mask.White, want) {
		t.Errorf("the mask is %dx%d %v, wanted 5x1 %v", mask.Width, mask.Height, mask.White, want)
	}
	if _, err := ReadMask(path, Limit{Pixels: 4}); err == nil || !strings.Contains(err.Error(), "5x1") {
		t.Errorf("error over the limit is %v", err)
	}
}
