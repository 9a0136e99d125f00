package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/film/stills"
)

// joinPictures writes the segments into a file or a folder that package stills knows, reads it back and gives it its name.
func (j *job) joinPictures(ctx context.Context, v *joined, out string) error {
	part := j.folder.file("joined.part")
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	shape := j.shape(v)
	w, err := stills.Create(j.plan.Muxer, part, shape)
	if err != nil {
		return err
	}
	err = v.each(func(i int, p packet) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return w.Frame(p.data, v.duration(i, p.time))
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	if err := j.verifyPictures(v, part, shape); err != nil {
		return err
	}
	if isFolder(j.plan.Muxer) {
		if err := errors.Join(model.SyncFolder(part), j.replaceFolder(out)); err != nil {
			return err
		}
	}
	if err := os.Rename(part, out); err != nil {
		return err
	}
	return model.SyncFolder(filepath.Dir(out))
}

// shape is the head of a result of pictures.
func (j *job) shape(v *joined) stills.Shape {
	width, height := j.plan.size()
	s := stills.Shape{Width: width, Height: height, Frames: len(v.sorted), Loop: j.plan.Facts.Loop, Alpha: alphaFormat(j.plan.Facts.Raw.Format), Pattern: j.options.Pattern, First: 1}
	if j.input.Numbers != nil && j.input.Numbers.First >= 0 {
		s.First = j.input.Numbers.First
	}
	return s
}

// replaceFolder makes room for a result that is a folder: one of an earlier run is moved into the film's own folder, which goes in the end.
func (j *job) replaceFolder(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 0:
		return os.Remove(out)
	}
	if err := j.roomFor(out); err != nil {
		return err
	}
	old := j.folder.file("replaced")
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	return os.Rename(out, old)
}

// roomFor reports a folder in the place of a result that holds other things than numbered pictures: they would be lost.
func (j *job) roomFor(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return nil
	}
	pattern := j.pattern()
	for _, e := range entries {
		if !stills.Matches(pattern, e.Name()) {
			return fmt.Errorf("folder %q, where the result goes, holds %q: choose another", out, e.Name())
		}
	}
	return nil
}

// pattern is that of the names of numbered pictures.
func (j *job) pattern() string {
	if j.options.Pattern != "" {
		return j.options.Pattern
	}
	return "%05d." + j.plan.Muxer
}

// verifyPictures reads a result back: frames, size, times, and that each frame can be decoded.
func (j *job) verifyPictures(v *joined, path string, shape stills.Shape) error {
	var f *stills.Film
	var err error
	if isFolder(j.plan.Muxer) {
		f, err = stills.OpenSequence(stills.Numbers{Pattern: filepath.Join(path, j.pattern()), First: -1})
	} else {
		f, err = stills.Open(path)
	}
	if err != nil {
		return fmt.Errorf("the output cannot be read back: %w", err)
	}
	if f.Damaged != "" || len(f.Times) != shape.Frames || f.Width != shape.Width || f.Height != shape.Height {
		return fmt.Errorf("the output has %d frames of %dx%d (%s), wanted %d of %dx%d", len(f.Times), f.Width, f.Height, f.Damaged, shape.Frames, shape.Width, shape.Height)
	}
	unit := map[string]time.Duration{stills.GIF: 10 * time.Millisecond, stills.APNG: time.Millisecond, stills.WebP: time.Millisecond}[j.plan.Muxer]
	for i, t := range f.Times {
		if d := (t - (v.sorted[i] - v.sorted[0])).Abs(); unit > 0 && d > unit*time.Duration(i+1)/2+time.Millisecond && d > unit {
			return fmt.Errorf("frame %d of the output comes at %v after the first, wanted %v", i+1, t, v.sorted[i]-v.sorted[0])
		}
	}
	r, err := f.Open(0)
	if err != nil {
		return err
	}
	defer r.Close()
	for i := range f.Times {
		if _, err := r.Next(); err != nil {
			return fmt.Errorf("frame %d of the output cannot be read back: %w", i+1, err)
		}
	}
	return nil
}
