package container

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"adainfilter/trainer/film/filmtest"
)

// broadcast is a transport stream of one second, a key frame every ten frames, whose picture begins later than its sound.
func broadcast(t *testing.T, late time.Duration, more string) string {
	t.Helper()
	filmtest.Needs(t, "x264enc", "avenc_aac", "h264parse", "mpegtsmux")
	path := filepath.Join(t.TempDir(), "film.ts")
	filmtest.Write(t, path, "mpegtsmux name=m "+more+" ! filesink name=out  videotestsrc num-buffers=25 timestamp-offset="+strconv.FormatInt(int64(late), 10)+
		" ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! x264enc key-int-max=10 bframes=0 speed-preset=ultrafast ! h264parse ! m.sink_65 "+
		"audiotestsrc num-buffers=25 samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! aacparse ! m.sink_66")
	return path
}

// times are those of the PES packets of a kind of stream, in ticks, as they lie in a file.
func times(t *testing.T, path, kind string) (all []int64) {
	t.Helper()
	file := opened(t, path)
	found, err := programs(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newTSReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for {
		p, err := r.next()
		if err != nil {
			return all
		}
		for _, s := range found[0].streams {
			if b := payload(p); int(s.ID) == packetPID(p) && s.Kind == kind && p[1]&0x40 != 0 && len(b) > 14 && b[7]&0x80 != 0 {
				all = append(all, stamp(b[9:]))
			}
		}
	}
}

// mend mends data and gives the path of what has come of it.
func mend(t *testing.T, data []byte, program int) (*Mended, string) {
	t.Helper()
	path, out := filepath.Join(t.TempDir(), "in.ts"), filepath.Join(t.TempDir(), "out.ts")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Mend(path, out, program)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Needed {
		return m, path
	}
	return m, out
}

// rising fails where times go back or leave a hole.
func rising(t *testing.T, what string, all []int64, hole time.Duration) {
	t.Helper()
	for i := 1; i < len(all); i++ {
		if d := time.Duration(all[i]-all[i-1]) * time.Second / tsClock; d <= 0 || d > hole {
			t.Errorf("%s: time %d comes %v after that before it", what, i, d)
		}
	}
}

func TestMend(t *testing.T) {
	whole := read(t, broadcast(t, 0, ""))
	m, out := mend(t, whole, 0)
	if m.Skipped > 0 || len(m.Breaks) > 0 || m.Bytes > 0 || len(times(t, out, "video")) != 25 {
		t.Fatalf("a whole stream gives %+v, %d pictures", m, len(times(t, out, "video")))
	}
	distance := times(t, out, "audio")[0] - times(t, out, "video")[0]

	t.Run("middle", func(t *testing.T) {
		for _, cut := range []int{len(whole)/10/188*188 + 60, len(whole) / 2 / 188 * 188} {
			m, out := mend(t, whole[cut:], 0)
			pictures := times(t, out, "video")
			if m.Skipped == 0 || len(pictures)+m.Skipped > 25 || (len(pictures) != 15 && len(pictures) != 5) {
				t.Errorf("cut at %d: %+v, %d pictures, wanted 15 or 5", cut, m, len(pictures))
			}
			if d := times(t, out, "audio")[0] - pictures[0]; d < -tsClock/10 {
				t.Errorf("sound begins %d ticks before the first picture", -d)
			}
		}
	})
	t.Run("breaks", func(t *testing.T) {
		m, out := mend(t, slices.Concat(whole, whole, whole), 0)
		pictures := times(t, out, "video")
		if len(m.Breaks) != 2 || len(pictures) != 75 {
			t.Errorf("%+v, %d pictures, wanted 2 breaks and 75", m, len(pictures))
		}
		rising(t, "pictures", pictures, 200*time.Millisecond)
		rising(t, "sound", times(t, out, "audio"), 400*time.Millisecond)
	})
	t.Run("wrap", func(t *testing.T) {
		near := slices.Clone(whole)
		shift(near, tsWrap-times(t, out, "video")[12])
		m, out := mend(t, near, 0)
		pictures := times(t, out, "video")
		if !m.Needed || len(m.Breaks) > 0 || len(pictures) != 25 {
			t.Errorf("%+v, %d pictures", m, len(pictures))
		}
		rising(t, "pictures", pictures, 41*time.Millisecond)
		if d := times(t, out, "audio")[0] - pictures[0]; d != distance {
			t.Errorf("sound begins %d ticks after the pictures, wanted %d", d, distance)
		}
	})
	t.Run("damage", func(t *testing.T) {
		at := len(whole) / 2
		m, _ := mend(t, slices.Concat(whole[:at], bytes.Repeat([]byte{1}, 1000), whole[at:]), 0)
		if m.Bytes == 0 {
			t.Error("bytes that belong to no packet are not noticed")
		}
	})
	t.Run("type", func(t *testing.T) {
		// The sound as DTS of broadcasts, which readers take for something else.
		other := slices.Clone(whole)
		retype(t, other, 0x0f, 0x82)
		m, out := mend(t, other, 0)
		file, _ := os.Open(out)
		defer file.Close()
		found, err := programs(file)
		if err != nil || !m.Needed || len(found[0].streams) != 2 {
			t.Fatalf("%+v, %v", m, err)
		}
		for _, s := range found[0].streams {
			if s.Kind == "audio" && (s.typ != 0x06 || registration(s.descriptors) != "DTS1" || s.Format != "DTS") {
				t.Errorf("the sound is %+v", s)
			}
		}
		retype(t, other, 0x82, 0x05) // private sections
		if m, _ := mend(t, other, 0); len(m.Lost) != 1 || m.Lost[0].Kind != "metadata" {
			t.Errorf("%+v", m)
		}
	})
}

// shift adds to all times of a stream.
func shift(data []byte, by int64) {
	for ; len(data) >= tsPacket; data = data[tsPacket:] {
		p := data[:tsPacket]
		if p[3]&0x20 != 0 && p[4] >= 7 && p[5]&0x10 != 0 {
			putPCR(p[6:], wrap(stampPCR(p[6:])+by))
		}
		if b := payload(p); p[1]&0x40 != 0 && len(b) > 19 && b[2] == 1 && b[7]&0x80 != 0 {
			putStamp(b[9:], wrap(stamp(b[9:])+by))
			if b[7]&0x40 != 0 {
				putStamp(b[14:], wrap(stamp(b[14:])+by))
			}
		}
	}
}

// retype changes the type of a stream in all tables.
func retype(t *testing.T, data []byte, from, to byte) {
	t.Helper()
	changed := false
	for ; len(data) >= tsPacket; data = data[tsPacket:] {
		table := payload(data[:tsPacket])
		if data[1]&0x40 == 0 || len(table) < 20 || table[0] != 0 || table[1] != 2 {
			continue
		}
		table = table[1:]
		size := 3 + int(table[1]&15)<<8 + int(table[2])
		for at := 12 + int(table[10]&15)<<8 + int(table[11]); at+5 <= size-4; at += 5 + int(table[at+3]&15)<<8 + int(table[at+4]) {
			if table[at] == from {
				table[at], changed = to, true
			}
		}
		copy(table[size-4:size], binaryCRC(table[:size-4]))
	}
	if !changed {
		t.Fatal("the test's film has no such stream")
	}
}

func binaryCRC(data []byte) []byte {
	crc := crcMPEG(data)
	return []byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)}
}

// Sound that comes before the first clock would be thrown away by readers.
func TestSoundBeforeClock(t *testing.T) {
	path := broadcast(t, 200*time.Millisecond, "")
	m, out := mend(t, read(t, path), 0)
	if !m.Needed {
		t.Fatal("sound before the first clock is not noticed")
	}
	if got, want := times(t, out, "audio")[0]-times(t, out, "video")[0], times(t, path, "audio")[0]-times(t, path, "video")[0]; got != want {
		t.Errorf("sound begins %d ticks after the picture, wanted %d", got, want)
	}
	p := read(t, out)[2*tsPacket:]
	if at := stampPCR(p[6:]); p[5]&0x10 == 0 || at > times(t, out, "audio")[0] {
		t.Errorf("the first clock is %d, the first sound comes at %d", at, times(t, out, "audio")[0])
	}
}

// Readers take a clock that stands still for half a second for one that was broken, and shift what follows.
func TestClockBeforePictures(t *testing.T) {
	path := broadcast(t, 900*time.Millisecond, "")
	_, out := mend(t, read(t, path), 0)
	first, clocks := times(t, out, "audio")[0], clocksOf(t, out)
	if len(clocks) == 0 || clocks[0] > first {
		t.Fatalf("the clocks are %v, the first sound comes at %d", clocks, first)
	}
	for i := 1; i < len(clocks); i++ {
		if d := clocks[i] - clocks[i-1]; d < 0 || d > tsClock/4 {
			t.Errorf("clock %d comes %d ticks after the one before, wanted at most %d", i+1, d, tsClock/4)
		}
	}
}

// clocksOf are all clocks of a transport stream.
func clocksOf(t *testing.T, path string) (all []int64) {
	t.Helper()
	for p := read(t, path); len(p) >= tsPacket; p = p[tsPacket:] {
		if p[3]&0x20 != 0 && p[4] >= 7 && p[5]&0x10 != 0 {
			all = append(all, stampPCR(p[6:]))
		}
	}
	return all
}

func TestPrograms(t *testing.T) {
	path := broadcast(t, 0, "prog-map=program_map,sink_65=10,sink_66=11")
	data := read(t, path)
	c, err := Look(path)
	if err != nil || !slices.Equal(c.Programs, []int{10, 11}) && !slices.Equal(c.Programs, []int{11, 10}) {
		t.Fatalf("%+v, %v", c, err)
	}
	if m, out := mend(t, data, 0); m.Program != 10 || len(times(t, out, "video")) != 25 || len(times(t, out, "audio")) > 0 {
		t.Errorf("%+v", m)
	}
	if _, err := Mend(path, "", 11); err == nil {
		t.Error("a programme without pictures is taken")
	}
}

// A program stream is mended as a transport stream, where it begins in the middle or with sound long before its picture.
func TestProgramStream(t *testing.T) {
	filmtest.Needs(t, "x264enc", "avenc_aac", "mpegpsmux", "h264parse")
	for _, late := range []time.Duration{0, 200 * time.Millisecond} {
		path := filepath.Join(t.TempDir(), "film.mpg")
		filmtest.Write(t, path, "mpegpsmux name=m ! filesink name=out  videotestsrc num-buffers=50 timestamp-offset="+strconv.FormatInt(int64(late), 10)+
			" ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! x264enc key-int-max=10 bframes=0 speed-preset=ultrafast ! h264parse ! m. "+
			"audiotestsrc num-buffers=50 samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! m.")
		whole := read(t, path)
		c, err := Look(path)
		if err != nil || c.Family != PS || len(c.Tracks) != 2 {
			t.Fatalf("%+v, %v", c, err)
		}
		m, out := mend(t, whole, 0)
		if m.Needed != (late > 0) || m.Skipped > 0 || len(m.Breaks) > 0 {
			t.Errorf("late by %v: %+v", late, m)
		}
		if late > 0 {
			pictures, sound := times(t, out, "video"), times(t, out, "audio")
			if d := time.Duration(pictures[0]-sound[0]) * time.Second / tsClock; (d - late).Abs() > 45*time.Millisecond { // the first picture is not the first in the order of the file
				t.Errorf("the picture comes %v after the sound, wanted %v", d, late)
			}
		}
		cut := len(whole)/3 + bytes.Index(whole[len(whole)/3:], []byte{0, 0, 1, 0xba})
		m, out = mend(t, whole[cut:], 0)
		pictures := times(t, out, "video")
		if !m.Needed || m.Skipped == 0 || len(pictures) < 10 || len(pictures)+m.Skipped > 50 {
			t.Errorf("from the middle on: %+v, %d pictures", m, len(pictures))
		}
	}
}

// TestTorn tells a film whose end is missing from one that is whole.
func TestTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1", "-c:v", "mpeg4", "-c:a", "aac", "-movflags", "faststart", path).CombinedOutput(); err != nil {
		t.Skipf("there is no ffmpeg that makes the film: %v: %s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range []bool{false, true} {
		c, err := Look(path)
		if err != nil || c.Torn != torn || c.Carries("mp4") == torn || len(c.Tracks) != 2 {
			t.Errorf("torn %v: %+v, %v", torn, c, err)
		}
		if err := os.WriteFile(path, data[:len(data)*7/10], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
