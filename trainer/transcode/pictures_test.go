package transcode

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/film/stills"
)

// flipbook writes an animated picture or numbered pictures: n frames of 32x18 in flat colours.
func flipbook(t *testing.T, kind string, n, loop int, alpha bool, delays ...time.Duration) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "book")
	if kind != stills.PNG && kind != stills.TIFF {
		path += "." + kind
	}
	w, err := stills.Create(kind, path, stills.Shape{Width: 32, Height: 18, Frames: n, Loop: loop, Alpha: alpha, First: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		img := image.NewNRGBA(image.Rect(0, 0, 32, 18))
		for k := range 32 * 18 {
			c := color.NRGBA{byte(20 * i), 200, byte(255 - 20*i), 255}
			if alpha && k%32 < 16 {
				c = color.NRGBA{}
			}
			img.SetNRGBA(k%32, k/32, c)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := w.Frame(b.Bytes(), delays[i%len(delays)]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// book decodes a film of pictures.
func book(t *testing.T, f *stills.Film, err error) (frames [][]byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range f.Times {
		frame, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, bytes.Clone(frame))
	}
	return frames
}

func TestAnimated(t *testing.T) {
	needs(t, "pngenc", "webpenc")
	delays := []time.Duration{50 * time.Millisecond, 120 * time.Millisecond, 90 * time.Millisecond}
	for _, c := range []struct {
		from, to string
		alpha    bool
		most     int // how far samples may be off
	}{{stills.GIF, "", true, 0}, {stills.APNG, "", true, 0}, {stills.GIF, stills.WebP, false, 8}, {stills.APNG, stills.GIF, false, 0}, {stills.GIF, stills.APNG, true, 0}} {
		path := flipbook(t, c.from, 7, 4, c.alpha, delays...)
		r, w := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: c.to, Segment: 200 * time.Millisecond, Still: true}.one(t)
		from, err := stills.Open(path)
		want := book(t, from, err)
		to, err := stills.Open(r.Output)
		got := book(t, to, err)
		if r.Segments < 3 || !slices.Equal(to.Times, from.Times) || to.End != from.End || to.Loop != 4 || to.Alpha != c.alpha {
			t.Errorf("%s to %s: %d segments, %+v, wanted %+v", c.from, r.Output, r.Segments, to, from)
		}
		for i := range want {
			near(t, fmt.Sprintf("%s to %s, frame %d", c.from, r.Output, i), got[i], want[i], c.most)
		}
		if c.to == "" && len(w.warnings) > 0 {
			t.Errorf("%s: warnings %q", c.from, w.warnings)
		}
	}
}

// TestAnimatedToFilm and back, judged by GStreamer's reader of MP4.
func TestAnimatedToFilm(t *testing.T) {
	needs(t, "x264enc", "mp4mux", "pngenc", "h264parse")
	path := flipbook(t, stills.GIF, 6, 0, false, 50*time.Millisecond, 120*time.Millisecond)
	r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Container: "mp4", Still: true}.one(t)
	frames, _ := decode(t, r.Output)
	for i, f := range frames {
		if want := time.Duration(i/2)*170*time.Millisecond + time.Duration(i%2)*50*time.Millisecond; (f.time-want).Abs() > time.Millisecond || len(frames) != 6 {
			t.Errorf("frame %d of %d at %v, wanted %v", i, len(frames), f.time, want)
		}
	}
	back, w := order{Inputs: inputsOf(clip(t, "film.mp4", 12, withSound(12, "mp4mux"))), Out: t.TempDir(), Container: stills.GIF}.one(t)
	if f, err := stills.Open(back.Output); err != nil || len(f.Times) != 12 || f.End != 480*time.Millisecond {
		t.Errorf("%+v, %v", f, err)
	}
	if text := fmt.Sprint(w.warnings); !strings.Contains(text, "gif") || !strings.Contains(text, "256 colours") {
		t.Errorf("warnings %q", w.warnings)
	}
}

func TestNumberedPictures(t *testing.T) {
	needs(t, "x264enc", "mp4mux", "pngenc", "h264parse")
	folder := flipbook(t, stills.PNG, 8, 0, true, time.Second)
	numbers := stills.Numbers{Pattern: filepath.Join(folder, "%05d.png"), First: 4, Rate: stills.Rate{Num: 24000, Den: 1001}}
	in := []Input{{Path: numbers.Pattern, Base: "out", Numbers: &numbers}}
	from, err := stills.OpenSequence(numbers)
	want := book(t, from, err)
	for _, kind := range []string{stills.PNG, stills.TIFF} {
		o := order{Inputs: in, Out: t.TempDir(), Container: kind, Still: true, Segment: 100 * time.Millisecond}
		r, _ := o.one(t)
		to, err := stills.OpenSequence(stills.Numbers{Pattern: filepath.Join(r.Output, "%05d."+kind), First: -1})
		if got := book(t, to, err); !slices.EqualFunc(got, want, bytes.Equal) || to.Paths()[0] != filepath.Join(r.Output, "00004."+kind) {
			t.Errorf("%s: frames differ, or %q is the first", kind, to.Paths()[0])
		}
		if again, _ := o.one(t); again.Status != Skipped {
			t.Errorf("%s: the second run is %s", kind, again.Status)
		}
		o.Overwrite = true
		if again, _ := o.one(t); again.Status != Done || len(list(t, o.Out)) != 8 {
			t.Errorf("%s: overwriting is %s and leaves %q", kind, again.Status, list(t, o.Out))
		}
		// What is no picture of the film's must not go.
		if err := os.WriteFile(filepath.Join(r.Output, "notes.txt"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if report, _ := o.run(t); report.Films[0].Err == nil || !strings.Contains(report.Films[0].Error, `holds "notes.txt"`) {
			t.Errorf("%s: error is %v", kind, report.Films[0].Err)
		}
	}
	r, w := order{Inputs: in, Out: t.TempDir(), Container: "mp4"}.one(t)
	frames, _ := decode(t, r.Output)
	if len(frames) != 7 || (frames[6].time-250250*time.Microsecond).Abs() > 100*time.Microsecond || !strings.Contains(fmt.Sprint(w.warnings), "transparency is lost") {
		t.Errorf("%d frames, warnings %q", len(frames), w.warnings)
	}
	in[0].Base = filepath.Base(folder)
	if report, _ := (order{Inputs: in, Out: filepath.Dir(folder), Overwrite: true}).run(t); report.Films[0].Err == nil || len(list(t, folder)) != 8 {
		t.Errorf("a film took the place of its own pictures: %v", report.Films[0].Err)
	}
}

// TestAnimatedDamaged cuts an animated picture off: it is made as far as it goes, and that is said.
func TestAnimatedDamaged(t *testing.T) {
	needs(t, "pngenc")
	path := flipbook(t, stills.APNG, 6, 0, false, 100*time.Millisecond)
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, data[:len(data)-30], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, w := order{Inputs: inputsOf(path), Out: t.TempDir()}.one(t)
	if r.Frames != 5 || !strings.Contains(fmt.Sprint(w.warnings), "damaged") {
		t.Errorf("%d frames, warnings %q", r.Frames, w.warnings)
	}
}
