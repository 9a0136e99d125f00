package training

import (
	"fmt"
	"io"

	"adainfilter/trainer/dataset"
)

// pictures are the pictures of a run.
type pictures struct {
	content, style *dataset.Folder
	named          map[string]bool // pictures that were reported
}

func openPictures(o *Options, out io.Writer) (*pictures, error) {
	d := &pictures{named: map[string]bool{}}
	options := dataset.Options{Size: o.ContentSize, Crop: o.Crop, Pool: o.Pool, Cache: o.pictureCache() / 2, HoldOut: o.Validation.Share}
	var err error
	if d.content, err = dataset.Open(o.Content, options); err != nil {
		return nil, fmt.Errorf("--content: %w", err)
	}
	options.Size, options.Scales = o.StyleSize, o.Scales
	if d.style, err = dataset.Open(o.Style, options); err != nil {
		return nil, fmt.Errorf("--style: %w", err)
	}
	for name, f := range map[string]*dataset.Folder{"content": d.content, "style": d.style} {
		if o.Validation.Share > 0 && len(f.Held()) == 0 {
			return nil, fmt.Errorf("--validate-share %v of the %d pictures of --%s is none: take a larger share, or folders of their own", o.Validation.Share, f.Len(), name)
		}
	}
	d.report(out)
	return d, nil
}

// load prepares the batches from an iteration on.
func (d *pictures) load(o *Options, first int) (*dataset.Loader, error) {
	options := dataset.LoaderOptions{Batch: o.Batch, Workers: o.Workers, First: first, Seed: o.Seed, RandomAlpha: o.RandomAlpha}
	if o.Objective.Consistency > 0 {
		motion, err := dataset.NewMotion(o.Motion, o.Crop)
		if err != nil {
			return nil, fmt.Errorf("--motion: %w", err)
		}
		options.Motion = motion
	}
	return dataset.NewLoader(d.content, d.style, options)
}

// report names pictures that are not used, each once.
func (d *pictures) report(out io.Writer) {
	for _, f := range []*dataset.Folder{d.content, d.style} {
		for _, s := range f.Skipped() {
			if !d.named[s.Path] {
				d.named[s.Path] = true
				fmt.Fprintf(out, "adain: passed over: %v\n", s.Err)
			}
		}
	}
}

func (d *pictures) contentText() string { return folderText(d.content) }
func (d *pictures) styleText() string   { return folderText(d.style) }

func folderText(f *dataset.Folder) string {
	text := fmt.Sprintf("%d pictures, %d passed over, hash %s", f.Len(), len(f.Skipped()), f.Hash())
	if n := len(f.Held()); n > 0 {
		text += fmt.Sprintf(", %d held out", n)
	}
	if others := f.Others(); len(others) > 0 {
		text += "; no pictures: " + others.String()
	}
	return text
}
