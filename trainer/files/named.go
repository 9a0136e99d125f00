package files

import (
	"os"
	"path/filepath"
	"strings"
)

// File is one file that the user named, directly or by its folder.
type File struct {
	Path string
	Base string // path below the named folder, or the file's name, without its end: what results are named after
}

// Named replaces folders by the files that Below finds in and below them; other names stay as they are, even if nothing is there. A
// folder without such files is an error.
func Named(names, ends []string) ([]File, error) {
	var found []File
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			found = append(found, File{name, withoutEnd(filepath.Base(name))})
			continue
		}
		below, err := Below(name, ends)
		if err != nil {
			return nil, err
		}
		for _, path := range below {
			found = append(found, File{filepath.Join(name, path), withoutEnd(path)})
		}
	}
	return found, nil
}

func withoutEnd(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }
