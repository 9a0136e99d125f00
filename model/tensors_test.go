package model

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/model/safetensors"
)

// hostile are files that nothing reads, each with a part of the sentence that says why. What a header forbids is for package safetensors.
var hostile = []struct {
	name string
	data []byte
	says string
}{
	{"seven bytes", make([]byte, 7), "7 bytes"},
	{"header", []byte("\x04\x00\x00\x00\x00\x00\x00\x00{}{}"), "behind the end"},
	{"zip", append([]byte("PK\x03\x04"), make([]byte, 100)...), "adain import"},
	{"legacy pickle", append([]byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), make([]byte, 100)...), "adain import"},
	{"pickle", append([]byte("\x80\x04\x95\xff\xff\xff\xff"), make([]byte, 100)...), "pickle"},
	{"PNG", append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...), "PNG picture"},
	{"JPEG", append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF"), make([]byte, 100)...), "JPEG picture"},
	{"Git LFS", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git lfs pull"},
}

func TestParseTensorsNamesFile(t *testing.T) {
	for _, c := range hostile {
		f, err := ParseTensors("some file.safetensors", c.data)
		if err == nil {
			t.Errorf("%s: accepted %v", c.name, f)
		} else if !strings.HasPrefix(err.Error(), "some file.safetensors: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, wanted the file's name and %q", c.name, err, c.says)
		}
	}
}

func TestWriteTensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%d,ü.safetensors")
	for range 2 { // the second time the file exists
		if err := WriteTensors(path, []safetensors.Tensor{safetensors.Float32("z", []int{1}, []float32{1.5})}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := ReadTensors(path); err != nil || len(f.Tensors["z"].Data) != 4 {
		t.Errorf("read %v, %v", f, err)
	}
	wrong := []safetensors.Tensor{{Name: "a", DType: "F99", Shape: []int{1}, Data: make([]byte, 4)}}
	if err := WriteTensors(path+"2", wrong, nil); err == nil || !strings.HasPrefix(err.Error(), path+"2: ") {
		t.Errorf("wrote an unknown dtype: %v", err)
	}
	if err := WriteTensors(filepath.Join(path, "no", "folder"), nil, nil); err == nil {
		t.Error("wrote into a folder that does not exist")
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left, wanted one", len(files))
	}
}

func TestReadFileRefuses(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	huge := filepath.Join(folder, "huge")
	if err := os.WriteFile(huge, []byte("\x89PNG\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 3<<30); err != nil { // takes no space on the disk
		t.Skip("no sparse files here:", err)
	}
	for path, says := range map[string]string{
		folder: "folder", pipe: "pipe", huge: "PNG picture", empty: "0 bytes", "/dev/zero": "device",
		filepath.Join(folder, "none"): "no such file",
	} {
		done := make(chan error, 2)
		go func() {
			_, err := LoadWeights(path)
			done <- err
			_, err = LoadStyle(path)
			done <- err
		}()
		for range 2 {
			select {
			case err := <-done:
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), says) {
					t.Errorf("%v, wanted %q and %q", err, path, says)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("reading %s hangs", path)
			}
		}
	}
}
