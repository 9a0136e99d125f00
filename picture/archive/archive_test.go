package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// contents are files by name; their bytes are hard to guess from a wrong place.
func contents() map[string][]byte {
	all := map[string][]byte{"empty.jpg": {}, "a.jpg": []byte("jpeg"), "deep/er/b.png": bytes.Repeat([]byte("0123456789abcdef"), 700)}
	long := strings.Repeat("long/", 40) + "name.webp" // more than a plain tar header holds
	all[long] = []byte("webp")
	return all
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t *testing.T, files map[string][]byte, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	f, info, err := Open(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	// Readers of pictures go back to the start.
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if again, err := io.ReadAll(f); err != nil || !bytes.Equal(again, data) {
		t.Errorf("%s: read again it is %q, %v", path, again, err)
	}
	if size, err := Size(path); err != nil || size != info.Size() || size != int64(len(data)) {
		t.Errorf("%s: has %d bytes, says %d and %d, %v", path, len(data), info.Size(), size, err)
	}
	return data
}

func TestArchives(t *testing.T) {
	dir, files := t.TempDir(), contents()
	odd := contents()
	odd["./dot.jpg"], odd["../out.jpg"], odd["/root.jpg"], odd[".hidden/x.jpg"] = []byte("dot"), nil, nil, nil
	for name, data := range map[string][]byte{
		"a.tar": tarOf(t, odd), "stored.zip": zipOf(t, files, zip.Store), "deflated.ZIP": zipOf(t, files, zip.Deflate),
	} {
		path := write(t, filepath.Join(dir, name), data)
		want := contents()
		if name == "a.tar" {
			want["dot.jpg"] = []byte("dot")
		}
		names, err := List(path)
		if err != nil || len(names) != len(want) {
			t.Errorf("%s lists %q, %v, wanted %d", name, names, err, len(want))
		}
		for inner, data := range want {
			if !slices.Contains(names, inner) {
				t.Errorf("%s: %s is not listed", name, inner)
			}
			if got := read(t, path+"/"+inner); !bytes.Equal(got, data) {
				t.Errorf("%s/%s is %.40q, wanted %.40q", name, inner, got, data)
			}
		}
		if _, _, err := Open(path+"/none.jpg", 1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file that is not there: %v", name, err)
		}
	}
	if _, _, err := Open(filepath.Join(dir, "deflated.ZIP/deep/er/b.png"), 100); err == nil || !strings.Contains(err.Error(), "11200 bytes, wanted at most 100") {
		t.Errorf("beyond the limit: %v", err)
	}
	// A plain file and a folder that is called like an archive.
	if err := os.Mkdir(filepath.Join(dir, "folder.tar"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := read(t, write(t, filepath.Join(dir, "folder.tar", "x"), []byte("plain"))); string(got) != "plain" {
		t.Errorf("a plain file is %q", got)
	}
}

// TestForeignTar reads what another program wrote.
func TestForeignTar(t *testing.T) {
	program, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("there is no program tar")
	}
	dir := t.TempDir()
	for i := range 30 {
		write(t, filepath.Join(dir, fmt.Sprintf("%03d.jpg", i)), bytes.Repeat([]byte{byte(i)}, 511+i))
	}
	for _, format := range []string{"gnu", "pax", "ustar"} {
		path := filepath.Join(dir, format+".tar")
		if out, err := exec.Command(program, "--format="+format, "-C", dir, "-cf", path, "--exclude=*.tar", ".").CombinedOutput(); err != nil {
			t.Skipf("tar %s: %v\n%s", format, err, out)
		}
		names, err := List(path)
		if err != nil || len(names) != 30 {
			t.Fatalf("%s lists %q, %v, wanted 30", format, names, err)
		}
		for i := range 30 {
			if got := read(t, fmt.Sprintf("%s/%03d.jpg", path, i)); !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, 511+i)) {
				t.Errorf("%s: file %d is another", format, i)
			}
		}
	}
}

// An archive that changes is indexed anew; one that is damaged is named.
func TestChangedAndDamaged(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a.tar"), tarOf(t, map[string][]byte{"a": []byte("one")}))
	read(t, path+"/a")
	write(t, path, tarOf(t, map[string][]byte{"b": []byte("first"), "a": bytes.Repeat([]byte("two"), 1000)}))
	if got := read(t, path+"/a"); len(got) != 3000 {
		t.Errorf("after the change it has %d bytes, wanted 3000", len(got))
	}
	whole := zipOf(t, contents(), zip.Deflate)
	for name, data := range map[string][]byte{
		"text.tar": []byte(strings.Repeat("no archive", 100)), "cut.tar": tarOf(t, map[string][]byte{"a": make([]byte, 5000)})[:2000],
		"cut.zip": whole[:len(whole)-30], "empty.zip": {},
	} {
		path := write(t, filepath.Join(dir, name), data)
		if _, err := List(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v, wanted one that names it", name, err)
		}
	}
}
