package transcode

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/film/filmtest"
)

// broadcast is a transport or program stream whose picture begins some time after the sound, or before it.
func broadcast(t *testing.T, name, muxer string, picture, sound time.Duration) string {
	t.Helper()
	needs(t, "x264enc", "avenc_aac", "h264parse", muxer)
	path := filepath.Join(t.TempDir(), name)
	filmtest.Write(t, path, muxer+" name=m ! filesink name=out  videotestsrc num-buffers=25 timestamp-offset="+nanoseconds(picture)+
		" ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! x264enc key-int-max=10 bframes=2 speed-preset=ultrafast ! h264parse ! m. "+
		"audiotestsrc wave=ticks num-buffers=25 samplesperbuffer=1920 timestamp-offset="+nanoseconds(sound)+
		" ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! aacparse ! m.")
	return path
}

func nanoseconds(d time.Duration) string { return strconv.FormatInt(int64(d), 10) }

// Sound that begins before or after the picture stays as far from it, and a part is counted from the film's first picture or sound.
func TestDistance(t *testing.T) {
	needs(t, "mpegtsmux", "tsdemux")
	for _, c := range []struct {
		name, muxer    string
		picture, sound time.Duration
	}{
		{"late.ts", "mpegtsmux", 200 * time.Millisecond, 0}, {"early.ts", "mpegtsmux", 0, 160 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := broadcast(t, c.name, c.muxer, c.picture, c.sound)
			for _, container := range []string{"mp4", "mkv"} {
				r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: container}.one(t)
				held := scan(t, r.Output)
				if n := len(held.videos()[0].times); n != 25 {
					t.Fatalf("%d frames, wanted 25", n)
				}
				got, want := held.sounds()[0].begin-firstOf(held.videos()[0]), c.sound-c.picture
				if d := got - want; d.Abs() > 2*time.Millisecond {
					t.Errorf("%s: sound begins %v after the picture, wanted %v", container, got, want)
				}
				if n := held.sounds()[0].packets; n < 47 { // of 1024 samples in a second
					t.Errorf("%s: %d packets of sound, wanted 48", container, n)
				}
			}
			r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Duration: 400 * time.Millisecond}.one(t)
			if want := 10 - int(max(0, c.picture-c.sound)/(40*time.Millisecond)); r.Frames < want-1 || r.Frames > want+1 {
				t.Errorf("400 ms have %d frames, wanted %d", r.Frames, want)
			}
		})
	}
}

// A stream that begins in the middle of a broadcast and whose clock breaks becomes a film, and what is missing is said.
func TestBroken(t *testing.T) {
	whole, err := os.ReadFile(broadcast(t, "film.ts", "mpegtsmux", 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "film.ts")
	if err := os.WriteFile(path, slices.Concat(whole[len(whole)/10:], whole), 0o600); err != nil {
		t.Fatal(err)
	}
	o := order{Inputs: inputsOf(path), Out: t.TempDir(), Segment: 300 * time.Millisecond}
	r, w := o.one(t)
	if r.Frames < 35 || r.Frames >= 50 || r.Length < 1.3 || r.Length > 2.2 {
		t.Errorf("%d frames in %v seconds, wanted most of 50 in 2", r.Frames, r.Length)
	}
	said := strings.Join(w.warnings, "\n")
	if !strings.Contains(said, "begins in the middle") || !strings.Contains(said, "its clock jumps 1 time") {
		t.Errorf("warnings are %q", w.warnings)
	}
	if names := list(t, o.Out); len(names) != 1 {
		t.Errorf("files are %q", names)
	}
	o.Program = 7
	o.Out = t.TempDir()
	report, _ := o.run(t)
	if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "no programme 7") {
		t.Errorf("another programme: %v", err)
	}
}

func firstOf(video *track) time.Duration {
	first := video.times[0].time
	for _, f := range video.times {
		first = min(first, f.time)
	}
	return first
}
