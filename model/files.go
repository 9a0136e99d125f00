package model

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Limits on what is read at all, in bytes.
const (
	maxWeightsFile = 2 << 30
	maxStyleFile   = 1 << 20
)

// readFile reads a plain file of at most limit bytes. A folder, pipe or device is refused without waiting for it.
func readFile(path string, limit int64) ([]byte, error) {
	// Opened without O_NONBLOCK, a pipe that nobody writes to would block here for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder, wanted a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is a pipe or a device, wanted a plain file", path)
	case info.Size() > limit:
		var first [64]byte
		n, _ := io.ReadFull(f, first[:])
		if kind := foreign(first[:n]); kind != "" {
			return nil, fmt.Errorf("%s: is %s", path, kind)
		}
		return nil, fmt.Errorf("%s: has %d bytes, wanted at most %d", path, info.Size(), limit)
	}
	if err := CheckMemory(info.Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
			return nil, fmt.Errorf("%s: became shorter than %d bytes while it was read", path, info.Size())
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// WriteFile writes a file under a temporary name in the same folder and renames it once the disk has it, so that nobody
// ever reads half of it and a failure leaves what was there before; only where the disk does not take the new name in the end
// the new file is there. Errors are those of write and of the system, without the path: the caller names it.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		var p *fs.PathError // names the temporary file
		if errors.As(err, &p) {
			err = p.Err
		}
		return FolderError{filepath.Dir(path), err}
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// CreateTemp lets only the owner read.
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// FolderError is a folder in which no file can be made.
type FolderError struct {
	Folder string
	Err    error // the system's
}

// Error is the second half of a sentence about the file.
func (e FolderError) Error() string {
	return fmt.Sprintf("no file can be made in the folder %q: %v", e.Folder, e.Err)
}

// Unwrap is Err.
func (e FolderError) Unwrap() error { return e.Err }

// SyncFolder waits until the disk has a folder's names, so that a rename in it survives a loss of power. Errors: those of the system; a folder
// that cannot be synced, as on some network drives, or may not be read is none.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// foreign says what a file of another kind is and what to do with it, "" if its first bytes say nothing.
func foreign(data []byte) string {
	const advice = "; import it first with `adain import`"
	for _, kind := range []struct{ magic, name string }{
		{"PK\x03\x04", "a zip archive, the form of a PyTorch file" + advice},
		{"PK\x05\x06", "an empty zip archive"},
		{"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch file of the older kind" + advice},
		{"\x80", "a pickle, perhaps a PyTorch file" + advice},
		{"\x89PNG", "a PNG picture; weights and style files end in .safetensors"},
		{"\xff\xd8\xff", "a JPEG picture; weights and style files end in .safetensors"},
		{"GIF8", "a GIF picture"},
		{"RIFF", "a RIFF file: a WebP picture, a sound or a film"},
		{"BM", "a BMP picture"},
		{"II*\x00", "a TIFF picture"},
		{"MM\x00*", "a TIFF picture"},
		{"\x1f\x8b", "a gzip archive; unpack it first"},
		{"\x89HDF", "an HDF5 file, which is not supported"},
		{"%PDF", "a PDF document"},
		{"version https://git-lfs", "a pointer of Git LFS; fetch the file itself with `git lfs pull`"},
		{"<!DOCTYPE", "a web page; the download went wrong"},
		{"<html", "a web page; the download went wrong"},
	} {
		if bytes.HasPrefix(data, []byte(kind.magic)) {
			return kind.name
		}
	}
	return ""
}
