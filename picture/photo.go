package picture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"runtime/debug"

	"golang.org/x/image/tiff"

	"adainfilter/model"
	"adainfilter/picture/archive"
)

// Photo is a picture with what its file says besides.
type Photo struct {
	Image   *model.Image // RGB or RGBA (straight), upright
	Deep    []uint16     // the samples of Image with 16 bits, rows close together; nil where the file has 8, or they were not wanted
	Exif    []byte       // EXIF data as in the file, a TIFF structure; nil if there is none
	Profile []byte       // ICC profile that the samples are in; nil is sRGB
	Frames  int          // pictures in the file, of which this is the first; 0 or 1 is one
}

// Options say how much of a picture is wanted.
type Options struct {
	Limit
	Deep        bool // 16 bits of samples that have them
	KeepProfile bool // samples as they are, with their profile, instead of sRGB
	Shrink      int  // a picture may be given smaller by a whole factor, as long as its short side keeps twice so many pixels; 0 is never
}

// Codec reads and writes pictures that this package does not: other kinds, and such as would cost too much here.
type Codec interface {
	// Read is ReadPhoto. kind is one of Foreign, or a kind that this package reads.
	Read(path, kind string, o Options) (*Photo, error)
	// Size is that of a picture as it is in the file.
	Size(path, kind string) (width, height int, err error)
	// Write writes a picture whose kind is the lower-case end of a name, such as ".jpg". Quality is 1 to 100.
	Write(w io.Writer, end string, p *Photo, quality int) error
	// Writes says whether it writes pictures whose names end so.
	Writes(end string) bool
}

// codec is what Extend got.
var codec func() (Codec, error)

// Extend gives this package a codec, for the rest of the program's life; it is opened when the first picture needs it, and may be missing.
// To be called before anything is read.
func Extend(open func() (Codec, error)) { codec = open }

// extended is the codec. The error says what to install.
func extended() (Codec, error) {
	if codec == nil {
		return nil, errNoCodec
	}
	return codec()
}

var errNoCodec = errors.New("this program reads JPEG, PNG, WebP, GIF, BMP, TIFF, TGA and PNM only")

// Bytes that decoding may take, and the pixels of which a picture is given to a codec that reads them in strips.
const (
	maxDecoding = 1000 << 20
	largePixels = 40 << 20
	maxWork     = 600 << 20 // pixels of all scans of a JPEG
)

// ReadPhoto reads the picture file at path. Errors are those of Read.
func ReadPhoto(path string, o Options) (*Photo, error) {
	f, err := open(path, o.Limit)
	if err != nil {
		return nil, fmt.Errorf("picture %q %w", path, err)
	}
	defer f.Close()
	p, err := decode(f, o, path)
	if err != nil {
		return nil, fmt.Errorf("picture %q %w", path, err)
	}
	return p, nil
}

// decode reads a picture; path is "" where it is in no file, so that no codec can be asked. The error is the second half of a sentence.
func decode(r io.ReadSeeker, o Options, path string) (p *Photo, err error) {
	defer survive(&err)
	k, err := sniff(r)
	if err != nil {
		return nil, err
	}
	if k.decode == nil {
		return foreign(path, k.name, o, nil)
	}
	k, config, err := header(r, o.Limit)
	if err != nil {
		if unsupported(err) && path != "" {
			return look(r, k).foreign(path, k.name, o, err)
		}
		return nil, err
	}
	c := look(r, k)
	if err := c.check(config); err != nil {
		return nil, err
	}
	if large := int64(config.Width)*int64(config.Height) > largePixels; large || decodingBytes(config, c) > maxDecoding {
		if p, err := c.foreign(path, k.name, o, nil); err == nil || !errors.As(err, new(*missingError)) {
			return p, err
		}
	}
	if need := decodingBytes(config, c); need > maxDecoding {
		return nil, fmt.Errorf("has %dx%d pixels of a kind that takes %d MB to decode, wanted at most %d", config.Width, config.Height, need>>20, maxDecoding>>20)
	} else if err := model.CheckMemory(need); err != nil {
		return nil, fmt.Errorf("has %dx%d pixels: %w", config.Width, config.Height, err)
	}
	decoded, err := fromStart(r, k.decode)
	if err != nil {
		err = damaged(k, err)
		if unsupported(err) || c.frames > 1 {
			return c.foreign(path, k.name, o, err)
		}
		return nil, err
	}
	// Some formats state the size twice.
	b := decoded.Bounds()
	if err := o.Check(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	if c.profile != nil && path != "" {
		// What is more than curves and a matrix is for lcms, if it is there.
		if _, ok := decoded.(*image.CMYK); ok || hasTables(c.profile) {
			if p, err := c.foreign(path, k.name, o, nil); err == nil {
				return p, nil
			}
		}
	}
	return finish(decoded, c, o)
}

// finish makes a Photo of a decoded picture: upright, and in sRGB unless its profile is to be kept.
func finish(decoded image.Image, c container, o Options) (*Photo, error) {
	if err := checkPalette(decoded); err != nil {
		return nil, err
	}
	p := &Photo{Image: samples(decoded), Exif: c.exif, Frames: c.frames}
	if o.Deep {
		p.Deep = deep(decoded, p.Image.Format == model.RGBA)
	}
	if c.profile != nil {
		if o.KeepProfile {
			p.Profile = c.profile
		} else {
			p.toSRGB(c.profile)
		}
	}
	p.upright(orientation(c.exif))
	return p, nil
}

// Finish is for codecs: it turns a picture upright as its EXIF data says, unless upright says that it is, and gives the picture back. EXIF
// data that begins with a mark loses it, and data and profiles of no length are none.
func (p *Photo) Finish(upright bool) *Photo {
	p.Exif = bytes.TrimPrefix(p.Exif, []byte("Exif\x00\x00"))
	if len(p.Exif) == 0 {
		p.Exif = nil
	}
	if len(p.Profile) == 0 {
		p.Profile = nil
	}
	p.dropAlpha()
	if !upright {
		p.upright(orientation(p.Exif))
	}
	return p
}

// dropAlpha makes an RGBA picture without a transparent pixel an RGB one, in its own memory.
func (p *Photo) dropAlpha() {
	if p.Image.Format != model.RGBA {
		return
	}
	w, h := p.Image.Width, p.Image.Height
	data := p.Image.Planes[0].Data
	for i := 3; i < 4*w*h; i += 4 {
		if data[i] != 255 || p.Deep != nil && p.Deep[i] != 65535 {
			return
		}
	}
	for i := range w * h {
		copy(data[3*i:3*i+3], data[4*i:])
		if p.Deep != nil {
			copy(p.Deep[3*i:3*i+3], p.Deep[4*i:])
		}
	}
	p.Image.Format, p.Image.Planes[0] = model.RGB, model.Plane{Data: data[:3*w*h], Stride: 3 * w}
	if p.Deep != nil {
		p.Deep = p.Deep[:3*w*h]
	}
}

// upright turns and mirrors the samples so that orientation o becomes 1.
func (p *Photo) upright(o int) {
	if o < 2 || o > 8 {
		return
	}
	plane := &p.Image.Planes[0]
	w, h := p.Image.Width, p.Image.Height
	n := p.channels()
	if p.Deep != nil {
		p.Deep, _, _ = turn(p.Deep, w, h, n, n*w, o)
	}
	img := model.Image{Format: p.Image.Format}
	img.Planes[0].Data, img.Width, img.Height = turn(plane.Data, w, h, n, plane.Stride, o)
	img.Planes[0].Stride = n * img.Width
	p.Image, plane.Data = &img, nil
	if len(img.Planes[0].Data) > largeBytes {
		debug.FreeOSMemory() // what was turned is not to lie beside the next picture of that size
	}
}

// largeBytes is what is given back to the system at once.
const largeBytes = 128 << 20

// channels is how many samples a pixel has.
func (p *Photo) channels() int {
	if p.Image.Format == model.RGBA {
		return 4
	}
	return 3
}

// WriteRGBA64 writes the picture as RGBA_LE of 16 bits a sample, not premultiplied, rows without gaps: to has 8*Width*Height bytes. Samples of 8
// bits are spread over 16; a picture without transparency is opaque.
func (p *Photo) WriteRGBA64(to []byte) {
	n := p.channels()
	for y := range p.Image.Height {
		row := p.Image.Planes[0].Data[y*p.Image.Planes[0].Stride:]
		for x := range p.Image.Width {
			pixel := [4]uint16{3: 65535}
			at := y*p.Image.Width + x
			if p.Deep != nil {
				copy(pixel[:], p.Deep[n*at:n*at+n])
			} else {
				for c, v := range row[n*x : n*x+n] {
					pixel[c] = 257 * uint16(v)
				}
			}
			for c, v := range pixel {
				binary.LittleEndian.PutUint16(to[8*at+2*c:], v)
			}
		}
	}
}

// toSRGB applies a profile. One that is damaged or not of RGB is passed over: the pixels are good all the same.
func (p *Photo) toSRGB(profile []byte) {
	w, h, n := p.Image.Width, p.Image.Height, p.channels()
	if p.Deep != nil {
		c, err := newConversion(profile, 1<<16)
		if err != nil || c.identity() {
			return
		}
		apply(c, p.Deep, w, h, n, n*w)
		for i, v := range p.Deep {
			p.Image.Planes[0].Data[i] = uint8((uint32(v) + 128) / 257)
		}
		return
	}
	if c, err := newConversion(profile, 1<<8); err == nil && !c.identity() {
		apply(c, p.Image.Planes[0].Data, w, h, n, p.Image.Planes[0].Stride)
	}
}

// missingError is a picture that needs a codec that is not there.
type missingError struct{ err error }

func (e *missingError) Error() string { return e.err.Error() }
func (e *missingError) Unwrap() error { return e.err }

// foreign has the codec read a picture. before is why this package could not, nil where it does not know the kind.
func foreign(path, kind string, o Options, before error) (*Photo, error) {
	c, err := codecFor(path, kind, before)
	if err != nil {
		return nil, err
	}
	return c.Read(path, kind, o)
}

// foreign is foreign for a file of a kind that this package knows, with EXIF data that the codec does not find there.
func (c container) foreign(path, kind string, o Options, before error) (*Photo, error) {
	p, err := foreign(path, kind, o, before)
	if err == nil && p.Exif == nil && c.exif != nil {
		p.Exif = c.exif
		p.upright(orientation(c.exif))
	}
	return p, err
}

// codecFor is the codec for a picture of a kind, which must lie in a file of its own. Without one the error is before, or says what is missing.
func codecFor(path, kind string, before error) (Codec, error) {
	_, _, packed := archive.Split(path)
	if packed || path == "" {
		return nil, cmp.Or(before, error(&missingError{fmt.Errorf("is %s picture, which can be read from a file of its own only", article(kind))}))
	}
	c, err := extended()
	if err != nil {
		return nil, cmp.Or(before, error(&missingError{fmt.Errorf("is %s picture: %w", article(kind), err)}))
	}
	return c, nil
}

func article(kind string) string {
	switch kind[0] {
	case 'A', 'H', 'O':
		return "an " + kind
	}
	return "a " + kind
}

// unsupported says whether a decoder met something that is no damage.
func unsupported(err error) bool {
	var t tiff.UnsupportedError
	var j jpeg.UnsupportedError
	var p png.UnsupportedError
	return errors.As(err, &t) || errors.As(err, &j) || errors.As(err, &p)
}

// check refuses a JPEG that costs far more than its pixels: each scan goes over all of them.
func (c container) check(config image.Config) error {
	if c.scans > maxScans {
		return fmt.Errorf("is a JPEG file of %d scans, wanted at most %d", c.scans, maxScans)
	}
	if work := int64(config.Width) * int64(config.Height); c.scans > 12 && work > maxWork/int64(c.scans) {
		return fmt.Errorf("is a JPEG file of %dx%d pixels in %d scans, wanted at most %d for that size", config.Width, config.Height, c.scans, max(12, maxWork/work))
	}
	return nil
}
