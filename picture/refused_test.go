package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pngHeader is a PNG of any stated size that ends behind its header.
func pngHeader(w, h uint32) []byte {
	data := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	data = binary.BigEndian.AppendUint32(data, w)
	data = binary.BigEndian.AppendUint32(data, h)
	return binary.BigEndian.AppendUint32(append(data, 8, 2, 0, 0, 0), crc(append([]byte{}, data[12:]...)))
}

func crc(ihdr []byte) uint32 { return crc32.ChecksumIEEE(append(ihdr, 8, 2, 0, 0, 0)) }

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	whole := jpegBytes(t, quarters(64, 64))
	wholePNG := pngBytes(t, quarters(64, 64))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"huge.png":       {pngHeader(20000, 20000), "20000x20000 pixels, wanted at most 134 million"},
		"huge.ppm":       {[]byte("P6 20000 20000 255\n"), "20000x20000 pixels"},
		"overflow.ppm":   {[]byte("P6 99999999999 20000 255\n"), "too large"},
		"cut.jpg":        {whole[:len(whole)*2/3], "cut short"},
		"cut.png":        {wholePNG[:len(wholePNG)/2], "not enough pixel data"},
		"cut.ppm":        {[]byte("P6 8 8 255\nabc"), "cut short"},
		"noise.jpg":      {append([]byte("\xff\xd8\xff\xe0\x00\x10"), bytes.Repeat([]byte{7}, 99)...), "JPEG file that"},
		"empty.png":      {nil, "an empty file"},
		"zip.png":        {[]byte("PK\x03\x04 and more"), "a ZIP archive"},
		"text.jpg":       {[]byte("this is no picture at all"), "text"},
		"page.jpg":       {[]byte("<!DOCTYPE html><html></html>"), "text"},
		"weights.png":    {[]byte("\x40\x00\x00\x00\x00\x00\x00\x00{\"a\""), "a safetensors file"},
		"nothing":        {bytes.Repeat([]byte{0xfe, 1}, 20), "unknown data that begins with fe 01"},
		"with, comma é%": {[]byte("x"), `with, comma é%`},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path, Limit{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v, wanted one with %q and the name", name, err, c.want)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "folder", pipe: "pipe", filepath.Join(dir, "none.png"): "no such file"} {
		if _, err := Read(path, Limit{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, wanted one with %q", path, err, want)
		}
	}
}

func TestReadLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, pngBytes(t, quarters(10, 7)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		limit Limit
		ok    bool
	}{{Limit{}, true}, {Limit{Pixels: 70}, true}, {Limit{Pixels: 69}, false}, {Limit{Bytes: 20}, false}} {
		if _, err := Read(path, c.limit); (err == nil) != c.ok {
			t.Errorf("limit %+v: %v", c.limit, err)
		}
	}
}

func TestSize(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := jpegBytes(t, quarters(31, 22))
	for name, data := range map[string][]byte{"whole.jpg": whole, "cut.jpg": whole[:len(whole)-200]} {
		w, h, err := Size(write(name, data), Limit{})
		if err != nil || w != 31 || h != 22 {
			t.Errorf("%s: got %dx%d, %v, wanted 31x22", name, w, h, err)
		}
	}
	if _, _, err := Size(filepath.Join(folder, "whole.jpg"), Limit{Pixels: 31*22 - 1}); err == nil {
		t.Error("a picture over the limit is not refused")
	}
	for path, want := range map[string]string{
		write("text.jpg", []byte("no picture")):                                      "found text",
		write("zero.jpg", nil):                                                       "found an empty file",
		write("head.png", pngBytes(t, quarters(8, 8))[:20]):                          "cut short",
		write("long.jpg", append(whole[:len(whole):len(whole)], make([]byte, 9)...)): "bytes, wanted at most",
		folder:                               "is a folder",
		filepath.Join(folder, "missing.png"): "no such file",
	} {
		if _, _, err := Size(path, Limit{Bytes: int64(len(whole))}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, wanted the name and %q", path, err, want)
		}
	}
}
