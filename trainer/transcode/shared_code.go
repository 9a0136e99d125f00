package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"

	"adainfilter/trainer/transcode/store"
)

// code makes a segment, and brings it into the store; into a bucket while the next is made.
func (f *shared) code(ctx context.Context, n, after int) (progress, error) {
	j, task := f.job, segmentTask(n)
	if err := f.triedInVain(task); err != nil {
		return nothing, err
	}
	h, v, ok, err := f.hold(ctx, task, after)
	if !ok {
		return nothing, err
	}
	if v.has(n) || v.plan != f.planVersion() {
		h.release()
		return worked, nil
	}
	f.log(f, "segment %d of %d begins", n+1, len(j.plan.Segments))
	err = os.MkdirAll(j.folder.path, 0o777)
	if err == nil && f.needsCopy() {
		err = f.copy(h.ctx)
	}
	if err == nil {
		err = f.mendAgain()
	}
	if err == nil {
		err = j.code(h.ctx, n)
	}
	if err != nil {
		defer h.release()
		if h.lost() {
			f.Figures.Lost.Add(1)
			f.log(f, "segment %d of %d is another worker's now", n+1, len(j.plan.Segments))
			return worked, nil
		}
		if ctx.Err() != nil {
			return nothing, nil
		}
		if _, there, _ := f.result(ctx); there {
			return worked, nil
		}
		err = fmt.Errorf("segment %d of %d: %w", n+1, len(j.plan.Segments), err)
		return nothing, f.inVain(ctx, task, err)
	}
	if f.local == nil {
		f.meanwhile(func() {
			if f.bring(ctx, h, n) {
				f.joinLast(ctx)
			}
		})
	} else if f.bring(ctx, h, n) {
		f.meanwhile(func() { f.joinLast(ctx) })
	}
	return worked, nil
}

// meanwhile does something beside the next piece of work. Two at a time are enough for what a machine makes.
func (f *shared) meanwhile(do func()) {
	f.uploads <- struct{}{}
	f.background.Add(1)
	go func() {
		defer f.background.Done()
		defer f.bell.ring()
		defer func() { <-f.uploads }()
		do()
	}()
}

// mendAgain is the job's, by one goroutine after the other.
func (f *shared) mendAgain() error {
	f.source.Lock()
	defer f.source.Unlock()
	return f.job.mendAgain()
}

// needsCopy says whether segments cannot be made from parts of the source.
func (f *shared) needsCopy() bool {
	r, facts := f.job.input.Remote, f.job.plan.Facts
	return r != nil && (!r.Ranges || facts.Pictures != "" || facts.Mended != nil && facts.Mended.Needed)
}

// bring stores a segment and gives its claim back. A run that is told to end has some seconds for it. It says whether that was the last.
func (f *shared) bring(ctx context.Context, h *holding, n int) (last bool) {
	defer h.release()
	if !h.stop() { // the claim is given back already
		return false
	}
	path := f.job.folder.file(segmentName(n))
	if o, err := f.Store.Stat(f.grace, f.prefix+planName); errors.Is(err, store.ErrMissing) || err == nil && o.Version != f.planVersion() {
		// This machine may have stood still while another took the claim over, and even began the film anew.
		f.Figures.Lost.Add(1)
		f.log(f, "segment %d of %d is for a plan that is not there any more", n+1, len(f.job.plan.Segments))
		os.Remove(path)
		return false
	}
	err := f.Store.Upload(f.grace, path, f.prefix+segmentName(n), true)
	os.Remove(path)
	switch {
	case errors.Is(err, store.ErrExists):
		f.Figures.Lost.Add(1)
		f.log(f, "segment %d of %d was another worker's, with other bits: the first stays", n+1, len(f.job.plan.Segments))
	case err != nil:
		if f.grace.Err() == nil {
			f.finish(Failed, f.fails(ctx, segmentTask(n), err))
		}
		return false
	default:
		f.Figures.Segments.Add(1)
		f.log(f, "segment %d of %d is finished", n+1, len(f.job.plan.Segments))
	}
	h.release()
	if ctx.Err() != nil {
		return false
	}
	v, err := f.look(ctx)
	if err != nil || v.plan != f.planVersion() {
		return false
	}
	if f.local != nil {
		if err := f.checkRoom(v); err != nil {
			f.finish(Failed, err)
			return false
		}
	}
	return f.complete(v) && (!f.fixed || f.options.Shard.Count == 0)
}

// joinLast joins a film whose last segment has just been finished.
func (f *shared) joinLast(ctx context.Context) {
	v, err := f.look(ctx)
	if err != nil || !v.names[planName] || !f.complete(v) {
		return
	}
	if _, err := f.join(ctx, v); err != nil && ctx.Err() == nil {
		f.finish(Failed, err)
	}
}
