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
)

// Pictures are the ends of names by which pictures are found.
var Pictures = []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}

// Below lists the files in and below a folder whose name has one of the ends in any case, as paths below it, in lexical order
// folder by folder. Hidden files and folders are passed over. Links to folders are followed, and each folder is entered once.
// Errors: no folder, a folder that cannot be read, no such file.
func Below(folder string, ends []string) ([]string, error) {
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, unreadable(folder, err)
	}
	w := walk{root: folder, ends: ends}
	if err := w.enter("", info); err != nil {
		return nil, err
	}
	if len(w.found) == 0 {
		return nil, fmt.Errorf("folder %q holds no file whose name ends in %s", folder, strings.Join(ends, ", "))
	}
	return w.found, nil
}

type walk struct {
	root    string
	ends    []string
	found   []string
	entered []os.FileInfo
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
		if slices.Contains(w.ends, strings.ToLower(filepath.Ext(path))) {
			w.found = append(w.found, path)
		}
	}
	return nil
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
