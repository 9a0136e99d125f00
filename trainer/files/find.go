// Package files finds the files that a user names, directly or by their folder.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"adainfilter/picture/archive"
)

// Below lists the files in and below a folder whose name has one of the ends in any case, as paths below it, in lexical order
// folder by folder. Hidden files and folders are passed over. Links to folders are followed, and each folder is entered once.
// Errors: no folder, a folder that cannot be read, no such file.
func Below(folder string, ends []string) ([]string, error) {
	w := walk{root: folder, wanted: func(path string) (bool, error) { return hasEnd(path, ends), nil }}
	if err := w.begin(); err != nil {
		return nil, err
	}
	if len(w.found) == 0 {
		return nil, fmt.Errorf("folder %q holds no file whose name ends in %s", folder, strings.Join(ends, ", "))
	}
	return w.found, nil
}

func hasEnd(path string, ends []string) bool {
	return slices.Contains(ends, strings.ToLower(filepath.Ext(path)))
}

type walk struct {
	root     string
	archives bool // are entered as folders are
	wanted   func(path string) (bool, error)
	found    []string
	entered  []os.FileInfo
}

// begin goes through the root.
func (w *walk) begin() error {
	info, err := os.Stat(w.root)
	switch {
	case err != nil:
	case info.IsDir():
		return w.enter("", info)
	case w.archives && archive.Is(w.root):
		return w.unpack("")
	default:
		err = syscall.ENOTDIR
	}
	return unreadable(w.root, err)
}

func (w *walk) enter(below string, info os.FileInfo) error {
	if slices.ContainsFunc(w.entered, func(e os.FileInfo) bool { return os.SameFile(e, info) }) {
		return nil
	}
	w.entered = append(w.entered, info)
	folder := filepath.Join(w.root, below)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unreadable(folder, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(below, e.Name())
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(filepath.Join(w.root, path))
			if err == nil && info.IsDir() {
				if err := w.enter(path, info); err != nil {
					return err
				}
				continue
			}
			// A link to nothing is a file that cannot be opened: whoever reads it says so.
		}
		if w.archives && archive.Is(path) {
			err = w.unpack(path)
		} else {
			err = w.take(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unpack goes through an archive.
func (w *walk) unpack(below string) error {
	names, err := archive.List(filepath.Join(w.root, below))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.take(filepath.Join(below, name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) take(path string) error {
	wanted, err := w.wanted(path)
	if wanted && err == nil {
		w.found = append(w.found, path)
	}
	return err
}

func unreadable(folder string, err error) error {
	return fmt.Errorf("folder %q cannot be read: %w", folder, reason(err))
}

// reason drops operation and path from a file error, which the sentence around it already says.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
