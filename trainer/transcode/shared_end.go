package transcode

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// finish notes once what became of the film. It is over for others when nothing of it is in hand any more.
func (f *shared) finish(status Status, err error) {
	f.lock.Lock()
	if f.isOver {
		f.lock.Unlock()
		return
	}
	f.isOver = true
	f.close = func() { f.ended(status, err) }
	f.lock.Unlock()
	if status == Failed {
		f.Figures.Failures.Add(1)
	}
	f.put("")
}

// ended gives back what the film has taken, and reports.
func (f *shared) ended(status Status, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.grace), farewell)
	defer cancel()
	f.attends.Lock()
	if f.presence != nil {
		f.presence.release()
	}
	f.attends.Unlock()
	os.RemoveAll(f.dir)
	if f.fixed {
		f.tidy(ctx, status)
	}
	if f.local != nil {
		os.Remove(filepath.Dir(f.dir)) // fails where others still work
	}
	f.Forget(f.prefix)
	f.job.result.Missing = f.missing
	f.job.end(status, err)
	f.bell.ring()
	close(f.done)
}

// tidy removes what nobody can go on with: of a run that has failed before a segment was finished, and of shards that came when the film was joined.
func (f *shared) tidy(ctx context.Context, status Status) {
	v, err := f.look(ctx)
	if err != nil || len(v.held) > 0 || len(v.names) == 0 || v.segments() > 0 {
		return
	}
	if !v.names[planName] || f.solo && status == Failed {
		f.clear(ctx) // what stays now is found by the next run
	}
}

// found notes a result that is there.
func (f *shared) found(end string) {
	f.lock.Lock()
	if !f.isOver { // who has finished it reads that now
		f.job.result.Output = f.place(f.name + end)
	}
	f.lock.Unlock()
	status := Skipped
	switch {
	case f.fixed && f.options.Shard.Count > 0 && f.job.coded > 0:
		status = Partial
	case f.job.coded > 0 || f.met && !f.fixed:
		status = Done
	}
	f.finish(status, nil)
}

// leave ends the work on a film whose result is there, and clears away what led to it, unless it is going to be replaced. While others hold
// something it waits: whoever joins clears away, and if that one has died, somebody has to when its lease runs out. A shard is not there for others
// meanwhile, or two would wait for each other.
func (f *shared) leave(ctx context.Context, v *view, end string) (progress, error) {
	if !f.isReplaced(ctx, end) {
		if len(f.others(v)) > 0 {
			f.withdraw()
			return nothing, nil
		}
		if err := f.clear(ctx); err != nil {
			return nothing, err
		}
	}
	f.found(end)
	return ended, nil
}

// isReplaced says whether the film's plan is for another result than the one that is there.
func (f *shared) isReplaced(ctx context.Context, end string) bool {
	var p plan
	text, err := f.Store.Get(ctx, f.prefix+planName)
	if err != nil || json.Unmarshal(text, &p) != nil || p.Replaces == "" {
		return false
	}
	o, err := f.Store.Stat(ctx, f.name+end)
	return err == nil && p.Replaces == o.Version
}

// failure is what a worker leaves that has tried in vain.
type failure struct {
	Worker string `json:"worker"`
	Error  string `json:"error"`
}

const failedMark = ".failed."

// attempts is how many workers may fail at the same before a film is given up.
const attempts = 3

// fails notes a try that failed, for the other workers. Runs and shards say it to who has started them.
func (f *shared) fails(ctx context.Context, task string, err error) error {
	if !f.fixed {
		text, _ := json.Marshal(failure{f.Claimer.Worker, err.Error()})
		f.Store.Put(ctx, f.prefix+task+failedMark+f.Claimer.Worker, text, false) // without it others try once more
	}
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
