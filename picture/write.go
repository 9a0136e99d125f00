package picture

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"adainfilter/model"
)

// Quality of JPEG and other lossy files unless another is asked for: at 92, with chroma as fine as luminance, the coding is invisible
// beside the brushwork.
const Quality = 92

// ends are the ends of names that pictures are written under: the first two here, the others by a codec. JPEG is too where there is one,
// for Go's encoder halves the chroma.
var ends = []string{".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".jxl", ".tif", ".tiff", ".jp2"}

// Write stores an RGB or RGBA image as a picture whose kind the name's end decides; see WritePhoto.
func Write(path string, img *model.Image) error { return WritePhoto(path, &Photo{Image: img}, 0) }

// WritePhoto stores a picture. The name's end decides the kind: .png, .jpg and .jpeg here, and where there is a codec .webp, .avif, .heic,
// .jxl, .tif and .jp2 too. It is tagged with its profile, or as sRGB, and keeps its EXIF data, adjusted to the picture. PNG, TIFF, AVIF,
// JPEG XL and JPEG 2000 keep 16 bits. JPEG knows no transparency: it gets the image on white. quality is that of lossy kinds, 1 to 100; 0
// is Quality. The file appears under its name only when it is complete, and replaces one that was there. Errors name the file.
func WritePhoto(path string, p *Photo, quality int) error {
	if err := CanWrite(path); err != nil {
		return err
	}
	if p.Image.Format != model.RGB && p.Image.Format != model.RGBA {
		return fmt.Errorf("picture %q: the image is %v, wanted RGB or RGBA", path, p.Image.Format)
	}
	out := *p
	if out.Exif != nil {
		out.Exif = rewritten(p.Exif, p.Image.Width, p.Image.Height, p.Profile == nil)
	}
	if out.Profile == nil {
		out.Profile = srgbProfile
	}
	end := strings.ToLower(filepath.Ext(path))
	err := model.WriteFile(path, func(w io.Writer) error {
		if end == ".png" {
			return writePNG(w, &out, p.Profile == nil)
		}
		if end == ".jpg" || end == ".jpeg" {
			end, out.Image, out.Deep = ".jpg", OnWhite(out.Image), nil
		}
		c, err := extended()
		switch {
		case err == nil && c.Writes(end):
			return c.Write(w, end, &out, cmp.Or(quality, Quality))
		case end == ".jpg":
			return writeJPEG(w, &out, cmp.Or(quality, Quality))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("picture %q cannot be written: %w", path, reason(err))
	}
	return nil
}

// IsPicture says whether a name ends like that of a picture that may be written.
func IsPicture(path string) bool { return slices.Contains(ends, strings.ToLower(filepath.Ext(path))) }

// CanWrite reports a name whose end WritePhoto does not know, or that needs a codec which is missing.
func CanWrite(path string) error {
	end := strings.ToLower(filepath.Ext(path))
	if !IsPicture(path) {
		return fmt.Errorf("picture %q: the name ends in %q, wanted one of %s", path, filepath.Ext(path), strings.Join(ends, ", "))
	}
	if end == ".png" || end == ".jpg" || end == ".jpeg" {
		return nil
	}
	c, err := extended()
	if err == nil && !c.Writes(end) {
		err = errors.New("the installed libvips does not write that kind")
	}
	if err != nil {
		return fmt.Errorf("picture %q: %w; .png and .jpg need nothing more", path, err)
	}
	return nil
}

// writePNG writes 8 or 16 bits.
func writePNG(w io.Writer, p *Photo, srgb bool) error {
	img := standard(p.Image)
	if p.Deep != nil {
		img = p.standard16()
	}
	chunks := [][2][]byte{{[]byte("sRGB"), {0}}}
	if !srgb {
		packed, err := packProfile(p.Profile)
		if err != nil {
			return err
		}
		chunks[0] = [2][]byte{[]byte("iCCP"), packed}
	}
	if p.Exif != nil {
		chunks = append(chunks, [2][]byte{[]byte("eXIf"), p.Exif})
	}
	return png.Encode(&chunkWriter{w: w, chunks: chunks}, img)
}

// standard16 is a picture of 16 bits as one of Go's.
func (p *Photo) standard16() image.Image {
	rect, n := image.Rect(0, 0, p.Image.Width, p.Image.Height), p.channels()
	put := func(pix []byte) {
		for i := range rect.Dx() * rect.Dy() {
			for k, v := range p.Deep[n*i : n*i+n] {
				binary.BigEndian.PutUint16(pix[8*i+2*k:], v)
			}
			if n == 3 {
				pix[8*i+6], pix[8*i+7] = 255, 255
			}
		}
	}
	if n == 4 {
		img := image.NewNRGBA64(rect)
		put(img.Pix)
		return img
	}
	img := image.NewRGBA64(rect)
	put(img.Pix)
	return img
}

// chunkWriter passes a PNG on and puts chunks behind its header, which is the first 33 bytes.
type chunkWriter struct {
	w      io.Writer
	at     int
	chunks [][2][]byte
}

const pngHead = 33

// Write is that of io.Writer.
func (c *chunkWriter) Write(b []byte) (int, error) {
	done := 0
	if c.at < pngHead {
		n := min(len(b), pngHead-c.at)
		if _, err := c.w.Write(b[:n]); err != nil {
			return 0, err
		}
		done, c.at = n, c.at+n
		if c.at < pngHead {
			return done, nil
		}
		for _, chunk := range c.chunks {
			if _, err := c.w.Write(pngChunk(string(chunk[0]), chunk[1])); err != nil {
				return done, err
			}
		}
	}
	n, err := c.w.Write(b[done:])
	return done + n, err
}

func pngChunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, pngSum(b[4:]))
}

// packProfile is the content of a chunk iCCP.
func packProfile(profile []byte) ([]byte, error) {
	b := bytes.NewBufferString("profile\x00\x00")
	z := zlib.NewWriter(b)
	if _, err := z.Write(profile); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func pngSum(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// writeJPEG puts profile and EXIF data into what Go's encoder writes.
func writeJPEG(w io.Writer, p *Photo, quality int) error {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, standard(p.Image), &jpeg.Options{Quality: quality}); err != nil {
		return err
	}
	segment := func(marker byte, parts ...[]byte) []byte {
		data := bytes.Join(parts, nil)
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(data)+2)), data...)
	}
	head := []byte{0xff, 0xd8}
	if p.Exif != nil && len(p.Exif) < 65000 {
		head = append(head, segment(0xe1, []byte("Exif\x00\x00"), p.Exif)...)
	}
	const room = 65000
	parts := (len(p.Profile) + room - 1) / room
	for i := 0; i < parts && parts < 256; i++ {
		part := p.Profile[i*room : min((i+1)*room, len(p.Profile))]
		head = append(head, segment(0xe2, []byte("ICC_PROFILE\x00"), []byte{byte(i + 1), byte(parts)}, part)...)
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes()[2:])
	return err
}
