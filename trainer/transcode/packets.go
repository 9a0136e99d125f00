package transcode

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"

	"adainfilter/model"
)

// A segment file holds coded frames with exact times: Matroska would round them to milliseconds and MP4 to a timescale. It is
//
//	magic, length of the head (uint32), head (JSON of segmentHead)
//	for each frame, in the order of decoding: size (uint32), flags (uint32), time (int64, ns), the coded frame, and with
//	  flagAlpha its coded opacity and the size of that (uint32)
//	a size of endOfSegment, the number of frames (uint32), CRC-32 (IEEE) of all before it (uint32)
//
// in little endian. A file under its final name is complete.
const (
	segmentMagic = "adainseg"
	endOfSegment = 0xffffffff
	maxFrame     = 1 << 30
	flagKey      = 1
	flagAlpha    = 2
)

// segmentHead says what is the same for all frames of a segment.
type segmentHead struct {
	Caps      string `json:"caps"`       // of the coded frames, for the muxer; "" if there are none
	CodecData string `json:"codec_data"` // of these caps: what decoders need before the first frame
}

// packet is one coded frame.
type packet struct {
	time     time.Duration // when it is shown, counted from the film's beginning
	duration time.Duration // not kept: it follows from the times of the others
	key      bool
	data     []byte
	alpha    []byte // the coded opacity, nil where the codec has none beside it
}

type segmentWriter struct {
	file   *os.File
	buffer *bufio.Writer
	sum    uint32
	frames int
	path   string
}

// createSegment begins a segment file under a temporary name.
func createSegment(path string) (*segmentWriter, error) {
	file, err := os.Create(path + ".part")
	if err != nil {
		return nil, err
	}
	return &segmentWriter{file: file, buffer: bufio.NewWriterSize(file, 1<<18), path: path}, nil
}

func (w *segmentWriter) write(b []byte) error {
	w.sum = crc32.Update(w.sum, crc32.IEEETable, b)
	_, err := w.buffer.Write(b)
	return err
}

func (w *segmentWriter) head(h segmentHead) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return w.write(append(binary.LittleEndian.AppendUint32([]byte(segmentMagic), uint32(len(text))), text...))
}

func (w *segmentWriter) packet(p packet) error {
	flags, size := uint32(0), len(p.data)
	if p.key {
		flags = flagKey
	}
	if p.alpha != nil {
		flags |= flagAlpha
		size += len(p.alpha) + 4
	}
	if size > maxFrame {
		return fmt.Errorf("a coded frame has %d bytes, wanted at most %d", size, maxFrame)
	}
	var b [16]byte
	binary.LittleEndian.PutUint32(b[:], uint32(size))
	binary.LittleEndian.PutUint32(b[4:], flags)
	binary.LittleEndian.PutUint64(b[8:], uint64(p.time))
	if err := w.write(b[:]); err != nil {
		return err
	}
	if err := w.write(p.data); err != nil {
		return err
	}
	if p.alpha != nil {
		if err := w.write(binary.LittleEndian.AppendUint32(p.alpha, uint32(len(p.alpha)))); err != nil {
			return err
		}
	}
	w.frames++
	return nil
}

// finish completes the file: it is on the disk under its name, or there was an error.
func (w *segmentWriter) finish() error {
	var b [12]byte
	binary.LittleEndian.PutUint32(b[:], endOfSegment)
	binary.LittleEndian.PutUint32(b[4:], uint32(w.frames))
	binary.LittleEndian.PutUint32(b[8:], crc32.Update(w.sum, crc32.IEEETable, b[:8]))
	_, err := w.buffer.Write(b[:])
	err = errors.Join(err, w.buffer.Flush())
	if err == nil {
		err = w.file.Sync()
	}
	if err = errors.Join(err, w.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(w.file.Name(), w.path); err != nil {
		return err
	}
	return model.SyncFolder(filepath.Dir(w.path))
}

// abandon removes the temporary file.
func (w *segmentWriter) abandon() {
	w.file.Close()
	os.Remove(w.file.Name())
}

type segmentReader struct {
	file   *os.File
	buffer *bufio.Reader
	sum    uint32
	frames int
	head   segmentHead
	size   int64 // of the file: nothing in it is larger
}

var errDamaged = errors.New("is damaged")

// openSegment opens a segment file and reads its head.
func openSegment(path string) (*segmentReader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	r := &segmentReader{file: file, buffer: bufio.NewReaderSize(file, 1<<18), size: info.Size()}
	start, err := r.read(len(segmentMagic) + 4)
	if err == nil {
		var text []byte
		size := binary.LittleEndian.Uint32(start[len(segmentMagic):])
		if string(start[:len(segmentMagic)]) != segmentMagic || int64(size) > r.size {
			err = errDamaged
		} else if text, err = r.read(int(size)); err == nil && json.Unmarshal(text, &r.head) != nil {
			err = errDamaged
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("segment %q %w", path, err)
	}
	return r, nil
}

// read reads n bytes; fewer are an error.
func (r *segmentReader) read(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r.buffer, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errDamaged
	}
	r.sum = crc32.Update(r.sum, crc32.IEEETable, b)
	return b, err
}

// next is the next frame, io.EOF after the last. All other errors mean that the file cannot be used.
func (r *segmentReader) next() (p packet, err error) {
	b, err := r.read(8)
	if err != nil {
		return p, fmt.Errorf("segment %q %w", r.file.Name(), err)
	}
	size, flags := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if size == endOfSegment {
		sum := r.sum
		if b, err := r.read(4); err != nil || binary.LittleEndian.Uint32(b) != sum || int(flags) != r.frames {
			return p, fmt.Errorf("segment %q %w", r.file.Name(), errDamaged)
		}
		return p, io.EOF
	}
	if b, err = r.read(8); err == nil && int64(size) <= r.size {
		p = packet{time: time.Duration(binary.LittleEndian.Uint64(b)), key: flags&flagKey != 0}
		if p.data, err = r.read(int(size)); err == nil && flags&flagAlpha != 0 {
			err = p.part()
		}
	} else if err == nil {
		err = errDamaged
	}
	if err != nil {
		return p, fmt.Errorf("segment %q %w", r.file.Name(), err)
	}
	r.frames++
	return p, nil
}

// part takes the opacity off the data.
func (p *packet) part() error {
	n := len(p.data) - 4
	if n < 0 {
		return errDamaged
	}
	size := int64(binary.LittleEndian.Uint32(p.data[n:]))
	if size > int64(n) {
		return errDamaged
	}
	p.data, p.alpha = p.data[:n-int(size)], p.data[n-int(size):n]
	return nil
}

func (r *segmentReader) close() { r.file.Close() }
