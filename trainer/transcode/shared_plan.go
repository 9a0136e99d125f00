package transcode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"adainfilter/trainer/transcode/store"
)

// begin makes the plan of a film that has none, or one for something else, unless its result is there.
func (f *shared) begin(ctx context.Context, v *view) (progress, error) {
	if err := f.triedInVain(planTask); err != nil {
		return nothing, err
	}
	if end, there, err := f.result(ctx); err != nil || there {
		f.made(end, there)
		return worked, err
	}
	if f.options.Join {
		return nothing, f.unbegun(ctx)
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
		if again, err := f.replaces(ctx, v); !again {
			return worked, err
		}
		if ok, err := f.throwAway(ctx, v); !ok {
			return nothing, err
		}
	}
	if end, there, err := f.result(ctx); err != nil || there {
		f.made(end, there)
		return worked, err
	}
	f.log(f, "looks at it")
	if err := f.plan(h.ctx); err != nil {
		if h.lost() || ctx.Err() != nil {
			return nothing, nil
		}
		if s := f.options.Shard; f.fixed && f.job.unreadable && s.Count > 0 && !s.has(f.job.number, 0) {
			// Only the shard that has the first segment speaks for a film that cannot be read.
			f.finish(Partial, nil)
			return ended, nil
		}
		return nothing, f.inVain(ctx, planTask, err)
	}
	return worked, nil
}

// unbegun is the error of a join of a film that has no plan.
func (f *shared) unbegun(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	if err := f.job.readable(); err != nil {
		return err
	}
	if f.fixed {
		return errors.New("no shard of this version of adain has begun it")
	}
	return errors.New("no worker has begun it")
}

// replaces asks once more whether a plan that lies there is for something else, now that nobody else decides that.
func (f *shared) replaces(ctx context.Context, v *view) (bool, error) {
	f.stale.Store(false)
	_, err := f.load(ctx, v)
	return err == nil && f.stale.Load(), err
}

// onClear is told what is about to be thrown away. Tests bring runs into an order by it.
var onClear = func() {}

// throwAway removes a plan for something else with its segments. The plan's claim must be held. false without an error says that
// somebody is still at it who will soon be done.
func (f *shared) throwAway(ctx context.Context, v *view) (bool, error) {
	onClear()
	others := f.others(v)
	if len(others) > 0 && v.held[f.prefix+joinTask] > 0 {
		return false, nil
	}
	if len(others) > 0 {
		return false, fmt.Errorf("other shards are at work on it with other options, in %q", f.place(f.prefix))
	}
	lost := v.segments()
	// The plan first: who takes a segment looks whether it is still the same, and who had one before does so when it is finished.
	if err := f.Store.Remove(ctx, f.prefix+planName); err != nil {
		return false, err
	}
	for {
		var err error
		if v, err = f.look(ctx); err != nil {
			return false, err
		}
		if len(f.others(v)) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(20 * time.Millisecond):
		}
	}
	var names []string
	for name := range v.names {
		if _, held := v.held[f.prefix+strings.SplitN(name, ".claim.", 2)[0]]; ownObject(name) && !held {
			names = append(names, f.prefix+name)
		}
	}
	if lost > 0 {
		f.job.warn(fmt.Sprintf("it was begun with other options, files or encoders, %s of that thrown away", plural(lost, "segment is", "segments are")))
	}
	f.stale.Store(false)
	return true, f.Store.Remove(ctx, names...)
}

// plan looks at the film and stores what is to be done.
func (f *shared) plan(ctx context.Context) error {
	j := f.job
	if err := f.open(ctx); err != nil {
		return err
	}
	if err := j.readable(); err != nil {
		j.unreadable = true
		return err
	}
	if err := f.makeFolder(); err != nil {
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
	j.rest()
	if err != nil {
		j.unreadable = true
		return err
	}
	if isFolder(made.Muxer) && f.local == nil {
		return errors.New("numbered pictures are written into folders, not into a bucket: choose another --container")
	}
	if f.options.Overwrite && made.End != "" {
		if o, err := f.Store.Stat(ctx, f.name+made.End); err == nil {
			made.Replaces = o.Version
		}
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

// planVersion is that of the plan's object that has been read, "" before.
func (f *shared) planVersion() string {
	f.loading.Lock()
	defer f.loading.Unlock()
	return f.version
}

// load reads the plan and finds out whether this run may work by it; false says that the plan has been cleared away, or is to be replaced.
func (f *shared) load(ctx context.Context, v *view) (bool, error) {
	f.loading.Lock()
	defer f.loading.Unlock()
	if f.version != "" && f.version == v.plan {
		return true, nil
	}
	text, err := f.Store.Get(ctx, f.prefix+planName)
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p, err := f.parse(text, v)
	if err == nil && f.job.plan != nil {
		if p.Identity != f.job.plan.Identity {
			err = fmt.Errorf("another run has begun it anew with other options in %s", f.place(f.prefix))
		}
	} else if err == nil {
		err = f.agree(ctx, p, v)
	}
	if errors.Is(err, errStale) {
		f.stale.Store(true)
		return false, nil
	}
	if err == nil {
		f.version = v.plan
	}
	return err == nil, err
}

// errStale says that what lies there is for something else, and that this run may throw it away.
var errStale = errors.New("it was begun otherwise")

// parse reads a plan. What cannot be read is somebody's own for workers, and for others what a disk has left.
func (f *shared) parse(text []byte, v *view) (*plan, error) {
	advice := "or remove that"
	if f.fixed {
		advice = "or begin anew with --overwrite"
	}
	p, err := parsePlan(text, fmt.Sprintf("%q", f.place(f.prefix)), advice)
	anew := f.fixed && !f.options.Join
	switch {
	case errors.Is(err, errOldPlan) && anew && (f.options.Overwrite || v.segments() == 0), err == nil && p == nil && anew:
		return nil, errStale
	case err == nil && p == nil && f.fixed:
		return nil, errors.New("no shard of this version of adain has begun it")
	case err == nil && p == nil:
		return nil, fmt.Errorf("%s is no plan of this program: it stays as it is, choose another --out", f.place(f.prefix+planName))
	}
	return p, err
}

// agree compares a plan with this run's options and film, and takes it.
func (f *shared) agree(ctx context.Context, p *plan, v *view) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	j := f.job
	if !f.options.Join || f.options.Compare {
		identity, err := j.options.identity(j.input, j.path)
		switch {
		case err != nil:
			return err
		case identity == p.Identity:
		case f.fixed && f.options.Join:
			return errors.New("its shards were made with other options, files or another version of adain: give the join the same options, or none")
		case f.fixed:
			return errStale
		default:
			return fmt.Errorf("it was begun with other options, files or another version of adain: give the same, or remove %s", f.place(f.prefix))
		}
	}
	if stamp, err := j.stamp(); err != nil || stamp != p.Input {
		if err == nil && f.fixed {
			err = errors.New("it has changed since the shards began")
		} else if err == nil {
			err = fmt.Errorf("it has changed since it was begun: remove %s", f.place(f.prefix))
		}
		return err
	}
	warning, err := p.fits()
	switch {
	case err == nil, f.options.Join:
	case f.solo:
		return errStale
	default:
		return err
	}
	if f.options.Strict && len(p.Losses) > 0 {
		return fmt.Errorf("the result would lack something, and --strict was given: %s", strings.Join(p.Losses, "; "))
	}
	j.lock.Lock()
	j.plan = p
	j.lock.Unlock()
	if isFolder(p.Muxer) {
		if err := j.roomFor(j.target); err != nil {
			return err
		}
	}
	if warning != "" {
		j.warn(warning)
	}
	for _, text := range p.Warnings {
		j.warn(text)
	}
	frames := 0
	for i, s := range p.Segments {
		if !v.has(i) && !f.options.Join && f.options.Shard.has(j.number, i) {
			frames += s.Frames
		}
	}
	f.options.Watch.Begin(j.path, frames)
	return nil
}
