package container

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestChapters writes lists of chapters into a small MP4 and reads them back; transcode has ffprobe read them.
func TestChapters(t *testing.T) {
	head := make([]byte, 100)
	binary.BigEndian.PutUint32(head[12:], 1000) // the scale of mvhd
	track := pack("trak", pack("mdia", pack("hdlr", make([]byte, 12))))
	long := strings.Repeat("\u00e4", 200)
	want := []Chapter{{Title: "First"}, {Begin: 1500 * time.Millisecond, Title: long}, {Begin: time.Hour, Title: ""}}
	for name, tags := range map[string][]byte{"no tags": nil, "tags": pack("udta", pack("meta", []byte("kept")))} {
		path := filepath.Join(t.TempDir(), "film.mp4")
		file := slices.Concat(pack("ftyp", []byte("isom0000")), pack("mdat", []byte("samples")), pack("moov", pack("mvhd", head), track, tags), pack("uuid", []byte("behind")))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := AddChapters(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := Chapters(path)
		if err != nil || len(got) != 3 || got[0] != want[0] || got[2] != want[2] || got[1].Begin != want[1].Begin || got[1].Title != long[:254] {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		data, _ := os.ReadFile(path)
		if !bytes.HasSuffix(data, pack("uuid", []byte("behind"))) || bytes.Contains(data, []byte("kept")) != (tags != nil) {
			t.Errorf("%s: the rest of the file has changed", name)
		}
		for n := range data { // whatever is cut off, nothing ends in a panic
			os.WriteFile(path, data[:n], 0o600)
			Chapters(path)
		}
		for i := range data {
			changed := bytes.Clone(data)
			changed[i] ^= 0xff
			os.WriteFile(path, changed, 0o600)
			Chapters(path)
		}
		if err := AddChapters(path, make([]Chapter, MaxChapters+1)); err == nil || !strings.Contains(err.Error(), "256 chapters") {
			t.Errorf("error is %v", err)
		}
	}
	first := filepath.Join(t.TempDir(), "first.mp4")
	if err := os.WriteFile(first, slices.Concat(pack("ftyp", []byte("isom0000")), pack("moov", pack("mvhd", head), track), pack("mdat", []byte("samples"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := AddChapters(first, want); err == nil || !strings.Contains(err.Error(), "does not lie behind") {
		t.Errorf("error is %v", err)
	}
}

// TestTitles reads samples of text in both kinds of letters.
func TestTitles(t *testing.T) {
	for sample, want := range map[string]string{"\x00\x03abc": "abc", "\x00\x06\xfe\xff\x00a\x00b": "ab", "\x00\x04\xff\xfea\x00": "a", "\x00\x09ab": "ab", "\x00": "", "": ""} {
		if got := text([]byte(sample)); got != want {
			t.Errorf("%q is %q, wanted %q", sample, got, want)
		}
	}
}

// TestMatroskaChapters reads what is written.
func TestMatroskaChapters(t *testing.T) {
	want := []Chapter{{0, time.Second, "First", "ger"}, {time.Second, 0, "\u00e4", "und"}}
	m := &matroska{parts: []element{{idChapters, chapterList([]Chapter{want[0], {Begin: time.Second, Title: "\u00e4"}})}}}
	if got := m.chapters(); !slices.Equal(got, want) {
		t.Errorf("%+v, wanted %+v", got, want)
	}
}
