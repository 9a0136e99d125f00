package main

import (
	"os"
	"path/filepath"
	"strings"

	"adainfilter/trainer/dataset"
)

// input is one file that the user named, directly or by its folder.
type input struct {
	path string
	base string // path below the named folder, or the file's name, without its end: what results are named after
}

var pictureEnds = dataset.PictureEnds

// findInputs replaces folders by the files that dataset.Find finds in and below them; other names stay as they are, even if
// nothing is there. A folder without such files is an error.
func findInputs(names []string, ends []string) ([]input, error) {
	var found []input
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			found = append(found, input{name, withoutEnd(filepath.Base(name))})
			continue
		}
		below, err := dataset.Find(name, ends)
		if err != nil {
			return nil, err
		}
		for _, path := range below {
			found = append(found, input{filepath.Join(name, path), withoutEnd(path)})
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
