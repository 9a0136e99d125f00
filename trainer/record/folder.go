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
	LogFile        = "log.jsonl"
	PlotFile       = "loss.png"
	CardFile       = "card.md"
)

// Folder is the folder of one run. No other process can open it before Close.
type Folder struct {
	path string
	log  *os.File
}

// Open makes the folder of a new run, or with resume opens that of an old one. Errors: a run in it without resume, none in it
// with resume, a folder that cannot be written to, a folder that another process has open.
func Open(path string, resume bool) (*Folder, error) {
	f := &Folder{path: path}
	for _, name := range []string{CheckpointFile, WeightsFile} {
		_, err := os.Stat(f.Path(name))
		switch {
		case err == nil && !resume:
			return nil, fmt.Errorf("folder %q holds a run already (%s): go on with it by --resume, or name another folder", path, name)
		case err != nil && resume && name == CheckpointFile:
			return nil, fmt.Errorf("there is nothing to resume in %q: %w", path, err)
		}
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
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
	if err := f.tidy(); err != nil {
		log.Close()
		return nil, err
	}
	return f, nil
}

// tidy removes the temporary files of a run that was killed while it wrote.
func (f *Folder) tidy() error {
	for _, name := range []string{CheckpointFile, WeightsFile, PlotFile, CardFile, "samples-*.png"} {
		left, err := filepath.Glob(filepath.Join(escape(f.path), "."+name+".*"))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("file of a run that was killed: %w", err)
			}
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
func (f *Folder) Close() error { return f.log.Close() }

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
