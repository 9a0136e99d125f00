package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/trainer/film/filmtest"
)

// film makes a film of two tracks of sound and one second of video, or of the video alone.
func film(t *testing.T, name, muxer string, sounds int) string {
	t.Helper()
	filmtest.Needs(t, "x264enc", "avenc_aac", "h264parse", strings.Fields(muxer)[0])
	path := filepath.Join(t.TempDir(), name)
	text := muxer + " name=m ! filesink name=out  videotestsrc num-buffers=25 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! " +
		"x264enc key-int-max=10 bframes=2 speed-preset=ultrafast ! h264parse ! m. "
	for i := range sounds {
		text += fmt.Sprintf("audiotestsrc freq=%d num-buffers=25 samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! aacparse ! m. ", 300+200*i)
	}
	filmtest.Write(t, path, text)
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// camera makes the second sound of a QuickTime film one that nobody knows, or a track of a camera's metadata that the first names.
func camera(t *testing.T) string {
	path := film(t, "film.mov", "qtmux", 2)
	data := read(t, path)
	at := bytes.LastIndex(data, []byte("stsd"))
	copy(data[at+bytes.Index(data[at:], []byte("mp4a")):], "mebx")
	handler := bytes.LastIndex(data, []byte("soun"))
	copy(data[handler:], "meta")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func carry(t *testing.T, c Carriage) *Carried {
	t.Helper()
	done, err := Carry(c)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// opened is a file that is closed when the test ends.
func opened(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// samples are all bytes of a track of an MP4 file, and its lists besides that of places.
func samples(t *testing.T, path string, kind string) (media []byte, lists [][]byte) {
	t.Helper()
	file := opened(t, path)
	m, err := readMovie(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range m.tracks {
		if track.Kind != kind {
			continue
		}
		for c, err := range track.chunks(1 << 40) {
			if err != nil {
				t.Fatal(err)
			}
			part := make([]byte, c.size)
			if _, err := file.ReadAt(part, c.at); err != nil {
				t.Fatal(err)
			}
			media = append(media, part...)
		}
		for _, name := range []string{"stsd", "stts", "stsz", "stsc"} {
			lists = append(lists, Child(track.data, "mdia", "minf", "stbl", name))
		}
		return media, append(lists, Child(track.data, "edts", "elst"))
	}
	t.Fatalf("%q has no %s track", path, kind)
	return nil, nil
}

func TestCarryMP4(t *testing.T) {
	source, video := camera(t), film(t, "video.mov", "qtmux", 0)
	out := filepath.Join(t.TempDir(), "out.mov")
	done := carry(t, Carriage{Source: source, Video: video, Out: out})
	if len(done.Kept) != 2 || done.Kept[1].Kind != "metadata" || done.Kept[1].Format != "mebx" || len(done.Lost) > 0 {
		t.Errorf("kept are %+v, lost are %+v", done.Kept, done.Lost)
	}
	for kind, from := range map[string]string{"video": video, "audio": source, "metadata": source} {
		got, lists := samples(t, out, kind)
		want, wanted := samples(t, from, kind)
		if len(want) == 0 || !bytes.Equal(got, want) {
			t.Errorf("%s track has %d bytes that are not the %d of the film", kind, len(got), len(want))
		}
		for i := range wanted {
			if !bytes.Equal(lists[i], wanted[i]) && kind != "video" {
				t.Errorf("list %d of the %s track is another", i, kind)
			}
		}
	}
	c, err := Look(out)
	if err != nil || len(c.Tracks) != 3 || !c.QuickTime {
		t.Errorf("the output holds %+v, %v", c, err)
	}
}

// A reference keeps its track, whatever number that has in the output.
func TestReferences(t *testing.T) {
	list := append(pack("chap", []byte{0, 0, 0, 9, 0, 0, 0, 4}), pack("tmcd", []byte{0, 0, 0, 7})...)
	got := renamed(list, map[uint32]uint32{9: 2, 4: 3})
	if want := pack("chap", []byte{0, 0, 0, 2, 0, 0, 0, 3}); !bytes.Equal(got, want) {
		t.Errorf("references are % x, wanted % x", got, want)
	}
}

// A coarse scale of the movie must not move frames.
func TestScale(t *testing.T) {
	for _, c := range []struct{ film, out uint32 }{{600, 600}, {90000, 90000}, {25, 600}, {24, 600}, {7, 602}} {
		if got := outScale(&movie{scale: c.film}); got != c.out || got%c.film != 0 {
			t.Errorf("scale %d becomes %d, wanted %d", c.film, got, c.out)
		}
	}
	list := append([]byte{0, 0, 0, 0, 0, 0, 0, 2}, 0, 0, 0, 50, 255, 255, 255, 255, 0, 1, 0, 0)
	list = append(list, 0, 0, 0, 25, 0, 0, 4, 0, 0, 1, 0, 0)
	got := Child(rescaled(pack("edts", pack("elst", list)), 25, 600), "edts", "elst")
	if a, b := binary.BigEndian.Uint32(got[8:]), binary.BigEndian.Uint32(got[20:]); a != 1200 || b != 600 {
		t.Errorf("the edit list lasts %d and %d, wanted 1200 and 600", a, b)
	}
}

// PCM of QuickTime has samples of "1 byte" that have more.
func TestSizeOfPCM(t *testing.T) {
	entry := append(make([]byte, 8+16), 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 16, 0, 0, 0, 0, 0xbb, 0x80, 0, 0)
	entry = append(entry, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 2)
	track := &trak{Track: Track{Kind: "audio"}}
	if got := track.bytesPerSample(pack("stsd", entry)); got != 4 {
		t.Errorf("a sample has %d bytes, wanted 4", got)
	}
	entry[8+16+1] = 0
	if got := track.bytesPerSample(pack("stsd", entry)); got != 4 {
		t.Errorf("version 0: a sample has %d bytes, wanted 4", got)
	}
}

// furnished is a Matroska film with a font, a chapter, tags and a forced track.
func furnished(t *testing.T) string {
	t.Helper()
	path := film(t, "film.mkv", "matroskamux streamable=true", 2)
	file := opened(t, path)
	m, err := readMatroska(file)
	if err != nil {
		t.Fatal(err)
	}
	data := read(t, path)
	font := appendElement(appendElement(nil, idFileName, []byte("a.ttf")), idFileMedia, []byte("font/ttf"))
	extra := appendElement(nil, idAttachments, appendElement(nil, idAttached, appendElement(font, 0x465c, bytes.Repeat([]byte{7}, 300))))
	atom := appendElement(nil, 0xb6, appendNumber(appendNumber(appendNumber(nil, 0x73c4, 1), 0x91, 0), 0x92, 1000))
	extra = appendElement(extra, idChapters, appendElement(nil, 0x45b9, atom))
	tag := func(uid uint64, name string) []byte {
		targets := []byte{}
		if uid != 0 {
			targets = appendNumber(nil, idTagTrack, uid)
		}
		simple := appendElement(appendElement(nil, idTagName, []byte(name)), 0x4487, []byte("x"))
		return appendElement(nil, idTag, appendElement(appendElement(nil, idTargets, targets), idSimpleTag, simple))
	}
	extra = appendElement(extra, idTags, slices.Concat(tag(0, "ARTIST"), tag(m.video().uid, "BPS"), tag(m.video().uid, "COMMENT")))
	data = slices.Concat(data[:m.start], extra, data[m.start:])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// frames are the blocks of all tracks that are wanted, as text.
func frames(t *testing.T, path string, sound bool) (all []string) {
	t.Helper()
	file := opened(t, path)
	m, err := readMatroska(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.blocks(file)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.next(func(track uint64) bool { return (track == m.video().ID) != sound })
		if errors.Is(err, io.EOF) {
			slices.Sort(all)
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d %d %v %x %x", b.track, b.time, b.key, b.data[b.head-1:], b.extra))
	}
}

func TestCarryMatroska(t *testing.T) {
	source, video := furnished(t), film(t, "video.mkv", "matroskamux", 0)
	for _, webm := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out.mkv")
		done := carry(t, Carriage{Source: source, Video: video, Out: out, WebM: webm, App: "adain"})
		if kept, lost := len(done.Kept), len(done.Lost); webm && (kept != 0 || lost != 3) || !webm && (kept != 3 || lost != 0) {
			t.Errorf("WebM %v: kept are %+v, lost are %+v", webm, done.Kept, done.Lost)
		}
		if got, want := frames(t, out, false), frames(t, video, false); len(want) != 25 || !slices.Equal(got, want) {
			t.Errorf("%d frames are not the new %d", len(got), len(want))
		}
		if got, want := frames(t, out, true), frames(t, source, true); !webm && (len(want) == 0 || !slices.Equal(got, want)) {
			t.Errorf("%d blocks of sound are not the film's %d", len(got), len(want))
		}
		data := read(t, out)
		for what, kept := range map[string]bool{"a.ttf": !webm, "ARTIST": true, "COMMENT": true, "BPS": false, "\xb6\x8b\x73\xc4": true} {
			if bytes.Contains(data, []byte(what)) != kept {
				t.Errorf("WebM %v: %q is kept: %v, wanted %v", webm, what, !kept, kept)
			}
		}
	}
}

// The new video is shown when the film's own was, also in a film that does not begin at 0.
func TestLateVideo(t *testing.T) {
	source, video := furnished(t), film(t, "video.mkv", "matroskamux", 0)
	out := filepath.Join(t.TempDir(), "out.mkv")
	carry(t, Carriage{Source: source, Video: video, Out: out, Late: 80e6})
	file, _ := os.Open(out)
	defer file.Close()
	m, err := readMatroska(file)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := m.firstTime(file, m.video().ID); err != nil || at != 80e6 {
		t.Errorf("the video begins at %d ns, %v, wanted 80000000", at, err)
	}
}

// TestHostile reads what is cut off or changed: there may be an error, but no panic and no endless loop.
func TestHostile(t *testing.T) {
	for _, c := range []struct{ source, video string }{
		{camera(t), film(t, "video.mov", "qtmux", 0)}, {broadcast(t, 0, ""), ""}, {furnished(t), film(t, "video.mkv", "matroskamux", 0)},
	} {
		whole := read(t, c.source)
		path, out := filepath.Join(t.TempDir(), "x"), filepath.Join(t.TempDir(), "y")
		r := rand.New(rand.NewSource(1))
		rounds := 150
		if testing.Short() {
			rounds = 40
		}
		for i := range rounds {
			data := slices.Clone(whole)
			if i%3 == 0 {
				data = data[:r.Intn(len(data))]
			}
			for range min(i, 40) {
				if len(data) > 0 {
					data[r.Intn(len(data))] ^= byte(1 << r.Intn(8))
				}
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			Look(path)
			Mend(path, out, 0)
			Carry(Carriage{Source: path, Video: c.video, Out: out})
			Carry(Carriage{Source: path, Video: c.video, Out: out, Part: true, Begin: 200e6, End: 600e6})
		}
	}
}
