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
