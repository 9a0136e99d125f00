package transcode

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"adainfilter/trainer/transcode/store"
)

// shared is a film that is being made, by one run or by many. Its objects lie below a prefix beside the result: plan.json, a .segment for
// each that is finished, claims on what somebody works on, and a .failed for each try of a worker that failed.
type shared struct {
	*worker
	job    *job
	name   string // of the result below the place, without its end
	prefix string // of the objects, with a slash at its end
	dir    string // of files of this process

	source   sync.Mutex  // held while the film is copied
	loading  sync.Mutex  // and while the plan is read
	version  string      // of the plan's object that the job has
	stale    atomic.Bool // the plan that lies there is to be replaced
	presence *holding    // what tells others that this run is at work, nil for workers; of who holds attending
	attends  sync.Mutex
	ahead    sync.Once // for the look at the next film

	lock    sync.Mutex
	met     bool             // it was looked at before
	mine    map[string]bool  // tasks that this process has in hand
	failed  map[string]error // what this worker has tried in vain, by task
	there   bool             // the result lies beside the work
	thereAt string           // and its end
	isOver  bool
	close   func() // ends what is over once nothing is in hand
	missing []string
	done    chan struct{} // closed when all is ended
}

// folderEnd ends the name of the folder of a film's work.
const folderEnd = ".adain"

// folderOf is the path of the folder for an output.
func folderOf(out string) string {
	dir, name := filepath.Split(out)
	// With the dot and the end the name must stay below the 255 bytes that file systems allow.
	if len(name) > 200 {
		name = fmt.Sprintf("%s-%08x", strings.ToValidUTF8(name[:180], ""), crc32.ChecksumIEEE([]byte(name)))
	}
	return filepath.Join(dir, "."+name+folderEnd)
}

// prefixOf is where the objects of a result lie, beside it.
func prefixOf(name string) string { return filepath.ToSlash(folderOf(name)) + "/" }

func newShared(w *worker, j *job) *shared {
	f := &shared{worker: w, job: j, name: filepath.ToSlash(j.base), failed: map[string]error{}, mine: map[string]bool{}, done: make(chan struct{})}
	f.prefix = prefixOf(f.name)
	if w.local != nil {
		f.dir = w.local.Scratch(f.prefix, w.self)
		j.target = w.local.Path(f.name)
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

// place is an object's name for people.
func (f *shared) place(name string) string {
	if f.local != nil {
		return f.local.Path(name)
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
	f.job.lock.Lock()
	p := f.job.plan
	f.job.lock.Unlock()
	if p != nil {
		return []string{p.End}
	}
	return f.job.guess()
}

// result asks whether the result is there. One that is to be made anew is not.
func (f *shared) result(ctx context.Context) (end string, ok bool, err error) {
	if f.options.Overwrite {
		return "", false, nil
	}
	for _, end := range f.ends() {
		if f.local != nil {
			if isResult(f.job.target+end, end) {
				return end, true, nil
			}
			continue
		}
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
	sizes      map[string]int64
	held, free map[string]int
	plan       string // version of the plan's object
}

func (f *shared) look(ctx context.Context) (*view, error) {
	objects, err := f.Store.List(ctx, f.prefix)
	if err != nil {
		return nil, err
	}
	v := &view{names: map[string]bool{}, sizes: map[string]int64{}}
	for _, o := range objects {
		name := strings.TrimPrefix(o.Name, f.prefix)
		v.names[name], v.sizes[name] = true, o.Size
		if name == planName {
			v.plan = o.Version
		}
	}
	v.held, v.free = f.Held(ctx, objects)
	return v, nil
}

func (v *view) has(segment int) bool { return v.names[segmentName(segment)] }

// segments counts those that are finished, whatever plan they belong to.
func (v *view) segments() (n int) {
	for name := range v.names {
		if strings.HasSuffix(name, segmentEnd) {
			n++
		}
	}
	return n
}

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
	if f.inHand(joinTask) { // which clears away what it works with, and says how it went: none is to begin anew meanwhile
		return nothing, nil
	}
	if end, there := f.isMade(); there {
		return f.leave(ctx, v, end)
	}
	if ok, err := f.mayWork(ctx, v); !ok {
		return nothing, err
	}
	if !v.names[planName] || f.stale.Load() {
		return f.begin(ctx, v)
	}
	if ok, err := f.load(ctx, v); !ok {
		if f.stale.Load() {
			return worked, nil
		}
		return nothing, err
	}
	if f.fixed { // whose plan may say another end of the name than was guessed
		if end, there, err := f.result(ctx); err != nil || there {
			f.made(end, there)
			return worked, err
		}
	}
	if err := f.givenUp(ctx, v); err != nil {
		return nothing, err
	}
	if ok, err := f.attend(ctx, v); !ok {
		return nothing, err
	}
	if f.complete(v) && (!f.fixed || f.options.Shard.Count == 0) {
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
		if v.held[f.prefix+task] == 0 && !f.inHand(task) {
			open = append(open, i)
		}
	}
	switch {
	case len(open) > 0:
		n := open[0]
		if f.fixed && len(open) == 1 {
			f.ahead.Do(func() { f.lookAhead(ctx, f) })
		}
		if !f.fixed { // all would take that
			n = open[rand.N(min(len(open), patrol+2*len(v.held)))]
		}
		return f.code(ctx, n, v.free[f.prefix+segmentTask(n)])
	case mine == 0 && f.options.Join:
		return nothing, f.lacks(v)
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

// lacks is an error for a join of a film that lacks segments, unless somebody is at work on it.
func (f *shared) lacks(v *view) error {
	if len(v.held) > 0 {
		f.job.warn("shards are at work on it, the join waits for them")
		return nil
	}
	shards := v.shards()
	var missing []string
	for i, s := range f.job.plan.Segments {
		if v.has(i) {
			continue
		}
		name := fmt.Sprintf("%d of %d (from %v", i+1, len(f.job.plan.Segments), s.Begin.Round(time.Millisecond))
		if shards > 0 {
			name += fmt.Sprintf(", shard %d/%d", (f.job.number+i)%shards, shards)
		}
		missing = append(missing, name+")")
	}
	f.lock.Lock()
	f.missing = missing
	f.lock.Unlock()
	return fmt.Errorf("segments are missing: %s", strings.Join(missing, ", "))
}

// shards is how many shards have worked on the film, 0 where that is not known.
func (v *view) shards() int {
	for name := range v.names {
		if s, ok := parseShardTask(name); ok {
			return s.Count
		}
	}
	return 0
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
	if n := f.job.input.Numbers; n != nil && f.local != nil {
		if same, err := sameFile(f.job.target, filepath.Dir(n.Pattern)); err != nil || same {
			return errors.Join(err, fmt.Errorf("the output %q would take the pictures' place", f.job.target))
		}
	}
	if f.local != nil {
		f.local.Sweep(f.prefix, goneProcess)
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
