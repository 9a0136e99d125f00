package transcode

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// folder is the hidden folder of a film's intermediate results, locked: by one run, or by any number of shards with different
// indices. The system drops locks when a process ends, however it ends.
//
// The locks are bytes of the file lock. Who opens the folder holds the gate until it has decided what is to be done: a shard that
// throws away what was made with other options does so while no other looks. Besides it holds work: shared by shards, exclusive for a run
// and, with the byte brief, for what is soon over: a join, and a shard that throws away.
type folder struct {
	path  string
	lock  *os.File
	shard *os.File // nil without a shard
}

// The bytes of the file lock.
const (
	workByte = iota
	gateByte
	briefByte
)

// Locks of the file's open description (OFD), which fcntl(2) has since Linux 3.15 and the package syscall does not name. Unlike those of
// flock(2) they go from shared to exclusive without a moment without either.
const (
	ofdGetLock = 36
	ofdSetLock = 37
)

// folderEnd is the end of its name.
const folderEnd = ".adain"

// folderOf is the path of the folder for an output.
func folderOf(out string) string {
	dir, name := filepath.Split(out)
	// With the dot and the end the name must stay below the 255 bytes that file systems allow.
	if len(name) > 200 {
		name = fmt.Sprintf("%.180s-%08x", name, crc32.ChecksumIEEE([]byte(name)))
	}
	return filepath.Join(dir, "."+name+folderEnd)
}

// errOccupied says that somebody else has the folder for long, errBusy that waiting is worth while.
var errOccupied, errBusy = errors.New("another run is at work"), errors.New("busy")

// onLock is told what locks are about to do. Tests bring runs into an order by it.
var onLock = func(event string) {}

// openFolder makes the folder and locks it, gate included: enter must follow. A shard waits for other shards that decide and for a join, a
// join for shards that are at work, after it has called waits. Errors: another run has it, ctx's, it cannot be made.
func openFolder(ctx context.Context, out string, shard Shard, join bool, waits func()) (*folder, error) {
	f := &folder{path: folderOf(out)}
	for told := false; ; {
		err := f.try(shard, join)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, fs.ErrNotExist): // another run has just finished and removed the folder
		case errors.Is(err, errOccupied):
			return nil, fmt.Errorf("%w on %q, it holds %q", err, out, filepath.Join(f.path, "lock"))
		case !errors.Is(err, errBusy):
			return nil, err
		case join && !told:
			told = true
			waits()
		}
		onLock("wait")
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// try takes all locks or none.
func (f *folder) try(shard Shard, join bool) (err error) {
	if err := os.MkdirAll(f.path, 0o777); err != nil {
		return fmt.Errorf("folder for unfinished work: %w", err)
	}
	if f.lock, err = os.OpenFile(filepath.Join(f.path, "lock"), os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer func() {
		if err != nil {
			f.close()
			f.shard = nil
		}
	}()
	if !f.current() {
		return fs.ErrNotExist
	}
	if err := setLock(f.lock, syscall.F_WRLCK, gateByte); errors.Is(err, errBusy) {
		return f.occupied(shard, join)
	} else if err != nil {
		return err
	}
	how := int16(syscall.F_WRLCK)
	if shard.Count > 0 {
		how = syscall.F_RDLCK
	}
	if err := setLock(f.lock, how, workByte); errors.Is(err, errBusy) {
		return f.occupied(shard, join)
	} else if err != nil {
		return err
	}
	if join {
		if err := setLock(f.lock, syscall.F_WRLCK, briefByte); err != nil {
			return err
		}
	}
	if shard.Count > 0 {
		if err := f.takeShard(shard); err != nil {
			return err
		}
	}
	if !f.current() {
		return fs.ErrNotExist
	}
	return nil
}

func (f *folder) takeShard(shard Shard) (err error) {
	name := filepath.Join(f.path, fmt.Sprintf("shard-%d-of-%d", shard.Index, shard.Count))
	if f.shard, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := setLock(f.shard, syscall.F_WRLCK, workByte); errors.Is(err, errBusy) {
		return fmt.Errorf("another run is at work on shard %v, it holds %q", shard, name)
	} else if err != nil {
		return err
	}
	return nil
}

// occupied says whether to wait for the one who is in the way.
func (f *folder) occupied(shard Shard, join bool) error {
	work, err := holder(f.lock, workByte)
	if err != nil {
		return err
	}
	brief, err := holder(f.lock, briefByte)
	switch {
	case err != nil:
		return err
	case work == syscall.F_UNLCK: // it comes or goes at this moment
		return errBusy
	case (join || shard.Count > 0) && (work == syscall.F_RDLCK || brief != syscall.F_UNLCK):
		return errBusy
	}
	return errOccupied
}

// setLock changes the lock of one byte without waiting. errBusy says that others are in the way; what was held before is then still held.
func setLock(file *os.File, how int16, at int64) error {
	err := syscall.FcntlFlock(file.Fd(), ofdSetLock, &syscall.Flock_t{Type: how, Whence: io.SeekStart, Start: at, Len: 1})
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES):
		return errBusy
	case err != nil:
		return fmt.Errorf("lock %q: %w", file.Name(), err)
	}
	return nil
}

// holder is the lock that others hold on a byte, F_UNLCK if none.
func holder(file *os.File, at int64) (int16, error) {
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: at, Len: 1}
	if err := syscall.FcntlFlock(file.Fd(), ofdGetLock, &l); err != nil {
		return 0, fmt.Errorf("lock %q: %w", file.Name(), err)
	}
	return l.Type, nil
}

// current says whether the lock file is still the one that the next run will find.
func (f *folder) current() bool {
	mine, err := f.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.lock.Name())
	return err == nil && os.SameFile(mine, there)
}

// enter opens the gate for others: what is to be done has been decided.
func (f *folder) enter() error { return setLock(f.lock, syscall.F_UNLCK, gateByte) }

// alone says whether no other process is at work, and keeps others out until share. The gate must be held.
func (f *folder) alone() bool {
	if f.shard == nil {
		return true
	}
	if setLock(f.lock, syscall.F_WRLCK, briefByte) != nil {
		return false
	}
	if setLock(f.lock, syscall.F_WRLCK, workByte) != nil {
		setLock(f.lock, syscall.F_UNLCK, briefByte)
		return false
	}
	return true
}

// share lets other shards in again.
func (f *folder) share() error {
	return errors.Join(setLock(f.lock, syscall.F_RDLCK, workByte), setLock(f.lock, syscall.F_UNLCK, briefByte))
}

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
