package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"adainfilter/picture"
)

// AwayError says that pictures cannot be read for now, as while a network disk does not answer. Nothing is wrong with them as far as one
// knows: another loader may read them later.
type AwayError struct{ Err error } // of the first picture

// Error is a sentence that names a picture.
func (e AwayError) Error() string { return "pictures cannot be reached: " + e.Err.Error() }

// Unwrap is Err.
func (e AwayError) Unwrap() error { return e.Err }

// patience is how often a picture that the system cannot read is tried while others of its folder can be read.
const patience = 3

// failed takes a picture out that cannot be used. An AwayError leaves it in: it is the disk that fails.
func (f *Folder) failed(p *file, err error) error {
	f.mu.Lock()
	p.failures++
	failures := p.failures
	f.mu.Unlock()
	if errors.As(err, new(syscall.Errno)) {
		gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
		if !f.reachable(p) || !gone && failures < patience {
			return AwayError{err}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !p.broken {
		p.broken = true
		f.skipped = append(f.skipped, Skipped{p.path, err})
	}
	return errBroken
}

// reachable says whether any of a few other pictures can be opened; of a single one, whether its folder is there.
func (f *Folder) reachable(except *file) bool {
	if len(f.files) == 1 {
		_, err := os.Stat(f.name)
		return err == nil
	}
	const some = 8
	step := max(1, len(f.files)/some)
	for i := 0; i < len(f.files); i += step {
		other := &f.files[i]
		if other == except {
			other = &f.files[(i+1)%len(f.files)]
		}
		_, err := picture.Kind(other.path)
		if !errors.As(err, new(syscall.Errno)) {
			return true
		}
	}
	return false
}

// Reachable is an error that names the folder where its pictures cannot be read at all.
func (f *Folder) Reachable() error {
	if f.reachable(nil) {
		return nil
	}
	return fmt.Errorf("folder %q cannot be reached", f.name)
}
