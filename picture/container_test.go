package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"
)

// webpWith puts a chunk of odd length and EXIF data with an orientation behind the picture of a WebP file.
func webpWith(file []byte, o uint16) []byte {
	pixels := file[12:]
	if len(pixels)%2 != 0 {
		pixels = append(bytes.Clone(pixels), 0)
	}
	chunk := func(name string, data []byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data)))
		if b = append(b, data...); len(data)%2 != 0 {
			b = append(b, 0)
		}
		return b
	}
	head := []byte{0x08, 0, 0, 0, 30, 0, 0, 21, 0, 0} // EXIF, 31x22
	body := bytes.Join([][]byte{[]byte("WEBP"), chunk("VP8X", head), pixels, chunk("odd ", []byte("abc")), chunk("EXIF", orientationOnly(o))}, nil)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// tiffWith gives a TIFF file a new directory with an orientation; entries are in the order of their tags.
func tiffWith(file []byte, o uint16) []byte {
	order := binary.LittleEndian
	at := order.Uint32(file[4:])
	n := order.Uint16(file[at:])
	out := bytes.Clone(file)
	order.PutUint32(out[4:], uint32(len(out)))
	out = order.AppendUint16(out, n+1)
	for i := range int(n) {
		e := file[int(at)+2+12*i:][:12]
		if order.Uint16(e) > tagOrientation && (i == 0 || order.Uint16(e[:2]) > tagOrientation && order.Uint16(file[int(at)+2+12*(i-1):]) < tagOrientation) {
			out = append(out, 0x12, 0x01, 3, 0, 1, 0, 0, 0, byte(o), 0, 0, 0)
		}
		out = append(out, e...)
	}
	return append(out, 0, 0, 0, 0)
}

// TestOrientationInEveryContainer turns one picture to the right in every kind of file that can say so.
func TestOrientationInEveryContainer(t *testing.T) {
	t.Parallel()
	src := quarters(31, 22)
	var plain bytes.Buffer
	if err := tiff.Encode(&plain, src, nil); err != nil {
		t.Fatal(err)
	}
	turned := tiffWith(plain.Bytes(), 6)
	for name, file := range map[string][]byte{
		"JPEG": withOrientation(jpegBytes(t, src), 6), "PNG": insertChunk(pngBytes(t, src), "eXIf", orientationOnly(6)),
		"WebP behind an odd chunk": webpWith(webpBytes, 6), "TIFF": turned,
	} {
		img, err := Decode(bytes.NewReader(file), Limit{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// Turned to the right, the lower left quarter, blue, is the upper left one.
		if got := pixel(img, 3, 3); img.Width != 22 || img.Height != 31 || !near(got, [3]int{20, 20, 200}, 8) {
			t.Errorf("%s: %dx%d with %v in the upper left corner, wanted 22x31 and blue", name, img.Width, img.Height, got)
		}
	}
}

// TestFrames counts the pictures of animations, of which the first is read.
func TestFrames(t *testing.T) {
	t.Parallel()
	src := quarters(31, 22)
	palette := color.Palette{color.NRGBA{200, 20, 20, 255}, color.NRGBA{20, 180, 20, 255}, color.NRGBA{20, 20, 200, 255}, color.NRGBA{250, 250, 250, 255}}
	var frames gif.GIF
	for i := range 3 {
		p := image.NewPaletted(src.Rect, palette)
		draw.Draw(p, src.Rect, src, image.Pt(0, 3*i), draw.Src)
		frames.Image, frames.Delay = append(frames.Image, p), append(frames.Delay, 2)
	}
	animated := encode(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &frames) })
	for name, c := range map[string]struct {
		file []byte
		want int
	}{
		"GIF": {animated, 3}, "GIF, cut short": {animated[:len(animated)-40], 3}, "APNG": {insertChunk(pngBytes(t, src), "acTL", []byte{0, 0, 0, 7, 0, 0, 0, 0}), 7}, "PNG": {pngBytes(t, src), 0},
	} {
		p, err := decode(bytes.NewReader(c.file), Options{}, "")
		if err != nil || p.Frames != c.want || !near(pixel(p.Image, 3, 3), [3]int{200, 20, 20}, 0) {
			t.Errorf("%s: %+v, %v, wanted %d frames", name, p, err, c.want)
		}
	}
}

// TestSixteenBits reads samples of 16 bits as they are.
func TestSixteenBits(t *testing.T) {
	t.Parallel()
	const w, h = 7, 5
	colour, alpha, grey := image.NewNRGBA64(image.Rect(0, 0, w, h)), image.NewNRGBA64(image.Rect(0, 0, w, h)), image.NewGray16(image.Rect(0, 0, w, h))
	pnm := []byte("P6 7 5 1023\n")
	for i := range w * h {
		v := uint16(i * 1873)
		colour.SetNRGBA64(i%w, i/w, color.NRGBA64{v, v + 5, 65535 - v, 65535})
		alpha.SetNRGBA64(i%w, i/w, color.NRGBA64{v, v + 5, 65535 - v, 40000 + v%1000})
		grey.SetGray16(i%w, i/w, color.Gray16{Y: v})
		pnm = append(pnm, byte(i*29>>8), byte(i*29), 3, 255, 0, 0)
	}
	for name, c := range map[string]struct {
		file []byte
		want func(i, k int) uint16
	}{
		"PNG": {pngBytes(t, colour), func(i, k int) uint16 {
			return [3]uint16{uint16(i * 1873), uint16(i*1873) + 5, 65535 - uint16(i*1873)}[k]
		}},
		"PNG, alpha": {pngBytes(t, alpha), func(i, k int) uint16 {
			return [4]uint16{uint16(i * 1873), uint16(i*1873) + 5, 65535 - uint16(i*1873), 40000 + uint16(i*1873)%1000}[k]
		}},
		"grey PNG": {pngBytes(t, grey), func(i, k int) uint16 { return uint16(i * 1873) }},
		"TIFF": {encode(t, func(b *bytes.Buffer) error { return tiff.Encode(b, colour, nil) }), func(i, k int) uint16 {
			return [3]uint16{uint16(i * 1873), uint16(i*1873) + 5, 65535 - uint16(i*1873)}[k]
		}},
		"PNM": {pnm, func(i, k int) uint16 { return [3]uint16{uint16((i*29*65535 + 511) / 1023), 65535, 0}[k] }},
	} {
		p, err := decode(bytes.NewReader(c.file), Options{Deep: true}, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := p.channels()
		if len(p.Deep) != n*w*h {
			t.Errorf("%s: %d samples, wanted %d", name, len(p.Deep), n*w*h)
			continue
		}
		for i, v := range p.Deep {
			if want := c.want(i/n, i%n); v != want || p.Image.Planes[0].Data[i] != uint8(want>>8) {
				t.Errorf("%s: sample %d is %d and %d, wanted %d", name, i, v, p.Image.Planes[0].Data[i], want)
				break
			}
		}
		if p, err = decode(bytes.NewReader(c.file), Options{}, ""); err != nil || p.Deep != nil {
			t.Errorf("%s: 16 bits that nobody wanted (%v)", name, err)
		}
	}
	if p, err := decode(bytes.NewReader(pngBytes(t, quarters(31, 22))), Options{Deep: true}, ""); err != nil || p.Deep != nil {
		t.Errorf("a picture of 8 bits has 16 (%v)", err)
	}
}

// TestTGAAgainstFFmpeg reads what ffmpeg writes, and turns and palettes by hand.
func TestTGAAgainstFFmpeg(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is missing")
	}
	for _, c := range []struct{ format, rle string }{{"bgr24", "1"}, {"bgr24", "0"}, {"bgra", "1"}, {"bgra", "0"}, {"gray", "1"}, {"gray", "0"}, {"rgb555le", "1"}} {
		if testing.Short() && (c.rle == "0" || c.format == "bgra") {
			continue
		}
		dir := t.TempDir()
		file, raw := filepath.Join(dir, "x.tga"), filepath.Join(dir, "x.raw")
		run := func(args ...string) {
			if out, err := exec.Command("ffmpeg", append([]string{"-v", "error"}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		run("-f", "lavfi", "-i", "testsrc2=s=37x23,format=rgba,colorchannelmixer=aa=0.5", "-frames:v", "1", "-pix_fmt", c.format, "-rle", c.rle, file)
		run("-i", file, "-pix_fmt", "rgba", "-f", "rawvideo", raw)
		want, err := os.ReadFile(raw)
		if err != nil {
			t.Fatal(err)
		}
		img, err := Read(file, Limit{})
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		n, tolerance := img.Planes[0].Stride/img.Width, 0
		if c.format == "rgb555le" {
			tolerance = 1 // 5 bits to 8: by bits here, by a factor there
		}
		for i := range 37 * 23 {
			got := img.Planes[0].Data[n*i:][:n]
			for k, v := range got {
				if d := int(v) - int(want[4*i+k]); d > tolerance || d < -tolerance {
					t.Fatalf("%v: pixel %d is %v, ffmpeg has %v", c, i, got, want[4*i:4*i+4])
				}
			}
		}
	}
}

func TestTGAByHand(t *testing.T) {
	t.Parallel()
	palette := func(index ...byte) []byte {
		b := []byte{2, 1, 1, 5, 0, 3, 0, 24, 0, 0, 0, 0, 3, 0, 2, 0, 8, 0x10, 'i', 'd', 1, 2, 3, 4, 5, 6, 7, 8, 9}
		return append(b, index...)
	}
	p, err := decode(bytes.NewReader(palette(5, 6, 7, 7, 5, 6)), Options{}, "")
	if err != nil {
		t.Fatal(err)
	}
	// From right to left and from bottom to top, blue first.
	want := []byte{6, 5, 4, 3, 2, 1, 9, 8, 7, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	if !bytes.Equal(p.Image.Planes[0].Data, want) {
		t.Errorf("got %v, wanted %v", p.Image.Planes[0].Data, want)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"colour beyond the palette": {palette(5, 6, 7, 7, 5, 8), "colour 8 of a palette of 3"},
		"cut short":                 {palette(5, 6, 7), "cut short"},
	} {
		if _, err := decode(bytes.NewReader(c.file), Options{}, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, wanted one with %q", name, err, c.want)
		}
	}
}

// TestCostlyPictures has small files that would take much time or memory.
func TestCostlyPictures(t *testing.T) {
	t.Parallel()
	src := quarters(31, 22)
	scans := jpegBytes(t, src)
	at := bytes.Index(scans, []byte{0xff, 0xda})
	scan := scans[at : len(scans)-2]
	many := append(bytes.Clone(scans[:len(scans)-2]), bytes.Repeat(scan, 120)...)
	bmp := append([]byte("BM\x5e\x00\x00\x00\x00\x00\x00\x00\x3e\x00\x00\x00\x28\x00\x00\x00\x08\x00\x00\x00\x04\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"),
		"\x00\x00\x00\x00\xff\xff\xff\x00"+strings.Repeat("\x00\x01", 15)+"\x00\xc8"...)
	large := image.Config{ColorModel: color.YCbCrModel, Width: 10000, Height: 10000}
	for name, c := range map[string]struct {
		err  func() error
		want string
	}{
		"scans":         {func() error { _, err := decode(bytes.NewReader(many), Options{}, ""); return err }, "121 scans, wanted at most 100"},
		"large scans":   {func() error { return container{scans: 40}.check(large) }, "10000x10000 pixels in 40 scans, wanted at most 12 for that size"},
		"palette":       {func() error { _, err := decode(bytes.NewReader(bmp), Options{}, ""); return err }, "colour 200 of a palette of 2"},
		"large, 16 bit": {func() error { _, err := decode(bytes.NewReader(headOf(t, 10000, 10000)), Options{}, ""); return err }, "takes 1144 MB to decode, wanted at most 1000"},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(fmt.Sprint(err), "runtime") || strings.Contains(fmt.Sprint(err), "index out") {
			t.Errorf("%s: error is %v, wanted one with %q", name, err, c.want)
		}
	}
	if err := (container{scans: 10}).check(large); err != nil {
		t.Errorf("a progressive photograph is refused: %v", err)
	}
}

// headOf is a PNG of 16 bits a sample without its pixels.
func headOf(t *testing.T, w, h int) []byte {
	b := pngBytes(t, image.NewNRGBA64(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(b[16:], uint32(w))
	binary.BigEndian.PutUint32(b[20:], uint32(h))
	binary.BigEndian.PutUint32(b[29:], pngSum(b[12:29]))
	return b
}

// orientationOnly is EXIF data of one entry.
func orientationOnly(o uint16) []byte {
	data := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.LittleEndian.PutUint16(data[18:], o)
	return data
}
