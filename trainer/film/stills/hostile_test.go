package stills

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDisposal draws parts over one another in all ways that GIF has; Go's decoder gives the parts, the test lays them together.
func TestDisposal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	palette := color.Palette{color.NRGBA{}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}, color.NRGBA{0, 0, 255, 255}}
	g := &gif.GIF{Config: image.Config{Width: 9, Height: 8, ColorModel: palette}}
	canvas := image.NewNRGBA(image.Rect(0, 0, 9, 8))
	var want [][]byte
	for i := range 12 {
		rect := image.Rect(0, 0, 9, 8)
		if i > 0 {
			rect = image.Rect(i%4, i%3, 5+i%5, 4+i%5)
		}
		img := image.NewPaletted(rect, palette)
		for k := range img.Pix {
			img.Pix[k] = byte(rng.IntN(4))
		}
		disposal := []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious}[i%3]
		g.Image, g.Delay, g.Disposal = append(g.Image, img), append(g.Delay, i), append(g.Disposal, disposal)
		before := bytes.Clone(canvas.Pix)
		for y := rect.Min.Y; y < rect.Max.Y; y++ {
			for x := rect.Min.X; x < rect.Max.X; x++ {
				if img.ColorIndexAt(x, y) != 0 {
					canvas.Set(x, y, img.At(x, y))
				}
			}
		}
		want = append(want, bytes.Clone(canvas.Pix))
		switch disposal {
		case gif.DisposalBackground:
			for y := rect.Min.Y; y < rect.Max.Y; y++ {
				clear := canvas.Pix[canvas.PixOffset(rect.Min.X, y):canvas.PixOffset(rect.Max.X, y)]
				for k := range clear {
					clear[k] = 0
				}
			}
		case gif.DisposalPrevious:
			copy(canvas.Pix, before)
		}
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "film.gif")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := all(t, f, 0); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Error("frames differ")
	}
	if f.Times[1] != unsaid || !f.Alpha || f.Loop != 0 {
		t.Errorf("%+v", f)
	}
	// Whatever is cut off behind the first frame leaves a film that can be read; nothing ends in a panic.
	for n := 0; n < b.Len(); n += 7 {
		if err := os.WriteFile(path, b.Bytes()[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := Open(path); err == nil && f.Damaged == "" {
			t.Errorf("%d of %d bytes are a whole film", n, b.Len())
		} else if err == nil {
			all(t, f, 0)
		}
	}
}

func TestNone(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{"text.gif": []byte("this is no picture"), "still.png": asPNG(t, drawing(0, 4, 4, false)), "empty.gif": nil} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v, wanted %v", name, err, ErrNone)
		}
	}
}

// TestHostilePNG: a head may promise more pixels than 64 bits count, and repeat what each frame needs.
func TestHostilePNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.png")
	control := func(number, width byte) []byte {
		return chunk("fcTL", []byte{0, 0, 0, number, 0, 0, 0, width, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0})
	}
	write := func(header []byte, rest ...[]byte) {
		t.Helper()
		data := append([]byte(signature), chunk("IHDR", header)...)
		if err := os.WriteFile(path, slices.Concat(append([][]byte{data, chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})}, rest...)...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte{255, 255, 255, 255, 255, 255, 255, 255, 8, 6, 0, 0, 0}, control(0, 1), chunk("IDAT", []byte{1}), chunk("IEND", nil))
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "has 4294967295x4294967295 pixels") {
		t.Errorf("error is %v", err)
	}
	hole := chunk("tRNS", make([]byte, 256))
	write([]byte{0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0}, chunk("PLTE", make([]byte, 768)), bytes.Repeat(hole, 100), control(0, 1), chunk("IDAT", []byte{1}),
		control(1, 1), chunk("fdAT", []byte{0, 0, 0, 2, 1}), chunk("IEND", nil))
	f := &Film{}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.indexPNG(&source{file: file, size: info.Size()}); err != nil || len(f.parts) != 2 {
		t.Fatalf("%v, %d frames", err, len(f.parts))
	}
	if n := len(f.parts[1].head) + len(f.parts[1].common); n > 2000 {
		t.Errorf("a frame of one pixel has a head of %d bytes", n)
	}
	if a, b := f.parts[0], f.parts[1]; len(a.common) < 768 || &a.common[0] != &b.common[0] || len(a.head) > 40 {
		t.Errorf("two frames do not share the %d bytes that they have in common", len(a.common))
	}
}

// TestSharedTable: small frames of a GIF do not keep its table of colours each.
func TestSharedTable(t *testing.T) {
	frame := []byte{imageGIF, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0}
	data := slices.Concat([]byte("GIF89a\x01\x00\x01\x00\xf7\x00\x00"), make([]byte, 768), bytes.Repeat(frame, 3), []byte{trailerGIF})
	path := filepath.Join(t.TempDir(), "film.gif")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil || len(f.parts) != 3 {
		t.Fatalf("%v, %+v", err, f)
	}
	for _, p := range f.parts {
		if own := len(p.head) + len(p.rest); own > 40 || len(p.common) != 768 || &p.common[0] != &f.parts[0].common[0] {
			t.Errorf("a frame keeps %d bytes of its own and %d that others have too", own, len(p.common))
		}
	}
}

// TestLongest: the times of many frames may not be more than can be counted.
func TestLongest(t *testing.T) {
	var data []byte
	for i := range 500 {
		data = append(data, chunk("fcTL", []byte{0, 0, 0, byte(i), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 1, 0, 0})...)
		data = append(data, chunk("fdAT", []byte{0, 0, 0, 2, 1})...)
	}
	head := append([]byte(signature), chunk("IHDR", []byte{0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0})...)
	head = append(head, chunk("acTL", []byte{0, 0, 1, 244, 0, 0, 0, 0})...)
	path := filepath.Join(t.TempDir(), "film.png")
	if err := os.WriteFile(path, slices.Concat(head, data, chunk("IEND", nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "longer than a year") {
		t.Errorf("the error is %v, wanted one about the length that names %q", err, path)
	}
}

// TestPipe: what is not a file is not waited for.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "2.png")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "1.png"), asPNG(t, drawing(0, 4, 4, false)), 0o600), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := Open(pipe); !errors.Is(err, ErrNone) {
			t.Errorf("error is %v, wanted %v", err, ErrNone)
		}
		if IsPicture(pipe) {
			t.Error("a pipe is a picture")
		}
		f, err := OpenSequence(Numbers{Pattern: filepath.Join(dir, "%d.png"), First: -1})
		if err == nil {
			r, _ := f.Open(1)
			_, err = r.Next()
		}
		if err == nil || !strings.Contains(err.Error(), pipe) {
			t.Errorf("among numbered pictures: error is %v", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("a pipe is waited for")
	}
}
