package picture

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
	"os"

	"adainfilter/model"
	"adainfilter/picture/archive"
)

// Limit bounds what a picture may cost. A zero field means its default.
type Limit struct {
	Pixels int64 // width times height, default DefaultPixels
	Bytes  int64 // length of the file, default DefaultBytes
	Scaled int64 // width times height that ReadStyle gives, default any
	Memory int64 // bytes of the decoded picture and the smaller one that ReadReduced makes of it, default 2 GiB
}

// What a Limit of zero means.
const (
	DefaultPixels = 1 << 27 // 134 million: a camera of 100 million pixels fits, 20,000 x 20,000 does not
	DefaultBytes  = 1 << 30
)

func (l Limit) pixels() int64 {
	if l.Pixels > 0 {
		return l.Pixels
	}
	return DefaultPixels
}

func (l Limit) bytes() int64 {
	if l.Bytes > 0 {
		return l.Bytes
	}
	return DefaultBytes
}

// Check refuses a size that exceeds the limit; the error is the second half of a sentence about the picture.
func (l Limit) Check(width, height int) error {
	if width < 1 || height < 1 {
		return fmt.Errorf("has %dx%d pixels, wanted at least 1x1", width, height)
	}
	if int64(width) > l.pixels()/int64(height) {
		return fmt.Errorf("has %dx%d pixels, wanted at most %d million", width, height, l.pixels()/1e6)
	}
	return nil
}

// ScaledError is a picture that has more pixels than Limit.Scaled once it is scaled.
type ScaledError struct {
	Path          string
	Width, Height int // once scaled
	Pixels        int64
}

// Error is the sentence.
func (e ScaledError) Error() string {
	return fmt.Sprintf("picture %q has %dx%d pixels, wanted at most %d million", e.Path, e.Width, e.Height, e.Pixels>>20)
}

// Read decodes the picture file at path, which may go through an archive as archive.Open takes it: RGB, or RGBA (straight, not premultiplied) where pixels are transparent, turned
// upright as its EXIF orientation says, in sRGB, 16-bit samples cut to 8 bits. Of an animation it is the first picture. Errors name the
// file and say what was found: not a regular file, too long, not a picture, one that needs a codec (Extend), over the limit, damaged or
// cut short, more than there is memory for.
func Read(path string, limit Limit) (*model.Image, error) {
	p, err := ReadPhoto(path, Options{Limit: limit})
	if err != nil {
		return nil, err
	}
	return p.Image, nil
}

// Size is the width and height in pixels that a picture file states in its header, before it is turned upright. Nothing else
// is read. Errors are those of Read as far as a header shows them.
func Size(path string, limit Limit) (width, height int, err error) {
	f, err := open(path, limit)
	if err != nil {
		return 0, 0, fmt.Errorf("picture %q %w", path, err)
	}
	defer f.Close()
	if width, height, err = size(f, path, limit); err != nil {
		return 0, 0, fmt.Errorf("picture %q %w", path, err)
	}
	return width, height, nil
}

// size is Size of an open file; the error is the second half of a sentence about it.
func size(f archive.File, path string, limit Limit) (width, height int, err error) {
	k, err := sniff(f)
	if err != nil {
		return 0, 0, err
	}
	var before error
	if k.decode != nil {
		var config image.Config
		if _, config, before = header(f, limit); !unsupported(before) {
			return config.Width, config.Height, before
		}
	}
	c, err := codecFor(path, k.name, before)
	if err != nil {
		return 0, 0, err
	}
	if width, height, err = c.Size(path, k.name); err != nil {
		return 0, 0, err
	}
	return width, height, limit.Check(width, height)
}

// Kind is what a file holds, by its first bytes: "JPEG" and the like. Errors are those of Read as far as these bytes show them; NotPicture
// tells a file of another kind from one that cannot be read.
func Kind(path string) (string, error) {
	f, err := open(path, Limit{})
	if err == nil {
		defer f.Close()
		var k kind
		if k, err = sniff(f); err == nil {
			return k.name, nil
		}
	}
	return "", fmt.Errorf("picture %q %w", path, err)
}

// open opens a regular file within the limit, which may lie in an archive; the error is the second half of a sentence about it.
func open(path string, limit Limit) (archive.File, error) {
	f, info, err := archive.Open(path, limit.bytes())
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", reason(err))
	}
	switch {
	case info.IsDir():
		err = errors.New("is a folder, wanted a file")
	case !info.Mode().IsRegular():
		err = errors.New("is a pipe or a device, wanted a file")
	case info.Size() > limit.bytes():
		err = fmt.Errorf("has %d bytes, wanted at most %d", info.Size(), limit.bytes())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Decode is Read for a picture that is open already, of a kind that needs no codec; the error is the second half of a sentence about it.
// It reads from the start of r several times.
func Decode(r io.ReadSeeker, limit Limit) (*model.Image, error) {
	p, err := decode(r, Options{Limit: limit}, "")
	if err != nil {
		return nil, err
	}
	return p.Image, nil
}

// header finds what a picture says of itself and holds it against the limit.
func header(r io.ReadSeeker, limit Limit) (k kind, config image.Config, err error) {
	defer survive(&err)
	if k, err = sniff(r); err != nil {
		return k, config, err
	}
	if config, err = fromStart(r, k.config); err != nil {
		return k, config, damaged(k, err)
	}
	return k, config, limit.Check(config.Width, config.Height)
}

func fromStart[T any](r io.ReadSeeker, read func(io.Reader) (T, error)) (T, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		var none T
		return none, err
	}
	return read(bufio.NewReaderSize(r, 1<<16))
}

func damaged(k kind, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("is a %s file that is cut short: %w", k.name, err)
	}
	return fmt.Errorf("is a %s file that cannot be decoded: %w", k.name, err)
}

// reason drops operation and path from a file error, which the sentence around it already says.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// ReadStyle reads a picture as a style: transparent pixels on white, and with shortSide above 0 resized to it as ShortSide
// does. The short side decides how large the strokes come out. Errors are those of Read, and ScaledError, for which the header is enough.
func ReadStyle(path string, shortSide int, limit Limit) (*model.Image, error) {
	width, height, err := Size(path, limit)
	if err != nil {
		return nil, err
	}
	if err := checkScaled(path, width, height, shortSide, limit); err != nil {
		return nil, err
	}
	p, err := ReadPhoto(path, Options{Limit: limit, Shrink: shortSide})
	if err != nil {
		return nil, err
	}
	img := p.Image
	p = nil
	// What was decoded need not be what the header says, and may be smaller.
	if err := checkScaled(path, img.Width, img.Height, shortSide, limit); err != nil {
		return nil, err
	}
	img = OnWhite(img)
	if int64(img.Width)*int64(img.Height) > shrinkPixels {
		img = Shrink(img, shortSide)
	}
	if shortSide > 0 {
		img = ShortSide(img, shortSide)
	}
	return img, nil
}

// checkScaled refuses a picture of width x height that becomes larger than the limit, or for whose scaling there is no memory.
func checkScaled(path string, width, height, short int, limit Limit) error {
	w, h := width, height
	if short > 0 {
		w, h = shortSide(width, height, short)
	}
	if limit.Scaled > 0 && int64(w) > limit.Scaled/int64(h) {
		return ScaledError{path, w, h, limit.Scaled}
	}
	if short > 0 && (w != width || h != height) {
		if err := model.CheckMemory(scalingBytes(width, height, w, h)); err != nil {
			return fmt.Errorf("picture %q has %dx%d pixels: %w", path, width, height, err)
		}
	}
	return nil
}
