package transcode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"adainfilter/trainer/transcode/claim"
	"adainfilter/trainer/transcode/store"
)

// hold takes a claim and looks again, for what the claim is on may have been done since the last look. The claim is given back when ctx
// ends, or by release. ok says whether there is still something to do.
func (f *shared) hold(ctx context.Context, task string, after int) (h *holding, v *view, ok bool, err error) {
	k, own, err := f.Take(ctx, f.prefix+task, after)
	if errors.Is(err, claim.ErrHeld) {
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	f.Figures.Held.Add(1)
	h = &holding{claim: k, film: f, ctx: own}
	h.stop = context.AfterFunc(ctx, h.release)
	if v, err = f.look(ctx); err != nil {
		h.release()
		return nil, nil, false, err
	}
	return h, v, true, nil
}

// holding is a claim with the time that it may be used.
type holding struct {
	claim    *claim.Claim
	film     *shared
	ctx      context.Context // ends when the claim is lost
	stop     func() bool     // takes back that the claim is released with the run
	released bool
}

// release gives the claim back, within a few seconds.
func (h *holding) release() {
	h.film.lock.Lock()
	done := h.released
	h.released = true
	h.film.lock.Unlock()
	if done {
		return
	}
	h.stop()
	h.film.Figures.Held.Add(-1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), farewell)
	defer cancel()
	h.claim.Release(ctx) // what cannot be given back runs out
}

// lost says whether another worker has taken over.
func (h *holding) lost() bool { return errors.Is(context.Cause(h.ctx), claim.ErrHeld) }

// begin makes the plan of a film that has none, unless its result is there.
func (f *shared) begin(ctx context.Context, v *view) (progress, error) {
	if err := f.triedInVain(planTask); err != nil {
		return nothing, err
	}
	if end, there, err := f.result(ctx); err != nil || there && len(v.names) == 0 {
		if err == nil {
			f.found(end)
		}
		return ended, err
	}
	if f.options.Join {
		return nothing, errors.New("no worker has begun it")
	}
	if v.held[f.prefix+planTask] > 0 {
		return nothing, nil
	}
	h, v, ok, err := f.hold(ctx, planTask, v.free[f.prefix+planTask])
	if !ok {
		return nothing, err
	}
	defer h.release()
	if v.names[planName] {
		return worked, nil
	}
	if there, err := f.made(ctx, h); err != nil || there {
		return ended, err
	}
	f.log(f, "looks at it")
	if err := f.plan(h.ctx); err != nil {
		if h.lost() || ctx.Err() != nil {
			return nothing, nil
		}
		return nothing, f.inVain(ctx, planTask, err)
	}
	return worked, nil
}

// made says whether the result is there already; then what led to it is cleared away, and the film is over.
func (f *shared) made(ctx context.Context, h *holding) (bool, error) {
	end, there, err := f.result(ctx)
	if err != nil || !there {
		return there, err
	}
	if err := f.clear(ctx); err != nil {
		return true, err
	}
	h.release()
	f.found(end)
	return true, nil
}

// plan looks at the film and stores what is to be done.
func (f *shared) plan(ctx context.Context) error {
	j := f.job
	if err := f.open(ctx); err != nil {
		return err
	}
	if err := j.readable(); err != nil {
		return err
	}
	stamp, err := j.stamp()
	if err != nil {
		return err
	}
	identity, err := j.options.identity(j.input, j.path)
	if err != nil {
		return err
	}
	if err := f.copy(ctx); err != nil {
		return err
	}
	made, err := j.look(ctx, identity, stamp)
	if err != nil {
		return err
	}
	if isFolder(made.Muxer) {
		return errors.New("workers write films, numbered pictures are for one machine: choose another --container")
	}
	text, err := json.MarshalIndent(made, "", " ")
	if err != nil {
		return err
	}
	if err := f.Store.Put(ctx, f.prefix+planName, append(text, '\n'), true); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

// open looks at a source that lies elsewhere.
func (f *shared) open(ctx context.Context) error {
	in := &f.job.input
	address := in.Address
	if address == "" {
		address = in.Path
	}
	f.source.Lock()
	defer f.source.Unlock()
	if in.Remote != nil || !store.IsRemote(address) {
		return nil
	}
	r, err := store.OpenSource(ctx, address)
	if err != nil {
		return err
	}
	in.Remote = r
	return nil
}

// copy brings a source that lies elsewhere here, which a look at it and a join need: both read all of it.
func (f *shared) copy(ctx context.Context) error {
	j := f.job
	if err := os.MkdirAll(j.folder.path, 0o777); err != nil {
		return err
	}
	f.source.Lock()
	defer f.source.Unlock()
	if j.input.Remote == nil || j.copied != "" {
		return nil
	}
	path := filepath.Join(f.dir, "source"+filepath.Ext(j.path))
	if err := j.input.Remote.Copy(ctx, path); err != nil {
		return err
	}
	j.copied, j.input.Path = path, path
	return nil
}

// load reads the plan, once, and finds out whether this worker may work by it; false says that the plan has been cleared away.
func (f *shared) load(ctx context.Context) (bool, error) {
	f.loading.Lock()
	defer f.loading.Unlock()
	if f.end() != "" {
		return true, nil
	}
	text, err := f.Store.Get(ctx, f.prefix+planName)
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p, err := parsePlan(text, f.place(f.prefix), "or remove that")
	if err == nil && p == nil {
		err = fmt.Errorf("%s is no plan of this program: it stays as it is, choose another --out", f.place(f.prefix+planName))
	}
	if err == nil {
		err = f.agree(ctx, p)
	}
	return err == nil, err
}

// agree compares a plan with this worker's options and film, and takes it.
func (f *shared) agree(ctx context.Context, p *plan) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	j := f.job
	if !f.options.Join || f.options.Compare {
		identity, err := j.options.identity(j.input, j.path)
		if err != nil {
			return err
		}
		if identity != p.Identity {
			return fmt.Errorf("it was begun with other options, files or another version of adain: give the same, or remove %s", f.place(f.prefix))
		}
	}
	if stamp, err := j.stamp(); err != nil || stamp != p.Input {
		return errors.Join(err, fmt.Errorf("it has changed since it was begun: remove %s", f.place(f.prefix)))
	}
	warning, err := p.fits()
	if err != nil && !f.options.Join {
		return err
	}
	j.lock.Lock()
	j.plan = p
	j.lock.Unlock()
	if warning != "" {
		j.warn(warning)
	}
	for _, text := range p.Warnings {
		j.warn(text)
	}
	frames := 0
	for _, s := range p.Segments {
		frames += s.Frames
	}
	f.options.Watch.Begin(j.path, frames)
	return nil
}

// code makes a segment, and brings it into the store while the next is made.
func (f *shared) code(ctx context.Context, n, after int) (progress, error) {
	j, task := f.job, segmentTask(n)
	if err := f.triedInVain(task); err != nil {
		return nothing, err
	}
	h, v, ok, err := f.hold(ctx, task, after)
	if !ok {
		return nothing, err
	}
	if v.has(n) || !v.names[planName] {
		h.release()
		return worked, nil
	}
	f.log(f, "segment %d of %d begins", n+1, len(j.plan.Segments))
	err = os.MkdirAll(j.folder.path, 0o777)
	if err == nil && f.needsCopy() {
		err = f.copy(h.ctx)
	}
	if err == nil {
		err = j.mendAgain()
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
	f.uploads <- struct{}{}
	f.background.Add(1)
	go func() {
		defer f.background.Done()
		defer func() {
			<-f.uploads
			select {
			case f.wake <- struct{}{}:
			default:
			}
		}()
		f.bring(ctx, h, n)
	}()
	return worked, nil
}

// needsCopy says whether segments cannot be made from parts of the source.
func (f *shared) needsCopy() bool {
	r, facts := f.job.input.Remote, f.job.plan.Facts
	return r != nil && (!r.Ranges || facts.Pictures != "" || facts.Mended != nil && facts.Mended.Needed)
}

// bring uploads a segment, gives its claim back, and joins the film if it was the last. A worker that is told to end has some seconds for it.
func (f *shared) bring(ctx context.Context, h *holding, n int) {
	defer h.release()
	if !h.stop() { // the claim is given back already
		return
	}
	path := f.job.folder.file(segmentName(n))
	err := f.Store.Upload(f.grace, path, f.prefix+segmentName(n))
	os.Remove(path)
	switch {
	case errors.Is(err, store.ErrExists):
		f.Figures.Lost.Add(1)
		f.log(f, "segment %d of %d was another worker's, with other bits: the first stays", n+1, len(f.job.plan.Segments))
	case err != nil:
		if f.grace.Err() == nil {
			f.finish(Failed, f.fails(ctx, segmentTask(n), err))
		}
		return
	default:
		f.Figures.Segments.Add(1)
		f.log(f, "segment %d of %d is finished", n+1, len(f.job.plan.Segments))
	}
	h.release()
	if ctx.Err() != nil {
		return
	}
	if v, err := f.look(ctx); err == nil && v.names[planName] && f.complete(v) {
		if _, err := f.join(ctx, v); err != nil && ctx.Err() == nil {
			f.finish(Failed, err)
		}
	}
}
