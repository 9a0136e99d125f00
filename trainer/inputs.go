package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// input is one file that the user named, directly or by its folder.
type input struct {
	path string
	base string // path below the named folder, or the file's name, without its end: what results are named after
}

var pictureEnds = []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}

// findInputs replaces folders by the files in and below them whose name has one of the ends, sorted; other names stay as
// they are, even if nothing is there. Hidden files and folders are passed over. A folder without such files is an error.
func findInputs(names []string, ends []string) ([]input, error) {
	var found []input
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			found = append(found, input{name, withoutEnd(filepath.Base(name))})
			continue
		}
		before := len(found)
		err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path != name && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return filepath.SkipDir
				}
			case !d.IsDir() && slices.Contains(ends, strings.ToLower(filepath.Ext(path))):
				below, err := filepath.Rel(name, path)
				if err != nil {
					return err
				}
				found = append(found, input{path, withoutEnd(below)})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("folder %q cannot be read: %w", name, err)
		}
		if len(found) == before {
			return nil, fmt.Errorf("folder %q holds no file whose name ends in %s", name, strings.Join(ends, ", "))
		}
	}
	return found, nil
}

func withoutEnd(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }

// splitList splits at commas, except where a backslash stands before one. A list that is the name of a file is that file.
func splitList(list string) []string {
	if _, err := os.Stat(list); err == nil {
		return []string{list}
	}
	var items []string
	var item strings.Builder
	for i := 0; i < len(list); i++ {
		switch {
		case strings.HasPrefix(list[i:], `\,`):
			item.WriteByte(',')
			i++
		case list[i] == ',':
			items = append(items, item.String())
			item.Reset()
		default:
			item.WriteByte(list[i])
		}
	}
	return append(items, item.String())
}
