package stills

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// drawing is frame i of the tests' films: few colours, and holes where alpha is wanted.
func drawing(i, width, height int, alpha bool) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{byte(40 * ((x + i) % 5)), byte(30 * (y % 7)), byte(20 * i), 255}
			if alpha && (x+y+i)%3 == 0 {
				c = color.NRGBA{}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func asPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// all decodes a film from a frame on.
func all(t *testing.T, f *Film, first int) (frames [][]byte) {
	t.Helper()
	r, err := f.Open(first)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		frame, err := r.Next()
		if err == io.EOF {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, bytes.Clone(frame))
	}
}

func TestWriteAndOpen(t *testing.T) {
	delays := []time.Duration{70 * time.Millisecond, 100 * time.Millisecond, 40 * time.Millisecond, 130 * time.Millisecond}
	for _, kind := range []string{GIF, APNG} {
		for _, alpha := range []bool{false, true} {
			for _, loop := range []int{0, 1, 3} {
				path := filepath.Join(t.TempDir(), "film."+kind)
				w, err := Create(kind, path, Shape{Width: 13, Height: 7, Frames: len(delays), Loop: loop, Alpha: alpha})
				if err != nil {
					t.Fatal(err)
				}
				var want [][]byte
				for i, d := range delays {
					img := drawing(i, 13, 7, alpha)
					want = append(want, img.Pix)
					if err := w.Frame(asPNG(t, img), d); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				f, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				if f.Kind != kind || f.Width != 13 || f.Height != 7 || f.Loop != loop || f.Alpha != alpha || f.End != 340*time.Millisecond || Kind(path) != kind {
					t.Errorf("%s, alpha %v, loop %d: %+v", kind, alpha, loop, f)
				}
				if times := []time.Duration{0, 70 * time.Millisecond, 170 * time.Millisecond, 210 * time.Millisecond}; !slices.Equal(f.Times, times) {
					t.Errorf("%s: times are %v", kind, f.Times)
				}
				for _, first := range []int{0, 2} {
					if got := all(t, f, first); len(got) != len(want)-first || !slices.EqualFunc(got, want[first:], bytes.Equal) {
						t.Errorf("%s, alpha %v: frames from %d differ", kind, alpha, first)
					}
				}
			}
		}
	}
}

// TestJudge lets ffmpeg read what Writers write, and the Film what ffmpeg writes.
func TestJudge(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is missing: ", err)
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-v", "error", "-y"}, args...)...).Output()
		if err != nil {
			t.Fatalf("ffmpeg %q: %v", args, err)
		}
		return out
	}
	for _, c := range []struct {
		name string
		args []string
		most int // how far WebP's and GIF's colours are off
	}{
		{"film.gif", nil, 0},
		{"film.apng", []string{"-f", "apng", "-plays", "0"}, 0},
	} {
		path := filepath.Join(dir, c.name)
		run(append(append([]string{"-f", "lavfi", "-i", "testsrc=s=40x30:r=10:d=1"}, c.args...), path)...)
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want := run("-i", path, "-f", "rawvideo", "-pix_fmt", "rgba", "-")
		if got := bytes.Join(all(t, f, 0), nil); !bytes.Equal(got, want) || len(f.Times) != 10 || f.End != time.Second || f.Loop != 0 {
			t.Errorf("%s: %d bytes, wanted %d and the same; %d frames, %v", c.name, len(got), len(want), len(f.Times), f.End)
		}
		out := filepath.Join(dir, "out."+f.Kind)
		w, err := Create(f.Kind, out, Shape{Width: 40, Height: 30, Frames: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range all(t, f, 0) {
			if err := w.Frame(asPNG(t, &image.NRGBA{Pix: frame, Stride: 160, Rect: image.Rect(0, 0, 40, 30)}), 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := run("-i", out, "-f", "rawvideo", "-pix_fmt", "rgba", "-"); !bytes.Equal(got, want) {
			t.Errorf("%s: ffmpeg reads %d bytes, wanted %d and the same", out, len(got), len(want))
		}
	}
}

func TestManyColours(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 96, 64))
	for y := range 64 {
		for x := range 96 {
			img.SetNRGBA(x, y, color.NRGBA{byte(2 * x), byte(4 * y), byte(x + y), 255})
		}
	}
	p := paletted(img)
	if len(p.Palette) > 256 {
		t.Fatalf("%d colours", len(p.Palette))
	}
	// The mean of squares of 4x4 pixels is what an eye sees of spread errors.
	worst := 0
	for y := 0; y < 64; y += 4 {
		for x := 0; x < 96; x += 4 {
			for k := range 3 {
				sum := 0
				for i := range 16 {
					r, g, b, _ := p.At(x+i%4, y+i/4).RGBA()
					sum += int([]uint32{r, g, b}[k]>>8) - int(img.Pix[img.PixOffset(x+i%4, y+i/4)+k])
				}
				worst = max(worst, sum/16, -sum/16)
			}
		}
	}
	if worst > 6 {
		t.Errorf("squares of 4x4 pixels are off by up to %d", worst)
	}
}

func TestSequence(t *testing.T) {
	dir := t.TempDir()
	for i := 7; i < 12; i++ {
		img := drawing(i, 6, 5, i == 9)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("shot.%04d.png", i)), asPNG(t, img), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"shot.%04d.png", "shot.####.png"} {
		f, err := OpenSequence(Numbers{filepath.Join(dir, pattern), 8, Rate{24000, 1001}})
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Times) != 4 || f.Width != 6 || f.Height != 5 || !f.Alpha || f.Times[3] != 125125*time.Microsecond || f.End != 166833333*time.Nanosecond {
			t.Errorf("%s: %+v", pattern, f)
		}
		if got := all(t, f, 1); len(got) != 3 || !bytes.Equal(got[0], drawing(9, 6, 5, true).Pix) {
			t.Errorf("%s: frames differ", pattern)
		}
	}
	found, err := Patterns(dir, []string{".png"})
	if err != nil || len(found) != 1 || filepath.Base(found[0]) != "shot.%04d.png" {
		t.Errorf("found %q, %v", found, err)
	}
	os.Remove(filepath.Join(dir, "shot.0010.png"))
	for _, c := range []struct {
		numbers Numbers
		want    string
	}{
		{Numbers{Pattern: filepath.Join(dir, "shot.%04d.png"), First: -1}, `shot.0010.png" is missing: after 9 comes 11`},
		{Numbers{Pattern: filepath.Join(dir, "shot.%04d.png"), First: 3}, `shot.0003.png" is missing, there are 7 to 11`},
		{Numbers{Pattern: filepath.Join(dir, "shot.%05d.png"), First: -1}, "no picture is named like"},
		{Numbers{Pattern: filepath.Join(dir, "gone", "%d.png"), First: -1}, "cannot be read"},
	} {
		if _, err := OpenSequence(c.numbers); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error is %v, wanted %q", c.numbers, err, c.want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{"25": {25, 1}, "23.976": {2997, 125}, "24000/1001": {24000, 1001}, " 30 ": {30, 1}} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("%q is %v, %v, wanted %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "0", "-25", "1/0", "1e300", "NaN", "2000"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
