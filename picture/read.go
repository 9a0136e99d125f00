package picture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"adainfilter/model"
)

// Limit bounds what a picture may cost. A zero field means its default.
type Limit struct {
	Pixels int64 // width times height, default DefaultPixels
	Bytes  int64 // length of the file, default DefaultBytes
}

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

// check refuses a size that exceeds the limit.
func (l Limit) check(width, height int) error {
	if width < 1 || height < 1 {
		return fmt.Errorf("has %dx%d pixels, wanted at least 1x1", width, height)
	}
	if int64(width) > l.pixels()/int64(height) {
		return fmt.Errorf("has %dx%d pixels, wanted at most %d million", width, height, l.pixels()/1e6)
	}
	return nil
}

// Read decodes the picture file at path: RGB, or RGBA (straight, not premultiplied) where pixels are transparent, turned
// upright as its EXIF orientation says, 16-bit samples cut to 8 bits. Errors name the file and say what was found: not a
// regular file, too long, not a picture, over the limit, damaged or cut short.
func Read(path string, limit Limit) (*model.Image, error) {
	// O_NONBLOCK: opening a named pipe must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("picture %q cannot be opened: %w", path, reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("picture %q cannot be read: %w", path, reason(err))
	case info.IsDir():
		return nil, fmt.Errorf("picture %q is a folder, wanted a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("picture %q is a pipe or a device, wanted a file", path)
	case info.Size() > limit.bytes():
		return nil, fmt.Errorf("picture %q has %d bytes, wanted at most %d", path, info.Size(), limit.bytes())
	}
	img, err := Decode(f, limit)
	if err != nil {
		return nil, fmt.Errorf("picture %q %w", path, err)
	}
	return img, nil
}

// Decode is Read for a picture that is open already; the error is the second half of a sentence about it. It reads from
// the start of r several times.
func Decode(r io.ReadSeeker, limit Limit) (img *model.Image, err error) {
	// The decoders are other people's, the bytes are anybody's: a slip in one of them must not end the process.
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("is damaged: its decoder failed (%v)", p)
		}
	}()
	k, err := sniff(r)
	if err != nil {
		return nil, err
	}
	config, err := fromStart(r, k.config)
	if err != nil {
		return nil, damaged(k, err)
	}
	if err := limit.check(config.Width, config.Height); err != nil {
		return nil, err
	}
	decoded, err := fromStart(r, k.decode)
	if err != nil {
		return nil, damaged(k, err)
	}
	// Some formats state the size twice.
	b := decoded.Bounds()
	if err := limit.check(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	return upright(samples(decoded), orientation(r, k.exif)), nil
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
// does. The short side decides how large the strokes come out. Errors are those of Read.
func ReadStyle(path string, shortSide int, limit Limit) (*model.Image, error) {
	img, err := Read(path, limit)
	if err != nil {
		return nil, err
	}
	img = OnWhite(img)
	if shortSide > 0 {
		img = ShortSide(img, shortSide)
	}
	return img, nil
}
