package picture

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// withOrientation puts an EXIF segment with the orientation tag alone behind the JPEG's first marker.
func withOrientation(jpeg []byte, o int) []byte {
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00?\x00\x00\x00\x00\x00\x00")
	exif[bytes.IndexByte(exif, '?')] = byte(o)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return append(append(append([]byte{}, jpeg[:2]...), append(segment, exif...)...), jpeg[2:]...)
}

func TestOrientation(t *testing.T) {
	// red green / blue white, as an upright viewer must see it after the camera's turn is undone (EXIF 2.3)
	red, green, blue, white := [3]int{200, 20, 20}, [3]int{20, 180, 20}, [3]int{20, 20, 200}, [3]int{250, 250, 250}
	want := map[int][4][3]int{
		1: {red, green, blue, white}, 2: {green, red, white, blue}, 3: {white, blue, green, red}, 4: {blue, white, red, green},
		5: {red, blue, green, white}, 6: {blue, red, white, green}, 7: {white, green, blue, red}, 8: {green, white, red, blue},
		0: {red, green, blue, white}, 9: {red, green, blue, white},
	}
	plain := jpegBytes(t, quarters(48, 32))
	for o, corners := range want {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			img, err := Decode(bytes.NewReader(withOrientation(plain, o)), Limit{})
			if err != nil {
				t.Fatal(err)
			}
			w, h := 48, 32
			if o >= 5 && o <= 8 {
				w, h = 32, 48
			}
			if img.Width != w || img.Height != h {
				t.Fatalf("got %dx%d, wanted %dx%d", img.Width, img.Height, w, h)
			}
			for i, c := range corners {
				if got := pixel(img, w/4+i%2*w/2, h/4+i/2*h/2); !near(got, c, 6) {
					t.Errorf("quarter %d is %v, wanted %v", i, got, c)
				}
			}
		})
	}
}

// TestUprightEveryPixel checks the turns on a picture in which every pixel differs, for 3 and 4 samples and odd sides.
func TestUprightEveryPixel(t *testing.T) {
	for _, f := range []model.Format{model.RGB, model.RGBA} {
		src := model.NewImage(f, 5, 3)
		for i := range src.Planes[0].Data {
			src.Planes[0].Data[i] = uint8(i)
		}
		for o := 1; o <= 8; o++ {
			dst := upright(src, o)
			for y := range dst.Height {
				for x := range dst.Width {
					// where the stored picture has the pixel that belongs at (x,y)
					sx, sy := x, y
					if o >= 5 {
						sx, sy = y, x
					}
					if o == 2 || o == 3 || o == 7 || o == 8 {
						sx = 4 - sx
					}
					if o == 3 || o == 4 || o == 6 || o == 7 {
						sy = 2 - sy
					}
					if pixel(dst, x, y) != pixel(src, sx, sy) {
						t.Fatalf("%v, orientation %d: (%d,%d) is %v, wanted %v", f, o, x, y, pixel(dst, x, y), pixel(src, sx, sy))
					}
				}
			}
		}
	}
}

// pngHeader is a PNG of any stated size that ends behind its header.
func pngHeader(w, h uint32) []byte {
	data := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	data = binary.BigEndian.AppendUint32(data, w)
	data = binary.BigEndian.AppendUint32(data, h)
	return binary.BigEndian.AppendUint32(append(data, 8, 2, 0, 0, 0), crc(append([]byte{}, data[12:]...)))
}

func crc(ihdr []byte) uint32 { return crc32.ChecksumIEEE(append(ihdr, 8, 2, 0, 0, 0)) }

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	whole := jpegBytes(t, quarters(64, 64))
	wholePNG := pngBytes(t, quarters(64, 64))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"huge.png":       {pngHeader(20000, 20000), "20000x20000 pixels, wanted at most 134 million"},
		"huge.ppm":       {[]byte("P6 20000 20000 255\n"), "20000x20000 pixels"},
		"overflow.ppm":   {[]byte("P6 99999999999 20000 255\n"), "too large"},
		"cut.jpg":        {whole[:len(whole)*2/3], "cut short"},
		"cut.png":        {wholePNG[:len(wholePNG)/2], "not enough pixel data"},
		"cut.ppm":        {[]byte("P6 8 8 255\nabc"), "cut short"},
		"noise.jpg":      {append([]byte("\xff\xd8\xff\xe0\x00\x10"), bytes.Repeat([]byte{7}, 99)...), "JPEG file that"},
		"empty.png":      {nil, "an empty file"},
		"zip.png":        {[]byte("PK\x03\x04 and more"), "a ZIP archive"},
		"text.jpg":       {[]byte("this is no picture at all"), "text"},
		"page.jpg":       {[]byte("<!DOCTYPE html><html></html>"), "text"},
		"weights.png":    {[]byte("\x40\x00\x00\x00\x00\x00\x00\x00{\"a\""), "a safetensors file"},
		"nothing":        {bytes.Repeat([]byte{0xfe, 1}, 20), "unknown data that begins with fe 01"},
		"with, comma é%": {[]byte("x"), `with, comma é%`},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path, Limit{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v, wanted one with %q and the name", name, err, c.want)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "folder", pipe: "pipe", filepath.Join(dir, "none.png"): "no such file"} {
		if _, err := Read(path, Limit{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, wanted one with %q", path, err, want)
		}
	}
}

func TestReadLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, pngBytes(t, quarters(10, 7)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		limit Limit
		ok    bool
	}{{Limit{}, true}, {Limit{Pixels: 70}, true}, {Limit{Pixels: 69}, false}, {Limit{Bytes: 20}, false}} {
		if _, err := Read(path, c.limit); (err == nil) != c.ok {
			t.Errorf("limit %+v: %v", c.limit, err)
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

func TestSize(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := jpegBytes(t, quarters(31, 22))
	for name, data := range map[string][]byte{"whole.jpg": whole, "cut.jpg": whole[:len(whole)-200]} {
		w, h, err := Size(write(name, data), Limit{})
		if err != nil || w != 31 || h != 22 {
			t.Errorf("%s: got %dx%d, %v, wanted 31x22", name, w, h, err)
		}
	}
	if _, _, err := Size(filepath.Join(folder, "whole.jpg"), Limit{Pixels: 31*22 - 1}); err == nil {
		t.Error("a picture over the limit is not refused")
	}
	for path, want := range map[string]string{
		write("text.jpg", []byte("no picture")):                                      "found text",
		write("zero.jpg", nil):                                                       "found an empty file",
		write("head.png", pngBytes(t, quarters(8, 8))[:20]):                          "cut short",
		write("long.jpg", append(whole[:len(whole):len(whole)], make([]byte, 9)...)): "bytes, wanted at most",
		folder:                               "is a folder",
		filepath.Join(folder, "missing.png"): "no such file",
	} {
		if _, _, err := Size(path, Limit{Bytes: int64(len(whole))}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, wanted the name and %q", path, err, want)
		}
	}
}
