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

	"adainfilter/trainer/film/stills"
)

// job is one input on its way to its output.
type job struct {
	options *Options
	number  int
	input   Input
	path    string
	base    string // of the output, without its end
	begun   time.Time
	folder  *folder
	clean   string // a transport stream that was mended
	copied  string // of a film that lies elsewhere, "" where there is none
	plan    *plan

	unreadable bool // prepare has failed because of the film, so that all shards will

	lock     sync.Mutex
	warnings []string
	left     int // segments that this run still has to make
	coded    int // frames of this run
	failure  error
	result   Result
}

var errSkipped = errors.New("finished before")

// prepare locks the film's folder and finds out what is left to do: numbers of segments. errSkipped says that there is nothing.
func (j *job) prepare(ctx context.Context) (segments []int, err error) {
	j.begun = time.Now()
	if n := j.input.Numbers; n != nil {
		if same, err := sameFile(j.base, filepath.Dir(n.Pattern)); err != nil || same {
			return nil, errors.Join(err, fmt.Errorf("the output %q would take the pictures' place", j.base))
		}
	}
	if j.finished(j.guess()) {
		j.tidy()
		return nil, errSkipped
	}
	if err := j.readable(); err != nil {
		j.unreadable = true
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(j.base), 0o777); err != nil {
		return nil, fmt.Errorf("folder for the result: %w", err)
	}
	waits := func() { j.options.Watch.Warn(j.path, "shards are at work on it, the join waits for them") }
	if j.folder, err = openFolder(ctx, j.base, j.options.Shard, j.options.Join, waits); err != nil {
		return nil, err
	}
	if j.finished(j.guess()) { // by the one who was waited for
		if j.options.Shard.Count > 0 && j.folder.alone() {
			j.folder.remove()
		}
		return nil, errSkipped
	}
	if err := j.decide(ctx); err != nil {
		return nil, err
	}
	if err := j.folder.enter(); err != nil {
		return nil, err
	}
	if err := j.mendAgain(); err != nil {
		return nil, err
	}
	for _, w := range j.plan.Warnings {
		j.warn(w)
	}
	if losses := j.plan.Losses; j.options.Strict && len(losses) > 0 {
		return nil, fmt.Errorf("the result would lack something, and --strict was given: %s", strings.Join(losses, "; "))
	}
	if j.finished([]string{j.plan.End}) {
		return nil, errSkipped
	}
	if isFolder(j.plan.Muxer) {
		if err := j.roomFor(j.base); err != nil {
			return nil, err
		}
	}
	frames := 0
	for i, s := range j.plan.Segments {
		if !j.has(i) && j.options.Shard.has(j.number, i) && !j.options.Join {
			segments = append(segments, i)
			frames += s.Frames
		}
	}
	j.left = len(segments)
	j.options.Watch.Begin(j.path, frames)
	return segments, nil
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

// isResult says whether what lies at a path is a result of this program: a file, or a folder with something in it.
func isResult(info os.FileInfo, path string) bool {
	if !info.IsDir() {
		return info.Mode().IsRegular()
	}
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) > 0
}

// finished says whether the output is there and may stay.
func (j *job) finished(ends []string) bool {
	for _, end := range ends {
		if info, err := os.Stat(j.base + end); err == nil && info.IsDir() == (end == "") && isResult(info, j.base+end) && !j.options.Overwrite {
			j.result.Output = j.base + end
			return true
		}
	}
	return false
}

// tidy removes the folder that a run has left which ended between the renaming of its output and the removal. What is newer
// than the output is on its way to take its place.
func (j *job) tidy() {
	out, err := os.Stat(j.result.Output)
	if err != nil {
		return
	}
	if _, err := os.Stat(folderOf(j.base)); err != nil {
		return
	}
	plan, err := os.Stat(filepath.Join(folderOf(j.base), planName))
	if err == nil && plan.ModTime().After(out.ModTime()) {
		return
	}
	if folder, err := openFolder(context.Background(), j.base, Shard{}, false, nil); err == nil {
		folder.remove()
		folder.close()
	}
}

// has says whether a segment is finished.
func (j *job) has(segment int) bool {
	info, err := os.Stat(j.folder.file(segmentName(segment)))
	return err == nil && info.Mode().IsRegular()
}

// anySegment says whether the film's folder has a finished segment, whatever plan it belongs to.
func (j *job) anySegment() bool {
	entries, _ := os.ReadDir(j.folder.path)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".segment") })
}

// missing lists the segments that are not finished.
func (j *job) missing() (names []string) {
	shards := j.shards()
	for i, s := range j.plan.Segments {
		if j.has(i) {
			continue
		}
		name := fmt.Sprintf("%d of %d (from %v", i+1, len(j.plan.Segments), s.Begin.Round(time.Millisecond))
		if shards > 0 {
			name += fmt.Sprintf(", shard %d/%d", (j.number+i)%shards, shards)
		}
		names = append(names, name+")")
	}
	return names
}

// shards is how many shards work on the film, 0 where that is not known.
func (j *job) shards() int {
	entries, _ := os.ReadDir(j.folder.path)
	for _, e := range entries {
		var i, n int
		if _, err := fmt.Sscanf(e.Name(), "shard-%d-of-%d", &i, &n); err == nil {
			return n
		}
	}
	return 0
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

// end notes what became of the film and lets others have its folder.
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
	if j.folder != nil {
		if j.options.Shard.Count == 0 && (status == Skipped || status == Failed && !j.anyFinished()) {
			j.folder.remove()
		}
		j.folder.close()
	}
	j.options.Watch.End(*r)
}

// anyFinished says whether there are segments that a later run may go on with: also of shards whose plan this run could not use.
func (j *job) anyFinished() bool {
	entries, err := os.ReadDir(j.folder.path)
	return err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), segmentEnd) })
}
