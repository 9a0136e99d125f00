package picture

import (
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

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

func saved(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadReduced(t *testing.T) {
	path := saved(t, "ramp.png", pngBytes(t, ramp(100, 61)))
	img, err := ReadReduced(path, 20, Limit{})
	if err != nil {
		t.Fatal(err)
	}
	// 61 / 20 is 3: averages of 3x3 pixels, the value of the middle one.
	if img.Width != 33 || img.Height != 20 {
		t.Fatalf("got %dx%d, wanted 33x20", img.Width, img.Height)
	}
	for y := range img.Height {
		for x := range img.Width {
			if p := pixel(img, x, y); p != [3]int{2 * (3*x + 1), 2 * (3*y + 1), 77} {
				t.Fatalf("pixel %d,%d is %v", x, y, p)
			}
		}
	}
	for _, short := range []int{0, 31, 61, 1000} {
		whole, err := ReadReduced(path, short, Limit{})
		if err != nil {
			t.Fatal(err)
		}
		if wanted := short > 0; wanted != (whole.Width == 100 && whole.Height == 61) {
			t.Errorf("short side %d: %dx%d", short, whole.Width, whole.Height)
		}
	}
}

// TestReducedKinds holds the means against those of the picture that Read gives.
func TestReducedKinds(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 45, 31))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32()) | uint8(i%4/3*0x40)
	}
	opaque := quarters(45, 31)
	palette := image.NewPaletted(image.Rect(0, 0, 45, 31), color.Palette{color.White, color.RGBA{9, 200, 100, 255}})
	grey := image.NewGray16(image.Rect(0, 0, 45, 31))
	for i := range palette.Pix {
		palette.Pix[i], grey.Pix[2*i] = uint8(random.Uint32()%2), uint8(random.Uint32())
	}
	for name, data := range map[string][]byte{
		"alpha.png": pngBytes(t, noise), "opaque.png": pngBytes(t, opaque), "palette.png": pngBytes(t, palette), "grey.png": pngBytes(t, grey),
		"photo.jpg": jpegBytes(t, opaque),
	} {
		path := saved(t, name, data)
		whole, err := Read(path, Limit{})
		if err != nil {
			t.Fatal(err)
		}
		whole = OnWhite(whole)
		img, err := ReadReduced(path, 10, Limit{})
		if err != nil || img.Width != 15 || img.Height != 10 {
			t.Fatalf("%s: %+v, %v", name, img, err)
		}
		for y := range img.Height {
			for x := range img.Width {
				var sum [3]int
				for i := range 9 {
					for c, v := range pixel(whole, 3*x+i%3, 3*y+i/3) {
						sum[c] += v
					}
				}
				for c, v := range pixel(img, x, y) {
					if v != int(math.Round(float64(sum[c])/9)) {
						t.Fatalf("%s: channel %d of pixel %d,%d is %d, wanted %v", name, c, x, y, v, float64(sum[c])/9)
					}
				}
			}
		}
	}
}

// TestReducedLarge reads a JPEG beyond what Read takes; the memory for it is that of its samples.
func TestReducedLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("145 million pixels take some seconds")
	}
	img := image.NewYCbCr(image.Rect(0, 0, 12100, 12000), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = 100
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	path := filepath.Join(t.TempDir(), "large.jpg")
	f, err := os.Create(path)
	if err == nil {
		err = jpeg.Encode(f, img, nil)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, Limit{}); err == nil || !strings.Contains(err.Error(), "at most 134 million") {
		t.Errorf("Read takes it: %v", err)
	}
	img = nil
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	small, err := ReadReduced(path, 100, Limit{})
	runtime.ReadMemStats(&after)
	if err != nil || small.Width != 100 || small.Height != 100 || pixel(small, 50, 50) != [3]int{100, 100, 100} {
		t.Fatalf("read %+v, %v", small, err)
	}
	if _, err := ReadStyle(path, 50, Limit{}); err == nil || !strings.Contains(err.Error(), "at most 134 million") {
		t.Errorf("ReadStyle takes it: %v", err)
	}
	// The samples are 1.5 bytes a pixel; bands and buffers are much less, but all of them count.
	if used := after.TotalAlloc - before.TotalAlloc; used > 3*12100*12000 {
		t.Errorf("%d MB were allocated for %d million pixels", used>>20, 145)
	}
}

// A header beyond the bounds is refused before memory is taken.
func TestReducedBounds(t *testing.T) {
	for _, c := range []struct {
		w, h uint32
		want string
	}{{1 << 16, 1 << 14, "at most 536 million"}, {30000, 17000, "take 3890 MB, wanted at most 2048"}} {
		deep := pngBytes(t, image.NewNRGBA64(image.Rect(0, 0, 1, 1)))
		binary.BigEndian.PutUint32(deep[16:], c.w)
		binary.BigEndian.PutUint32(deep[20:], c.h)
		binary.BigEndian.PutUint32(deep[29:], crc32.ChecksumIEEE(deep[12:29]))
		if _, err := ReadReduced(saved(t, "a.png", deep), 8, Limit{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%dx%d: error is %v, wanted %q", c.w, c.h, err, c.want)
		}
	}
}
