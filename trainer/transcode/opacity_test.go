package transcode

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/film/stills"
)

// TestOpacity codes transparency beside VP9 and has ffmpeg's decoder of both, libvpx's, compare picture and transparency with those of the film.
func TestOpacity(t *testing.T) {
	needs(t, "vp9enc", "vp9dec", "webmmux", "matroskamux", "gdppay", "vp9alphadecodebin", "opusenc")
	const drawn = "format=rgba,geq=r='X*3':g='Y*5':b='100':a='mod(X*4+Y*2+N*25,256)'"
	film := filepath.Join(t.TempDir(), "film.webm")
	ffmpeg(t, "ffmpeg", "-y", "-f", "lavfi", "-i", "color=black:s=64x48:r=10:d=2,"+drawn, "-f", "lavfi", "-i", "sine=440:d=2", "-c:v", "libvpx-vp9", "-g", "5", "-deadline", "realtime",
		"-crf", "4", "-b:v", "0", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-c:a", "libopus", film)
	ffv1 := lavfi(t, "film.mkv", "color=black", drawn+",format=bgra", "-c:v", "ffv1")
	uneven := lavfi(t, "uneven.mkv", "color=black", drawn+",format=bgra,select='not(eq(mod(n,4),2))'", "-fps_mode", "vfr", "-c:v", "ffv1")
	raw := func(path string) []byte {
		var decoder []string
		if path != ffv1 && path != uneven {
			decoder = []string{"-c:v", "libvpx-vp9"}
		}
		return ffmpeg(t, "ffmpeg", append(decoder, "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-vf", "scale=flags=accurate_rnd,format=yuva420p", "-f", "rawvideo", "-")...)
	}
	for _, c := range []struct {
		path, codec, container, end string
		frames                      int
	}{{film, "", "", ".webm", 20}, {ffv1, "vp9", "mkv", ".mkv", 10}, {uneven, "vp9", "webm", ".webm", 8}} {
		if testing.Short() && c.path == ffv1 {
			continue
		}
		o := order{Inputs: inputsOf(c.path), Out: t.TempDir(), Codec: c.codec, Container: c.container, Segment: 500 * time.Millisecond, Still: true}
		options := o.options(&watcher{})
		options.Quality = 98
		report, err := Run(t.Context(), options)
		if err != nil || report.Films[0].Err != nil {
			t.Fatal(err, report.Films[0].Err)
		}
		r := report.Films[0]
		if filepath.Ext(r.Output) != c.end || len(r.Warnings) > 0 || r.Segments < 2 {
			t.Errorf("%s: %s, %d segments, warnings %q", c.path, r.Output, r.Segments, r.Warnings)
		}
		got, want := raw(r.Output), raw(c.path)
		const size = 64 * 48 * 5 / 2
		if len(got) != c.frames*size || len(want) != len(got) {
			t.Errorf("%s: %d bytes, wanted %d, which the film has %d of", c.path, len(got), c.frames*size, len(want))
			continue
		}
		for plane, from := range map[string]int{"luma": 0, "opacity": 64 * 48 * 3 / 2} {
			sum := 0
			for f := range c.frames {
				for i := f*size + from; i < f*size+from+64*48; i++ {
					sum += max(int(got[i])-int(want[i]), int(want[i])-int(got[i]))
				}
			}
			if mean := float64(sum) / float64(c.frames*64*48); mean > 3 {
				t.Errorf("%s: %s is off by %.1f on the average", c.path, plane, mean)
			}
		}
		streams := strings.Fields(string(ffmpeg(t, "ffprobe", "-show_entries", "stream=codec_type:stream_tags=alpha_mode", "-of", "csv=p=0", r.Output)))
		if want := map[string]string{film: "[video,1 audio]", ffv1: "[video,1]", uneven: "[video,1]"}[c.path]; fmt.Sprint(streams) != want {
			t.Errorf("%s has %v, wanted %s", r.Output, streams, want)
		}
	}
	_, w := order{Inputs: inputsOf(ffv1), Out: t.TempDir(), Codec: "vp9", Container: "mp4"}.one(t)
	if !strings.Contains(fmt.Sprint(w.warnings), "transparency is lost, vp9 has none in mp4") {
		t.Errorf("warnings %q", w.warnings)
	}
	in, _ := deepBook(t, true)
	if report, _ := (order{Inputs: []Input{in}, Out: t.TempDir(), Codec: "vp9", Container: "webm", Depth: 10}).run(t); !strings.Contains(report.Films[0].Error, "8 bits per sample") {
		t.Errorf("error is %v", report.Films[0].Err)
	}
	if testing.Short() {
		return
	}
	path := flipbook(t, stills.APNG, 4, 0, true, 70*time.Millisecond, 130*time.Millisecond)
	if r, _ := (order{Inputs: inputsOf(path), Out: t.TempDir(), Container: "webm"}).one(t); r.Frames != 4 || r.Encoder != "vp9enc" {
		t.Errorf("%+v", r)
	}
}
