package files

import (
	"archive/tar"
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func someJPEG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 9, 9)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPictures finds pictures by what they hold, on the disk and in archives.
func TestFindPictures(t *testing.T) {
	folder, photo := t.TempDir(), someJPEG(t)
	var shard bytes.Buffer
	w := tar.NewWriter(&shard)
	for _, f := range []struct {
		name string
		data []byte
	}{{"000.jpg", photo}, {"000.txt", []byte("a caption")}, {"001.img", photo}, {"000.json", []byte("{}")}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"a.jfif": photo, "b.jpe": photo, "c": photo, "d.txt": photo, "z.jpg": []byte("broken"), "notes.txt": []byte("a text"), "P1 is a road.md": []byte("P1 is a road"),
		"e.mp4": []byte("\x00\x00\x00\x20ftypisom"), ".f.jpg": photo, "shard.tar": shard.Bytes(), "empty": nil, "plain.pgm": []byte("P2 1 1 255 7"), "odd.dat": []byte("P2\n1 1 255 7"),
	} {
		write(t, filepath.Join(folder, name), data)
	}
	got, others, err := FindPictures(folder)
	want := []string{"a.jfif", "b.jpe", "c", "d.txt", "odd.dat", "plain.pgm", "shard.tar/000.jpg", "shard.tar/001.img", "z.jpg"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %q, %v, wanted %q", got, err, want)
	}
	if text := others.String(); text != "4 text, 1 a film, 1 an empty file" {
		t.Errorf("others are %s", text)
	}
	if got, _, err := FindPictures(filepath.Join(folder, "shard.tar")); err != nil || !slices.Equal(got, []string{"000.jpg", "001.img"}) {
		t.Errorf("the archive holds %q, %v", got, err)
	}
	named, err := NamedPictures([]string{"missing/c.tif", filepath.Join(folder, "shard.tar")})
	if err != nil || len(named) != 3 || named[0] != (File{"missing/c.tif", "c"}) || named[2] != (File{filepath.Join(folder, "shard.tar/001.img"), "001"}) {
		t.Errorf("named are %q, %v", named, err)
	}
}

func TestFindPicturesErrors(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "notes.txt")
	write(t, file, []byte("x"))
	damaged := filepath.Join(t.TempDir(), "damaged.zip")
	write(t, damaged, []byte("x"))
	empty := t.TempDir()
	for _, c := range []struct{ folder, want string }{
		{folder, "holds no picture: found 1 text"}, {empty, "holds no picture: found nothing"}, {file, "not a directory"},
		{filepath.Join(folder, "missing"), "no such file"}, {damaged, "cannot be read"}, {filepath.Dir(damaged), "damaged.zip"},
	} {
		_, _, err := FindPictures(c.folder)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.folder) {
			t.Errorf("%s: got %v, wanted %q and the name", c.folder, err, c.want)
		}
	}
	write(t, filepath.Join(empty, "s.safetensors"), []byte("x"))
	if got, err := NamedPictures([]string{empty}, ".safetensors"); err != nil || len(got) != 1 {
		t.Errorf("with another end: %q, %v", got, err)
	}
	if err := os.Remove(filepath.Join(empty, "s.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := NamedPictures([]string{empty}, ".safetensors"); err == nil {
		t.Error("a folder without such files is no error")
	}
}
