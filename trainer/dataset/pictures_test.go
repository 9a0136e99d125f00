package dataset

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"adainfilter/model"
)

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func jpegBytes(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngBytes(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// scene is a picture in which every place looks different.
func scene(w, h int, seed uint64) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 0))
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// ramp is a picture whose red rises by 2 with x and whose green by 2 with y.
func ramp(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(2 * x), uint8(2 * y), 77, 255})
		}
	}
	return img
}

// scenes makes a folder of n pictures.
func scenes(t testing.TB, n, w, h int, seed uint64) string {
	t.Helper()
	folder := t.TempDir()
	for i := range n {
		write(t, filepath.Join(folder, fmt.Sprintf("%02d.png", i)), pngBytes(t, scene(w, h, seed+uint64(i))))
	}
	return folder
}

func open(t testing.TB, folder string, o Options) *Folder {
	t.Helper()
	f, err := Open(folder, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// batches are n copies of what a loader gives.
func batches(t testing.TB, content, style *Folder, o LoaderOptions, n int) []*model.Batch {
	t.Helper()
	l, err := NewLoader(content, style, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var all []*model.Batch
	for range n {
		b, err := l.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &model.Batch{
			Content: slices.Clone(b.Content), Style: slices.Clone(b.Style), Alpha: slices.Clone(b.Alpha),
			Moved: slices.Clone(b.Moved), Motion: slices.Clone(b.Motion),
			ContentKey: slices.Clone(b.ContentKey), StyleKey: slices.Clone(b.StyleKey),
		})
	}
	return all
}

// plane is one channel, 0 to 2, of the picture in a slot.
func plane(samples []float32, batch, slot, channel int) []float32 {
	n := len(samples) / batch / 3
	return samples[(3*slot+channel)*n:][:n]
}
