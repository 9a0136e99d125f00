// Package archive reads files that lie in tar and zip archives where they are, without unpacking them. Such a file is named by a path
// that goes through its archive, as if that were a folder: "shard-0001.tar/a.jpg".
package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// File is an open file of an archive, or a plain one.
type File interface {
	io.ReadSeeker
	io.Closer
}

// entry is where a file lies in its archive.
type entry struct {
	offset, stored, size int64
	method               uint16 // of a zip archive: zip.Store or zip.Deflate
}

// index is what an archive holds.
type index struct {
	bytes    int64
	modified time.Time
	names    []string // in their order
	entries  map[string]entry
}

// indices are those of the archives that were opened, by path: a folder of pictures is read again and again.
var indices struct {
	sync.Mutex
	by map[string]*index
}

// Is says whether a name is that of an archive: it ends in .tar or .zip, in capitals or not.
func Is(name string) bool {
	end := filepath.Ext(name)
	return strings.EqualFold(end, ".tar") || strings.EqualFold(end, ".zip")
}

// Split finds the archive that a path goes through, and the name in it. ok is false where the path goes through none.
func Split(path string) (archive, name string, ok bool) {
	for at := 0; at < len(path); at++ {
		if path[at] != '/' || !Is(path[:at]) {
			continue
		}
		if info, err := os.Stat(path[:at]); err == nil && info.Mode().IsRegular() {
			return path[:at], path[at+1:], at+1 < len(path)
		}
	}
	return "", "", false
}

// List are the names of the plain files in an archive, in its order. Names that lead out of it and those of hidden files are left out.
// Errors name the archive: one that cannot be read, is damaged or encrypted.
func List(path string) ([]string, error) {
	x, err := indexOf(path)
	if err != nil {
		return nil, err
	}
	return x.names, nil
}

// Open opens the file of a path, within an archive or not. limit bounds the bytes that a compressed file may have, for it is unpacked in
// memory. Errors are those of os.Open, with the system's reason, and the archive's.
func Open(path string, limit int64) (File, fs.FileInfo, error) {
	archive, name, ok := Split(path)
	if !ok {
		// O_NONBLOCK: opening a named pipe must not wait for a writer.
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, nil, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, nil, err
		}
		return f, info, nil
	}
	x, err := indexOf(archive)
	if err != nil {
		return nil, nil, err
	}
	e, found := x.entries[name]
	if !found {
		return nil, nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	f, err := os.Open(archive)
	if err != nil {
		return nil, nil, err
	}
	section := io.NewSectionReader(f, e.offset, e.stored)
	info := inner{filepath.Base(name), e.size, x.modified}
	if e.method == zip.Store {
		return stored{section, f}, info, nil
	}
	defer f.Close()
	data, err := unpack(section, e.size, limit)
	return memory{bytes.NewReader(data)}, info, err
}

// Size is the length in bytes of the file of a path.
func Size(path string) (int64, error) {
	if archive, name, ok := Split(path); ok {
		x, err := indexOf(archive)
		if err != nil {
			return 0, err
		}
		e, found := x.entries[name]
		if !found {
			return 0, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
		}
		return e.size, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// unpack is the deflated file of a zip archive.
func unpack(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("has %d bytes, wanted at most %d", size, limit)
	}
	// A header may lie: memory grows with what is really there.
	data, err := io.ReadAll(io.LimitReader(inflate(r), size+1))
	if err == nil && int64(len(data)) != size {
		err = errors.New("its archive states another length")
	}
	return data, err
}

// indexOf is the index of an archive, made anew where the archive changed.
func indexOf(path string) (*index, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	indices.Lock()
	known := indices.by[path]
	indices.Unlock()
	if known != nil && known.bytes == info.Size() && known.modified.Equal(info.ModTime()) {
		return known, nil
	}
	x := &index{bytes: info.Size(), modified: info.ModTime(), entries: map[string]entry{}}
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		err = x.zip(path)
	} else {
		err = x.tar(path)
	}
	if err != nil {
		return nil, fmt.Errorf("archive %q cannot be read: %w", path, err)
	}
	indices.Lock()
	defer indices.Unlock()
	if indices.by == nil {
		indices.by = map[string]*index{}
	}
	indices.by[path] = x
	return x, nil
}

// add takes a plain file in, the last one where a name comes twice, as tar does.
func (x *index) add(name string, e entry) {
	name = strings.TrimPrefix(name, "./")
	if !fs.ValidPath(name) {
		return
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || part == "__MACOSX" {
			return
		}
	}
	if _, twice := x.entries[name]; !twice {
		x.names = append(x.names, name)
	}
	x.entries[name] = e
}

func (x *index) tar(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || h.PAXRecords["GNU.sparse.major"] != "" {
			continue
		}
		// The reader has no buffer: the file stands where the data begins.
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		x.add(h.Name, entry{offset: at, stored: h.Size, size: h.Size})
	}
}

func (x *index) zip(path string) error {
	r, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, f := range r.File {
		const encrypted = 1
		switch {
		case !f.Mode().IsRegular():
			continue
		case f.Flags&encrypted != 0:
			return fmt.Errorf("%q is encrypted", f.Name)
		case f.Method != zip.Store && f.Method != zip.Deflate:
			return fmt.Errorf("%q is compressed by method %d, wanted stored or deflated files", f.Name, f.Method)
		}
		at, err := f.DataOffset()
		if err != nil {
			return err
		}
		x.add(f.Name, entry{at, int64(f.CompressedSize64), int64(f.UncompressedSize64), f.Method})
	}
	return nil
}
