package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// film is one input on its way to its output.
type film struct {
	options *Options
	number  int
	path    string
	base    string // of the output, without its end
	begun   time.Time
	folder  *folder
	plan    *plan

	lock     sync.Mutex
	warnings []string
	left     int // segments that this run still has to make
	coded    int // frames of this run
	failure  error
	result   Result
}

var errSkipped = errors.New("finished before")

// prepare locks the film's folder and finds out what is left to do: numbers of segments. errSkipped says that there is nothing.
func (f *film) prepare(ctx context.Context) (segments []int, err error) {
	f.begun = time.Now()
	if f.finished(f.guess()) {
		f.tidy()
		return nil, errSkipped
	}
	if err := readable(f.path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(f.base), 0o777); err != nil {
		return nil, fmt.Errorf("folder for the result: %w", err)
	}
	if f.folder, err = openFolder(f.base, f.options.Shard); err != nil {
		return nil, err
	}
	if err := f.decide(ctx); err != nil {
		return nil, err
	}
	for _, w := range f.plan.Warnings {
		f.warn(w)
	}
	if f.finished([]string{f.plan.End}) {
		return nil, errSkipped
	}
	frames := 0
	for i, s := range f.plan.Segments {
		if !f.has(i) && f.options.Shard.has(f.number, i) && !f.options.Join {
			segments = append(segments, i)
			frames += s.Frames
		}
	}
	f.left = len(segments)
	f.options.Watch.Begin(f.path, frames)
	return segments, nil
}

// guess lists the ends that the output's name may have, without looking into the film.
func (f *film) guess() []string {
	o := f.options
	if o.Container != "" {
		return []string{"." + o.Container}
	}
	own := strings.TrimPrefix(strings.ToLower(filepath.Ext(f.path)), ".")
	if own == "m4v" {
		own = "mp4"
	}
	c := findCodec(o.Codec)
	switch {
	case c == nil && muxers[own] != "":
		return []string{"." + own}
	case c == nil:
		return nil
	case c.fits(own):
		return []string{"." + own}
	}
	return []string{"." + c.containers[0], ".mkv"}
}

// finished says whether the output is there and may stay.
func (f *film) finished(ends []string) bool {
	for _, end := range ends {
		if info, err := os.Stat(f.base + end); err == nil && info.Mode().IsRegular() && !f.options.Overwrite {
			f.result.Output = f.base + end
			return true
		}
	}
	return false
}

// tidy removes the folder that a run has left which ended between the renaming of its output and the removal. What is newer
// than the output is on its way to take its place.
func (f *film) tidy() {
	out, err := os.Stat(f.result.Output)
	if err != nil {
		return
	}
	if _, err := os.Stat(folderOf(f.base)); err != nil {
		return
	}
	plan, err := os.Stat(filepath.Join(folderOf(f.base), planName))
	if err == nil && plan.ModTime().After(out.ModTime()) {
		return
	}
	if folder, err := openFolder(f.base, Shard{}); err == nil {
		folder.remove()
		folder.close()
	}
}

// decide reads the plan of an earlier run or of another shard, or makes one. A plan for something else is thrown away with
// its segments.
func (f *film) decide(ctx context.Context) error {
	path := f.folder.file(planName)
	held, err := readPlan(path)
	if err != nil {
		return err
	}
	stamp, err := inputStamp(f.path)
	if err != nil {
		return err
	}
	if f.options.Join {
		switch {
		case held == nil:
			return errors.New("no shard has begun it")
		case held.Input != stamp:
			return errors.New("it has changed since the shards began")
		}
		f.plan = held
		return nil
	}
	identity, err := f.options.identity(f.path)
	if err != nil {
		return err
	}
	if held != nil && held.Identity == identity {
		f.plan = held
		return nil
	}
	lost := 0
	for i := 0; held != nil && i < len(held.Segments); i++ {
		if f.has(i) {
			lost++
		}
	}
	if err := f.clear(); err != nil {
		return err
	}
	if lost > 0 {
		f.warn(fmt.Sprintf("it was begun with other options or files, %s of that thrown away", plural(lost, "segment is", "segments are")))
	}
	facts, err := probeFile(ctx, f.path)
	if err != nil {
		return err
	}
	made, err := f.options.makePlan(facts, f.path, identity, stamp)
	if err != nil {
		return err
	}
	if f.plan, err = made.write(path, f.options.Shard.Count > 0); err != nil {
		return err
	}
	if f.plan.Identity != identity {
		return fmt.Errorf("another shard has begun it with other options (%q)", path)
	}
	return nil
}

// clear throws away what a run with other options has left.
func (f *film) clear() error {
	entries, err := os.ReadDir(f.folder.path)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == planName }) && f.options.Shard.Count > 0 {
		return nil
	}
	if !f.folder.alone() {
		return fmt.Errorf("other shards are at work on it with other options, in %q", f.folder.path)
	}
	if err := f.folder.empty(); err != nil {
		return err
	}
	if f.options.Shard.Count > 0 {
		return f.folder.share()
	}
	return nil
}

// has says whether a segment is finished.
func (f *film) has(segment int) bool {
	info, err := os.Stat(f.folder.file(segmentName(segment)))
	return err == nil && info.Mode().IsRegular()
}

// missing lists the segments that are not finished.
func (f *film) missing() (names []string) {
	shards := f.shards()
	for i, s := range f.plan.Segments {
		if f.has(i) {
			continue
		}
		name := fmt.Sprintf("%d of %d (from %v", i+1, len(f.plan.Segments), s.Begin.Round(time.Millisecond))
		if shards > 0 {
			name += fmt.Sprintf(", shard %d/%d", (f.number+i)%shards, shards)
		}
		names = append(names, name+")")
	}
	return names
}

// shards is how many shards work on the film, 0 where that is not known.
func (f *film) shards() int {
	entries, _ := os.ReadDir(f.folder.path)
	for _, e := range entries {
		var i, n int
		if _, err := fmt.Sscanf(e.Name(), "shard-%d-of-%d", &i, &n); err == nil {
			return n
		}
	}
	return 0
}

// warn notes once what is lost.
func (f *film) warn(text string) {
	f.lock.Lock()
	known := slices.Contains(f.warnings, text)
	if !known {
		f.warnings = append(f.warnings, text)
	}
	f.lock.Unlock()
	if !known {
		f.options.Watch.Warn(f.path, text)
	}
}

// end notes what became of the film and lets others have its folder.
func (f *film) end(status Status, err error) {
	f.lock.Lock()
	r := &f.result
	r.Input, r.Status, r.Warnings, r.Coded = f.path, status, f.warnings, f.coded
	r.Seconds = time.Since(f.begun).Seconds()
	if f.plan != nil && status != Skipped {
		r.Segments = len(f.plan.Segments)
		r.Encoder = encoderName(f.plan.Encoder)
	}
	if err != nil {
		r.Err, r.Error = fmt.Errorf("%q: %w", f.path, err), err.Error()
	}
	f.lock.Unlock()
	if f.folder != nil {
		if f.options.Shard.Count == 0 && (status == Skipped || status == Failed && !f.anyFinished()) {
			f.folder.remove()
		}
		f.folder.close()
	}
	f.options.Watch.End(*r)
}

// anyFinished says whether a later run can go on with something.
func (f *film) anyFinished() bool {
	return f.plan != nil && len(f.missing()) < len(f.plan.Segments)
}

// encoderName is the encoder's element in a pipeline's text: the last but for parser and caps.
func encoderName(text string) string {
	for _, c := range codecs {
		for _, e := range c.encoders {
			name, _, _ := strings.Cut(e.text, " ")
			if strings.Contains(text, "! "+name+" ") {
				return name
			}
		}
	}
	return ""
}
