// Package stills reads and writes films that are made of pictures: animated GIF, PNG and WebP files, and numbered pictures in a folder.
//
// The three kinds of animated files are taken apart here, since GStreamer's readers of them do not end or show the first frame only; each
// frame is then decoded as a picture of its own (package picture), so memory does not grow with their number. Frames are shown as
// browsers do: drawn onto a canvas that is transparent in the beginning.
package stills

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
)

// The kinds of films that are made of pictures. Those of single files are also the ends of their names.
const (
	GIF      = "gif"
	APNG     = "apng"
	WebP     = "webp"
	Sequence = "pictures" // numbered files
)

// Suffixes are the ends of names, in small letters, of files that may be animated.
var Suffixes = []string{".gif", ".png", ".apng", ".webp"}

// unsaid is how long a frame of an animated file is shown that says no time: what browsers take.
const unsaid = 100 * time.Millisecond

// Film is a film made of pictures, indexed and not decoded. Its methods may be called from any thread.
type Film struct {
	Kind   string
	Width  int // of all frames, in pixels
	Height int
	Loop   int             // how often it is shown; 0 is without an end
	Alpha  bool            // frames may be transparent
	Bits   int             // per sample
	Deep   bool            // readers give 16 bits per sample
	Times  []time.Duration // when each frame begins, rising; the first is 0
	End    time.Duration   // of the last frame
	// Damaged says why reading stopped before the file's end; "" means it did not.
	Damaged string

	path  string
	parts []part // of an animated file
	paths []string
}

// part is what one frame of an animated file changes on the canvas.
type part struct {
	x, y, width, height int
	delay               time.Duration
	dispose             disposal // what happens to the canvas after it was shown
	over                bool     // it is drawn over the canvas; else it takes its place
	pieces              []piece  // its data in the file
	head                []byte   // of the still picture, before its data and what is common
	common              []byte   // what follows the head and belongs to many frames, which share it
	rest                []byte   // what follows that
}

// piece is a part of a file.
type piece struct{ at, size int64 }

type disposal int

const (
	keep disposal = iota
	clear
	restore // as it was before the frame
)

// Kind finds out whether a file is animated, and how: one of GIF, APNG and WebP with more than one frame, else "". A file that cannot be
// read is none.
func Kind(path string) string {
	f, err := Open(path)
	if err != nil || len(f.Times) < 2 {
		return ""
	}
	return f.Kind
}

// ErrNone says that a file is no animated GIF, PNG or WebP.
var ErrNone = errors.New("is not an animated picture")

// Open indexes an animated file. Errors name the file: one that cannot be read, ErrNone for another kind of file or a still picture,
// damage before the first whole frame. Damage behind it is noted in the film.
func Open(path string) (*Film, error) {
	file, size, err := openFile(path)
	if err == errNoFile {
		return nil, fmt.Errorf("%q %w", path, ErrNone)
	} else if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	defer file.Close()
	var magic [12]byte
	if _, err := file.ReadAt(magic[:], 0); err != nil {
		return nil, fmt.Errorf("%q %w", path, ErrNone)
	}
	f := &Film{path: path, Bits: 8}
	r := &source{file: file, size: size}
	switch text := string(magic[:]); {
	case strings.HasPrefix(text, "GIF87a"), strings.HasPrefix(text, "GIF89a"):
		f.Kind, err = GIF, f.indexGIF(r)
	case strings.HasPrefix(text, signature):
		f.Kind, err = APNG, f.indexPNG(r)
	case strings.HasPrefix(text, "RIFF") && strings.HasSuffix(text, "WEBP"):
		f.Kind, err = WebP, f.indexWebP(r)
	default:
		err = ErrNone
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errors.New("is cut off")
	}
	if err != nil && len(f.parts) > 0 {
		f.Damaged, err = err.Error(), nil
	}
	if err == nil && len(f.parts) == 0 {
		err = ErrNone
	}
	if err == nil && (f.Width < 1 || f.Height < 1 || int64(f.Width) > picture.DefaultPixels/int64(f.Height)) {
		err = fmt.Errorf("has %dx%d pixels, wanted 1x1 to %d million", f.Width, f.Height, picture.DefaultPixels/1000000)
	}
	if err != nil {
		return nil, fmt.Errorf("%q %w", path, err)
	}
	return f, f.index()
}

// longest is how long a film may be shown: far more than any is, and little enough to count in nanoseconds.
const longest = 366 * 24 * time.Hour

// index lists when frames are shown, and looks at the first.
func (f *Film) index() error {
	for _, p := range f.parts {
		f.Times = append(f.Times, f.End)
		delay := p.delay
		if delay <= 0 {
			delay = unsaid
		}
		if f.End += delay; f.End > longest {
			return fmt.Errorf("%q lasts longer than a year", f.path)
		}
	}
	return f.transparent()
}

// errNoFile says that a path leads to something else.
var errNoFile = errors.New("it is a folder, a pipe or a device, wanted a file")

// openFile opens a file, without waiting for who writes into a pipe. The error does not name it.
func openFile(path string) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, errors.Unwrap(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// transparent finds out whether a GIF can be seen through; the other kinds say so. Its first frame is decoded, which shows whether the file
// can be read at all.
func (f *Film) transparent() error {
	opaque, err := f.opaqueFirst()
	if f.Kind == GIF {
		f.Alpha = !opaque || slices.ContainsFunc(f.parts[:len(f.parts)-1], func(p part) bool { return p.dispose == clear })
	}
	return err
}

// source reads a file from the front.
type source struct {
	file *os.File
	at   int64
	size int64
}

// read is the next n bytes. The error is io.ErrUnexpectedEOF where there are fewer.
func (s *source) read(n int) ([]byte, error) {
	if int64(n) > s.size-s.at {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err := s.file.ReadAt(b, s.at)
	s.at += int64(n)
	return b, err
}

// skip passes over n bytes and says where they are.
func (s *source) skip(n int64) (piece, error) {
	p := piece{s.at, n}
	if n < 0 || n > s.size-s.at {
		return p, io.ErrUnexpectedEOF
	}
	s.at += n
	return p, nil
}

// Reader gives the frames of a film one after the other. It belongs to one thread.
type Reader struct {
	film   *Film
	file   *os.File
	next   int
	canvas []byte // RGBA, straight
	saved  []byte // as it was before a frame that is taken back
	frame  []byte
}

// Open begins to read at a frame, counted from 0. Close must be called in the end.
func (f *Film) Open(first int) (*Reader, error) {
	r := &Reader{film: f, next: first}
	if f.Kind == Sequence {
		return r, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", f.path, errors.Unwrap(err))
	}
	r.file, r.canvas, r.next = file, make([]byte, 4*f.Width*f.Height), 0
	for r.next < first {
		if _, err := r.Next(); err != nil {
			file.Close()
			return nil, err
		}
	}
	return r, nil
}

// Next is the next frame in RGBA, not premultiplied, rows without gaps; of a deep film in samples of 16 bits in little endian, else of 8. It is valid until the
// next call; io.EOF comes after the last. Errors name the file that cannot be decoded, or one of another size than the first.
func (r *Reader) Next() ([]byte, error) {
	if r.next >= len(r.film.Times) {
		return nil, io.EOF
	}
	r.next++
	if r.film.Kind == Sequence {
		return r.numbered(r.film.paths[r.next-1])
	}
	return r.drawn(r.next - 1)
}

// Close ends reading.
func (r *Reader) Close() {
	if r.file != nil {
		r.file.Close()
	}
}

// numbered reads a picture.
func (r *Reader) numbered(path string) ([]byte, error) {
	photo, err := picture.ReadPhoto(path, picture.Options{Deep: r.film.Deep})
	if err != nil {
		return nil, err
	}
	img := photo.Image
	if img.Width != r.film.Width || img.Height != r.film.Height {
		return nil, fmt.Errorf("picture %q has %dx%d pixels, wanted %dx%d as the first of %s has", path, img.Width, img.Height, r.film.Width, r.film.Height,
			filepath.Base(r.film.path))
	}
	if r.frame == nil {
		r.frame = make([]byte, r.film.pixel()*img.Width*img.Height)
	}
	if r.film.Deep {
		photo.WriteRGBA64(r.frame) // among deep pictures may be some of 8 bits
		return r.frame, nil
	}
	for y := range img.Height {
		spread(r.frame[4*img.Width*y:], img, y)
	}
	return r.frame, nil
}

// pixel is how many bytes a reader gives for one.
func (f *Film) pixel() int {
	if f.Deep {
		return 8
	}
	return 4
}

// spread writes a row of an RGB or RGBA picture as RGBA.
func spread(to []byte, img *model.Image, y int) {
	row := img.Planes[0].Data[y*img.Planes[0].Stride:]
	if img.Format == model.RGBA {
		copy(to[:4*img.Width], row)
		return
	}
	for x := range img.Width {
		to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = row[3*x], row[3*x+1], row[3*x+2], 255
	}
}
