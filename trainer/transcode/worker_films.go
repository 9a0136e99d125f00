package transcode

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
)

// candidates are the films that are not finished, as the folders of the results tell: for a worker first those that nobody has begun, in an
// order of its own, so that workers meet seldom.
func (w *worker) candidates(ctx context.Context) ([]*shared, error) {
	there, begun := map[string]bool{}, map[string]bool{}
	looked := map[string]bool{}
	var fresh, open, all []*shared
	for _, f := range w.films {
		if f.over() {
			continue
		}
		if dir := strings.TrimPrefix(path.Dir(f.name), "."); !looked[dir] {
			looked[dir] = true
			objects, folders, err := w.Store.Folder(ctx, dir)
			if err != nil {
				return nil, err
			}
			for _, o := range objects {
				there[o.Name] = true
			}
			for _, name := range folders {
				begun[name+"/"] = true
			}
		}
		if old := strings.TrimSuffix(f.prefix, "/") + "-work/"; begun[old] {
			f.job.warn(fmt.Sprintf("%s is unfinished work of an earlier version of adain, which is not used: remove it", f.place(old)))
		}
		end, found := f.resultIn(there, begun)
		if found {
			f.made(end, true)
		}
		switch {
		case found && !begun[f.prefix] && !f.inHand(joinTask):
			f.found(end)
		case begun[f.prefix]:
			open = append(open, f)
		default:
			fresh = append(fresh, f)
		}
		if !f.over() {
			all = append(all, f)
		}
	}
	if w.fixed {
		return all, nil
	}
	mix := func(s []*shared) { rand.Shuffle(len(s), func(i, k int) { s[i], s[k] = s[k], s[i] }) }
	mix(fresh)
	mix(open)
	return append(fresh, open...), nil
}

// resultIn is result, by the names of what lies in the folders of the results.
func (f *shared) resultIn(there, folders map[string]bool) (end string, ok bool) {
	if f.options.Overwrite {
		return "", false
	}
	for _, end := range f.ends() {
		if end != "" && there[f.name+end] || end == "" && folders[f.name+"/"] && f.local != nil && isResult(f.job.target, "") {
			return end, true
		}
	}
	return "", false
}

// lookAhead has the next film looked at while the last segment of one is made.
func (w *worker) lookAhead(ctx context.Context, f *shared) {
	w.background.Add(1)
	go func() {
		defer w.background.Done()
		defer w.bell.ring()
		for _, next := range w.films[f.job.number+1:] {
			if next.over() {
				continue
			}
			if v, err := next.look(ctx); err == nil && !v.names[planName] {
				next.advance(ctx)
			}
			return
		}
	}()
}

// made notes that the result is there.
func (f *shared) made(end string, there bool) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.thereAt, f.there = end, there
}

func (f *shared) isMade() (end string, there bool) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.thereAt, f.there
}
