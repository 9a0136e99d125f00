package stylize

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/files"
	"adainfilter/trainer/terminal"
)

// Extract makes one style of each picture. It stops at the first that fails: a style file with less in it than was asked
// for would go unnoticed.
func Extract(ctx context.Context, engine model.Engine, pictures []files.File, size int, progress *terminal.Steps) ([]*model.Style, error) {
	styles := make([]*model.Style, 0, len(pictures))
	for _, in := range pictures {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s, err := style.FromPicture(in.Path, size, engine)
		if err != nil {
			return nil, err
		}
		styles = append(styles, s)
		progress.Step(in.Path)
	}
	return styles, nil
}

// Mean is the style in the middle of several, named after the first.
func Mean(styles []*model.Style) (*model.Style, error) {
	stats := make([]model.Stats, len(styles))
	for i, s := range styles {
		stats[i] = s.Stats
	}
	mixed, err := model.Mix(stats, nil)
	if err != nil {
		return nil, err
	}
	s := *styles[0]
	s.Stats = mixed
	return &s, nil
}

// Save writes a file for each style into a folder, named after it, and gives their paths; of equal names the later ones get a number.
func Save(folder string, styles []*model.Style) (paths []string, err error) {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, fmt.Errorf("folder for the styles: %w", err)
	}
	taken := map[string]bool{}
	for _, s := range styles {
		name := s.Name
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", s.Name, n)
		}
		taken[name] = true
		path := filepath.Join(folder, name+".safetensors")
		if err := s.Save(path); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
