package dataset

import (
	"context"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkBatch makes batches of 4 contents and 4 styles with one worker, at 128x128 and, as a GPU eats them, at 256x256. ADAIN_CONTENTS and ADAIN_STYLES name folders to take in place of
// made-up pictures.
func BenchmarkBatch(b *testing.B) {
	contents, styles := os.Getenv("ADAIN_CONTENTS"), os.Getenv("ADAIN_STYLES")
	if contents == "" || styles == "" {
		contents, styles = b.TempDir(), b.TempDir()
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 12 {
			name := string(rune('a'+i)) + ".jpg"
			write(b, filepath.Join(contents, name), jpegBytes(b, noise(r, 384, 288)))
			write(b, filepath.Join(styles, name), jpegBytes(b, noise(r, 256, 256)))
		}
	}
	affine, err := NewMotion(AffineMotion, 128)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		cache int64
		pool  int
		moved *Motion
		crop  int
	}{
		{"files", 0, 0, nil, 128},
		{"cached", 1 << 30, 0, nil, 128},
		{"cached-moved", 1 << 30, 0, &Motion{Shift: affine.Shift, Noise: affine.Noise}, 128},
		{"cached-affine", 1 << 30, 0, affine, 128},
		{"pool", 1 << 30, 1, nil, 128},
		{"files-256", 0, 0, nil, 256},
		{"cached-256", 1 << 30, 0, nil, 256},
		{"pool-256", 1 << 30, 1, nil, 256},
	} {
		b.Run(c.name, func(b *testing.B) {
			content, err := Open(contents, Options{Size: 2 * c.crop, Crop: c.crop, Cache: c.cache, Pool: c.pool})
			if err != nil {
				b.Fatal(err)
			}
			style, err := Open(styles, Options{Size: 2 * c.crop, Scales: [2]float64{0.5, 2}, Crop: c.crop, Cache: c.cache, Pool: c.pool})
			if err != nil {
				b.Fatal(err)
			}
			l, err := NewLoader(content, style, LoaderOptions{Batch: 4, Workers: 1, RandomAlpha: true, Motion: c.moved})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			warm := 0
			if c.cache > 0 {
				warm = (max(content.Len(), style.Len()) + 3) / 4
			}
			for range warm {
				if _, err := l.Next(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			busy := l.Busy()
			b.ResetTimer()
			for range b.N {
				if _, err := l.Next(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((l.Busy()-busy).Microseconds())/float64(b.N)/1e3, "cpu-ms/batch")
			b.ReportMetric(8*float64(b.N)/max(1e-9, (l.Busy()-busy).Seconds()), "pictures/cpu-s")
		})
	}
}

// noise is a picture of blocks of random colours, so that JPEG has something to do.
func noise(r *rand.Rand, w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if x%4 == 0 || y%4 == 0 {
				img.SetNRGBA(x, y, color.NRGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), 255})
			}
		}
	}
	return img
}
