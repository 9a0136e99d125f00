// Package film reads films: which files are films, the GStreamer pipeline that a film passes, and its frames one by one.
//
// There is one wrapper of GStreamer's pipeline, Pipeline, for everything in the command that decodes, codes or plays. It differs from the
// binding's in three ways: a pipeline in which nothing moves any more ends with an error, what a message holds becomes one sentence,
// and samples are freed when they were read instead of when Go's garbage collector comes round to it.
package film

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/picture"
	"adainfilter/trainer/film/stills"
)

// Suffixes are the ends of names, in small letters, by which films are found in folders.
var Suffixes = []string{".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".ogv", ".flv", ".wmv",
	".3gp", ".mxf"}

// Init initialises GStreamer once for the process. Any thread may call it, any number of times.
var Init = sync.OnceFunc(func() { gst.Init(nil) })

// Check reports a path at which there can be no film: nothing, no regular file, or an empty one. Opening a pipe would wait for its
// other end. The error names the path.
func Check(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("film %q: %w", path, errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("film %q is a folder, a pipe or a device, wanted a file", path)
	case info.Size() == 0:
		return fmt.Errorf("film %q is empty", path)
	case IsStill(path):
		return fmt.Errorf("film %q is a picture; adain stylize is for pictures", path)
	}
	return nil
}

// IsStill says whether a file is a picture that does not move.
func IsStill(path string) bool {
	_, err := picture.Kind(path)
	return err == nil && stills.Kind(path) == ""
}
