package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// kind is one sort of picture file and how it is read.
type kind struct {
	name   string
	magic  []string // how such a file begins; '?' stands for any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)  // nil for a kind that a codec reads
	look   func(io.ReadSeeker, *container) error // nil where a file of this kind holds pixels only
}

var kinds = []kind{
	{"JPEG", []string{"\xff\xd8\xff"}, jpeg.DecodeConfig, jpeg.Decode, lookJPEG},
	{"PNG", []string{"\x89PNG\r\n\x1a\n"}, png.DecodeConfig, png.Decode, lookPNG},
	{"WebP", []string{"RIFF????WEBP"}, webp.DecodeConfig, webpDecode, lookWebP},
	{"GIF", []string{"GIF87a", "GIF89a"}, gif.DecodeConfig, gif.Decode, lookGIF},
	{"BMP", []string{"BM????\x00\x00\x00\x00"}, bmp.DecodeConfig, bmp.Decode, nil},
	{"TIFF", []string{"II*\x00", "MM\x00*"}, tiff.DecodeConfig, tiff.Decode, lookTIFF},
	{"PNM", []string{"P1", "P2", "P3", "P4", "P5", "P6"}, pnmConfig, pnmDecode, nil},
	{"HEIC", []string{"????ftyphei", "????ftyphev", "????ftypmif1", "????ftypmsf1"}, nil, nil, nil},
	{"AVIF", []string{"????ftypavi"}, nil, nil, nil},
	{"JPEG XL", []string{"\xff\x0a", "\x00\x00\x00\x0cJXL "}, nil, nil, nil},
	{"JPEG 2000", []string{"\x00\x00\x00\x0cjP  ", "\xff\x4f\xff\x51"}, nil, nil, nil},
	{"OpenEXR", []string{"\x76\x2f\x31\x01"}, nil, nil, nil},
	{"PFM", []string{"PF\n", "Pf\n"}, nil, nil, nil},
}

// tga is not among the kinds, for it begins with nothing of its own.
var tga = kind{name: "TGA", config: tgaConfig, decode: tgaDecode}

// netpbm says whether what begins like a netpbm file goes on like one: with white space and then a number or a comment. A text may begin
// with "P1" too.
func netpbm(head []byte) bool {
	rest := bytes.TrimLeft(head[2:], " \t\n\v\f\r")
	return len(rest) == 0 || len(rest) < len(head)-2 && (rest[0] == '#' || rest[0] >= '0' && rest[0] <= '9')
}

// webpDecode corrects what webp.Decode leaves to its caller: VP8 samples have limited range (RFC 6386, section 9.2; BT.601),
// Go's YCbCr pictures full range.
func webpDecode(r io.Reader) (image.Image, error) {
	img, err := webp.Decode(r)
	switch p := img.(type) {
	case *image.YCbCr:
		fullRange(p)
	case *image.NYCbCrA:
		fullRange(&p.YCbCr)
	}
	return img, err
}

func fullRange(p *image.YCbCr) {
	var luminance, chroma [256]uint8
	for i := range 256 {
		luminance[i] = uint8(min(max((255*(i-16)+109)/219, 0), 255))
		chroma[i] = uint8(min(max((255*(i-128)+128*224+112)/224, 0), 255))
	}
	for i, v := range p.Y {
		p.Y[i] = luminance[v]
	}
	for _, plane := range [][]uint8{p.Cb, p.Cr} {
		for i, v := range plane {
			plane[i] = chroma[v]
		}
	}
}

// others are files that people hand over by mistake and that net/http does not recognise.
var others = []struct{ magic, what string }{
	{"????ftyp", "a film"},
	{"\x1a\x45\xdf\xa3", "a film"},
	{"8BPS", "a Photoshop document, which is not supported"},
	{"PK\x03\x04", "a ZIP archive (PyTorch weights are such)"},
	{"\x7fELF", "a program"},
	{"\x80\x02", "a Python pickle"},
	{"????????{\"", "a safetensors file"},
}

// sniff finds the kind of a file from its first bytes; the error says what it is instead.
func sniff(r io.ReadSeeker) (kind, error) {
	head, err := fromStart(r, func(r io.Reader) ([]byte, error) {
		buf := make([]byte, 512)
		n, err := io.ReadFull(r, buf)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = nil
		}
		return buf[:n], err
	})
	if err != nil {
		return kind{}, fmt.Errorf("cannot be read: %w", reason(err))
	}
	for _, k := range kinds {
		for _, m := range k.magic {
			if begins(head, m) && (k.name != "PNM" || netpbm(head)) {
				return k, nil
			}
		}
	}
	if isTGA(head) {
		return tga, nil
	}
	return kind{}, NotPicture{describe(head)}
}

// NotPicture is the error of a file that holds something else.
type NotPicture struct{ Found string } // "text", "a film"

// Error is the second half of a sentence about the file.
func (e NotPicture) Error() string {
	return fmt.Sprintf("is not a picture: found %s, wanted JPEG, PNG, WebP, GIF, BMP, TIFF, TGA, PNM, HEIC, AVIF, JPEG XL, JPEG 2000 or OpenEXR", e.Found)
}

func begins(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

func describe(head []byte) string {
	if len(head) == 0 {
		return "an empty file"
	}
	for _, o := range others {
		if begins(head, o.magic) {
			return o.what
		}
	}
	mime, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch {
	case mime == "application/octet-stream":
		return fmt.Sprintf("unknown data that begins with % x", head[:min(8, len(head))])
	case strings.HasPrefix(mime, "text/"):
		return "text"
	}
	return mime
}
