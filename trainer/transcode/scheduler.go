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
	job     *job
	segment int
}

// scheduler hands the segments of all films to workers, film by film: while the last segments of one are made, the next is looked
// at and begun.
type scheduler struct {
	ctx     context.Context
	options *Options
	jobs    []*job
	tasks   chan task
}

func newScheduler(ctx context.Context, o *Options, jobs []*job) *scheduler {
	return &scheduler{ctx: ctx, options: o, jobs: jobs, tasks: make(chan task)}
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
	for _, j := range s.jobs {
		if s.ctx.Err() != nil {
			break
		}
		s.plan(j)
	}
	close(s.tasks)
	workers.Wait()
}

// plan finds out what a film needs and hands it out.
func (s *scheduler) plan(j *job) {
	segments, err := j.prepare(s.ctx)
	switch {
	case s.ctx.Err() != nil:
		j.end(Interrupted, nil)
	case errors.Is(err, errSkipped):
		j.end(Skipped, nil)
	case j.unreadable && s.options.Shard.Count > 0 && !s.options.Shard.has(j.number, 0):
		// Only the shard that has the first segment speaks for a film that cannot be read.
		j.end(Partial, nil)
	case err != nil:
		j.end(Failed, err)
	case len(segments) > 0:
		for _, n := range segments {
			s.tasks <- task{j, n}
		}
	case s.options.Shard.Count > 0:
		j.end(Partial, nil)
	default:
		s.tasks <- task{j, -1}
	}
}

func (s *scheduler) work(t task) {
	j := t.job
	if t.segment < 0 {
		s.join(j)
		return
	}
	j.lock.Lock()
	err := j.failure
	j.lock.Unlock()
	if err == nil && s.ctx.Err() == nil {
		err = j.code(s.ctx, t.segment)
		if err != nil {
			err = fmt.Errorf("segment %d of %d: %w", t.segment+1, len(j.plan.Segments), err)
		} else {
			err = j.checkRoom()
		}
	}
	j.lock.Lock()
	if j.failure == nil {
		j.failure = err
	}
	err = j.failure
	j.left--
	left := j.left
	j.lock.Unlock()
	switch {
	case left > 0:
	case s.ctx.Err() != nil:
		j.end(Interrupted, nil)
	case err != nil:
		j.end(Failed, err)
	case s.options.Shard.Count > 0:
		j.end(Partial, nil)
	default:
		s.join(j)
	}
}

func (s *scheduler) join(j *job) {
	if missing := j.missing(); len(missing) > 0 {
		j.result.Missing = missing
		j.end(Failed, fmt.Errorf("segments are missing: %s", strings.Join(missing, ", ")))
		return
	}
	err := j.join(s.ctx)
	switch {
	case s.ctx.Err() != nil && err != nil:
		j.end(Interrupted, nil)
	case err != nil:
		j.end(Failed, err)
	default:
		j.end(Done, nil)
	}
}
