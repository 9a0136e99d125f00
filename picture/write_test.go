package picture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
)

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	img := samples(quarters(31, 22))
	padded := &model.Image{Format: model.RGB, Width: 31, Height: 22}
	padded.Planes[0] = model.Plane{Stride: 3*31 + 5, Data: make([]byte, (3*31+5)*22)}
	for y := range 22 {
		copy(padded.Planes[0].Data[y*padded.Planes[0].Stride:], img.Planes[0].Data[y*93:(y+1)*93])
	}
	for _, c := range []struct {
		name      string
		img       *model.Image
		tolerance int
	}{{"a.png", img, 0}, {"a, b é%.PNG", padded, 0}, {"a.jpg", img, 8}, {"a.jpeg", padded, 8}} {
		path := filepath.Join(dir, c.name)
		if err := Write(path, c.img); err != nil {
			t.Fatal(err)
		}
		back, err := Read(path, Limit{})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range [][2]int{{4, 4}, {26, 4}, {4, 17}, {26, 17}} {
			if got, want := pixel(back, at[0], at[1]), pixel(img, at[0], at[1]); !near(got, want, c.tolerance) {
				t.Errorf("%s: %v is %v, wanted %v", c.name, at, got, want)
			}
		}
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 4 {
		t.Errorf("%d files are left, wanted 4", len(left))
	}
}

func TestWriteKeepsAlpha(t *testing.T) {
	img := model.NewImage(model.RGBA, 2, 1)
	copy(img.Planes[0].Data, []byte{10, 20, 30, 40, 50, 60, 70, 255})
	path := filepath.Join(t.TempDir(), "a.png")
	if err := Write(path, img); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path, Limit{})
	if err != nil || back.Format != model.RGBA || string(back.Planes[0].Data) != string(img.Planes[0].Data) {
		t.Errorf("got %v, %v", back, err)
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	img := model.NewImage(model.RGB, 8, 8)
	old := filepath.Join(dir, "old.png")
	if err := os.Mkdir(old, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "a.tga"):          "wanted one of .png, .jpg",
		filepath.Join(dir, "none", "a.png"):  "no such file",
		old:                                  "cannot be written",
		filepath.Join(dir, "nv12", "x.jpeg"): "no such file",
	} {
		if err := Write(path, img); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, wanted one with %q and the name", path, err, want)
		}
	}
	if err := Write(filepath.Join(dir, "b.png"), model.NewImage(model.NV12, 8, 8)); err == nil {
		t.Error("an NV12 image was written")
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("%d files are left, wanted the folder only", len(left))
	}
}
