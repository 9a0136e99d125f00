package transcode

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// folder is the hidden folder of a film's intermediate results, locked: by one run, or by any number of shards with different
// indices. The system drops locks when a process ends, however it ends.
type folder struct {
	path  string
	lock  *os.File
	shard *os.File // nil without a shard
}

// folderOf is the path of the folder for an output.
func folderOf(out string) string {
	dir, name := filepath.Split(out)
	// With the dot and the end the name must stay below the 255 bytes that file systems allow.
	if len(name) > 200 {
		name = fmt.Sprintf("%.180s-%08x", name, crc32.ChecksumIEEE([]byte(name)))
	}
	return filepath.Join(dir, "."+name+".adain")
}

// openFolder makes the folder and locks it. Errors: another run has it, it cannot be made.
func openFolder(out string, shard Shard) (*folder, error) {
	f := &folder{path: folderOf(out)}
	for {
		if err := os.MkdirAll(f.path, 0o777); err != nil {
			return nil, fmt.Errorf("folder for unfinished work: %w", err)
		}
		how := syscall.LOCK_EX
		if shard.Count > 0 {
			how = syscall.LOCK_SH
		}
		var err error
		if f.lock, err = lockFile(filepath.Join(f.path, "lock"), how); errors.Is(err, fs.ErrNotExist) {
			continue // another run has just finished and removed the folder
		} else if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another run is at work on %q, it holds %q", out, filepath.Join(f.path, "lock"))
		} else if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		if f.current() {
			break
		}
		f.lock.Close()
	}
	if shard.Count == 0 {
		return f, nil
	}
	name := filepath.Join(f.path, fmt.Sprintf("shard-%d-of-%d", shard.Index, shard.Count))
	var err error
	if f.shard, err = lockFile(name, syscall.LOCK_EX); err != nil {
		f.close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another run is at work on shard %v of %q, it holds %q", shard, out, name)
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

func lockFile(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// current says whether the locked file is still the one that the next run will find.
func (f *folder) current() bool {
	mine, err := f.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.lock.Name())
	return err == nil && os.SameFile(mine, there)
}

// alone says whether no other process has the folder, and keeps others out from now on.
func (f *folder) alone() bool {
	return syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// share lets other shards in again.
func (f *folder) share() error { return syscall.Flock(int(f.lock.Fd()), syscall.LOCK_SH) }

// file is the path of a file in the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// empty removes all but the locks.
func (f *folder) empty() error {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if f.lock != nil && e.Name() == "lock" || f.shard != nil && e.Name() == filepath.Base(f.shard.Name()) {
			continue
		}
		if err := os.RemoveAll(f.file(e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the folder; the lock file goes last, so that whoever waits for it makes a new folder.
func (f *folder) remove() error {
	if err := f.empty(); err != nil {
		return err
	}
	return os.RemoveAll(f.path)
}

func (f *folder) close() {
	if f.shard != nil {
		f.shard.Close()
	}
	f.lock.Close()
}

// syncFolder makes a rename in a folder survive a loss of power.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil // some network drives have no such thing
}
