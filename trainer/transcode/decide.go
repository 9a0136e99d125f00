package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// decide reads the plan of an earlier run or of another shard, or makes one. A plan for something else is thrown away with
// its segments.
func (j *job) decide(ctx context.Context) error {
	path := j.folder.file(planName)
	held, err := readPlan(path)
	if errors.Is(err, errOldPlan) && !j.options.Join && (j.options.Overwrite || !j.anySegment()) {
		held, err = nil, nil
	}
	if err != nil {
		return err
	}
	stamp, err := j.stamp()
	if err != nil {
		return err
	}
	if j.options.Join {
		switch {
		case held == nil:
			return errors.New("no shard of this version of adain has begun it")
		case held.Input != stamp:
			return errors.New("it has changed since the shards began")
		}
		j.plan = held
		return j.agree()
	}
	identity, err := j.options.identity(j.input, j.path)
	if err != nil {
		return err
	}
	if held != nil && held.Identity == identity {
		warning, err := held.fits()
		if err == nil {
			if j.plan = held; warning != "" {
				j.warn(warning)
			}
			return nil
		}
		if j.options.Shard.Count > 0 {
			return err
		}
	}
	lost := 0
	for i := 0; held != nil && i < len(held.Segments); i++ {
		if j.has(i) {
			lost++
		}
	}
	if err := j.clear(); err != nil {
		return err
	}
	if lost > 0 {
		j.warn(fmt.Sprintf("it was begun with other options, files or encoders, %s of that thrown away", plural(lost, "segment is", "segments are")))
	}
	made, err := j.look(ctx, identity, stamp)
	if err != nil {
		j.unreadable = true
		return err
	}
	if j.plan, err = made.write(path, j.options.Shard.Count > 0); err != nil {
		return err
	}
	made.Facts.frames, j.plan.Facts.frames = nil, nil // of a long film many, and only the plan needs them
	j.rest()
	if j.plan.Identity != identity {
		return fmt.Errorf("another shard has begun it with other options (%q)", path)
	}
	return nil
}

// look makes a plan for what is in the film.
func (j *job) look(ctx context.Context, identity, stamp string) (*plan, error) {
	pictures, err := j.input.openPictures()
	if err != nil {
		return nil, err
	}
	if pictures != nil {
		return j.options.makePlan(factsOf(pictures), j.path, identity, stamp)
	}
	mended, err := j.mend()
	if err != nil {
		return nil, err
	}
	facts, err := probeFile(ctx, j.source(mended))
	if err != nil {
		return nil, err
	}
	facts.Mended = mended
	facts.decodeFirst(ctx, j.source(mended))
	return j.options.makePlan(facts, j.path, identity, stamp)
}

// agree compares the options of a join, if any were given, with those of the shards. Without options it takes theirs.
func (j *job) agree() error {
	if !j.options.Compare {
		return nil
	}
	identity, err := j.options.identity(j.input, j.path)
	if err != nil {
		return err
	}
	if identity != j.plan.Identity {
		return errors.New("its shards were made with other options, files or another version of adain: give the join the same options, or none")
	}
	return nil
}

// clear throws away what a run with other options has left.
func (j *job) clear() error {
	entries, err := os.ReadDir(j.folder.path)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == planName }) && j.options.Shard.Count > 0 {
		return nil
	}
	onLock("clear")
	if !j.folder.alone() {
		return fmt.Errorf("other shards are at work on it with other options, in %q", j.folder.path)
	}
	if err := j.folder.empty(); err != nil {
		return err
	}
	if j.options.Shard.Count > 0 {
		return j.folder.share()
	}
	return nil
}
