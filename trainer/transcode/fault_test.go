package transcode

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/filmtest"
)

func TestBadInput(t *testing.T) {
	good := clip(t, "film.mp4", 20, withSound(20, "mp4mux"))
	dir := t.TempDir()
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sound := filepath.Join(dir, "sound.mp4")
	filmtest.Write(t, sound, "audiotestsrc num-buffers=20 ! avenc_aac ! mp4mux ! filesink name=out")
	pipe := filepath.Join(dir, "pipe.mp4")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := []struct{ path, want string }{
		{filepath.Join(dir, "none.mp4"), "no such file"},
		{write("empty.mp4", nil), "it is empty"},
		{write("text.mp4", []byte("this is no film, whatever its name says")), "cannot read it"},
		{write("cut.mp4", data[:len(data)/2]), "it is cut off"}, // its index was at the end
		{sound, "it has no video"},
		{dir, "wanted a file"},
		{pipe, "wanted a file"},
	}
	var inputs []Input
	for _, b := range bad {
		inputs = append(inputs, inputsOf(b.path)...)
	}
	out := t.TempDir()
	report, _ := order{Inputs: append(inputs, inputsOf(good)...), Out: out}.run(t)
	for i, b := range bad {
		r := report.Films[i]
		if r.Status != Failed || r.Err == nil || !strings.Contains(r.Err.Error(), b.want) || !strings.Contains(r.Err.Error(), b.path) {
			t.Errorf("%s: %s, %v, wanted an error with %q", b.path, r.Status, r.Err, b.want)
		}
	}
	if r := report.Films[len(bad)]; r.Status != Done || report.Counts[Failed] != len(bad) {
		t.Errorf("the good film is %s, %v, counts %v", r.Status, r.Err, report.Counts)
	}
	if names := list(t, out); len(names) != 1 {
		t.Errorf("files are %q", names)
	}
}

func TestDamagedFilm(t *testing.T) {
	path := clip(t, "film.mkv", 40, "matroskamux name=m ! filesink name=out")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)*6/10], 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Segment: 400 * time.Millisecond}.one(t)
	if frames, _ := decode(t, r.Output); len(frames) < 10 || len(frames) >= 40 || len(frames) != r.Frames {
		t.Errorf("%d frames, the report says %d, wanted those that are left of 40", len(frames), r.Frames)
	}
}

// A film whose index is at its front loses its end only, without a word from GStreamer.
func TestCutFilm(t *testing.T) {
	path := clip(t, "film.mp4", 125, "mp4mux faststart=true name=m ! filesink name=out")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		part int // of 10
		want string
	}{{10, ""}, {3, "it may be cut off"}} {
		if err := os.WriteFile(path, data[:len(data)*c.part/10], 0o600); err != nil {
			t.Fatal(err)
		}
		_, w := order{Inputs: inputsOf(path), Out: t.TempDir()}.one(t)
		if got := strings.Join(w.warnings, "; "); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%d tenths of a film: warnings are %q, wanted %q", c.part, got, c.want)
		}
	}
}

// However patient the reading of a damaged film is, a disk that is full ends it.
func TestWritingFails(t *testing.T) {
	g, err := film.NewPipeline("videotestsrc num-buffers=1000 ! filesink name=out location=/dev/full", "full", patience)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.Patience = 24 * time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := g.Run(ctx, nil); !errors.Is(err, film.ErrWriting) {
		t.Errorf("error is %v, wanted one of writing", err)
	}
}

func TestSizeChanges(t *testing.T) {
	needs(t, "mpegtsmux", "tsdemux")
	path := filepath.Join(t.TempDir(), "film.ts")
	const source = "videotestsrc num-buffers=10 ! video/x-raw,format=I420,width=%,height=48,framerate=25/1 ! x264enc key-int-max=5 speed-preset=ultrafast ! h264parse config-interval=-1 ! " +
		"video/x-h264,stream-format=byte-stream ! c. "
	filmtest.Write(t, path, "concat name=c ! mpegtsmux ! filesink name=out "+strings.Replace(source, "%", "64", 1)+strings.Replace(source, "%", "80", 1))
	r, w := order{Inputs: inputsOf(path), Out: t.TempDir()}.one(t)
	frames, caps := decode(t, r.Output)
	if len(frames) != 20 || !strings.Contains(caps, "width=(int)64, height=(int)48") {
		t.Errorf("%d frames of %s, wanted 20 of 64x48", len(frames), caps)
	}
	if !strings.Contains(strings.Join(w.warnings, ""), "its size changes from 64x48 to 80x48") {
		t.Errorf("warnings are %q", w.warnings)
	}
}

func TestOneFrame(t *testing.T) {
	path := clip(t, "film.mp4", 1, toMP4)
	if r, _ := (order{Inputs: inputsOf(path), Out: t.TempDir()}).one(t); r.Frames != 1 {
		t.Errorf("%d frames, wanted 1", r.Frames)
	}
}

func TestNames(t *testing.T) {
	good := clip(t, "film.mp4", 5, toMP4)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	var inputs []Input
	for _, name := range []string{`"quoted" 'name'`, "new\nline", "-dash", "per%cent %s", "a ! fakesink", "ünï", strings.Repeat("x", 240), strings.Repeat("я", 120)} {
		if err := os.WriteFile(name+".mp4", data, 0o600); err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, Input{Path: name + ".mp4", Base: name})
	}
	report, _ := order{Inputs: inputs, Out: "out"}.run(t)
	for _, r := range report.Films {
		if r.Err != nil || r.Frames != 5 {
			t.Errorf("%v, %d frames", r.Err, r.Frames)
		}
	}
	if names := list(t, "out"); len(names) != len(inputs) {
		t.Errorf("files are %q", names)
	}
}

func TestTakesNoFilmsPlace(t *testing.T) {
	path := clip(t, "film.mp4", 5, toMP4)
	before, _ := os.ReadFile(path)
	report, _ := order{Inputs: inputsOf(path), Out: filepath.Dir(path), Overwrite: true}.run(t)
	if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "film's place") {
		t.Errorf("error is %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the film has changed")
	}
}

func TestStyleVanishes(t *testing.T) {
	path := clip(t, "film.mp4", 5, toMP4)
	report, _ := order{Inputs: inputsOf(path), Out: t.TempDir(), Style: filepath.Join(t.TempDir(), "gone.png")}.run(t)
	if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), "gone.png") || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v, wanted one that names film and style", err)
	}
}

func TestNoPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	path := clip(t, "film.mp4", 5, toMP4)
	out := t.TempDir()
	os.Chmod(out, 0o500)
	report, _ := order{Inputs: inputsOf(path), Out: out}.run(t)
	if err := report.Films[0].Err; err == nil || !errors.Is(err, os.ErrPermission) {
		t.Errorf("error is %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	path := clip(t, "film.mp4", 60, withSound(60, "mp4mux"))
	measured := freeBytes
	defer func() { freeBytes = measured }()
	for wanted, free := range map[string]func(string) (int64, bool){
		"make room":    measured, // the first segments say what the others are going to need
		"pace left on": func(string) (int64, bool) { return 0, false },
	} {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Skip("no small disk can be mounted: ", err)
		}
		defer syscall.Unmount(dir, 0)
		freeBytes = free
		report, _ := order{Inputs: inputsOf(path), Out: dir, Codec: "ffv1", Segment: 400 * time.Millisecond}.run(t)
		if err := report.Films[0].Err; err == nil || !strings.Contains(err.Error(), wanted) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, wanted one with %q", err, wanted)
		}
		for _, name := range list(t, dir) {
			if strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".mkv") {
				t.Errorf("%q was left", name)
			}
		}
	}
}

func TestInterrupted(t *testing.T) {
	path := clip(t, "film.mp4", 60, toMP4)
	out := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 800*time.Millisecond)
	defer cancel()
	report, err := Run(ctx, order{Inputs: inputsOf(path), Out: out, Segment: 200 * time.Millisecond}.options(&watcher{slow: 50 * time.Millisecond}))
	if !errors.Is(err, context.DeadlineExceeded) || report.Films[0].Status != Interrupted {
		t.Fatalf("error is %v, the film is %s", err, report.Films[0].Status)
	}
	for _, name := range list(t, out) {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("%q was left", name)
		}
	}
	if r, _ := (order{Inputs: inputsOf(path), Out: out, Segment: 200 * time.Millisecond}).one(t); r.Frames != 60 {
		t.Errorf("%d frames, wanted 60", r.Frames)
	}
}

// TestMissingDecoder hides the decoders of H.264, which can be done to a whole process only.
func TestMissingDecoder(t *testing.T) {
	path := clip(t, "film.mp4", 5, toMP4)
	c := order{Inputs: inputsOf(path), Out: t.TempDir()}.command(t)
	c.Env = append(c.Env, "GST_PLUGIN_FEATURE_RANK=avdec_h264:NONE,openh264dec:NONE,vah264dec:NONE,vaapih264dec:NONE,vaapidecodebin:NONE,"+
		"nvh264dec:NONE,nvh264sldec:NONE,v4l2h264dec:NONE,v4l2slh264dec:NONE,qsvh264dec:NONE,vulkanh264dec:NONE")
	out, err := c.Output()
	if err == nil || !bytes.Contains(out, []byte("GStreamer lacks a plug-in: H.264")) || !bytes.Contains(out, []byte("Debian's package gstreamer1.0-libav has it")) {
		t.Errorf("%v, %s, wanted an error that names plug-in and package", err, out)
	}
}
