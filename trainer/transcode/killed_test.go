package transcode

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/film/stills"
)

// longBook is deepBook with more pictures.
func longBook(t *testing.T, n int) Input {
	t.Helper()
	in, _ := deepBook(t, true)
	for i := 3; i < n; i++ {
		if err := os.Link(fmt.Sprintf(in.Numbers.Pattern, i%3), fmt.Sprintf(in.Numbers.Pattern, i)); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// TestKilledOtherFilms kills runs at random moments, the join among them, whose frames have 16 bits or transparency beside them, or are pictures on both sides. What the last
// run makes of the rest is what an unbroken one makes.
func TestKilledOtherFilms(t *testing.T) {
	if testing.Short() {
		t.Skip("TestKilledPictures kills once")
	}
	needs(t, "pngenc", "vp9enc", "vp9dec", "webmmux", "matroskamux", "gdppay", "vp9alphadecodebin")
	const drawn = "format=rgba,geq=r='X*3':g='Y*5':b='100':a='mod(X*4+Y*2+N*25,256)'"
	see := lavfi(t, "film.mkv", "color=black", drawn+",format=bgra", "-c:v", "ffv1")
	random := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		name, container, codec string
		in                     Input
	}{
		{"16 bits to PNG", stills.PNG, "png", longBook(t, 12)},
		{"16 bits to TIFF", stills.TIFF, "png", longBook(t, 12)},
		{"16 bits to APNG", stills.APNG, "png", longBook(t, 12)},
		{"transparency of VP9", "webm", "vp9", inputsOf(see)[0]},
		{"GIF", stills.GIF, "", inputsOf(flipbook(t, stills.GIF, 12, 0, true, 100*time.Millisecond))[0]},
		{"APNG", stills.APNG, "", inputsOf(flipbook(t, stills.APNG, 12, 0, true, 100*time.Millisecond))[0]},
	} {
		o := order{Inputs: []Input{c.in}, Out: t.TempDir(), Container: c.container, Codec: c.codec, Segment: 200 * time.Millisecond, Slow: 30 * time.Millisecond}
		begun := time.Now()
		whole, _ := o.one(t)
		took := time.Since(begun)
		if whole.Segments < 3 {
			t.Fatalf("%s: %d segments", c.name, whole.Segments)
		}
		o.Out = t.TempDir()
		killed, kept := 0, 0
		for range 6 {
			child := o.command(t)
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- child.Wait() }()
			select {
			case <-time.After(time.Duration(random.Float64() * 1.2 * float64(took))):
				child.Process.Kill()
				<-ended
				killed++
			case err := <-ended:
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
			}
			names := list(t, o.Out)
			if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, segmentEnd) }) {
				kept++
			} else if len(names) > 0 && !strings.HasPrefix(names[0], ".") { // finished: begin again
				os.RemoveAll(filepath.Join(o.Out, names[0]))
			}
		}
		o.Slow = 0
		r, _ := o.one(t)
		if r.Status == Skipped {
			r.Output = filepath.Join(o.Out, filepath.Base(whole.Output))
		}
		t.Logf("%s: %d of 6 killed, %d with segments left; %d of %d frames were left", c.name, killed, kept, r.Coded, whole.Frames)
		if got, want := played(t, r.Output), played(t, whole.Output); got != want || got == "" {
			t.Errorf("%s: what was killed and resumed is not what an unbroken run gives", c.name)
		}
		if names := list(t, o.Out); slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, folderEnd) }) {
			t.Errorf("%s: files are %q", c.name, names)
		}
	}
}

// played is content, or of WebM, whose muxer writes numbers of chance, what libvpx decodes.
func played(t *testing.T, path string) string {
	t.Helper()
	if filepath.Ext(path) != ".webm" {
		return content(t, path)
	}
	return string(ffmpeg(t, "ffmpeg", "-c:v", "libvpx-vp9", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "yuva420p", "-f", "framemd5", "-"))
}
