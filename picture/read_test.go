package picture

import (
	"bytes"
	_ "embed"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"adainfilter/model"
)

// quarters is a picture of four flat colours, which survive JPEG: red and green above, blue and white below.
func quarters(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i, c := range []color.NRGBA{{200, 20, 20, 255}, {20, 180, 20, 255}, {20, 20, 200, 255}, {250, 250, 250, 255}} {
		x, y := i%2*(w/2), i/2*(h/2)
		draw.Draw(img, image.Rect(x, y, x+(w+1)/2, y+(h+1)/2), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

func encode(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegBytes(t *testing.T, img image.Image) []byte {
	return encode(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, img, &jpeg.Options{Quality: 98}) })
}

func pngBytes(t *testing.T, img image.Image) []byte {
	return encode(t, func(b *bytes.Buffer) error { return png.Encode(b, img) })
}

// pixel is the first three samples of a pixel.
func pixel(img *model.Image, x, y int) [3]int {
	n := 3
	if img.Format == model.RGBA {
		n = 4
	}
	p := img.Planes[0].Data[y*img.Planes[0].Stride+n*x:]
	return [3]int{int(p[0]), int(p[1]), int(p[2])}
}

func near(a, b [3]int, tolerance int) bool {
	for i := range a {
		if d := a[i] - b[i]; d > tolerance || d < -tolerance {
			return false
		}
	}
	return true
}

func TestDecodeKinds(t *testing.T) {
	src := quarters(31, 22)
	grey := image.NewGray16(src.Rect)
	draw.Draw(grey, src.Rect, src, image.Point{}, draw.Src)
	palette := image.NewPaletted(src.Rect, color.Palette{color.NRGBA{200, 20, 20, 255}, color.NRGBA{20, 180, 20, 255}, color.NRGBA{20, 20, 200, 255}, color.NRGBA{250, 250, 250, 255}})
	draw.Draw(palette, src.Rect, src, image.Point{}, draw.Src)
	deep := image.NewNRGBA64(src.Rect)
	draw.Draw(deep, src.Rect, src, image.Point{}, draw.Src)
	ppm := append([]byte("P6 # a comment\n31\t22\n255\n"), rgbBytes(src)...)
	colours := [4][3]int{{200, 20, 20}, {20, 180, 20}, {20, 20, 200}, {250, 250, 250}}
	// Rec. 601 luminance, as image/color has it
	greys := [4][3]int{{74, 74, 74}, {114, 114, 114}, {40, 40, 40}, {250, 250, 250}}
	for _, c := range []struct {
		name      string
		data      []byte
		want      [4][3]int
		tolerance int
	}{
		{"JPEG", jpegBytes(t, src), colours, 6},
		{"grey JPEG", jpegBytes(t, grey), greys, 3},
		{"CMYK JPEG of Adobe", cmykJPEG, cmykWant, 4},
		{"PNG", pngBytes(t, src), colours, 0},
		{"16-bit grey PNG", pngBytes(t, grey), greys, 1},
		{"16-bit PNG", pngBytes(t, deep), colours, 0},
		{"palette PNG", pngBytes(t, palette), colours, 0},
		{"GIF", encode(t, func(b *bytes.Buffer) error { return gif.Encode(b, palette, nil) }), colours, 0},
		{"BMP", encode(t, func(b *bytes.Buffer) error { return bmp.Encode(b, src) }), colours, 0},
		{"TIFF", encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, src, nil) }), colours, 0},
		{"WebP", webpBytes, colours, 8},
		{"PPM", ppm, colours, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, err := Decode(bytes.NewReader(c.data), Limit{})
			if err != nil {
				t.Fatal(err)
			}
			if err := img.Check(); err != nil {
				t.Fatal(err)
			}
			if img.Width != 31 || img.Height != 22 || img.Format != model.RGB {
				t.Fatalf("got %v %dx%d, wanted RGB 31x22", img.Format, img.Width, img.Height)
			}
			for i, want := range c.want {
				if got := pixel(img, 5+i%2*20, 4+i/2*13); !near(got, want, c.tolerance) {
					t.Errorf("quarter %d is %v, wanted %v within %d", i, got, want, c.tolerance)
				}
			}
		})
	}
}

func rgbBytes(src *image.NRGBA) []byte {
	var out []byte
	for i := 0; i < len(src.Pix); i += 4 {
		out = append(out, src.Pix[i:i+3]...)
	}
	return out
}

// TestDecodePNM covers the six netpbm formats on pictures of which each sample is known.
func TestDecodePNM(t *testing.T) {
	for _, c := range []struct {
		data string
		want []int // red of each pixel of a 3x1 picture
	}{
		{"P1\n3 1\n010", []int{255, 0, 255}},
		{"P2 3 1 10 0 5 10", []int{0, 128, 255}},
		{"P3 3 1 255 1 2 3 4 5 6 7 8 9", []int{1, 4, 7}},
		{"P4 3 1\n\x40", []int{255, 0, 255}},
		{"P5 3 1 255\n\x00\x80\xff", []int{0, 128, 255}},
		{"P5 3 1 65535\n\x00\x00\x80\x80\xff\xff", []int{0, 128, 255}},
		{"P6 3 1 255\n123456789", []int{'1', '4', '7'}},
	} {
		img, err := Decode(strings.NewReader(c.data), Limit{})
		if err != nil {
			t.Errorf("%q: %v", c.data, err)
			continue
		}
		for x, want := range c.want {
			if got := pixel(img, x, 0)[0]; got != want {
				t.Errorf("%q: pixel %d is %d, wanted %d", c.data, x, got, want)
			}
		}
	}
}

func TestDecodeTransparency(t *testing.T) {
	src := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	src.SetNRGBA(1, 1, color.NRGBA{100, 200, 50, 128})
	palette := image.NewPaletted(src.Rect, color.Palette{color.NRGBA{}, color.NRGBA{100, 200, 50, 128}})
	palette.SetColorIndex(1, 1, 1)
	for name, data := range map[string][]byte{"NRGBA": pngBytes(t, src), "palette": pngBytes(t, palette)} {
		img, err := Decode(bytes.NewReader(data), Limit{})
		if err != nil {
			t.Fatal(err)
		}
		if img.Format != model.RGBA || pixel(img, 1, 1) != [3]int{100, 200, 50} || img.Planes[0].Data[4*4+3] != 128 {
			t.Errorf("%s: got %v with pixel %v", name, img.Format, pixel(img, 1, 1))
		}
		white := OnWhite(img)
		// 100*128/255 + 255*127/255 = 177.2, and so on
		if got := pixel(white, 1, 1); white.Format != model.RGB || got != [3]int{177, 227, 152} {
			t.Errorf("%s on white: got %v %v", name, white.Format, got)
		}
		if got := pixel(white, 0, 0); got != [3]int{255, 255, 255} {
			t.Errorf("%s: transparent black on white is %v", name, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	t := &testing.T{}
	f.Add(jpegBytes(t, quarters(9, 9)))
	f.Add(withOrientation(jpegBytes(t, quarters(9, 9)), 6))
	f.Add(pngBytes(t, quarters(9, 9)))
	f.Add(webpBytes)
	f.Add(cmykJPEG)
	f.Add([]byte("P3 1 1 255 1 2 3"))
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Decode(bytes.NewReader(data), Limit{Pixels: 1 << 16})
		if err == nil {
			err = img.Check()
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// Go writes neither WebP nor CMYK; these two files hold quarters(31, 22), the second one with inverted inks as Adobe's
// programs write it.
var (
	//go:embed testdata/quarters.webp
	webpBytes []byte
	//go:embed testdata/cmyk.jpg
	cmykJPEG []byte
	cmykWant = [4][3]int{{200, 20, 20}, {20, 180, 20}, {20, 20, 200}, {250, 250, 250}}
)
