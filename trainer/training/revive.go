package training

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"adainfilter/model"
	"adainfilter/trainer/network"
	"adainfilter/trainer/terminal"
)

// What is looked at before a filter is called silent: so many crops of each picture, and of each folder at most, and then whole pictures of each
// folder.
const (
	revivalEach     = 8
	revivalCrops    = 2048
	revivalPictures = 64
)

// revive draws the filters of w's encoder anew that answer to nothing that the run will show it.
func (t *run) revive(ctx context.Context, w *model.Weights) error {
	silent, crops, err := t.silent(ctx, w)
	if err != nil {
		return fmt.Errorf("--revive: %w", err)
	}
	whole := 0
	for _, f := range []struct {
		paths []string
		short int
	}{{t.data.content.Paths(), t.o.ContentSize}, {t.data.style.Paths(), t.o.StyleSize}} {
		paths := spread(f.paths, revivalPictures)
		whole += len(paths)
		if silent, err = t.stillSilent(ctx, w, silent, paths, f.short); err != nil {
			return fmt.Errorf("--revive: %w", err)
		}
	}
	revived, err := network.Revive(ctx, w, silent, t.photos(t.o), t.o.Seed)
	if err != nil {
		return fmt.Errorf("--revive: %w", err)
	}
	looked := fmt.Sprintf("%d crops and %d whole pictures", crops, whole)
	if len(revived) == 0 {
		fmt.Fprintf(t.out, "revived none: every filter of %s answers to some of %s\n", t.o.Init, looked)
		return nil
	}
	var texts []string
	for _, l := range slices.Sorted(maps.Keys(revived)) {
		texts = append(texts, fmt.Sprintf("%d of %d in %s", len(revived[l]), w.Layers[l].Out, w.Layers[l].Name))
	}
	fmt.Fprintf(t.out, "revived filters of %s that answer to none of %s: %s\n", t.o.Init, looked, strings.Join(texts, ", "))
	return nil
}

// spread are at most n of a list, evenly spread.
func spread(all []string, n int) (some []string) {
	n = min(n, len(all))
	for i := range n {
		some = append(some, all[i*len(all)/n])
	}
	return some
}

func (t *run) stillSilent(ctx context.Context, w *model.Weights, silent map[int][]int, paths []string, short int) (map[int][]int, error) {
	if len(silent) == 0 {
		return silent, nil
	}
	progress := terminal.NewProgress(t.out)
	defer progress.Finish()
	bar := progress.Bar(terminal.BarOptions{Title: "looking at whole pictures", Total: len(paths), Transient: true})
	return network.StillSilent(ctx, w, silent, paths, short, func() { bar.Add(1) })
}

// silent are the encoder's filters, by layer, that answer to no crop, and how many crops that were. A filter that never answers gets no gradient and
// gives none to those who read it, to the bit, so steps at rate 0 tell them.
func (t *run) silent(ctx context.Context, w *model.Weights) (silent map[int][]int, crops int, err error) {
	o := t.o
	options := o.Engine
	options.Device, options.Precision = model.CPU, model.Float32 // float16 would lose gradients that are small, which are answers too
	engine, err := t.Engines.Open(t.layers, w, model.TrainingOptions{Options: options, Encoder: true, Batch: o.Batch, Height: o.Crop, Width: o.Crop})
	if err != nil {
		return nil, 0, err
	}
	defer engine.Close()
	plain := *o
	plain.Objective, plain.RandomAlpha = model.Objective{Content: 1, Style: 1, Identity: 1}, false
	loader, err := t.data.load(&plain, 0)
	if err != nil {
		return nil, 0, err
	}
	defer loader.Close()
	wanted := min(revivalEach*max(t.data.content.Len(), t.data.style.Len()), revivalCrops)
	steps := (wanted + o.Batch - 1) / o.Batch
	progress := terminal.NewProgress(t.out)
	defer progress.Finish()
	bar := progress.Bar(terminal.BarOptions{Title: "looking for silent filters", Total: steps, Transient: true})
	for range steps {
		batch, err := loader.Next(ctx)
		if ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
		if err == nil {
			_, err = engine.Step(batch, model.Update{Objective: plain.Objective})
		}
		if err != nil {
			return nil, 0, err
		}
		bar.Add(1)
	}
	state, err := engine.State()
	if err != nil {
		return nil, 0, err
	}
	// The second moment is a sum of squares: 0 where every gradient was. The first tells what is too small to be squared.
	moved, err := w.WithTrained(true, state.First)
	if err != nil {
		return nil, 0, err
	}
	return silentFilters(moved.Layers), 2 * steps * o.Batch, nil
}

// silentFilters are the filters of an encoder that have no gradient and give none, by layer.
func silentFilters(gradients []model.Conv) map[int][]int {
	silent := map[int][]int{}
	zero := func(v []float32) bool { return !slices.ContainsFunc(v, func(x float32) bool { return x != 0 }) }
	for l, c := range gradients {
		if c.Side != model.Encoder || c.Kernel == 1 {
			continue
		}
		n := c.In * c.Kernel * c.Kernel
		for f := range c.Out {
			if zero(c.Weight[f*n:][:n]) && c.Bias[f] == 0 && givesNone(gradients[l+1], f, zero) {
				silent[l] = append(silent[l], f)
			}
		}
	}
	return silent
}

// givesNone says whether a layer's weights for input f have no gradient.
func givesNone(reader model.Conv, f int, zero func([]float32) bool) bool {
	k := reader.Kernel * reader.Kernel
	for o := range reader.Out {
		if !zero(reader.Weight[(o*reader.In+f)*k:][:k]) {
			return false
		}
	}
	return true
}
