package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Names of kept files, with the number of the iteration.
const (
	keptCheckpoint = "checkpoint-%d.safetensors"
	keptWeights    = "weights-%d.safetensors"
)

// kept is a file of an earlier iteration.
type kept struct {
	name      string
	iteration int
}

// kept are the files of a pattern, the oldest first.
func (f *Folder) kept(pattern string) (all []kept) {
	entries, _ := os.ReadDir(f.path)
	for _, e := range entries {
		k := kept{name: e.Name()}
		if n, err := fmt.Sscanf(k.name, pattern, &k.iteration); n == 1 && err == nil && fmt.Sprintf(pattern, k.iteration) == k.name {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.iteration, b.iteration) })
	return all
}

// Keep keeps the checkpoint and the weights as they are now under names with the iteration, and removes the oldest beyond n of each. The
// files are linked, not copied, where the disk can.
func (f *Folder) Keep(iteration, n int) error {
	for pattern, name := range map[string]string{keptCheckpoint: CheckpointFile, keptWeights: WeightsFile} {
		to := f.Path(fmt.Sprintf(pattern, iteration))
		if err := f.link(f.Path(name), to); err != nil {
			return f.Explain(fmt.Errorf("%s cannot be kept: %w", f.Path(name), err))
		}
		all := f.kept(pattern)
		for len(all) > n {
			if err := os.Remove(f.Path(all[0].name)); err != nil {
				return fmt.Errorf("old file of the run: %w", err)
			}
			all = all[1:]
		}
	}
	return nil
}

// Forget removes what was kept of later iterations than that of the checkpoint.
func (f *Folder) Forget(iteration int) error {
	var errs []error
	for _, pattern := range []string{keptCheckpoint, keptWeights} {
		for _, k := range f.kept(pattern) {
			if k.iteration > iteration {
				errs = append(errs, os.Remove(f.Path(k.name)))
			}
		}
	}
	return errors.Join(errs...)
}

func (f *Folder) link(from, to string) error {
	if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return f.Write(filepath.Base(to), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
