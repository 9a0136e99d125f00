package main

import (
	"fmt"
	"io"

	"adainfilter/trainer/dataset"
)

// trainingData are the pictures of a run.
type trainingData struct {
	content, style *dataset.Folder
	named          map[string]bool // pictures that were reported
}

func openData(o *trainOptions, out io.Writer) (*trainingData, error) {
	d := &trainingData{named: map[string]bool{}}
	options := dataset.Options{Size: o.contentSize, Crop: o.crop, Pool: o.pool, Cache: o.pictureCache() / 2}
	var err error
	if d.content, err = dataset.Open(o.content, options); err != nil {
		return nil, fmt.Errorf("--content: %w", err)
	}
	options.Size, options.Scales = o.styleSize, o.scales
	if d.style, err = dataset.Open(o.style, options); err != nil {
		return nil, fmt.Errorf("--style: %w", err)
	}
	d.report(out)
	return d, nil
}

// load prepares the batches from an iteration on.
func (d *trainingData) load(o *trainOptions, first int) (*dataset.Loader, error) {
	options := dataset.LoaderOptions{Batch: o.batch, Workers: o.workers, First: first, Seed: o.seed, RandomAlpha: o.alphaRandom}
	if o.objective.Consistency > 0 {
		motion := dataset.DefaultMotion
		motion.Shift = min(motion.Shift, o.crop/4)
		options.Motion = &motion
	}
	return dataset.NewLoader(d.content, d.style, options)
}

// report names pictures that are not used, each once.
func (d *trainingData) report(out io.Writer) {
	for _, f := range []*dataset.Folder{d.content, d.style} {
		for _, s := range f.Skipped() {
			if !d.named[s.Path] {
				d.named[s.Path] = true
				fmt.Fprintf(out, "adain: passed over: %v\n", s.Err)
			}
		}
	}
}

func (d *trainingData) contentText() string { return folderText(d.content) }
func (d *trainingData) styleText() string   { return folderText(d.style) }

func folderText(f *dataset.Folder) string {
	return fmt.Sprintf("%d pictures, %d passed over, hash %s", f.Len(), len(f.Skipped()), f.Hash())
}
