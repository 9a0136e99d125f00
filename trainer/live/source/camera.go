package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Where cameras are found. Tests have their own.
var (
	devices = "/dev"
	classes = "/sys/class/video4linux"
)

// found is a camera that this machine has.
type found struct{ path, name string }

// cameras are in the order of their numbers. Of several devices of one camera only the first gives pictures.
func cameras() []found {
	var all []found
	for n := range 64 {
		base := fmt.Sprintf("video%d", n)
		path := filepath.Join(devices, base)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		index, _ := os.ReadFile(filepath.Join(classes, base, "index"))
		if i := strings.TrimSpace(string(index)); i != "" && i != "0" {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(classes, base, "name"))
		all = append(all, found{path, strings.TrimSpace(string(name))})
	}
	return all
}

func webcam() (*Source, error) {
	all := cameras()
	if len(all) == 0 {
		return nil, errors.New("source webcam: there is no camera, no /dev/video*; --source takes a film too, or test")
	}
	return camera(all[0].path, all[0].path), nil
}

// named is the camera whose name holds s, in large or small letters.
func named(s string) (*Source, error) {
	var fit, names []string
	all := cameras()
	for _, d := range all {
		names = append(names, fmt.Sprintf("%s (%s)", d.name, d.path))
		if d.name != "" && strings.Contains(strings.ToLower(d.name), strings.ToLower(s)) {
			fit = append(fit, d.path)
		}
	}
	switch {
	case len(fit) == 1:
		return camera(fit[0], s), nil
	case len(all) == 0:
		return nil, fmt.Errorf("source %q: there is no file and no camera of that name; look at how it is written, this machine has no camera", s)
	case len(fit) == 0:
		return nil, fmt.Errorf("source %q: there is no file and no camera of that name; cameras: %s", s, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("source %q: %d cameras have that in their name, wanted one of %s", s, len(fit), strings.Join(fit, ", "))
}

// device is the camera of a device file. Another device would never give a picture.
func device(path string) (*Source, error) {
	at, err := filepath.EvalSymlinks(path) // names in /dev/v4l
	if err == nil {
		_, err = os.Stat(filepath.Join(classes, filepath.Base(at)))
	}
	if err != nil {
		return nil, fmt.Errorf("source %q is a device, and no camera; wanted one like /dev/video0, or a film", path)
	}
	return camera(path, path), nil
}

func camera(path, name string) *Source {
	return &Source{Name: name, Title: name, line: "v4l2src name=source" + decoded, property: "device", value: path}
}
