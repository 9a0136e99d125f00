package transcode

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"adainfilter/trainer/transcode/claim"
	"adainfilter/trainer/transcode/store"
)

// Worker makes a run one of any number that share the films of one place, in a folder or a bucket, without knowing each other. Each
// takes the next segment that nobody holds; whoever finishes the last of a film joins it. Any of them may vanish at any time.
type Worker struct {
	Name  string        // for people; "" is the host and the number of the process
	Lease time.Duration // after which what another holds without renewing it is taken over; 0 is DefaultLease
	// Log is told what is begun and finished, from several goroutines; nil is nothing.
	Log func(text string)
	// Figures counts, for those who watch the worker; nil is nobody.
	Figures *Figures
}

// Figures are what a worker has done. Others read them while it works.
type Figures struct {
	Frames, Segments, Joins, Failures, Lost, Held atomic.Int64
}

// DefaultLease is long beside a request that is tried again, and short beside the segment that a vanished machine has begun.
const DefaultLease = time.Minute

// ownLease is that of runs that are no workers. Tests have a shorter one.
var ownLease = DefaultLease

// farewell is how long a worker that is told to end may take to bring away what it has finished; what it holds is given back within it.
const farewell = 3 * time.Second

// worker is a run: one that is alone, a shard, a join, or one of many that share their work by claims.
type worker struct {
	*Worker
	claim.Claimer
	options *Options
	fixed   bool // without Options.Worker: the films in their order, and what was begun with other options is begun anew
	solo    bool // and nobody else is to work on them
	films   []*shared
	begun   time.Time
	local   *store.Folder   // the place, nil where that is a bucket
	self    string          // of this run, for the names of its folders
	scratch string          // folder for files of this process, "" where the store has room for them
	grace   context.Context // ends some seconds after the run's

	background sync.WaitGroup // uploads, and joins after them
	uploads    chan struct{}  // room for as many at a time
	bell       bell           // rings when something of this process has ended
}

// bell wakes all who wait for it.
type bell struct {
	lock sync.Mutex
	next chan struct{}
}

// listen gives what is closed when the bell rings the next time.
func (b *bell) listen() <-chan struct{} {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// work makes films, alone or with others, until all are finished or have failed.
func work(ctx context.Context, o *Options) (*Report, error) {
	if o.Worker != nil && o.Overwrite {
		return nil, errors.New("workers make no finished films anew, since none knows which another has just finished: remove the results, or choose another --out")
	}
	s, err := store.OpenPlace(o.Out)
	if err != nil {
		return nil, err
	}
	w := &worker{Worker: o.Worker, options: o, fixed: o.Worker == nil, begun: time.Now(), uploads: make(chan struct{}, 2)}
	w.solo = w.fixed && o.Shard.Count == 0 && !o.Join
	if w.fixed {
		w.Worker = &Worker{}
	}
	w.local, _ = s.(*store.Folder)
	w.Claimer = claim.Claimer{Store: s, Worker: uniqueName(w.Name), Lease: w.Worker.Lease, Rate: w.rate, Near: w.local != nil}
	w.self = fmt.Sprintf("%08x.%s", rand.Uint32(), claim.Self())
	switch {
	case w.fixed:
		w.Claimer.Lease = ownLease
	case w.Claimer.Lease <= 0:
		w.Claimer.Lease = DefaultLease
	}
	if w.Figures == nil {
		w.Figures = &Figures{}
	}
	if err := w.room(); err != nil {
		return nil, err
	}
	defer w.leave()
	o.Watch = &meter{o.Watch, w.Figures}
	if err := w.name(); err != nil {
		return nil, err
	}
	if _, _, err := s.Folder(ctx, ""); err != nil { // wrong keys and buckets are said once, not for each film
		return nil, err
	}
	var cancel context.CancelFunc
	w.grace, cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(farewell, cancel) })()
	w.run(ctx)
	return w.report(ctx)
}

// uniqueName tells workers apart, also two that have one number of a process in containers of the same name.
func uniqueName(name string) string {
	if name == "" {
		host, _ := os.Hostname()
		name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	return fmt.Sprintf("%s-%04x", strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '-'
		}
		return r
	}, name), rand.N(1<<16))
}

// name gives each film the name of its result below the place.
func (w *worker) name() error {
	relative := *w.options
	relative.Out = ""
	jobs, err := relative.toDo()
	if err != nil {
		return err
	}
	for _, j := range jobs {
		j.options = w.options
		w.films = append(w.films, newShared(w, j))
	}
	return nil
}

const scratchName = "adain-worker-"

// room makes the folder of the results, or for a bucket one for what this worker has in hand; those of workers that were killed here are removed.
func (w *worker) room() (err error) {
	if w.local != nil {
		if err := os.MkdirAll(w.options.Out, 0o777); err != nil {
			return fmt.Errorf("output folder: %w", err)
		}
		return nil
	}
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchName+"*"))
	for _, dir := range old {
		if goneProcess(filepath.Base(dir)) {
			os.RemoveAll(dir)
		}
	}
	w.scratch = filepath.Join(os.TempDir(), scratchName+w.self)
	if err := os.Mkdir(w.scratch, 0o700); err != nil {
		return fmt.Errorf("folder for unfinished work: %w", err)
	}
	return nil
}

// leave removes what this worker has had in hand.
func (w *worker) leave() {
	if w.scratch != "" {
		os.RemoveAll(w.scratch)
	}
}

func (w *worker) log(f *shared, format string, values ...any) {
	if w.Log != nil {
		w.Log(fmt.Sprintf("%q: ", f.job.path) + fmt.Sprintf(format, values...))
	}
}

// rate is how many frames per second this worker codes.
func (w *worker) rate() float64 {
	return float64(w.Figures.Frames.Load()) / time.Since(w.begun).Seconds()
}

// meter counts frames on their way to who watches.
type meter struct {
	Watcher
	figures *Figures
}

// Frames counts.
func (m *meter) Frames(input string, n int) {
	m.figures.Frames.Add(int64(n))
	m.Watcher.Frames(input, n)
}

// run works until nothing is left.
func (w *worker) run(ctx context.Context) {
	var all sync.WaitGroup
	for range w.options.Jobs {
		all.Add(1)
		go func() {
			defer all.Done()
			w.loop(ctx)
		}()
	}
	all.Wait()
	w.background.Wait()
}

// patrol is how many films a worker that finds nothing to do looks at before it waits, besides those that its own jobs may be at: of a
// thousand films that others hold it need not see all.
const patrol = 8

// loop takes one piece of work after the other: a worker of the film that it has been at as long as that has some, other runs of the first
// that has some.
func (w *worker) loop(ctx context.Context) {
	var current *shared
	for pauses := 0; ctx.Err() == nil; {
		rung := w.bell.listen()
		found := progress(nothing)
		if current != nil && !w.fixed {
			found = current.advance(ctx)
		}
		if found != worked {
			films, err := w.candidates(ctx)
			if err != nil {
				w.fail(err)
				return
			}
			if len(films) == 0 && !w.uploading() {
				return
			}
			looks := 0
			for _, f := range films {
				current = f
				if found = f.advance(ctx); found == worked {
					break
				}
				if found == nothing {
					if looks++; looks == patrol+w.options.Jobs {
						break
					}
				}
			}
		}
		if found == worked {
			pauses = 0
			continue
		}
		w.rest(ctx, rung, pauses)
		pauses++
	}
}

// uploading says whether something that this worker has finished is still on its way.
func (w *worker) uploading() bool { return len(w.uploads) > 0 }

// longestRest is how long a worker without work waits before it looks again, for what others have given back. Shards and joins look at one folder, and
// more often.
const longestRest, longestPause = 15 * time.Second, time.Second

// rest waits for others, a little longer or shorter than they.
func (w *worker) rest(ctx context.Context, rung <-chan struct{}, pauses int) {
	pause := min(w.Claimer.Lease/4, longestRest)
	if w.fixed {
		pause = min(pause, longestPause, 20*time.Millisecond<<min(pauses, 10))
	}
	select {
	case <-ctx.Done():
	case <-rung:
	case <-time.After(pause/2 + rand.N(pause)):
	}
}

// fail ends what is left of all films with an error that concerns all.
func (w *worker) fail(err error) {
	for _, f := range w.films {
		f.finish(Failed, err)
	}
}

// report is what became of all films, as far as this worker knows.
func (w *worker) report(ctx context.Context) (*Report, error) {
	var jobs []*job
	for _, f := range w.films {
		f.finish(Interrupted, nil)
		<-f.done
		jobs = append(jobs, f.job)
	}
	return newReport(jobs, time.Since(w.begun)), ctx.Err()
}
