package transcode

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/container"
	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
)

// camera is a QuickTime film with a track of metadata that GStreamer has no word for, as phones and cameras write it.
func camera(t *testing.T, format, handler string) string {
	t.Helper()
	needs(t, "x264enc", "qtmux", "avenc_aac", "h264parse")
	path := filepath.Join(t.TempDir(), "film.mov")
	const sound = "audiotestsrc wave=ticks num-buffers=25 samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! aacparse ! m. "
	filmtest.Write(t, path, "qtmux name=m ! filesink name=out  videotestsrc num-buffers=25 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! "+
		"x264enc key-int-max=10 speed-preset=ultrafast ! h264parse ! m. "+sound+sound)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(data, []byte("stsd"))
	copy(data[at+bytes.Index(data[at:], []byte("mp4a")):], format)
	copy(data[bytes.LastIndex(data, []byte("soun")):], handler)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSideTracks(t *testing.T) {
	for _, c := range []struct{ format, handler, kind string }{{"mebx", "meta", "metadata"}, {"gpmd", "meta", "metadata"}, {"apac", "soun", "audio"}} {
		t.Run(c.format, func(t *testing.T) {
			path := camera(t, c.format, c.handler)
			r, w := order{Inputs: inputsOf(path), Out: t.TempDir()}.one(t)
			held, err := container.Look(r.Output)
			if err != nil || len(held.Tracks) != 3 || held.Tracks[2].Format != c.format || len(w.warnings) > 0 {
				t.Errorf("the output holds %+v, %v, warnings %q", held, err, w.warnings)
			}
			if len(r.Tracks) != 2 || r.Tracks[1] != (Track{Kind: c.kind, Format: c.format, Fate: fateCopied}) {
				t.Errorf("the report says %+v", r.Tracks)
			}
			o := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: "mkv"}
			r, w = o.one(t)
			want := c.kind + " track " + c.format + " is left out"
			if len(w.warnings) != 1 || !strings.HasPrefix(w.warnings[0], want) {
				t.Errorf("warnings are %q, wanted %q", w.warnings, want)
			}
			if len(r.Tracks) != 2 || r.Tracks[1].Fate != fateLost || r.Tracks[1].Why == "" {
				t.Errorf("the report says %+v", r.Tracks)
			}
			sameSoundAs(t, r.Output, path, 0)
			o.Out, o.Strict = t.TempDir(), true
			report, _ := o.run(t)
			if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("--strict says %v", err)
			}
			if left := list(t, o.Out); len(left) > 0 {
				t.Errorf("a refused film leaves %q", left)
			}
		})
	}
}

// sameSoundAs hears both films with GStreamer.
func sameSoundAs(t *testing.T, got, want string, number int) {
	t.Helper()
	a, err := hearGStreamer(t.Context(), got, number)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hearGStreamer(t.Context(), want, number)
	if err != nil {
		t.Fatal(err)
	}
	if text := a.differs(b, 60*time.Millisecond); text != "" {
		t.Errorf("sound of %q %s", got, text)
	}
}

// Sound that the container has no room for is coded anew where that container was asked for, and goes into Matroska where not.
func TestSoundWithoutRoom(t *testing.T) {
	needs(t, "flacenc", "opusenc", "x264enc")
	path := filepath.Join(t.TempDir(), "film.mkv")
	filmtest.Write(t, path, "matroskamux name=m ! filesink name=out  videotestsrc num-buffers=25 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! "+
		"x264enc key-int-max=10 speed-preset=ultrafast ! h264parse ! m.  audiotestsrc wave=ticks num-buffers=25 samplesperbuffer=1920 ! "+
		"audio/x-raw,rate=48000,channels=2 ! flacenc ! m.")
	for _, c := range []struct{ container, codec, fate string }{{"", "", fateCopied}, {"mp4", "", fateAnew}, {"webm", "vp9", fateAnew}} {
		needs(t, map[string]string{"": "x264enc", "vp9": "vp9enc"}[c.codec])
		r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: c.container, Codec: c.codec}.one(t)
		if len(r.Tracks) != 1 || r.Tracks[0].Fate != c.fate {
			t.Errorf("%s: the report says %+v", c.container, r.Tracks)
		}
		sameSoundAs(t, r.Output, path, 0)
	}
}

// A film whose only sound cannot be kept is refused, unless silence was asked for.
func TestSilent(t *testing.T) {
	needs(t, "x264enc", "qtmux", "avenc_aac", "h264parse")
	path := clip(t, "film.mov", 25, withSound(25, "qtmux"))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(data, []byte("stsd"))
	copy(data[at+bytes.Index(data[at:], []byte("mp4a")):], "apac")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: "mkv"}
	report, _ := o.run(t)
	if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "would have no sound (audio apac") {
		t.Errorf("a silent film gives %v", err)
	}
	o.Silent = true
	if r, _ := o.one(t); r.Frames != 25 {
		t.Errorf("%d frames, wanted 25", r.Frames)
	}
}

func TestExplain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.mp4")
	if err := os.WriteFile(path, []byte("film"), 0o600); err != nil {
		t.Fatal(err)
	}
	stamp, err := inputStamp(path)
	if err != nil {
		t.Fatal(err)
	}
	j := &job{options: &Options{}, path: path, plan: &plan{Input: stamp, Muxer: "mp4", Codec: "h264", Tracks: []Track{{Kind: "audio", Format: "x", Fate: fateCopied}}}}
	refused := &film.Error{Element: "muxer", Text: "Could not multiplex stream."}
	for _, c := range []struct {
		name   string
		change func()
		err    error
		want   string
	}{
		{"a muxer", func() {}, refused, "mp4mux does not take its streams (h264; audio x) as they are: try --container mkv"},
		{"Matroska", func() { j.plan.Muxer = "mkv" }, refused, "matroskamux does not take its streams (h264; audio x) as they are: copy it anew"},
		{"a full disk", func() {}, &film.Error{Element: "out", Text: "No space left on the resource."}, "make room on the disk"},
		{"another error", func() {}, errDamaged, errDamaged.Error()},
		{"a film that grows", func() { os.WriteFile(path, []byte("a longer film"), 0o600) }, errDamaged, "has changed while it was worked on"},
		{"a film that is gone", func() { os.Remove(path) }, errDamaged, "is gone since the work on it began"},
	} {
		c.change()
		if got := j.explain(c.err); !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s: %v, wanted %q", c.name, got, c.want)
		}
	}
}

// What is compared is what is heard: other pitch, other loudness, less of it.
func TestDiffers(t *testing.T) {
	tone := func(seconds int, pitch, loud int) *heard {
		h := &heard{}
		for i := range seconds * hearRate {
			v := loud * (i*pitch/hearRate%2*2 - 1)
			h.Write([]byte{byte(v), byte(v >> 8)})
		}
		return h
	}
	film := tone(4, 800, 4000)
	for _, c := range []struct {
		name string
		out  *heard
		same bool
	}{
		{"itself", tone(4, 800, 4000), true}, {"a bit louder", tone(4, 800, 4200), true}, {"shorter", tone(3, 800, 4000), false},
		{"higher", tone(4, 1600, 4000), false}, {"softer", tone(4, 800, 1000), false}, {"silent", tone(4, 800, 0), false},
	} {
		if text := c.out.differs(film, 50*time.Millisecond); (text == "") != c.same {
			t.Errorf("%s: %q", c.name, text)
		}
	}
}

// An edit list that begins far within the sound: all of what it shows is there, at its time, whatever file the film goes into.
func TestEditList(t *testing.T) {
	path := clip(t, "film.mp4", 50, withSound(50, "mp4mux"))
	const shift = 300 * time.Millisecond
	if err := (&muxing{copies: []*copied{{slot: 0, shift: shift}, {slot: 1, shift: shift}}}).patch(path); err != nil {
		t.Fatal(err)
	}
	if c, err := container.Look(path); err != nil || !c.Edited {
		t.Fatalf("%+v, %v", c, err)
	}
	// The movie lasts as long as what is shown, which GStreamer's reader takes for the end of the samples.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := data[bytes.Index(data, []byte("mvhd"))+4:]
	binary.BigEndian.PutUint32(head[16:], uint32(float64(binary.BigEndian.Uint32(head[12:]))*(2*time.Second-shift).Seconds()))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []order{{Container: "mkv"}, {Container: "mkv", Start: 400 * time.Millisecond, Duration: time.Second}, {Start: 400 * time.Millisecond, Duration: time.Second}} {
		o.Inputs, o.Out = inputsOf(path), t.TempDir()
		r, _ := o.one(t)
		want := 2*time.Second - shift
		if o.Duration > 0 {
			want = o.Duration
		}
		s := scan(t, r.Output).sounds()
		if len(s) != 1 || s[0].end < want-40*time.Millisecond || s[0].end > want+60*time.Millisecond || s[0].begin > 30*time.Millisecond {
			t.Errorf("%q from %v: sound is %+v, wanted it from 0 to %v", o.Container, o.Start, s, want)
		}
	}
}

// TestFragmentedNamed says what to do for a track that is not copied, since its film is fragmented.
func TestFragmentedNamed(t *testing.T) {
	tracks := []container.Track{{Kind: "video", Format: "avc1"}, {Kind: "metadata", Format: "mebx"}}
	p := &plan{Facts: &facts{Contents: &container.Contents{Family: container.MP4, Fragmented: true, Tracks: tracks}}, Codec: "h264", Muxer: "mp4", Whole: true}
	p.warnLosses(&Options{})
	if said := strings.Join(p.Losses, "\n"); !strings.Contains(said, "metadata track mebx is left out") || !strings.Contains(said, "-map 0 -c copy") {
		t.Errorf("it says %q", said)
	}
}
