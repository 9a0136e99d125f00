package transcode

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"adainfilter/trainer/container"
)

// A reader may find another beginning of the film once a stream has begun.
func TestSettle(t *testing.T) {
	const ms = time.Millisecond
	video := &track{kind: "video", zeros: []zero{{5 * ms, 0, 0}, {0, 1, 1}}, end: 205 * ms,
		times: []frameTime{{time: 0}, {time: 105 * ms}}} // the timestamps 5 and 105 ms
	late := &track{kind: "audio", zeros: []zero{{5 * ms, 0, 0}, {0, 0, 0}}, begin: 40 * ms}
	early := &track{kind: "audio", zeros: []zero{{5 * ms, 0, 0}}, lead: 5 * ms}
	c := &contents{tracks: []*track{video, late, early}}
	c.settle()
	if !c.settled || c.zero != 0 || video.times[0].time != 5*ms || video.times[1].time != 105*ms || video.end != 205*ms {
		t.Errorf("%+v, %+v", c, video)
	}
	if late.begin != 40*ms || early.begin != 0 || early.lead != 0 {
		t.Errorf("sound begins at %v and %v, %v before the beginning", late.begin, early.begin, early.lead)
	}
}

// withSine makes a film of one second with sound, at 10 frames a second, with ffmpeg.
func withSine(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append([]string{"-y", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1:r=48000", "-pix_fmt", "yuv420p"}, args...)
	ffmpeg(t, "ffmpeg", append(args, path)...)
	return path
}

// In this film the picture comes first and the sound begins earlier.
func TestUnsteadyBeginning(t *testing.T) {
	path := withSine(t, "film.mkv", "-c:v", "mpeg2video", "-c:a", "ac3")
	want, err := container.VideoTimes(path)
	if err != nil || slices.Min(want) == 0 {
		t.Fatalf("the test's film begins at %v, %v", want, err)
	}
	for name, o := range map[string]order{"carried": {}, "in segments": {Segment: 300 * time.Millisecond}, "through GStreamer": {Codec: "prores", Container: "mkv"}} {
		o.Inputs, o.Out = inputsOf(path), t.TempDir()
		r, _ := o.one(t)
		got, err := container.VideoTimes(r.Output)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: the frames lie at %v, %v, wanted %v", name, got, err, want)
		}
	}
}

// A film that says that it is far longer than its tracks is read all the same.
func TestShortTracks(t *testing.T) {
	path := clip(t, "film.mp4", 25, withSound(25, "mp4mux"))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := data[bytes.Index(data, []byte("mvhd"))+4:]
	binary.BigEndian.PutUint32(head[16:], 10*binary.BigEndian.Uint32(head[16:]))
	promising := filepath.Join(t.TempDir(), "film.mp4")
	if err := os.WriteFile(promising, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, w := order{Inputs: inputsOf(promising), Out: t.TempDir()}.one(t)
	sameTimes(t, r.Output, path)
	sameSound(t, r.Output, path)
	if len(w.warnings) > 0 {
		t.Errorf("warnings %q", w.warnings)
	}
}

// Opus in MP4 is heard whole.
func TestOpusInMP4(t *testing.T) {
	path := withSine(t, "film.webm", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus")
	r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: "mp4"}.one(t)
	if n := len(ffmpeg(t, "ffmpeg", "-i", r.Output, "-map", "0:a", "-ac", "1", "-ar", "8000", "-f", "s16le", "-")) / 2; n < 7700 || n > 8300 {
		t.Errorf("%d samples are heard, wanted a second, 8000", n)
	}
}

// Pads that a signal has brought are let go of only when nothing uses them any more: GLib ends this process otherwise.
func TestPadsStay(t *testing.T) {
	o := order{Inputs: inputsOf(clip(t, "film.mp4", 25, withSound(25, "mp4mux"))), Out: t.TempDir(), Container: "mkv"}
	for range 3 {
		if out, err := o.command(t).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		os.Remove(filepath.Join(o.Out, "film.mkv"))
	}
}

// Encoders write sound that begins before the film; what MP4 says about it is kept.
func TestSoundBeforeTheFilm(t *testing.T) {
	path := clip(t, "film.mp4", 30, withSound(30, "mp4mux"))
	const lead = 1024 * time.Second / 48000
	m := &muxing{copies: []*copied{{slot: 1, shift: lead}}}
	if err := m.patch(path); err != nil {
		t.Fatal(err)
	}
	if s := scan(t, path).sounds(); len(s) != 1 || s[0].lead/time.Millisecond != lead/time.Millisecond {
		t.Fatalf("the test's film has no sound before its beginning: %+v", s)
	}
	for _, container := range []string{"mp4", "mov", "mkv"} {
		r, w := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: container}.one(t)
		sameSound(t, r.Output, path)
		if container == "mkv" { // which has no room for what lies before
			distance(t, r.Output, lead)
		} else {
			sameTimes(t, r.Output, path)
		}
		if got := scan(t, r.Output).sounds()[0]; container != "mkv" && got.lead/time.Millisecond != lead/time.Millisecond {
			t.Errorf("%s: sound begins %v before the film, wanted %v", container, got.lead, lead)
		}
		if len(w.warnings) > 0 {
			t.Errorf("%s: warnings %q", container, w.warnings)
		}
	}
}

// distance fails unless the picture of a film begins so long after its sound.
func distance(t *testing.T, path string, want time.Duration) {
	t.Helper()
	c := scan(t, path)
	if d := c.videos()[0].times[0].time - c.sounds()[0].begin - want; d.Abs() > time.Millisecond {
		t.Errorf("%q: the picture begins %v too late against the sound", path, d)
	}
}

func TestPart(t *testing.T) {
	path := clip(t, "film.mp4", 60, withSound(60, "mp4mux"))
	r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Start: 530 * time.Millisecond, Duration: time.Second, Segment: 300 * time.Millisecond}.one(t)
	frames, _ := decode(t, r.Output)
	if len(frames) != 25 || r.Frames != 25 {
		t.Errorf("%d frames, wanted 25", len(frames))
	} else if d := frames[0].time - 30*time.Millisecond; d.Abs() > time.Millisecond {
		t.Errorf("the first frame is shown at %v, wanted 30 ms, as it lay in the film", frames[0].time)
	}
	if s := scan(t, r.Output).sounds(); len(s) != 1 || s[0].end < 900*time.Millisecond || s[0].end > 1100*time.Millisecond {
		t.Errorf("sound is %+v, wanted one second", s)
	}
}
