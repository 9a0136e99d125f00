package transcode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
)

func TestSegmentsEqualOnePass(t *testing.T) {
	needs(t, "avenc_ffv1", "matroskamux")
	path := clip(t, "film.mp4", 60, withSound(60, "mp4mux"))
	dir := t.TempDir()
	one, _ := order{Inputs: inputsOf(path), Out: filepath.Join(dir, "one"), Codec: "ffv1"}.one(t)
	many, _ := order{Inputs: inputsOf(path), Out: filepath.Join(dir, "many"), Codec: "ffv1", Segment: 400 * time.Millisecond, Jobs: 5}.one(t)
	if one.Segments != 1 || many.Segments < 5 || one.Frames != 60 || many.Frames != 60 {
		t.Errorf("%d and %d segments, %d and %d frames", one.Segments, many.Segments, one.Frames, many.Frames)
	}
	samePictures(t, many.Output, one.Output)
	sameSound(t, many.Output, path)
	sameTimes(t, many.Output, path)
	original, _ := decode(t, path)
	styled, _ := decode(t, many.Output)
	if slices.Equal(sums(styled), sums(original)) {
		t.Error("the film was not stylised")
	}
	if names := list(t, dir); !slices.Equal(names, []string{"many", "many/film.mkv", "one", "one/film.mkv"}) {
		t.Errorf("files are %q", names)
	}
}

// sameTimes fails unless frames are shown when they were, to the millisecond that Matroska counts.
func sameTimes(t *testing.T, got, want string) {
	t.Helper()
	a, _ := decode(t, got)
	b, _ := decode(t, want)
	if len(a) != len(b) || len(b) == 0 {
		t.Fatalf("%d frames, wanted %d", len(a), len(b))
	}
	for i := range a {
		if d := a[i].time - b[i].time; d < -time.Millisecond || d > time.Millisecond {
			t.Fatalf("frame %d is shown at %v, wanted %v", i, a[i].time, b[i].time)
		}
	}
}

// With warm frames a border changes the statistics by less than a step of an 8-bit picture.
func TestSmoothingAcrossBorders(t *testing.T) {
	needs(t, "avenc_ffv1", "matroskamux")
	path := clip(t, "film.mp4", 60, toMP4)
	dir := t.TempDir()
	j := order{Inputs: inputsOf(path), Out: filepath.Join(dir, "one"), Codec: "ffv1", Smoothing: 0.5}
	one, _ := j.one(t)
	j.Out, j.Segment, j.Jobs = filepath.Join(dir, "many"), 400*time.Millisecond, 3
	many, w := j.one(t)
	if many.Frames != 60 || w.frames != 60 {
		t.Errorf("%d frames, %d of them coded, wanted 60", many.Frames, w.frames)
	}
	a, b := pixels(t, one.Output), pixels(t, many.Output)
	worst := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		worst = max(worst, d, -d)
	}
	if len(a) != len(b) || worst > 2 {
		t.Errorf("samples differ by up to %d, wanted at most 2", worst)
	}
}

// pixels are all samples of a film.
func pixels(t *testing.T, path string) []byte {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	g := "filesrc name=file ! decodebin ! video/x-raw ! filesink name=out"
	p, err := film.Open(g, path, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, _ := p.Element("out")
	out.SetProperty("location", raw)
	if err := p.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestKeeps(t *testing.T) {
	const video = "videotestsrc num-buffers=20 ! video/x-raw,format=%s,width=64,height=48,framerate=25/1%s ! %s x264enc key-int-max=5 speed-preset=ultrafast ! h264parse ! %s"
	subtitles := filepath.Join(t.TempDir(), "words.srt")
	if err := os.WriteFile(subtitles, []byte("1\n00:00:00,100 --> 00:00:00,300\nHello & good-bye\n\n2\n00:00:00,400 --> 00:00:00,700\nWorld\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sound := func(encoder, caps, tags string) string {
		return "audiotestsrc num-buffers=20 samplesperbuffer=1920 ! audio/x-raw,rate=48000," + caps + " ! audioconvert ! " + encoder + " ! taginject tags=\"" + tags + "\" ! queue ! m. "
	}
	for _, c := range []struct {
		name, film, elements string
		end                  string // of the film
		codec, out           string // container
		depth                int
		warning              string
		caps                 []string // of the result's frames
		tags                 []string // of its streams
	}{
		{name: "variable frame rate", film: fmt.Sprintf(video, "I420", "", "identity drop-probability=0.4 !", "mp4mux name=m ! filesink name=out"), end: ".mp4"},
		{name: "variable frame rate in VP9", film: fmt.Sprintf(video, "I420", "", "identity drop-probability=0.4 !", "matroskamux name=m ! filesink name=out"),
			end: ".mkv", codec: "vp9", elements: "vp9enc"},
		{name: "rotated", film: fmt.Sprintf(video, "I420", "", "", "taginject tags=image-orientation=rotate-90 ! qtmux name=m ! filesink name=out"), end: ".mov",
			tags: []string{"image-orientation=(string)rotate-90"}},
		{name: "5.1 and subtitles", film: fmt.Sprintf(video, "I420", "", "", "matroskamux name=m ! filesink name=out ") +
			sound("avenc_ac3", "channels=6,channel-mask=(bitmask)0x3f", "language-code=de,title=Sechs") + sound("vorbisenc", "channels=2", "language-code=fr") +
			"filesrc location=" + subtitles + " ! subparse ! taginject tags=\"language-code=en\" ! queue ! m. ", end: ".mkv", elements: "avenc_ac3 vorbisenc subparse",
			tags: []string{"language-code=(string)de", "title=(string)Sechs", "language-code=(string)fr", "language-code=(string)en"}},
		{name: "5.1 into MP4", film: fmt.Sprintf(video, "I420", "", "", "matroskamux name=m ! filesink name=out ") +
			sound("avenc_ac3", "channels=6,channel-mask=(bitmask)0x3f", "language-code=de") + sound("vorbisenc", "channels=2", "language-code=fr"), end: ".mkv", out: "mp4",
			elements: "avenc_ac3 vorbisenc", warning: "audio track 2 (audio/x-vorbis) is coded anew as AAC, mp4 has no room for it (--container mkv has)", tags: []string{"language-code=(string)de"}},
		{name: "10 bits", film: fmt.Sprintf(video, "I420_10LE", "", "", toMP4), end: ".mp4", elements: "x265enc", caps: []string{"format=(string)I420_10LE,"}},
		{name: "10 bits in H.264", film: fmt.Sprintf(video, "I420_10LE", "", "", toMP4), end: ".mp4", codec: "h264", caps: []string{"format=(string)I420_10LE,"}},
		{name: "10 bits as 8", film: fmt.Sprintf(video, "I420_10LE", "", "", toMP4), end: ".mp4", codec: "h264", depth: 8, warning: "its 10 bits per sample become 8", caps: []string{"format=(string)I420,"}},
		{name: "aspect and colours", film: fmt.Sprintf(video, "I420", ",pixel-aspect-ratio=4/3,colorimetry=bt709", "", toMP4), end: ".mp4",
			caps: []string{"pixel-aspect-ratio=(fraction)4/3", "colorimetry=(string)bt709"}},
		{name: "two videos", film: fmt.Sprintf(video, "I420", "", "", "matroskamux name=m ! filesink name=out ") +
			"videotestsrc num-buffers=20 ! video/x-raw,width=32,height=32,framerate=25/1 ! x264enc ! h264parse ! queue ! m.", end: ".mkv",
			warning: "1 other video is left out", caps: []string{"width=(int)64"}},
		{name: "transport stream", film: fmt.Sprintf(video, "I420", "", "", "mpegtsmux name=m ! filesink name=out ") + sound("avenc_aac ! aacparse", "channels=2", "title=x"),
			end: ".ts", elements: "mpegtsmux tsdemux"},
		{name: "odd size", film: strings.ReplaceAll(fmt.Sprintf(video, "Y444", "", "", toMP4), "width=64,height=48", "width=65,height=49"), end: ".mp4",
			warning: "its size of 65x49 becomes 64x48", caps: []string{"width=(int)64, height=(int)48"}},
		{name: "Motion JPEG", film: "videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48,framerate=25/1 ! jpegenc ! avimux ! filesink name=out", end: ".avi",
			elements: "jpegenc avimux avidemux"},
	} {
		t.Run(c.name, func(t *testing.T) {
			needs(t, append(strings.Fields(c.elements), "x264enc", "mp4mux", "matroskamux", "taginject")...)
			path := filepath.Join(t.TempDir(), "film"+c.end)
			filmtest.Write(t, path, c.film)
			if c.name == "rotated" {
				turned(t, path)
			}
			r, w := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: c.codec, Container: c.out, Depth: c.depth, Segment: 300 * time.Millisecond, Jobs: 2}.one(t)
			if c.end != ".ts" { // whose first frame is not at 0
				sameTimes(t, r.Output, path)
			}
			if !strings.Contains(strings.Join(w.warnings, "\n"), c.warning) || c.warning == "" && len(w.warnings) > 0 {
				t.Errorf("warnings are %q, wanted %q", w.warnings, c.warning)
			}
			_, caps := decode(t, r.Output)
			for _, want := range c.caps {
				if !strings.Contains(caps, want) {
					t.Errorf("caps are %s, wanted %s", caps, want)
				}
			}
			tags := tagsOf(t, r.Output)
			for _, want := range c.tags {
				if !strings.Contains(tags, want) {
					t.Errorf("tags are %s, wanted %s", tags, want)
				}
			}
			sounds := scan(t, path).sounds()
			for i, s := range scan(t, r.Output).sounds() {
				if c.out == "mp4" && i == 1 {
					continue // coded anew
				}
				if i >= len(sounds) || s.sum != sounds[i].sum && c.end != ".ts" {
					t.Errorf("sound %d is not that of the film", i)
				}
			}
			if got, want := words(t, r.Output), words(t, path); got != want {
				t.Errorf("subtitles are %q, wanted %q", got, want)
			}
		})
	}
}

// turned makes sure that a film is marked as rotated: GStreamer's muxers do so from some release on.
func turned(t *testing.T, path string) {
	t.Helper()
	if strings.Contains(tagsOf(t, path), "rotate-90") {
		return
	}
	m := &muxing{turned: "rotate-90"}
	if err := m.patch(path); err != nil {
		t.Fatal(err)
	}
	if tags := tagsOf(t, path); !strings.Contains(tags, "rotate-90") {
		t.Fatalf("the test's film is not rotated: %s", tags)
	}
}

// tagsOf are all tags of all streams.
func tagsOf(t *testing.T, path string) string {
	t.Helper()
	var all []string
	watch(t, path, func(info *gst.PadProbeInfo) {
		if event := film.EventOf(info); event != nil && event.Type() == gst.EventTypeTag {
			all = append(all, event.ParseTag().String())
		}
	})
	return strings.Join(all, "\n")
}

// words are the texts of the subtitles.
func words(t *testing.T, path string) string {
	t.Helper()
	var all []string
	for _, s := range scan(t, path).tracks {
		if s.kind == "text" {
			all = append(all, fmt.Sprint(s.packets, s.bytes, s.sum))
		}
	}
	return strings.Join(all, " ")
}

// watch shows a function what all streams of a film give, one thing after the other.
func watch(t *testing.T, path string, see func(*gst.PadProbeInfo)) {
	t.Helper()
	g, err := film.Open("filesrc name=file ! parsebin name=streams", path, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	streams, _ := g.Element("streams")
	lock := make(chan struct{}, 1)
	streams.Connect("pad-added", func(_ *gst.Element, pad *gst.Pad) {
		drain(g, pad, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
			lock <- struct{}{}
			see(info)
			<-lock
			return gst.PadProbeOK
		})
	})
	if err := g.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// chapters are those of a Matroska file: an edition with one chapter of a second.
const chapters = "\x10\x43\xa7\x70\x90" + // Chapters, 16 bytes

	"\x45\xb9\x8d" + // EditionEntry, 13 bytes
	"\xb6\x8b" + // ChapterAtom, 11 bytes
	"\x73\xc4\x81\x01" + // ChapterUID 1
	"\x91\x81\x00" + // ChapterTimeStart 0
	"\x92\x82\x03\xe8" // ChapterTimeEnd 1000 ns

func TestChapters(t *testing.T) {
	path := clip(t, "film.mkv", 30, "matroskamux streamable=true name=m ! filesink name=out")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Before the first cluster. A streamable file has no index that the chapters could put out of place, and its segment no
	// length.
	i := bytes.Index(data, []byte("\x1f\x43\xb6\x75"))
	if i < 0 {
		t.Fatal("the test's film has no cluster of Matroska")
	}
	data = slices.Concat(data[:i], []byte(chapters), data[i:])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		container string
		kept      bool
	}{{"", true}} {
		r, w := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: c.container}.one(t)
		found := false
		watch(t, r.Output, func(info *gst.PadProbeInfo) {
			if event := film.EventOf(info); event != nil && event.Type() == gst.EventTypeTOC {
				found = true
			}
		})
		if found != c.kept || strings.Contains(strings.Join(w.warnings, ""), "chapters are lost") == c.kept {
			t.Errorf("container %q: chapters %v, warnings %q", c.container, found, w.warnings)
		}
	}
}

func TestCodecs(t *testing.T) {
	path := clip(t, "film.mp4", 12, withSound(12, "mp4mux"))
	for _, c := range []struct{ codec, element, end string }{
		{"h264", "x264enc", ".mp4"}, {"h265", "x265enc", ".mp4"}, {"av1", "av1enc", ".mp4"}, {"vp9", "vp9enc", ".mp4"}, {"prores", "avenc_prores_ks", ".mov"},
		{"ffv1", "avenc_ffv1", ".mkv"}, {sourceCodec, "x264enc", ".mp4"},
	} {
		t.Run(c.codec, func(t *testing.T) {
			needs(t, c.element)
			r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: c.codec, Segment: 200 * time.Millisecond}.one(t)
			if r.Encoder != c.element || filepath.Ext(r.Output) != c.end {
				t.Errorf("%s came out of %s, wanted %s of %s", r.Output, r.Encoder, c.end, c.element)
			}
			sameTimes(t, r.Output, path)
			sameSound(t, r.Output, path)
		})
	}
}

// Every container that a codec is offered with works; the first of each is tested with TestCodecs.
func TestPairs(t *testing.T) {
	path := clip(t, "film.mp4", 5, withSound(5, "mp4mux"))
	for _, c := range codecs {
		for _, kind := range c.containers {
			if _, picture := pictureKinds[kind]; picture || muxers[kind] == "" || testing.Short() && c.name+kind != "proresmkv" {
				continue
			}
			t.Run(c.name+" in "+kind, func(t *testing.T) {
				if !slices.ContainsFunc(c.encoders, func(e encoder) bool { return has(e.element) }) {
					t.Skip("GStreamer has no encoder for ", c.name)
				}
				r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Codec: c.name, Container: kind}.one(t)
				if len(scan(t, r.Output).sounds()) != 1 || r.Frames != 5 {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}
