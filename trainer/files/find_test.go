package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBelow(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b.jpg", "a.PNG", "c.txt", "sub/d.webp", "sub/.hidden.jpg", ".git/e.jpg", "x.jpg/f.ppm", "sub/deep/g.Tiff"} {
		write(t, filepath.Join(folder, name), []byte("x"))
	}
	elsewhere := t.TempDir()
	write(t, filepath.Join(elsewhere, "h.gif"), []byte("x"))
	for link, target := range map[string]string{
		"loop": ".", "sub/up": "..", "other": elsewhere, "self.jpg": "self.jpg", "gone.bmp": "nothing", "link.jpeg": "b.jpg",
	} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"a.PNG", "b.jpg", "gone.bmp", "link.jpeg", "other/h.gif", "self.jpg", "sub/d.webp", "sub/deep/g.Tiff", "x.jpg/f.ppm"}
	linked := filepath.Join(t.TempDir(), "linked")
	if err := os.Symlink(folder, linked); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{folder, folder + "/", linked} {
		got, err := Below(name, Pictures)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("found %q, wanted %q", got, want)
		}
	}
}

func TestBelowErrors(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "notes.txt")
	write(t, file, []byte("x"))
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(locked, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ folder, name, want string }{
		{folder, folder, "holds no file whose name ends in .jpg"},
		{file, file, "not a directory"},
		{filepath.Join(folder, "missing"), "missing", "no such file"},
		{filepath.Dir(locked), locked, "permission denied"},
	} {
		if c.name == locked && os.Getuid() == 0 {
			t.Log("root may read every folder: not tested")
			continue
		}
		_, err := Below(c.folder, Pictures)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: got %v, wanted %q and the name", c.folder, err, c.want)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
