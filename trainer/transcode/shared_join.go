package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"adainfilter/trainer/transcode/store"
)

// join puts a film together whose segments are all there.
func (f *shared) join(ctx context.Context, v *view) (progress, error) {
	if err := f.triedInVain(joinTask); err != nil {
		return nothing, err
	}
	// A segment of this process that lies there already is removed from where the join has it, when it is given back.
	if v.held[f.prefix+joinTask] > 0 || f.makesSegments() {
		return nothing, nil
	}
	after := v.free[f.prefix+joinTask]
	h, v, ok, err := f.hold(ctx, joinTask, after)
	if !ok {
		return nothing, err
	}
	defer h.release()
	if end, there, err := f.result(ctx); err != nil || there {
		f.made(end, there)
		return worked, err
	}
	if !v.names[planName] || !f.complete(v) {
		return worked, nil
	}
	f.log(f, "join begins")
	if err := f.assemble(h.ctx); err != nil {
		if h.lost() || ctx.Err() != nil {
			return nothing, nil
		}
		if errors.Is(err, store.ErrExists) {
			// Another may have taken over and joined it, whose Matroska has other random numbers in its head.
			if v, lookErr := f.look(ctx); lookErr == nil && (!v.names[planName] || v.held[f.prefix+joinTask] > after+1) {
				return worked, nil
			}
		}
		return nothing, f.inVain(ctx, joinTask, err)
	}
	if err := f.clear(ctx); err != nil {
		return nothing, err
	}
	f.Figures.Joins.Add(1)
	f.log(f, "joined")
	f.finish(Done, nil)
	return ended, nil
}

// assemble fetches what a film is made of, joins it, and stores the result.
func (f *shared) assemble(ctx context.Context) error {
	j := f.job
	for _, dir := range []string{j.folder.path, filepath.Dir(j.base)} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if err := f.copy(ctx); err != nil {
		return err
	}
	if err := f.mendAgain(); err != nil {
		return err
	}
	objects, err := f.Store.List(ctx, f.prefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if name := strings.TrimPrefix(o.Name, f.prefix); strings.HasSuffix(name, segmentEnd) && ownObject(name) {
			os.Remove(j.folder.file(name))
			if err := f.Store.Download(ctx, o, j.folder.file(name)); err != nil {
				return err
			}
		}
	}
	if err := j.join(ctx); err != nil {
		var damaged *damagedSegment
		if errors.As(err, &damaged) {
			err = errors.Join(err, f.Store.Remove(ctx, f.prefix+segmentName(damaged.number)))
		}
		return err
	}
	out := j.result.Output
	j.result.Output = f.place(f.name + j.plan.End)
	if isFolder(j.plan.Muxer) { // which has its place already
		return nil
	}
	if err := f.Store.Upload(ctx, out, f.name+j.plan.End, !f.options.Overwrite); err != nil {
		if errors.Is(err, store.ErrExists) {
			err = fmt.Errorf("something else has come to lie where the result belongs, which stays: %w", err)
		}
		return err
	}
	return os.Remove(out)
}
