package transcode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"adainfilter/trainer/transcode/store"
)

// shared is a film that workers share. Its objects lie below a prefix beside the result: plan.json, a .segment for each that is finished,
// claims on the plan, on segments and on the join, and a .failed for each try that failed.
type shared struct {
	*worker
	job    *job
	name   string // of the result below the place, without its end
	prefix string // of the objects, with a slash at its end
	dir    string // of files of this process

	source  sync.Mutex // held while the film is copied
	loading sync.Mutex // and while the plan is read
	lock    sync.Mutex
	met     bool             // it was looked at before
	failed  map[string]error // what this worker has tried in vain, by task
	isOver  bool
	missing []string
}

const (
	workEnd    = "-work"
	failedMark = ".failed."
	planTask   = "plan"
	joinTask   = "join"
	// attempts is how many workers may fail at the same before a film is given up.
	attempts = 3
)

// prefixOf is where the objects of a result lie, beside it.
func prefixOf(name string) string { return filepath.ToSlash(folderOf(name)) + workEnd + "/" }

func newShared(w *worker, j *job) *shared {
	f := &shared{worker: w, job: j, name: filepath.ToSlash(j.base), failed: map[string]error{}}
	f.prefix = prefixOf(f.name)
	if local, ok := w.Store.(*store.Folder); ok {
		f.dir = local.Scratch(f.prefix, w.Claimer.Worker)
	} else {
		f.dir = filepath.Join(w.scratch, fmt.Sprint(j.number))
	}
	j.begun = time.Now()
	j.base = filepath.Join(f.dir, "result", filepath.Base(j.base))
	j.folder = &folder{path: filepath.Join(f.dir, "work")}
	return f
}

// segmentTask is a segment's name without its end: it is claimed and fails by this name.
func segmentTask(n int) string { return strings.TrimSuffix(segmentName(n), segmentEnd) }

// isSegmentTask says whether a name is one.
func isSegmentTask(name string) bool { return len(name) == 6 && strings.Trim(name, "0123456789") == "" }

// progress is what became of a look at a film.
type progress int

const (
	nothing progress = iota // others hold all that is left
	worked
	ended // nothing is left of it for this worker
)

func (f *shared) over() bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.isOver
}

// finish notes once what became of the film.
func (f *shared) finish(status Status, err error) {
	f.lock.Lock()
	was := f.isOver
	f.isOver = true
	f.lock.Unlock()
	if was {
		return
	}
	if status == Failed {
		f.Figures.Failures.Add(1)
	}
	f.job.folder = nil
	f.job.result.Missing = f.missing
	f.job.end(status, err)
	f.Forget(f.prefix)
	os.RemoveAll(f.dir)
	if _, local := f.Store.(*store.Folder); local {
		os.Remove(filepath.Dir(f.dir)) // fails where others still work
	}
}

// found notes a result that is there.
func (f *shared) found(end string) {
	f.job.result.Output = f.place(f.name + end)
	status := Skipped
	if f.job.coded > 0 || f.met {
		status = Done
	}
	f.finish(status, nil)
}

// place is an object's name for people.
func (f *shared) place(name string) string {
	if local, ok := f.Store.(*store.Folder); ok {
		return local.Path(name)
	}
	return f.Store.String() + name
}

// end is that of the result's name, "" before there is a plan.
func (f *shared) end() string {
	f.job.lock.Lock()
	defer f.job.lock.Unlock()
	if f.job.plan == nil {
		return ""
	}
	return f.job.plan.End
}

// ends are those that the name of the result may have.
func (f *shared) ends() []string {
	if end := f.end(); end != "" {
		return []string{end}
	}
	return f.job.guess()
}

func (f *shared) resultIn(there map[string]bool) (end string, ok bool) {
	for _, end := range f.ends() {
		if there[f.name+end] {
			return end, true
		}
	}
	return "", false
}

// result asks whether the result is there.
func (f *shared) result(ctx context.Context) (end string, ok bool, err error) {
	for _, end := range f.ends() {
		_, err := f.Store.Stat(ctx, f.name+end)
		if err == nil {
			return end, true, nil
		}
		if !errors.Is(err, store.ErrMissing) {
			return "", false, err
		}
	}
	return "", false, nil
}

// view is what one list of a film's objects tells.
type view struct {
	names      map[string]bool
	held, free map[string]int
}

func (f *shared) look(ctx context.Context) (*view, error) {
	objects, err := f.Store.List(ctx, f.prefix)
	if err != nil {
		return nil, err
	}
	v := &view{names: map[string]bool{}}
	for _, o := range objects {
		v.names[strings.TrimPrefix(o.Name, f.prefix)] = true
	}
	v.held, v.free = f.Held(objects)
	return v, nil
}

func (v *view) has(segment int) bool { return v.names[segmentName(segment)] }

// advance does one piece of the film's work, if there is one that nobody holds.
func (f *shared) advance(ctx context.Context) progress {
	if f.over() {
		return ended
	}
	p, err := f.try(ctx)
	switch {
	case ctx.Err() != nil:
		return nothing
	case err != nil:
		f.finish(Failed, err)
		return ended
	}
	return p
}

func (f *shared) try(ctx context.Context) (progress, error) {
	v, err := f.look(ctx)
	if err != nil {
		return nothing, err
	}
	if err := f.meet(ctx, v); err != nil {
		return nothing, err
	}
	if !v.names[planName] {
		return f.begin(ctx, v)
	}
	if ok, err := f.load(ctx); !ok {
		return nothing, err
	}
	if err := f.givenUp(ctx, v); err != nil {
		return nothing, err
	}
	if f.complete(v) {
		return f.join(ctx, v)
	}
	var open []int
	mine := 0
	for i := range f.job.plan.Segments {
		task := segmentTask(i)
		if v.has(i) || f.options.Join || !f.options.Shard.has(f.job.number, i) {
			continue
		}
		mine++
		if v.held[f.prefix+task] == 0 {
			open = append(open, i)
		}
	}
	switch {
	case len(open) > 0:
		// Not the first: all would take that.
		n := open[rand.N(min(len(open), patrol+2*len(v.held)))]
		return f.code(ctx, n, v.free[f.prefix+segmentTask(n)])
	case mine == 0 && f.options.Join:
		f.missing = f.lacking(v)
		return nothing, fmt.Errorf("segments are missing: %s", strings.Join(f.missing, ", "))
	case mine == 0:
		f.finish(Partial, nil)
		return ended, nil
	}
	return nothing, nil
}

func (f *shared) complete(v *view) bool {
	for i := range f.job.plan.Segments {
		if !v.has(i) {
			return false
		}
	}
	return true
}

func (f *shared) lacking(v *view) (names []string) {
	for i, s := range f.job.plan.Segments {
		if !v.has(i) {
			names = append(names, fmt.Sprintf("%d of %d (from %v)", i+1, len(f.job.plan.Segments), s.Begin.Round(time.Millisecond)))
		}
	}
	return names
}

// meet is the first look at a film: what failed before this worker began is tried again.
func (f *shared) meet(ctx context.Context, v *view) error {
	f.lock.Lock()
	met := f.met
	f.met = true
	f.lock.Unlock()
	if met {
		return nil
	}
	var old []string
	for name := range v.names {
		if strings.Contains(name, failedMark) {
			old = append(old, f.prefix+name)
			delete(v.names, name)
		}
	}
	return f.Store.Remove(ctx, old...)
}

// failure is what a worker leaves that has tried in vain.
type failure struct {
	Worker string `json:"worker"`
	Error  string `json:"error"`
}

// fails notes a try that failed, for the other workers.
func (f *shared) fails(ctx context.Context, task string, err error) error {
	text, _ := json.Marshal(failure{f.Claimer.Worker, err.Error()})
	f.Store.Put(ctx, f.prefix+task+failedMark+f.Claimer.Worker, text, false) // without it others try once more
	return err
}

// triedInVain is the error of an earlier try of this worker.
func (f *shared) triedInVain(task string) error {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.failed[task]
}

// inVain notes that a try has failed, for this worker and for the others.
func (f *shared) inVain(ctx context.Context, task string, err error) error {
	f.lock.Lock()
	f.failed[task] = err
	f.lock.Unlock()
	return f.fails(ctx, task, err)
}

// givenUp is an error for a film at which several workers have failed.
func (f *shared) givenUp(ctx context.Context, v *view) error {
	count := map[string][]string{}
	for name := range v.names {
		if task, _, ok := strings.Cut(name, failedMark); ok {
			count[task] = append(count[task], name)
		}
	}
	for task, names := range count {
		if len(names) < attempts {
			continue
		}
		slices.Sort(names)
		text, err := f.Store.Get(ctx, f.prefix+names[0])
		var why failure
		if err == nil && json.Unmarshal(text, &why) == nil {
			return fmt.Errorf("%d workers have failed at it (%s), the first so: %s", len(names), task, why.Error)
		}
	}
	return nil
}
