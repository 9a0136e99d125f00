package transcode

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"adainfilter/trainer/film/stills"
)

// folder is where a process keeps what it makes of a film.
type folder struct{ path string }

// file is the path of a file in it.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// job is one input on its way to its output.
type job struct {
	options *Options
	number  int
	input   Input
	path    string
	base    string // where the output is made, without its end
	target  string // where it belongs, in a folder; "" in a bucket
	begun   time.Time
	folder  *folder
	clean   string // a transport stream that was mended
	copied  string // of a film that lies elsewhere, "" where there is none
	plan    *plan

	unreadable bool // prepare has failed because of the film, so that all shards will

	lock     sync.Mutex
	warnings []string
	coded    int // frames of this run
	result   Result
}

// guess lists the ends that the output's name may have, without looking into the film.
func (j *job) guess() []string {
	o := j.options
	if o.Container != "" {
		return []string{j.endOf(o.Container)}
	}
	own := strings.TrimPrefix(strings.ToLower(filepath.Ext(j.path)), ".")
	switch {
	case own == "m4v":
		own = "mp4"
	case j.input.Numbers != nil && (own == "tif" || own == "tiff"):
		own = stills.TIFF
	case j.input.Numbers != nil:
		own = stills.PNG
	case own == "png":
		own = stills.APNG
	}
	c := findCodec(o.Codec)
	if c == nil && o.Codec != sourceCodec {
		c = codecWith(o.Codec)
	}
	_, picture := pictureKinds[own]
	switch {
	case picture && (c == nil || c.fits(own)):
		return []string{j.endOf(own)}
	case o.Codec == sourceCodec && muxers[own] != "":
		return []string{"." + own}
	case o.Codec == sourceCodec:
		return nil
	case c == nil:
		c = findCodec("h264")
	}
	if c.fits(own) {
		return []string{"." + own, ".mkv"}
	}
	return []string{"." + c.containers[0], ".mkv"}
}

// readable reports an input at which there can be no film.
func (j *job) readable() error {
	if j.input.Numbers != nil {
		_, err := stills.OpenSequence(*j.input.Numbers)
		return err
	}
	if j.input.Remote != nil { // OpenSource has looked
		return nil
	}
	return readable(j.path)
}

// isResult says whether what lies at a path may be a result whose name has an end: a file, or without an end a folder with something in it.
func isResult(path, end string) bool {
	if end == "" {
		entries, err := os.ReadDir(path)
		return err == nil && len(entries) > 0
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// stamp tells two states of the input apart.
func (j *job) stamp() (string, error) {
	if j.input.Numbers != nil {
		return picturesStamp(*j.input.Numbers)
	}
	if j.input.Remote != nil {
		return j.input.Remote.Stamp(), nil
	}
	return inputStamp(j.path)
}

// warn notes once what is lost.
func (j *job) warn(text string) {
	j.lock.Lock()
	known := slices.Contains(j.warnings, text)
	if !known {
		j.warnings = append(j.warnings, text)
	}
	j.lock.Unlock()
	if !known {
		j.options.Watch.Warn(j.path, text)
	}
}

// end notes what became of the film.
func (j *job) end(status Status, err error) {
	j.lock.Lock()
	r := &j.result
	r.Input, r.Status, r.Warnings, r.Coded = j.path, status, j.warnings, j.coded
	r.Seconds = time.Since(j.begun).Seconds()
	if j.plan != nil && status != Skipped {
		r.Segments = len(j.plan.Segments)
		r.Encoder = j.plan.Encoder.name()
		r.Tracks = j.plan.Tracks
	}
	if err = j.explain(err); err != nil {
		r.Err, r.Error = fmt.Errorf("%q: %w", j.path, err), err.Error()
	}
	j.lock.Unlock()
	j.options.Watch.End(*r)
}

// look makes a plan for what is in the film.
func (j *job) look(ctx context.Context, identity, stamp string) (*plan, error) {
	pictures, err := j.input.openPictures()
	if err != nil {
		return nil, err
	}
	if pictures != nil {
		return j.options.makePlan(factsOf(pictures), j.path, identity, stamp)
	}
	mended, err := j.mend()
	if err != nil {
		return nil, err
	}
	facts, err := probeFile(ctx, j.source(mended))
	if err != nil {
		return nil, err
	}
	facts.Mended = mended
	facts.decodeFirst(ctx, j.source(mended))
	return j.options.makePlan(facts, j.path, identity, stamp)
}
