// Package record is what a training run leaves behind: the files of its folder, each of them readable at any moment.
package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"adainfilter/model"
)

// Names of the files in a run's folder.
const (
	CheckpointFile = "checkpoint.safetensors"
	WeightsFile    = "weights.safetensors"
	BestFile       = "best.safetensors" // the weights with the best scores on pictures that are not trained on
	LogFile        = "log.jsonl"
	PlotFile       = "loss.png"
	CardFile       = "card.md"
)

// patterns are the names of all files that a run writes but the log.
var patterns = []string{CheckpointFile, WeightsFile, BestFile, PlotFile, CardFile, "samples-*.png", "checkpoint-*.safetensors",
	"weights-*.safetensors", eventsPrefix + "*"}

// Folder is the folder of one run. No other process can open it before Close.
type Folder struct {
	path   string
	log    *os.File
	events *events
	made   []string // folders that Open made, the deepest first
	old    bool     // files of another run are there, for Begin to remove
}

// Mode says which run a folder is opened for.
type Mode int

// Modes of Open.
const (
	New       Mode = iota // a run that begins; one in which no step was done gives way to it
	Resume                // a run that goes on
	Overwrite             // a run that begins; whichever was there gives way to it
)

// Open makes the folder of a new run, or opens that of an old one to go on with it. A run that gives way is there until Begin. Errors: a run
// in it in mode New, none in it in mode Resume, a folder that cannot be written to, a folder that another process has open.
func Open(path string, mode Mode) (*Folder, error) {
	f := &Folder{path: path}
	if _, err := os.Stat(f.Path(CheckpointFile)); err != nil && mode == Resume {
		return nil, fmt.Errorf("there is nothing to resume in %q: %w", path, err)
	}
	if err := f.make(); err != nil {
		return nil, fmt.Errorf("folder of the run: %w", err)
	}
	log, err := os.OpenFile(f.Path(LogFile), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("folder of the run cannot be written to: %w", err)
	}
	f.log = log
	// File systems that know no locks are no reason to refuse.
	if err := syscall.Flock(int(log.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		log.Close()
		return nil, fmt.Errorf("folder %q is in use by another training", path)
	}
	if err := f.prepare(mode); err != nil {
		log.Close()
		return nil, err
	}
	return f, nil
}

// make makes the folder and those above it.
func (f *Folder) make() error {
	for path := filepath.Clean(f.path); ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			break
		}
		f.made = append(f.made, path)
	}
	return os.MkdirAll(f.path, 0o777)
}

// prepare refuses a run that must not give way, and removes what a killed one left.
func (f *Folder) prepare(mode Mode) error {
	if mode == New {
		if err := f.begun(); err != nil {
			return err
		}
	}
	f.old = mode != Resume
	return f.tidy()
}

// Begin removes the run that was there before, if the folder was not opened to go on with it. To be called when nothing is left that may keep
// the new one from its first checkpoint.
func (f *Folder) Begin() error {
	if !f.old {
		return nil
	}
	f.old = false
	for _, pattern := range patterns {
		if err := f.remove(pattern); err != nil {
			return fmt.Errorf("file of the run before: %w", err)
		}
	}
	if err := f.log.Truncate(0); err != nil {
		return fmt.Errorf("log of the run before: %w", err)
	}
	return nil
}

// begun is an error where the folder holds a run of which something would be lost.
func (f *Folder) begun() error {
	for _, name := range []string{CheckpointFile, WeightsFile} {
		if _, err := os.Stat(f.Path(name)); err != nil {
			continue
		}
		if c, err := f.ReadCheckpoint(); err == nil && c.Steps == 0 {
			return nil
		}
		return fmt.Errorf("folder %q holds a run already (%s): go on with it by --resume, replace it by --overwrite, or name another folder", f.path, name)
	}
	return nil
}

func (f *Folder) remove(pattern string) error {
	found, err := filepath.Glob(filepath.Join(escape(f.path), pattern))
	for _, path := range found {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// Discard removes what Open made, for a run that ended before its first checkpoint; with one it removes nothing. The folder is closed.
func (f *Folder) Discard() {
	if _, err := os.Stat(f.Path(CheckpointFile)); err != nil {
		if info, err := f.log.Stat(); err == nil && info.Size() == 0 {
			os.Remove(f.Path(LogFile))
		}
		for _, path := range f.made {
			os.Remove(path) // fails where somebody else put something
		}
	}
	f.Close()
}

// tidy removes the temporary files of a run that was killed while it wrote.
func (f *Folder) tidy() error {
	for _, pattern := range patterns {
		if err := f.remove("." + pattern + ".*"); err != nil {
			return fmt.Errorf("file of a run that was killed: %w", err)
		}
	}
	return nil
}

// escape makes a path a pattern that matches only itself.
func escape(path string) string {
	var out []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, path[i])
	}
	return string(out)
}

// Path is where the file of a name lies.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Close lets others open the folder.
func (f *Folder) Close() error {
	err := f.log.Close()
	if f.events != nil {
		err = errors.Join(err, f.events.Close())
	}
	return err
}

// Write writes a file of the folder, whole or not at all.
func (f *Folder) Write(name string, write func(io.Writer) error) error {
	if err := model.WriteFile(f.Path(name), write); err != nil {
		return f.Explain(fmt.Errorf("%s cannot be written: %w", f.Path(name), err))
	}
	return nil
}

// Explain says in an error of writing into the folder that the disk is full, if it is.
func (f *Folder) Explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("the disk of %q has no room left: %w", f.path, err)
	}
	return err
}
