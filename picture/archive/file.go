package archive

import (
	"bytes"
	"compress/flate"
	"io"
	"io/fs"
	"os"
	"time"
)

// stored is a file that lies in its archive as it is.
type stored struct {
	*io.SectionReader
	archive *os.File
}

// Close closes the archive.
func (f stored) Close() error { return f.archive.Close() }

// memory is a file that was unpacked.
type memory struct{ *bytes.Reader }

// Close does nothing.
func (memory) Close() error { return nil }

func inflate(r io.Reader) io.Reader { return flate.NewReader(r) }

// inner is what is known of a file in an archive.
type inner struct {
	name     string
	size     int64
	modified time.Time // of the archive
}

// Name is the last part of the path.
func (i inner) Name() string { return i.name }

// Size is the length in bytes.
func (i inner) Size() int64 { return i.size }

// Mode is that of a plain file that can be read.
func (i inner) Mode() fs.FileMode { return 0o444 }

// ModTime is when the archive was changed.
func (i inner) ModTime() time.Time { return i.modified }

// IsDir is false.
func (i inner) IsDir() bool { return false }

// Sys is nil.
func (i inner) Sys() any { return nil }
