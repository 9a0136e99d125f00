package transcode

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStream goes through one pipeline into a file; pipelines/films.py goes through pipes.
func TestStream(t *testing.T) {
	needs(t, "x264enc", "avenc_ffv1", "matroskamux")
	path := clip(t, "film.mkv", 20, withSound(20, "matroskamux"))
	for _, c := range []struct{ in, container, codec, want string }{
		{path, "mkv", "ffv1", ""}, {path, "mp4", "", ""}, {path, "gif", "", "wanted mkv, webm or y4m"}, {path, Y4M, "", ""}, {path + "x", "mkv", "", "no such file"},
	} {
		out := filepath.Join(t.TempDir(), "out."+c.container)
		o := order{Codec: c.codec, Container: c.container, Still: true}
		w := &watcher{}
		r, err := Stream(context.Background(), o.options(w), c.in, out)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error is %v, wanted %q", c.container, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.container, err)
			continue
		}
		if r.Frames != 20 || w.frames != 20 || len(list(t, filepath.Dir(out))) != 1 {
			t.Errorf("%s: %+v, files %q", c.container, r, list(t, filepath.Dir(out)))
		}
		if c.container == Y4M {
			if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "audio track") {
				t.Errorf("warnings %q", w.warnings)
			}
			continue
		}
		if got := scan(t, out); len(got.sounds()) != 1 || got.videos()[0].packets != 20 {
			t.Errorf("%s has other tracks", out)
		}
		if c.codec == "ffv1" {
			samePictures(t, out, path)
		}
	}
}

// TestStreamNamed takes the encoder that a user names, though another comes first and a GPU could decode, and says where one does not work.
func TestStreamNamed(t *testing.T) {
	needs(t, "x264enc", "matroskamux")
	path := clip(t, "film.mkv", 5, withSound(5, "matroskamux"))
	old := here
	defer func() { here = old }()
	here = machine{
		has: func(name string) bool { return name != "nvh264enc" },
		works: func(text string, width, height int) bool {
			return strings.Contains(text, "qsvh264enc") || old.works(text, width, height)
		},
	}
	for _, named := range []string{"x264enc", "nvh264enc"} {
		o := order{Codec: named, Container: "mkv"}.options(&watcher{})
		if named == "nvh264enc" {
			here.works = old.works
		}
		r, err := Stream(context.Background(), o, path, filepath.Join(t.TempDir(), "out.mkv"))
		if err != nil || r.Encoder != "x264enc" || strings.Contains(strings.Join(r.Warnings, ""), "nvh264enc cannot be used") != (named == "nvh264enc") {
			t.Errorf("%s: %+v, %v", named, r, err)
		}
	}
}

func TestSketch(t *testing.T) {
	path := clip(t, "film.mp4", 30, withSound(30, "mp4mux"))
	o := order{Inputs: append(inputsOf(path), inputsOf(path+"x")...), Out: filepath.Join(t.TempDir(), "out"), Container: "mkv"}
	sketches, err := Plan(context.Background(), o.options(&watcher{}))
	if err != nil || len(sketches) != 2 {
		t.Fatal(sketches, err)
	}
	s := sketches[0]
	if s.Output != filepath.Join(o.Out, "film.mkv") || s.Frames != 30 || s.Width != 64 || s.Codec != "h264" || s.Container != "mkv" || s.Segments != 1 || len(s.Tracks) != 1 || s.Error != "" {
		t.Errorf("%+v", s)
	}
	if sketches[1].Error == "" {
		t.Error("a film that is not there has a plan")
	}
	if _, err := os.Stat(o.Out); err == nil {
		t.Error("something was written")
	}
}

func TestStills(t *testing.T) {
	needs(t, "pngenc")
	path := clip(t, "film.mp4", 30, toMP4)
	o := order{Inputs: inputsOf(path), Out: filepath.Join(t.TempDir(), "out")}
	options := o.options(&watcher{})
	found, err := Stills(context.Background(), options, 4)
	if err != nil || len(found) != 4 {
		t.Fatal(found, err)
	}
	for i, s := range found {
		if s.Before.Width != 64 || s.After.Height != 48 || i > 0 && s.Time <= found[i-1].Time {
			t.Errorf("still %d: %v", i, s.Time)
		}
		if string(s.Before.Planes[0].Data) == string(s.After.Planes[0].Data) {
			t.Errorf("still %d is not stylised", i)
		}
	}
}
