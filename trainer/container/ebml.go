package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
)

// ebmlHead is what files of EBML (RFC 8794) begin with.
const ebmlHead = "\x1a\x45\xdf\xa3"

// The elements of Matroska (RFC 9559) that mean something here, by their numbers.
const (
	idEBML, idDocType                            = 0x1a45dfa3, 0x4282
	idSegment, idCluster, idSeekHead, idVoid     = 0x18538067, 0x1f43b675, 0x114d9b74, 0xec
	idInfo, idScale, idDuration, idTitle, idDate = 0x1549a966, 0x2ad7b1, 0x4489, 0x7ba9, 0x4461
	idMuxing, idWriting                          = 0x4d80, 0x5741
	idTracks, idEntry, idNumber, idUID, idType   = 0x1654ae6b, 0xae, 0xd7, 0x73c5, 0x83
	idCodec, idName, idLanguage, idLanguageBCP   = 0x86, 0x536e, 0x22b59c, 0x22b59d
	idDefault, idForced, idEnabled               = 0x88, 0x55aa, 0xb9
	idTags, idTag, idTargets, idTagTrack         = 0x1254c367, 0x7373, 0x63c0, 0x63c5
	idSimpleTag, idTagName                       = 0x67c8, 0x45a3
	idChapters, idAttachments, idAttached        = 0x1043a770, 0x1941a469, 0x61a7
	idFileName, idFileMedia                      = 0x466e, 0x4660
	idCues, idCuePoint, idCueTime                = 0x1c53bb6b, 0xbb, 0xb3
	idCuePositions, idCueTrack, idCueCluster     = 0xb7, 0xf7, 0xf1
	idSeek, idSeekID, idSeekPosition             = 0x4dbb, 0x53ab, 0x53ac
	idTime, idSimpleBlock, idGroup, idBlock      = 0xe7, 0xa3, 0xa0, 0xa1
	idCRC, idPosition, idPrevSize, idReference   = 0xbf, 0xa7, 0xab, 0xfb
)

// unknownSize is the size of an element that ends where the next of its level begins, as recorders write it.
const unknownSize = math.MaxInt64

// element is a part of a Matroska file in memory.
type element struct {
	id   uint32
	data []byte
}

// readID takes the number of an element off data.
func readID(data []byte) (id uint32, rest []byte, err error) {
	if len(data) == 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	n := bits.LeadingZeros8(data[0]) + 1
	if n > 4 || n > len(data) {
		return 0, nil, errors.New("an element has a number that Matroska does not have")
	}
	for _, b := range data[:n] {
		id = id<<8 | uint32(b)
	}
	return id, data[n:], nil
}

// readSize takes a size off data, or a number that is written as one.
func readSize(data []byte) (size int64, rest []byte, err error) {
	if len(data) == 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	n := bits.LeadingZeros8(data[0]) + 1
	if n > 8 || n > len(data) {
		return 0, nil, errors.New("an element has a size that is cut off")
	}
	v := uint64(data[0]) & (1<<(8-n) - 1)
	for _, b := range data[1:n] {
		v = v<<8 | uint64(b)
	}
	if v == 1<<(7*n)-1 {
		return unknownSize, data[n:], nil
	}
	return int64(v), data[n:], nil
}

// elements takes data apart.
func elements(data []byte) (found []element, err error) {
	for len(data) > 0 {
		id, rest, err := readID(data)
		if err != nil {
			return nil, err
		}
		size, rest, err := readSize(rest)
		if err != nil {
			return nil, err
		}
		if size > int64(len(rest)) {
			return nil, fmt.Errorf("element %x has %d bytes, there are %d", id, size, len(rest))
		}
		found = append(found, element{id, rest[:size]})
		data = rest[size:]
	}
	return found, nil
}

// first is the content of the first element of a number, nil if there is none.
func first(list []element, id uint32) []byte {
	for _, e := range list {
		if e.id == id {
			return e.data
		}
	}
	return nil
}

func number(data []byte) (v uint64) {
	for _, b := range data {
		v = v<<8 | uint64(b)
	}
	return v
}

// floating is a number of 4 or 8 bytes, 0 for others.
func floating(data []byte) float64 {
	switch len(data) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(data)))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(data))
	}
	return 0
}

// appendElement writes an element.
func appendElement(to []byte, id uint32, data []byte) []byte {
	return append(appendSize(appendID(to, id), int64(len(data))), data...)
}

func appendID(to []byte, id uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		if id>>shift != 0 {
			to = append(to, byte(id>>shift))
		}
	}
	return to
}

func appendSize(to []byte, size int64) []byte {
	n := 1
	for n < 8 && size >= 1<<(7*n)-1 {
		n++
	}
	to = append(to, byte(1<<(8-n))|byte(uint64(size)>>(8*(n-1))))
	for i := n - 2; i >= 0; i-- {
		to = append(to, byte(size>>(8*i)))
	}
	return to
}

// appendWide writes a size in eight bytes, which can be written over.
func appendWide(to []byte, size int64) []byte {
	return binary.BigEndian.AppendUint64(to, 1<<56|uint64(size))
}

func appendNumber(to []byte, id uint32, v uint64) []byte {
	n := max(1, (bits.Len64(v)+7)/8)
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return appendElement(to, id, b[8-n:])
}

// ebmlReader walks through a file. It goes into segments and clusters, which may have no size, and hands out what lies in them.
type ebmlReader struct {
	file *os.File
	at   int64
	size int64
	head []byte
}

func newReader(file *os.File) (*ebmlReader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return &ebmlReader{file: file, size: info.Size(), head: make([]byte, 12)}, nil
}

// next is the number and the size of the next element and leaves the reader at its content. io.EOF comes at the end, and
// io.ErrUnexpectedEOF where the last is cut off.
func (r *ebmlReader) next() (id uint32, size int64, err error) {
	if r.at >= r.size {
		return 0, 0, io.EOF
	}
	n, err := r.file.ReadAt(r.head, r.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	id, rest, err := readID(r.head[:n])
	if err != nil {
		return 0, 0, fmt.Errorf("at byte %d: %w", r.at, err)
	}
	size, rest, err = readSize(rest)
	if err != nil {
		return 0, 0, fmt.Errorf("at byte %d: %w", r.at, err)
	}
	r.at += int64(n - len(rest))
	if id == idSegment || id == idCluster {
		return id, size, nil
	}
	if size > r.size-r.at {
		return id, 0, io.ErrUnexpectedEOF
	}
	return id, size, nil
}

// load reads the content and steps over it.
func (r *ebmlReader) load(size int64) ([]byte, error) {
	if size > maxMovie {
		return nil, fmt.Errorf("an element has %d bytes, wanted at most %d", size, maxMovie)
	}
	data := make([]byte, size)
	if _, err := r.file.ReadAt(data, r.at); err != nil {
		return nil, err
	}
	r.at += size
	return data, nil
}

func (r *ebmlReader) skip(size int64) { r.at += size }
