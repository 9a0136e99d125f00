package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"adainfilter/model"
)

// Folder is a store in a folder that all machines see. It needs hard links, or else renames, that fail where a name is taken.
type Folder struct{ root string }

// NewFolder is the store in a folder, which is made when the first object is written.
func NewFolder(root string) *Folder { return &Folder{root} }

// Path is where an object lies.
func (f *Folder) Path(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

// String is the folder's path.
func (f *Folder) String() string { return f.root }

const partEnd = ".part"

// partBegin begins the names of the temporary files for a name. They stay below the 255 bytes that file systems allow.
func partBegin(name string) string {
	if len(name) > 200 {
		name = fmt.Sprintf("%s-%08x", strings.ToValidUTF8(name[:180], ""), crc32.ChecksumIEEE([]byte(name)))
	}
	return "." + name + "."
}

// List implements Store.
func (f *Folder) List(_ context.Context, prefix string) ([]Object, error) {
	var all []Object
	top := filepath.Dir(f.Path(prefix + "x"))
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // another has just removed it
			return nil
		}
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasSuffix(path, partEnd) {
			return fs.SkipDir
		}
		name, err := filepath.Rel(f.root, path)
		if err != nil || e.IsDir() || !strings.HasPrefix(filepath.ToSlash(name), prefix) || strings.HasSuffix(name, partEnd) {
			return err
		}
		if o, err := f.object(filepath.ToSlash(name)); err == nil {
			all = append(all, o)
		} else if !errors.Is(err, ErrMissing) {
			return err
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// Folder implements Store.
func (f *Folder) Folder(_ context.Context, name string) (objects []Object, folders []string, err error) {
	entries, err := os.ReadDir(f.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries {
		own := strings.TrimPrefix(name+"/"+e.Name(), "/")
		if e.IsDir() {
			folders = append(folders, own)
		} else if o, err := f.object(own); err == nil {
			objects = append(objects, o)
		}
	}
	return objects, folders, err
}

// object describes a file. Its number is part of the version: whatever replaces it has another, even within one tick of the clock.
func (f *Folder) object(name string) (Object, error) {
	info, err := os.Stat(f.Path(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Object{}, fmt.Errorf("%q: %w", f.Path(name), ErrMissing)
	}
	if err != nil {
		return Object{}, err
	}
	var number uint64
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		number = s.Ino
	}
	return Object{name, info.Size(), fmt.Sprintf("%d %d %d", number, info.Size(), info.ModTime().UnixNano())}, nil
}

// Stat implements Store.
func (f *Folder) Stat(_ context.Context, name string) (Object, error) { return f.object(name) }

// Get implements Store.
func (f *Folder) Get(_ context.Context, name string) ([]byte, error) {
	data, err := os.ReadFile(f.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q: %w", f.Path(name), ErrMissing)
	}
	return data, err
}

// Put implements Store.
func (f *Folder) Put(_ context.Context, name string, data []byte, fresh bool) error {
	return f.write(name, bytes.NewReader(data), fresh, true)
}

// Mark implements Store.
func (f *Folder) Mark(_ context.Context, name string, data []byte, fresh bool) error {
	return f.write(name, bytes.NewReader(data), fresh, false)
}

// write brings bytes into a file under a temporary name first. What is to last is on the disk then.
func (f *Folder) write(name string, r io.Reader, fresh, lasting bool) error {
	path := f.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), partBegin(filepath.Base(path))+"*"+partEnd)
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = io.Copy(part, r)
	err = errors.Join(err, part.Chmod(0o666&^umask))
	if lasting {
		err = errors.Join(err, part.Sync())
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	if fresh {
		err = f.claim(part.Name(), name)
	} else {
		err = os.Rename(part.Name(), path)
	}
	if err != nil || !lasting {
		return err
	}
	return model.SyncFolder(filepath.Dir(path))
}

// umask is that of the process: temporary files are made for their owner alone.
var umask = func() os.FileMode {
	m := syscall.Umask(0)
	syscall.Umask(m)
	return os.FileMode(m)
}()

// hardLink is os.Link. Tests have file systems without.
var hardLink = os.Link

// errNoLinks says that a file system has no hard links, as those of cameras and some network drives.
var errNoLinks = errors.New("the file system has no hard links")

// link gives a file a second name, if that is free.
func (f *Folder) link(from, name string) error {
	err := hardLink(from, f.Path(name))
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%q: %w", f.Path(name), ErrExists)
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS):
		return fmt.Errorf("%w (%w)", errNoLinks, err)
	}
	return err
}

// claim gives a temporary file its name, if that is free.
func (f *Folder) claim(from, name string) error {
	err := f.link(from, name)
	if !errors.Is(err, errNoLinks) {
		return err
	}
	err = unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, f.Path(name), unix.RENAME_NOREPLACE)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%q: %w", f.Path(name), ErrExists)
	}
	if err != nil {
		err = fmt.Errorf("%q: its file system has neither hard links nor renames that fail where a name is taken: %w", f.Path(name), err)
	}
	return err
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, o Object, offset, length int64) (io.ReadCloser, error) {
	file, err := os.Open(f.Path(o.Name))
	if err != nil {
		return nil, err
	}
	if now, err := f.object(o.Name); err != nil || now.Version != o.Version {
		file.Close()
		return nil, fmt.Errorf("%q has changed while it was read", f.Path(o.Name))
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, offset, length), file}, nil
}

// Upload implements Store. A file of the same file system gets a second name instead of a copy.
func (f *Folder) Upload(_ context.Context, path, name string, fresh bool) error {
	if err := os.MkdirAll(filepath.Dir(f.Path(name)), 0o777); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if !fresh {
		return f.replace(path, name, file)
	}
	if err = f.link(path, name); err == nil {
		return model.SyncFolder(filepath.Dir(f.Path(name)))
	}
	if !errors.Is(err, ErrExists) {
		err = f.write(name, file, true, true)
	}
	if errors.Is(err, ErrExists) && sameBytes(path, f.Path(name)) {
		return nil
	}
	return err
}

// replace is Upload in the place of what is there.
func (f *Folder) replace(path, name string, file *os.File) error {
	second := filepath.Join(filepath.Dir(f.Path(name)), fmt.Sprintf("%s%d%s", partBegin(filepath.Base(name)), os.Getpid(), partEnd))
	if hardLink(path, second) != nil {
		return f.write(name, file, false, true)
	}
	defer os.Remove(second) // which a rename leaves where both are names of one file
	if err := os.Rename(second, f.Path(name)); err != nil {
		return err
	}
	return model.SyncFolder(filepath.Dir(f.Path(name)))
}

func sameBytes(a, b string) bool {
	x, errX := fileSum(a)
	y, errY := fileSum(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Download implements Store, by a second name where that is possible.
func (f *Folder) Download(ctx context.Context, o Object, path string) error {
	if hardLink(f.Path(o.Name), path) == nil {
		return nil
	}
	r, err := f.Open(ctx, o, 0, o.Size)
	if err != nil {
		return err
	}
	defer r.Close()
	return writeFile(path, r, o.Size)
}

// Remove implements Store.
func (f *Folder) Remove(_ context.Context, names ...string) error {
	var all error
	for _, name := range names {
		if err := os.Remove(f.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// Scratch is where a process may keep files until Abandoned: on the same disk, so that Upload need not copy.
func (f *Folder) Scratch(prefix, process string) string { return f.Path(prefix + process + partEnd) }

// Sweep removes the Scratch of processes that have gone.
func (f *Folder) Sweep(prefix string, gone func(process string) bool) {
	dir := f.Path(strings.TrimSuffix(prefix, "/"))
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if process, ok := strings.CutSuffix(e.Name(), partEnd); ok && e.IsDir() && gone(process) {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}

// Abandoned implements Store: temporary files of processes that were killed, and folders that are empty then.
func (f *Folder) Abandoned(_ context.Context, prefix string) error {
	if !strings.HasSuffix(prefix, "/") && prefix != "" {
		return f.abandonedOf(prefix)
	}
	top := f.Path(strings.TrimSuffix(prefix, "/"))
	var folders []string
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir() && strings.HasSuffix(path, partEnd):
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		case e.IsDir():
			folders = append(folders, path)
		case strings.HasSuffix(path, partEnd):
			return os.Remove(path)
		}
		return nil
	})
	for _, path := range slices.Backward(folders) {
		os.Remove(path) // fails where something is left
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// abandonedOf removes the temporary files of one object.
func (f *Folder) abandonedOf(name string) error {
	dir, begin := filepath.Dir(f.Path(name)), partBegin(filepath.Base(name))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() && strings.HasPrefix(e.Name(), begin) && strings.HasSuffix(e.Name(), partEnd) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// Source implements Store.
func (f *Folder) Source(ctx context.Context, name string) (*Remote, error) {
	o, err := f.object(name)
	if err != nil {
		return nil, err
	}
	return newRemote(f.Path(name), o, true, func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		return f.Open(ctx, o, offset, length)
	}), nil
}

// writeFile writes so many bytes into a new file.
func writeFile(path string, r io.Reader, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, r)
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes came, wanted %d", n, size)
	}
	return errors.Join(err, file.Close())
}
