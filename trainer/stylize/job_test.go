package stylize

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/picture"
	"adainfilter/trainer/terminal"
)

// TestChooseNetwork looks at sizes alone: no picture is made.
func TestChooseNetwork(t *testing.T) {
	for _, c := range []struct {
		w, h, asked int
		alpha       float32
		want        int
	}{
		{6000, 4000, 0, 1, 0}, {10000, 8000, 0, 1, 3072}, {16384, 12288, 0, 1, 1024}, {16384, 12288, 512, 1, 512}, {16384, 12288, 0, 0, 0},
		{200000, 1000, 0, 1, 0}, // a stripe has little to win
	} {
		var said bytes.Buffer
		j := &Job{ProcessingSize: c.asked, Alpha: c.alpha, progress: terminal.NewSteps(&said, "x", 1)}
		j.chooseNetwork("p.jpg", &model.Image{Width: c.w, Height: c.h})
		if j.network != c.want || (said.Len() > 0) != (c.want != c.asked) || c.want != c.asked && !strings.Contains(said.String(), "p.jpg") {
			t.Errorf("%+v: %d, %q", c, j.network, said.String())
		}
	}
}

// TestDeep stylises a ramp of 16 bits with next to nothing of a style: far more of its levels come back than eight bits have, transparency
// as it was, and an engine that takes no such pictures gives what eight bits can.
func TestDeep(t *testing.T) {
	weights, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ref.Open(weights, model.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	for _, c := range []struct {
		name   string
		format model.Format
		engine model.Engine
		least  int // levels
	}{
		{"opaque", model.RGB, whole, 1000}, {"transparent", model.RGBA, whole, 1000}, {"engine of 8 bits", model.RGB, narrow{whole}, 50},
	} {
		n := 3
		if c.format == model.RGBA {
			n = 4
		}
		src := &picture.Photo{Image: model.NewImage(c.format, 64, 32)}
		for i := range 64 * 32 * n {
			v := uint16(20000 + i/n*10)
			if i%n == 3 {
				v = uint16(i * 31)
			}
			src.Deep = append(src.Deep, v)
			src.Image.Planes[0].Data[i] = uint8(v >> 8)
		}
		stats, err := whole.Statistics(model.NewImage(model.RGB, 16, 16))
		if err != nil {
			t.Fatal(err)
		}
		j := &Job{Alpha: 0.01, engine: c.engine}
		out := *src
		if err := j.stylise(model.NewImage(c.format, 64, 32), src, []Style{{Stats: stats}}, &out); err != nil {
			t.Fatal(err)
		}
		levels := map[uint16]bool{}
		for i, v := range out.Deep {
			if i%n == 1 {
				levels[v] = true
			}
			if i%n == 3 && c.least > 256 && v != src.Deep[i] {
				t.Fatalf("%s: transparency of pixel %d is %d, was %d", c.name, i/n, v, src.Deep[i])
			}
			if d := int(v) - 257*int(out.Image.Planes[0].Data[i]); d < -129 || d > 129 {
				t.Fatalf("%s: sample %d is %d, and %d in eight bits", c.name, i, v, out.Image.Planes[0].Data[i])
			}
		}
		if len(levels) < c.least || c.least < 256 && len(levels) > 256 {
			t.Errorf("%s: %d levels, wanted %d", c.name, len(levels), c.least)
		}
	}
}

// narrow takes pictures of eight bits only, as an engine on a GPU may.
type narrow struct{ model.Engine }

func (n narrow) Stylize(dst, src *model.Image, s *model.Stylization) error {
	if src.Format == model.RGBA64 {
		return model.ArgumentError{Err: errors.New("the format is RGBA64_LE")}
	}
	return n.Engine.Stylize(dst, src, s)
}
