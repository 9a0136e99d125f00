package stills

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/png"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/image/tiff"
)

// The kinds of results that Create knows besides those of Film: folders of numbered pictures.
const (
	PNG  = "png"
	TIFF = "tiff"
)

// Writer writes a film of pictures. It belongs to one thread.
type Writer interface {
	// Frame adds a frame that is shown for a time: a whole picture as a PNG file has it, for WebP as a WebP file has it. Errors: a picture that cannot be
	// read, writing.
	Frame(data []byte, shown time.Duration) error
	// Close completes the film and leaves it on the disk. Frames that are missing are an error.
	Close() error
}

// Shape is what a result's head says.
type Shape struct {
	Width, Height int
	Frames        int
	Loop          int    // 0 is without an end
	Alpha         bool   // frames may be transparent
	Pattern       string // of the names of numbered pictures, without a folder; "" is %05d and the kind
	First         int    // number of the first of them
}

// Create begins a film of a kind: a file, or for PNG and TIFF a folder, which must not be there. Errors name it.
func Create(kind, path string, s Shape) (Writer, error) {
	if kind == PNG || kind == TIFF {
		if err := os.Mkdir(path, 0o777); err != nil {
			return nil, fmt.Errorf("folder %q cannot be made: %w", path, errors.Unwrap(err))
		}
		if s.Pattern == "" {
			s.Pattern = "%05d." + kind
		}
		return &folder{path: path, kind: kind, shape: s}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be written: %w", path, errors.Unwrap(err))
	}
	out := output{file: file, shape: s}
	switch kind {
	case GIF:
		return &gifWriter{output: out}, nil
	case APNG:
		return &pngWriter{output: out}, nil
	case WebP:
		return &webpWriter{output: out}, nil
	}
	file.Close()
	return nil, fmt.Errorf("%q is no kind of film that is made of pictures", kind)
}

// output is a file that is being written.
type output struct {
	file   *os.File
	shape  Shape
	frames int
	end    time.Duration // of the frames so far
	failed error
}

func (o *output) write(b []byte) error {
	if o.failed == nil {
		_, o.failed = o.file.Write(b)
	}
	return o.failed
}

// ticks is how long a frame is shown in units of a length. What rounding takes from one frame the next gets.
func (o *output) ticks(shown, unit time.Duration) int {
	begin := (o.end + unit/2) / unit
	o.end += shown
	o.frames++
	return int((o.end+unit/2)/unit - begin)
}

// finish closes the file.
func (o *output) finish() error {
	if o.failed == nil && o.frames != o.shape.Frames {
		o.failed = fmt.Errorf("%d frames, wanted %d", o.frames, o.shape.Frames)
	}
	if o.failed == nil {
		o.failed = o.file.Sync()
	}
	return errors.Join(o.failed, o.file.Close())
}

// pngWriter writes an animated PNG. The frames' data stay as they are.
type pngWriter struct {
	output
	number uint32 // of the next chunk of the animation
}

func (w *pngWriter) Frame(data []byte, shown time.Duration) error {
	if len(data) < len(signature)+25 || string(data[:len(signature)]) != signature {
		return errors.New("a frame is no PNG")
	}
	header := data[len(signature)+8 : len(signature)+21]
	if w.frames == 0 {
		w.write(data[:len(signature)+25])
		b := binary.BigEndian.AppendUint32(nil, uint32(w.shape.Frames))
		w.write(chunk("acTL", binary.BigEndian.AppendUint32(b, uint32(w.shape.Loop))))
	}
	control := append(binary.BigEndian.AppendUint32(nil, w.number), header[:8]...)
	control = append(control, make([]byte, 8)...)
	num, den := ratio(shown)
	control = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(control, num), den)
	w.write(chunk("fcTL", append(control, 0, 0)))
	w.number++
	for rest := data[len(signature)+25:]; len(rest) >= 12; {
		size := int64(binary.BigEndian.Uint32(rest))
		if size+12 > int64(len(rest)) {
			return errors.New("a frame is cut off")
		}
		whole := rest[:size+12]
		switch name := string(whole[4:8]); {
		case name == "IDAT" && w.frames == 0:
			w.write(whole)
		case name == "IDAT":
			w.write(chunk("fdAT", append(binary.BigEndian.AppendUint32(nil, w.number), whole[8:8+size]...)))
			w.number++
		}
		rest = rest[size+12:]
	}
	w.ticks(shown, time.Millisecond)
	return w.failed
}

// ratio is a time as a fraction of a second that fits into an animated PNG: the simplest that is not off by more than a microsecond.
func ratio(shown time.Duration) (num, den uint16) {
	exact := big.NewRat(int64(shown), int64(time.Second))
	for d := int64(1); d < 1<<16; d++ {
		n := (int64(shown)*d + int64(time.Second)/2) / int64(time.Second)
		if n >= 1<<16 {
			break
		}
		off := new(big.Rat).Sub(big.NewRat(n, d), exact)
		if n > 0 && off.Abs(off).Cmp(big.NewRat(1, 1000000)) <= 0 {
			return uint16(n), uint16(d)
		}
	}
	return uint16(min(shown/time.Second, 1<<16-1)), 1
}

func (w *pngWriter) Close() error {
	w.write(chunk("IEND", nil))
	return w.finish()
}

// webpWriter writes an animated WebP. The frames' data stay as they are.
type webpWriter struct {
	output
	alpha bool
}

func (w *webpWriter) Frame(data []byte, shown time.Duration) error {
	if len(data) < 20 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WEBP" {
		return errors.New("a frame is no WebP")
	}
	if w.frames == 0 {
		head := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"), animatedWebP, 0, 0, 0)
		head = appendThree(appendThree(head, w.shape.Width-1), w.shape.Height-1)
		w.write(append(head, "ANIM\x06\x00\x00\x00\x00\x00\x00\x00"...))
		w.write(binary.LittleEndian.AppendUint16(nil, uint16(w.shape.Loop)))
	}
	var picture []byte
	for rest := data[12:]; len(rest) >= 8; {
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		size += 8 + size%2
		if size > int64(len(rest)) {
			return errors.New("a frame is cut off")
		}
		switch name := string(rest[:4]); {
		case name == "ALPH" || name == "VP8 " || name == "VP8L":
			w.alpha = w.alpha || name == "ALPH" || name == "VP8L" && size > 12 && rest[12]&0x10 != 0
			picture = append(picture, rest[:size]...)
		}
		rest = rest[size:]
	}
	frame := binary.LittleEndian.AppendUint32([]byte("ANMF"), uint32(16+len(picture)))
	frame = append(frame, 0, 0, 0, 0, 0, 0)
	frame = appendThree(appendThree(frame, w.shape.Width-1), w.shape.Height-1)
	frame = append(appendThree(frame, w.ticks(shown, time.Millisecond)), 2) // in the place of what was there
	w.write(frame)
	return w.write(picture)
}

func appendThree(b []byte, n int) []byte { return append(b, byte(n), byte(n>>8), byte(n>>16)) }

func (w *webpWriter) Close() error {
	size, err := w.file.Seek(0, 1)
	if err == nil && size > 1<<32-1 {
		err = errors.New("it would have more than 4 GB, which WebP cannot hold")
	}
	if err == nil {
		_, err = w.file.WriteAt(binary.LittleEndian.AppendUint32(nil, uint32(size-8)), 4)
	}
	if err == nil && w.alpha {
		_, err = w.file.WriteAt([]byte{animatedWebP | alphaWebP}, 20)
	}
	w.failed = errors.Join(w.failed, err)
	return w.finish()
}

// folder writes numbered pictures.
type folder struct {
	path, kind string
	shape      Shape
	frames     int
}

func (w *folder) Frame(data []byte, _ time.Duration) error {
	path := filepath.Join(w.path, Name(w.shape.Pattern, w.shape.First+w.frames))
	w.frames++
	if w.kind == TIFF {
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("a frame is no PNG: %w", err)
		}
		var b bytes.Buffer
		if err := tiff.Encode(&b, img, &tiff.Options{Compression: tiff.Deflate, Predictor: true}); err != nil {
			return err
		}
		data = b.Bytes()
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (w *folder) Close() error {
	if w.frames != w.shape.Frames {
		return fmt.Errorf("%d frames, wanted %d", w.frames, w.shape.Frames)
	}
	return nil
}
