package transcode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// task is one segment to make, or with a negative number the joining of a film.
type task struct {
	film    *film
	segment int
}

// scheduler hands the segments of all films to workers, film by film: while the last segments of one are made, the next is looked
// at and begun.
type scheduler struct {
	ctx     context.Context
	options *Options
	films   []*film
	tasks   chan task
}

func newScheduler(ctx context.Context, o *Options, films []*film) *scheduler {
	return &scheduler{ctx: ctx, options: o, films: films, tasks: make(chan task)}
}

func (s *scheduler) run() {
	var workers sync.WaitGroup
	for range s.options.Jobs {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for t := range s.tasks {
				s.work(t)
			}
		}()
	}
	for _, f := range s.films {
		if s.ctx.Err() != nil {
			break
		}
		s.plan(f)
	}
	close(s.tasks)
	workers.Wait()
}

// plan finds out what a film needs and hands it out.
func (s *scheduler) plan(f *film) {
	segments, err := f.prepare(s.ctx)
	switch {
	case s.ctx.Err() != nil:
		f.end(Interrupted, nil)
	case errors.Is(err, errSkipped):
		f.end(Skipped, nil)
	case err != nil && s.options.Shard.Count > 0 && !s.options.Shard.has(f.number, 0):
		// Only the shard that has the first segment speaks for a film that cannot be read.
		f.end(Partial, nil)
	case err != nil:
		f.end(Failed, err)
	case len(segments) > 0:
		for _, n := range segments {
			s.tasks <- task{f, n}
		}
	case s.options.Shard.Count > 0:
		f.end(Partial, nil)
	default:
		s.tasks <- task{f, -1}
	}
}

func (s *scheduler) work(t task) {
	f := t.film
	if t.segment < 0 {
		s.join(f)
		return
	}
	f.lock.Lock()
	err := f.failure
	f.lock.Unlock()
	if err == nil && s.ctx.Err() == nil {
		err = f.code(s.ctx, t.segment)
		if err != nil {
			err = fmt.Errorf("segment %d of %d: %w", t.segment+1, len(f.plan.Segments), err)
		}
	}
	f.lock.Lock()
	if f.failure == nil {
		f.failure = err
	}
	err = f.failure
	f.left--
	left := f.left
	f.lock.Unlock()
	switch {
	case left > 0:
	case s.ctx.Err() != nil:
		f.end(Interrupted, nil)
	case err != nil:
		f.end(Failed, err)
	case s.options.Shard.Count > 0:
		f.end(Partial, nil)
	default:
		s.join(f)
	}
}

func (s *scheduler) join(f *film) {
	if missing := f.missing(); len(missing) > 0 {
		f.result.Missing = missing
		f.end(Failed, fmt.Errorf("segments are missing: %s", strings.Join(missing, ", ")))
		return
	}
	err := f.join(s.ctx)
	switch {
	case s.ctx.Err() != nil && err != nil:
		f.end(Interrupted, nil)
	case err != nil:
		f.end(Failed, err)
	default:
		f.end(Done, nil)
	}
}
