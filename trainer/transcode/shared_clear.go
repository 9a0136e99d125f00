package transcode

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"adainfilter/trainer/transcode/claim"
)

// ownObject says whether an object below a film's prefix is one of this program.
func ownObject(name string) bool {
	if task, _, ok := claim.IsClaim(name); ok {
		name = task
	}
	if task, _, ok := strings.Cut(name, failedMark); ok {
		name = task
	}
	switch name {
	case planName, planTask, joinTask, runTask, "lock", mendedName: // lock and what was mended: of earlier versions
		return true
	}
	if _, ok := parseShardTask(name); ok {
		return true
	}
	return isSegmentTask(strings.TrimSuffix(name, segmentEnd))
}

// clear removes all that was made on the way to the result; what is somebody else's stays.
func (f *shared) clear(ctx context.Context) error {
	objects, err := f.Store.List(ctx, f.prefix)
	if err != nil {
		return err
	}
	var names []string
	foreign := ""
	for _, o := range objects {
		switch name := strings.TrimPrefix(o.Name, f.prefix); {
		case !ownObject(name):
			foreign = name
		case name != planName:
			names = append(names, o.Name)
		}
	}
	// The plan first: who looks meanwhile looks for the result then.
	if err := f.Store.Remove(ctx, f.prefix+planName); err != nil {
		return err
	}
	if err := f.Store.Remove(ctx, names...); err != nil {
		return err
	}
	if foreign != "" {
		f.job.warn(fmt.Sprintf("below %s lies something of another program (%s), which stays", f.place(f.prefix), path.Base(foreign)))
	}
	err = f.Store.Abandoned(ctx, f.prefix)
	if end := f.end(); end != "" {
		err = errors.Join(err, f.Store.Abandoned(ctx, f.name+end))
	}
	return err
}
