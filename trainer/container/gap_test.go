package container

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A video that is alone in a file begins at once there, whatever its first time was: beside the sound it has its pause again.
func TestGap(t *testing.T) {
	source, video := film(t, "film.mp4", "mp4mux", 1), film(t, "video.mp4", "mp4mux", 0)
	out := filepath.Join(t.TempDir(), "out.mp4")
	carry(t, Carriage{Source: source, Video: video, Out: out, First: 370 * time.Millisecond})
	_, lists := samples(t, out, "video")
	e, simple := readEdit(pack("edts", pack("elst", lists[4])), movieScale(t, out))
	if !simple || e.gap < 0.369 || e.gap > 0.371 || e.duration < 0.999 || e.duration > 1.001 {
		t.Errorf("the edit list is %+v, wanted a gap of 0.37 s and a second of video", e)
	}
	movie, err := readMovie(opened(t, out))
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := headDuration(Child(movie.video().data, "tkhd")); !ok || float64(d)/float64(movie.scale) < 1.36 {
		t.Errorf("the track lasts %d ticks of %d, wanted 1.37 s", d, movie.scale)
	}
	head := Child(movie.video().data, "tkhd") // by the standard's layout of version 0, whatever this package takes it for
	if d := float64(binary.BigEndian.Uint32(head[20:])) / float64(movie.scale); head[0] != 0 || d < 1.369 || d > 1.371 {
		t.Errorf("the box tkhd of version %d says %v s, wanted 1.37 s in version 0", head[0], d)
	}
}

// promising makes a film say that it is many times as long as it is.
func promising(t *testing.T, path string, times uint32) []byte {
	t.Helper()
	data := read(t, path)
	head := data[bytes.Index(data, []byte("mvhd"))+4:]
	binary.BigEndian.PutUint32(head[16:], times*binary.BigEndian.Uint32(head[16:]))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUnpromised(t *testing.T) {
	path, out := film(t, "film.mp4", "mp4mux", 1), filepath.Join(t.TempDir(), "out.mp4")
	for _, times := range []uint32{1, 10} { // the second after the first
		short := times > 1
		data := promising(t, path, times)
		if c, err := Look(path); err != nil || c.Short != short {
			t.Fatalf("%d times as long: %+v, %v", times, c, err)
		}
		if err := Unpromised(path, out); err != nil {
			t.Fatal(err)
		}
		got, changed := read(t, out), 0
		for i := range data {
			if got[i] != data[i] {
				changed++
			}
		}
		if c, err := Look(out); err != nil || c.Short || len(got) != len(data) || changed == 0 || changed > 4 {
			t.Errorf("%d times as long: %+v, %v, %d bytes are others", times, c, err, changed)
		}
	}
}

// The numbers of Opus stand in the order of MP4, whichever they had.
func TestMendOpus(t *testing.T) {
	const little, big = "\x00\x02\x38\x01\x80\xbb\x00\x00\x01\x00\x00", "\x00\x02\x01\x38\x00\x00\xbb\x80\x00\x01\x00"
	for _, head := range []string{little, big} {
		entry := pack("Opus", make([]byte, 28), pack("dOps", []byte(head)))
		table := pack("stbl", pack("stsd", make([]byte, 8), entry))
		movie := pack("moov", pack("trak", pack("mdia", pack("minf", table))))
		path := filepath.Join(t.TempDir(), "film.mp4")
		if err := os.WriteFile(path, append(pack("ftyp", []byte("isom")), movie...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := MendOpus(path); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); !bytes.HasSuffix(got, []byte(big)) {
			t.Errorf("% x has become % x, wanted % x", head, got[len(got)-len(big):], big)
		}
	}
}
