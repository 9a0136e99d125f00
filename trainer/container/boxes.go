package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxMovie is the largest description of a film that is read, in bytes: a day of 60 frames a second with eight tracks has less.
const maxMovie = 1 << 30

// Box is a part of an MP4 file in memory.
type box struct {
	name string
	data []byte // without the head
}

// isMP4 says whether a file whose first box has a name is an MP4.
func isMP4(name string) bool {
	switch name {
	case "ftyp", "moov", "mdat", "wide", "free", "skip", "pnot":
		return true
	}
	return false
}

// boxes takes data apart. QuickTime ends some lists with four zero bytes.
func boxes(data []byte) (found []box, err error) {
	for len(data) > 0 {
		if len(data) < 8 {
			if len(data) == 4 && binary.BigEndian.Uint32(data) == 0 {
				return found, nil
			}
			return nil, errors.New("a box is cut off")
		}
		size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		if size == 1 && len(data) >= 16 {
			size, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size < head || size > uint64(len(data)) {
			return nil, fmt.Errorf("a box has %d bytes, there are %d", size, len(data))
		}
		found = append(found, box{string(data[4:8]), data[head:size]})
		data = data[size:]
	}
	return found, nil
}

// Child is what is in the first box at a path below, nil if there is none. It shares the memory of data.
func Child(data []byte, path ...string) []byte {
	for _, name := range path {
		below, err := boxes(data)
		if err != nil {
			return nil
		}
		data = nil
		for _, b := range below {
			if b.name == name {
				data = b.data
				break
			}
		}
	}
	return data
}

// pack is a box with its head. Boxes in memory are shorter than 4 GB.
func pack(name string, parts ...[]byte) []byte {
	size := 8
	for _, p := range parts {
		size += len(p)
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = append(b, name...)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// top is a box of a file that is not in memory.
type top struct {
	name     string
	at, size int64 // of what is in it
}

// tops lists the boxes of a file. A last one that is cut off is left out.
func tops(file *os.File) (found []top, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var head [16]byte
	for at := int64(0); at+8 <= info.Size(); {
		if _, err := file.ReadAt(head[:8], at); err != nil {
			return nil, err
		}
		size, skip := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		switch size {
		case 0:
			size = info.Size() - at
		case 1:
			if _, err := file.ReadAt(head[8:], at+8); err != nil {
				return found, nil
			}
			size, skip = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if size < skip || size > info.Size()-at {
			return found, nil
		}
		found = append(found, top{string(head[4:8]), at + skip, size - skip})
		at += size
	}
	return found, nil
}

// FindMovie is the place and size of the content of an MP4's box moov, in bytes. Errors: of reading, and a box that is missing or cut off.
func FindMovie(file *os.File) (at, size int64, err error) {
	all, err := tops(file)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range all {
		if t.name == "moov" {
			return t.at, t.size, nil
		}
	}
	return 0, 0, errNoMovie
}

// editMovie opens an MP4 to be changed in its place, which the caller closes, with what loadMovie says. Errors: of opening, those of loadMovie.
func editMovie(path string) (file *os.File, movie []byte, at int64, err error) {
	if file, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, nil, 0, err
	}
	if movie, at, err = loadMovie(file); err != nil {
		file.Close()
		return nil, nil, 0, err
	}
	return file, movie, at, nil
}

// loadMovie reads the content of an MP4's box moov and says where it lies. Errors: those of FindMovie and load.
func loadMovie(file *os.File) (movie []byte, at int64, err error) {
	at, size, err := FindMovie(file)
	if err != nil {
		return nil, 0, err
	}
	movie, err = top{"moov", at, size}.load(file)
	return movie, at, err
}

// errNoMovie says that a file has no description.
var errNoMovie = errors.New("the box moov, which says what is where, is missing")

// load reads a box into memory.
func (t top) load(file *os.File) ([]byte, error) {
	if t.size > maxMovie {
		return nil, fmt.Errorf("its box %s has %d bytes, wanted at most %d", t.name, t.size, maxMovie)
	}
	data := make([]byte, t.size)
	_, err := io.ReadFull(io.NewSectionReader(file, t.at, t.size), data)
	return data, err
}
