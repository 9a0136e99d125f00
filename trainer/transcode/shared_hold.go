package transcode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"adainfilter/trainer/transcode/claim"
)

// Besides what it works on a run claims that it is there: one that is alone the whole film, which excludes all others, and a shard its number. Both
// end with the run, so that nobody waits for what was killed on the same machine.
const (
	planTask = "plan"
	joinTask = "join"
	runTask  = "run"
)

func shardTask(s Shard) string { return fmt.Sprintf("shard-%d-of-%d", s.Index, s.Count) }

func parseShardTask(name string) (s Shard, ok bool) {
	_, err := fmt.Sscanf(name, "shard-%d-of-%d", &s.Index, &s.Count)
	return s, err == nil && name == shardTask(s)
}

// goneProcess says whether the process that has made a Scratch is no more.
func goneProcess(scratch string) bool {
	_, process, _ := strings.Cut(scratch, ".")
	return claim.Gone(process)
}

// mayWork says whether nobody is at work who excludes this run; one that is alone is so itself then.
func (f *shared) mayWork(ctx context.Context, v *view) (bool, error) {
	switch {
	case f.solo:
		return f.announce(ctx, v, runTask)
	case v.held[f.prefix+runTask] == 0:
		return true, nil
	case f.fixed:
		return false, f.occupied(v, runTask)
	}
	return false, nil
}

// attend lets others know that a shard is at work by the plan that it has read.
func (f *shared) attend(ctx context.Context, v *view) (bool, error) {
	if !f.fixed || f.options.Shard.Count == 0 {
		return true, nil
	}
	return f.announce(ctx, v, shardTask(f.options.Shard))
}

// announce claims a presence once. false says that it is to be tried again.
func (f *shared) announce(ctx context.Context, v *view, task string) (bool, error) {
	f.attends.Lock()
	defer f.attends.Unlock()
	if f.presence != nil {
		if f.presence.lost() {
			return false, fmt.Errorf("another run has taken it over, since this one had stood still for %v", f.Claimer.Lease)
		}
		return true, nil
	}
	if other := f.inTheWay(v, task, nil); other != "" {
		return false, f.occupied(v, other)
	}
	if err := f.makeFolder(); err != nil {
		return false, err
	}
	k, own, err := f.Take(ctx, f.prefix+task, v.free[f.prefix+task])
	if errors.Is(err, claim.ErrHeld) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	h := &holding{claim: k, film: f, ctx: own, stop: func() bool { return true }}
	f.Figures.Held.Add(1)
	// Another may have come at the same moment.
	if v, err = f.look(ctx); err != nil {
		h.release()
		return false, err
	}
	if other := f.inTheWay(v, task, k); other != "" {
		h.release()
		return false, f.occupied(v, other)
	}
	if task != runTask {
		if v.plan != f.planVersion() { // which is looked at again
			h.release()
			return false, nil
		}
		if err := f.Store.Mark(ctx, f.prefix+task, nil, false); err != nil {
			h.release()
			return false, err
		}
	}
	f.presence = h
	return true, nil
}

// withdraw gives the presence of a shard back. That of a run that is alone stays: by it such a run holds what it makes.
func (f *shared) withdraw() {
	f.attends.Lock()
	defer f.attends.Unlock()
	if f.solo || f.presence == nil {
		return
	}
	f.presence.release()
	f.presence = nil
}

// makeFolder makes the folder for the result.
func (f *shared) makeFolder() error {
	if f.local == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.job.target), 0o777); err != nil {
		return fmt.Errorf("folder for the result: %w", err)
	}
	return nil
}

// inTheWay is a task that another holds and that excludes a presence, "" if there is none. own is this run's.
func (f *shared) inTheWay(v *view, task string, own *claim.Claim) string {
	for _, held := range slices.Sorted(maps.Keys(v.held)) {
		name := held[len(f.prefix):]
		if own != nil && own.Is(held, v.held[held]) {
			continue
		}
		if task == runTask || name == runTask || name == task {
			return name
		}
	}
	return ""
}

// occupied is an error where another is at work for certain, and nil where that is to be seen within a lease.
func (f *shared) occupied(v *view, task string) error {
	n := v.held[f.prefix+task]
	name := f.place(claim.NameOf(f.prefix+task, n))
	if !f.Lives(f.prefix+task, n) {
		f.job.warn(fmt.Sprintf("another machine is at work on it or has vanished, this one waits for %v at most to find out (it holds %q)", f.Claimer.Lease, name))
		return nil
	}
	if _, ok := parseShardTask(task); ok && !f.solo {
		return fmt.Errorf("another run is at work on shard %v, it holds %q", f.options.Shard, name)
	}
	return fmt.Errorf("another run is at work on %q, it holds %q", f.place(f.name), name)
}

// others are the tasks that somebody else holds.
func (f *shared) others(v *view) (tasks []string) {
	f.attends.Lock()
	own := f.presence
	f.attends.Unlock()
	f.lock.Lock()
	defer f.lock.Unlock()
	for held, n := range v.held {
		if f.mine[held[len(f.prefix):]] || own != nil && own.claim.Is(held, n) {
			continue
		}
		tasks = append(tasks, held[len(f.prefix):])
	}
	return tasks
}

// inHand says whether this process works on a task.
func (f *shared) inHand(task string) bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.mine[task]
}

// makesSegments says whether this process has one in hand.
func (f *shared) makesSegments() bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	for task := range f.mine {
		if isSegmentTask(task) {
			return true
		}
	}
	return false
}

// take notes that this process works on a task, unless it does so already.
func (f *shared) take(task string) bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.mine[task] || f.isOver {
		return false
	}
	f.mine[task] = true
	return true
}

// put notes that it does not any more; the last ends a film that is over.
func (f *shared) put(task string) {
	f.lock.Lock()
	delete(f.mine, task)
	end := f.close
	if len(f.mine) > 0 || !f.isOver {
		end = nil
	}
	if end != nil {
		f.close = nil
	}
	f.lock.Unlock()
	if end != nil {
		end()
	}
}

// hold takes a claim and looks again, for what the claim is on may have been done since the last look. A run that is alone has all of the film
// already. The claim is given back when ctx ends, or by release. ok says whether there is still something to do.
func (f *shared) hold(ctx context.Context, task string, after int) (h *holding, v *view, ok bool, err error) {
	if !f.take(task) {
		return nil, nil, false, nil
	}
	h = &holding{film: f, task: task}
	if f.solo {
		h.ctx = f.presence.ctx
	} else if h.claim, h.ctx, err = f.Take(ctx, f.prefix+task, after); err != nil {
		f.put(task)
		if errors.Is(err, claim.ErrHeld) {
			err = nil
		}
		return nil, nil, false, err
	}
	f.Figures.Held.Add(1)
	f.lock.Lock() // release waits for it: ctx may have ended already
	h.stop = context.AfterFunc(ctx, h.release)
	f.lock.Unlock()
	if v, err = f.look(ctx); err != nil || !f.solo && v.held[f.prefix+runTask] > 0 {
		h.release()
		return nil, nil, false, err
	}
	return h, v, true, nil
}

// holding is a claim with the time that it may be used.
type holding struct {
	claim    *claim.Claim // nil where the presence is enough
	film     *shared
	task     string
	ctx      context.Context // ends when the claim is lost
	stop     func() bool     // takes back that the claim is released with the run
	released bool
}

// release gives the claim back, within a few seconds.
func (h *holding) release() {
	f := h.film
	f.lock.Lock()
	done := h.released
	h.released = true
	f.lock.Unlock()
	if done {
		return
	}
	h.stop()
	f.Figures.Held.Add(-1)
	if h.claim != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), farewell)
		defer cancel()
		h.claim.Release(ctx) // what cannot be given back runs out
	}
	f.put(h.task)
	f.bell.ring()
}

// lost says whether another worker has taken over.
func (h *holding) lost() bool { return errors.Is(context.Cause(h.ctx), claim.ErrHeld) }
