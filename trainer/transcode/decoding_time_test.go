package transcode

import (
	"path/filepath"
	"reflect"
	"testing"
)

// TestFewFrames codes segments that have fewer frames than encoders reorder, in memory that malloc has filled: x265 takes what lies there
// for a decoding time, and parsers take that for the frame's.
func TestFewFrames(t *testing.T) {
	needs(t, "x265enc")
	j := order{Inputs: inputsOf(clip(t, "film.mp4", 5, toMP4)), Out: t.TempDir(), Codec: "h265", Segment: shortest}
	c := j.command(t)
	c.Env = append(c.Env, "MALLOC_PERTURB_=205") // glibc's, which knows no larger number that is negative as a time
	if out, err := c.Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	video := scan(t, filepath.Join(j.Out, "film.mp4")).videos()[0]
	if len(video.times) != 5 {
		t.Errorf("%d frames, wanted 5", len(video.times))
	}
}

func TestWordIn(t *testing.T) {
	of := reflect.TypeFor[struct {
		A        int32
		Pts, Dts uint64
		Text     string
	}]()
	if at, err := wordIn(of, "Dts"); err != nil || at != 16 {
		t.Errorf("Dts lies at %d, %v, wanted 16", at, err)
	}
	for _, name := range []string{"Gone", "A", "Text"} {
		if at, err := wordIn(of, name); err == nil {
			t.Errorf("field %s is found at %d", name, at)
		}
	}
}
