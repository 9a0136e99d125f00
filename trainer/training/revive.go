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

// revivalCrops bounds how many crops of each folder are looked at before a filter is called silent.
const revivalCrops = 512

// revive draws the filters of w's encoder anew that answer to nothing that the run will show it: every picture of both folders once, at the
// size and the crops of training.
func (t *run) revive(ctx context.Context, w *model.Weights) error {
	silent, crops, err := t.silent(ctx, w)
	if err != nil {
		return fmt.Errorf("--revive: %w", err)
	}
	revived, err := network.Revive(ctx, w, silent, t.photos(t.o), t.o.Seed)
	if err != nil {
		return fmt.Errorf("--revive: %w", err)
	}
	if len(revived) == 0 {
		fmt.Fprintf(t.out, "revived none: every filter of %s answers to some of %d crops\n", t.o.Init, crops)
		return nil
	}
	var texts []string
	for _, l := range slices.Sorted(maps.Keys(revived)) {
		texts = append(texts, fmt.Sprintf("%d of %d in %s", len(revived[l]), w.Layers[l].Out, w.Layers[l].Name))
	}
	fmt.Fprintf(t.out, "revived filters of %s that answer to none of %d crops: %s\n", t.o.Init, crops, strings.Join(texts, ", "))
	return nil
}

// silent are the encoder's filters, by layer, that answer to no crop, and how many crops that were. A filter that never answers gets no gradient and
// gives none to those who read it, to the bit, so steps at rate 0 tell them.
func (t *run) silent(ctx context.Context, w *model.Weights) (silent map[int][]int, crops int, err error) {
	o := t.o
	options := o.Engine
	options.Precision = model.Float32
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
	pictures := min(max(t.data.content.Len(), t.data.style.Len()), revivalCrops)
	steps := (pictures + o.Batch - 1) / o.Batch
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
