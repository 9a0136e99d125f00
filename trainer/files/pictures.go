package files

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"adainfilter/picture"
	"adainfilter/picture/archive"
)

// Pictures are the usual ends of pictures' names. A file that has one is meant as a picture even if it is none.
var Pictures = []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}

// Others counts files that are no pictures by what they are: "text", "a film".
type Others map[string]int

// String lists the kinds, the most frequent first: "3 text, 1 a film".
func (o Others) String() string {
	kinds := slices.Sorted(maps.Keys(o))
	slices.SortStableFunc(kinds, func(a, b string) int { return o[b] - o[a] })
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", o[kind], kind)
	}
	return strings.Join(kinds, ", ")
}

// FindPictures lists the pictures in and below a folder or in a .tar or .zip archive, which may also lie in the folder, as paths below it. Files
// are told by what they hold; one whose name ends like a picture's is listed in any case, for whoever reads it to say what is wrong
// with it. Order, links and hidden files are as for Below. others are the files passed over. Errors: neither folder nor archive, one that
// cannot be read, no picture.
func FindPictures(folder string) (names []string, others Others, err error) {
	others = Others{}
	w := walk{root: folder, archives: true, wanted: func(path string) (bool, error) {
		if hasEnd(path, Pictures) {
			return true, nil
		}
		_, err := picture.Kind(filepath.Join(folder, path))
		var other picture.NotPicture
		switch {
		case errors.As(err, &other):
			others[other.Found]++
		case err != nil:
			others["file that cannot be read"]++
		}
		return err == nil, nil
	}}
	if err := w.begin(); err != nil {
		return nil, others, err
	}
	if len(w.found) == 0 {
		found := "nothing"
		if len(others) > 0 {
			found = others.String()
		}
		return nil, others, fmt.Errorf("folder %q holds no picture: found %s", folder, found)
	}
	return w.found, others, nil
}

// NamedPictures replaces folders and archives by the pictures in them; other names stay as they are, even if nothing is there. With ends the
// files of folders whose names have one of them are taken too. A folder without such files is an error.
func NamedPictures(names []string, ends ...string) ([]File, error) {
	var found []File
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() && !archive.Is(name) {
			found = append(found, File{name, withoutEnd(filepath.Base(name))})
			continue
		}
		below, _, err := FindPictures(name)
		if len(ends) > 0 && info.IsDir() {
			more, none := Below(name, ends)
			if err != nil && none == nil {
				err = nil
			}
			below = slices.Concat(below, more)
			slices.Sort(below)
		}
		if err != nil {
			return nil, err
		}
		for _, path := range below {
			found = append(found, File{filepath.Join(name, path), withoutEnd(path)})
		}
	}
	return found, nil
}
