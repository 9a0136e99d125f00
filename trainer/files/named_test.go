package files

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestNamed(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b.png", "sub/a.b.jpg", "notes.txt"} {
		write(t, filepath.Join(folder, name), nil)
	}
	got, err := Named([]string{"missing/c.tif", folder}, Pictures)
	want := []File{{"missing/c.tif", "c"}, {filepath.Join(folder, "b.png"), "b"}, {filepath.Join(folder, "sub/a.b.jpg"), "sub/a.b"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %q, %v, wanted %q", got, err, want)
	}
	if _, err := Named([]string{folder}, []string{".mp4"}); err == nil {
		t.Error("a folder without such files is no error")
	}
}
