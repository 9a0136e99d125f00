package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A part of an MP4 has the packets of sound of that time, one more before them that the edit list leaves out, and metadata.
func TestCutMP4(t *testing.T) {
	source, video := camera(t), film(t, "video.mov", "qtmux", 0)
	for _, c := range []struct{ begin, end time.Duration }{{0, 400 * time.Millisecond}, {333 * time.Millisecond, 700 * time.Millisecond}, {900 * time.Millisecond, 1 << 62}} {
		out := filepath.Join(t.TempDir(), "out.mov")
		done := carry(t, Carriage{Source: source, Video: video, Out: out, Part: true, Begin: c.begin, End: c.end})
		if len(done.Kept) != 2 {
			t.Errorf("kept are %+v", done.Kept)
		}
		got, lists := samples(t, out, "audio")
		whole, wholeLists := samples(t, source, "audio")
		at := bytes.Index(whole, got)
		if len(got) == 0 || at < 0 {
			t.Errorf("from %v: %d bytes of sound are not a part of the film's %d", c.begin, len(got), len(whole))
			continue
		}
		first, before := 0, 0 // the number of the packet that the part begins with
		for sizes := wholeLists[2][12:]; before < at; first++ {
			before += int(binary.BigEndian.Uint32(sizes[4*first:]))
		}
		e, simple := readEdit(pack("edts", pack("elst", lists[4])), 1000)
		if begins := time.Duration(first)*1024*time.Second/48000 + time.Duration(e.media)*time.Second/48000; !simple || (begins-c.begin).Abs() > time.Millisecond {
			t.Errorf("the sound of the part begins at %v of the film, wanted %v", begins, c.begin)
		}
		if n := int(binary.BigEndian.Uint32(lists[2][8:])); c.end < time.Second && n > int((c.end-c.begin)*48000/1024/time.Second)+3 {
			t.Errorf("from %v to %v: %d packets", c.begin, c.end, n)
		}
		if shown := e.duration * 1000 / float64(movieScale(t, out)); c.end < time.Second && time.Duration((shown-(c.end-c.begin).Seconds())*1e9).Abs() > 2*time.Millisecond {
			t.Errorf("%v seconds of sound are shown, wanted %v", shown, c.end-c.begin)
		}
	}
}

func movieScale(t *testing.T, path string) uint32 {
	t.Helper()
	file := opened(t, path)
	m, err := readMovie(file)
	if err != nil {
		t.Fatal(err)
	}
	return m.scale
}

// Lists of counts are cut within their entries.
func TestSection(t *testing.T) {
	list := []byte{0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 3}
	for _, c := range []struct {
		first, last int
		want        []byte
	}{
		{0, 10, list}, {2, 4, []byte{0, 0, 0, 2, 0, 0, 0, 1}}, {4, 7, []byte{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3}},
	} {
		if got := section(list, c.first, c.last); !bytes.Equal(got, c.want) {
			t.Errorf("%d to %d: % x, wanted % x", c.first, c.last, got, c.want)
		}
	}
	clock := ticks{list: list, total: 10}
	for i, want := range []int64{0, 1, 2, 3, 4, 5, 7, 10} {
		if got := clock.of(i); got != want || clock.at(want) != i {
			t.Errorf("sample %d is at %d, wanted %d; there is sample %d", i, got, want, clock.at(want))
		}
	}
}

// A part of a Matroska film has the blocks of that time, counted from its beginning.
func TestCutMatroska(t *testing.T) {
	source, video := furnished(t), film(t, "video.mkv", "matroskamux", 0)
	out := filepath.Join(t.TempDir(), "out.mkv")
	const begin, end = 300 * time.Millisecond, 700 * time.Millisecond
	carry(t, Carriage{Source: source, Video: video, Out: out, Part: true, Begin: begin, End: end, First: 20e6})
	count := func(path string, from, to, shift time.Duration) (all []int64, pictures int64) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		m, err := readMatroska(file)
		if err != nil {
			t.Fatal(err)
		}
		if pictures, err = m.firstTime(file, m.video().ID); err != nil {
			t.Fatal(err)
		}
		r, _ := m.blocks(file)
		for {
			b, err := r.next(func(track uint64) bool { return track != m.video().ID })
			if errors.Is(err, io.EOF) {
				slices.Sort(all)
				return all, pictures
			}
			if b.time >= int64(from) && b.time < int64(to) {
				all = append(all, b.time-int64(shift))
			}
		}
	}
	got, first := count(out, -1<<62, 1<<62, 0)
	want, _ := count(source, begin, end, begin)
	if len(want) < 20 || !slices.Equal(got, want) || first != 20e6 {
		t.Errorf("blocks are at %v, the first picture at %d, wanted %v and 20000000", got, first, want)
	}
	if data := read(t, out); bytes.Contains(data, []byte("\xb6\x8b\x73\xc4")) || !bytes.Contains(data, []byte("a.ttf")) {
		t.Error("a part has chapters, or no attachments")
	}
}

// Without its edit list, sound begins with the first packet that was heard whole, at its time.
func TestPlain(t *testing.T) {
	source := film(t, "film.mp4", "mp4mux", 1)
	data := read(t, source)
	at := bytes.LastIndex(data, []byte("elst")) // of the sound, which comes last
	binary.BigEndian.PutUint32(data[at+16:], 14500)
	if err := os.WriteFile(source, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.mp4")
	if err := Plain(source, out); err != nil {
		t.Fatal(err)
	}
	got, lists := samples(t, out, "audio")
	whole, _ := samples(t, source, "audio")
	if len(got) == 0 || !bytes.HasSuffix(whole, got) || len(got) == len(whole) {
		t.Errorf("%d bytes of sound are not the end of %d", len(got), len(whole))
	}
	e, simple := readEdit(pack("edts", pack("elst", lists[4])), movieScale(t, out))
	// 14500 lies within packet 14, so that packet 15 is the first: 15*1024 - 14500 ticks later.
	if want := float64(15*1024-14500) / 48000; !simple || e.media != 0 || e.gap < want-2e-3 || e.gap > want+2e-3 {
		t.Errorf("the edit list is %+v, wanted a gap of %v", e, want)
	}
	if pictures, _ := samples(t, out, "video"); len(pictures) == 0 {
		t.Error("the video is gone")
	}
}

// A film whose chunks all lie in one place would become many times as long as it is.
func TestSameBytes(t *testing.T) {
	source, video := film(t, "film.mp4", "mp4mux", 1), film(t, "video.mp4", "mp4mux", 0)
	data := read(t, source)
	list := func(name string) []byte { return data[bytes.LastIndex(data, []byte(name))+8:] } // of the sound, which comes last
	binary.BigEndian.PutUint32(list("stsz"), uint32(len(data)))
	binary.BigEndian.PutUint32(list("stsc")[8:], 1) // one sample in each chunk
	places := list("stco")
	n := int(binary.BigEndian.Uint32(places))
	if n < 2 {
		t.Fatalf("the sound has %d chunks, wanted 2 or more", n)
	}
	clear(places[4 : 4+4*n])
	if err := os.WriteFile(source, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.mp4")
	_, err := Carry(Carriage{Source: source, Video: video, Out: out})
	for what, err := range map[string]error{"carry": err, "plain": Plain(source, out)} {
		if err == nil || !strings.Contains(err.Error(), "more bytes") {
			t.Errorf("%s: the error is %v, wanted one about bytes", what, err)
		}
	}
}

// The last box of a file may have the size 0, which reaches to the end.
func TestFindMovie(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.mp4")
	head := pack("ftyp", []byte("isom"))
	for name, c := range map[string]struct {
		data []byte
		size int64
	}{
		"whole": {slices.Concat(head, pack("moov", make([]byte, 20)), pack("free")), 20}, "to the end": {slices.Concat(head, []byte("\x00\x00\x00\x00moov123")), 3},
		"cut off": {slices.Concat(head, pack("moov", make([]byte, 20))[:27]), -1}, "missing": {head, -1},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		at, size, err := FindMovie(file)
		file.Close()
		if (err != nil) != (c.size < 0) || err == nil && (size != c.size || at != int64(len(head)+8)) {
			t.Errorf("%s: %d bytes at %d, %v, wanted %d", name, size, at, err, c.size)
		}
	}
}
