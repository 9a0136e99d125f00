package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/dataset"
	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
)

// training is one run of the command.
type training struct {
	o       *trainOptions
	out     io.Writer // progress and warnings
	folder  *record.Folder
	data    *trainingData
	loss    string         // EncoderID of the loss network
	weights *model.Weights // at the first step; their trained layers change in the engine
	engine  model.TrainingEngine
	samples *samples
	log     []record.Entry
	saved   int // steps in the checkpoint
}

// begin brings the engine to where the run stands and makes sure that its folder takes a checkpoint.
func (t *training) begin(checkpoint *record.Checkpoint) (err error) {
	if checkpoint != nil {
		if err := t.engine.Restore(&checkpoint.TrainingState); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		t.saved = checkpoint.Steps
	}
	if t.log, err = t.folder.ReadLog(t.saved); err != nil {
		return err
	}
	if checkpoint == nil {
		// Written before the first step, so that a disk that is too small says so now.
		if _, err := t.checkpoint(); err != nil {
			return err
		}
	}
	return t.describe()
}

// run trains until --max-iter or an interrupt.
func (t *training) run(ctx context.Context) error {
	loader, err := t.data.load(t.o, t.saved)
	if err != nil {
		return err
	}
	defer loader.Close()
	p := newTrainProgress(t.out, t.o, t.saved)
	defer p.Finish()
	window := newWindow(loader)
	for done := t.saved; done < t.o.iterations; {
		batch, err := loader.Next(ctx)
		if interrupted(ctx) != nil {
			p.Finish()
			return t.stop(done)
		}
		u := t.o.update(done)
		var losses model.Losses
		if err == nil {
			losses, err = t.engine.Step(t.o.reconstruct(batch, done), u)
		}
		if err != nil {
			return fmt.Errorf("iteration %d: %w; the last checkpoint is that of iteration %d", done+1, err, t.saved)
		}
		done++
		window.add(losses)
		if done%t.o.logEvery == 0 || done == t.o.iterations {
			e := window.entry(done, u.Rate)
			if err := t.folder.Append(e); err != nil {
				return err
			}
			t.log = append(t.log, e)
			p.show(e)
			t.data.report(p)
		}
		p.bar.Set(done)
		if done%t.o.saveEvery == 0 && done < t.o.iterations {
			began := time.Now()
			if err := t.save(); err != nil {
				return err
			}
			window.skip(time.Since(began))
		}
	}
	p.Finish()
	if err := t.save(); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "finished: %s\n", t.folder.Path(record.WeightsFile))
	return nil
}

// reconstruct is the batch with alpha 0 during the warm-up.
func (o *trainOptions) reconstruct(b *model.Batch, done int) *model.Batch {
	if done >= o.warmup {
		return b
	}
	plain := *b
	plain.Alpha = make([]float32, len(b.Alpha))
	return &plain
}

// stop ends a run that the user interrupts.
func (t *training) stop(done int) error {
	state, err := t.checkpoint()
	if err != nil {
		return err
	}
	if _, err := t.writeWeights(state); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "stopped after iteration %d; go on with: adain train --resume --out %s\n", done, terminal.ShellWord(t.o.out))
	return errInterrupted
}

// save writes all files of the folder, the checkpoint first.
func (t *training) save() error {
	state, err := t.checkpoint()
	if err != nil {
		return err
	}
	w, err := t.writeWeights(state)
	if err != nil {
		return err
	}
	if err := t.samples.write(w, t.o.engine, t.folder.Path(fmt.Sprintf("samples-%d.png", state.Steps))); err != nil {
		return t.folder.Explain(err)
	}
	if err := t.folder.WritePlot(t.log); err != nil {
		return err
	}
	return t.writeCard(w)
}

// checkpoint writes the checkpoint and returns the state in it.
func (t *training) checkpoint() (*model.TrainingState, error) {
	state, err := t.engine.State()
	if err != nil {
		return nil, err
	}
	colour := t.weights.Layers[0]
	c := &record.Checkpoint{
		TrainingState: *state, Colour: append(append([]float32{}, colour.Weight...), colour.Bias...), Options: map[string]string{},
		Loss: t.loss, Content: t.data.content.Hash(), Style: t.data.style.Hash(),
	}
	for _, g := range t.o.given {
		c.Options[g.name] = g.value
	}
	if err := t.folder.WriteCheckpoint(c); err != nil {
		if t.saved > 0 {
			err = fmt.Errorf("%w; the checkpoint of iteration %d is intact", err, t.saved)
		}
		return nil, err
	}
	t.saved = state.Steps
	return state, nil
}

// writeWeights writes the moving average of the parameters as the network.
func (t *training) writeWeights(state *model.TrainingState) (*model.Weights, error) {
	w, err := t.weights.WithTrained(t.o.lite(), state.Average)
	if err != nil {
		return nil, err
	}
	w.Metadata = map[string]string{
		"recipe": t.o.recipe(), "date": time.Now().UTC().Format(time.RFC3339), "parent": t.parent(), "iterations": fmt.Sprint(state.Steps),
		"content-pictures": t.data.content.Hash(), "style-pictures": t.data.style.Hash(),
	}
	if err := w.Save(t.folder.Path(record.WeightsFile)); err != nil {
		return nil, t.folder.Explain(fmt.Errorf("weights: %w", err))
	}
	return w, nil
}

// window gathers what one line of the log says.
type window struct {
	loader       *dataset.Loader
	sums         model.Losses
	steps        int
	start        time.Time
	waited, busy time.Duration // of the loader at the start
}

func newWindow(loader *dataset.Loader) *window {
	return &window{loader: loader, start: time.Now(), waited: loader.Waited(), busy: loader.Busy()}
}

func (w *window) add(l model.Losses) {
	w.sums.Content += l.Content
	w.sums.Style += l.Style
	w.sums.Identity += l.Identity
	w.sums.Consistency += l.Consistency
	w.sums.Total += l.Total
	w.sums.Gradient += l.Gradient
	w.steps++
}

// skip takes out time that no step needed.
func (w *window) skip(d time.Duration) { w.start = w.start.Add(d) }

// entry is the mean of the window, which begins anew.
func (w *window) entry(done int, rate float64) record.Entry {
	next, n := newWindow(w.loader), float64(w.steps)
	seconds := max(next.start.Sub(w.start).Seconds(), 1e-9)
	e := record.Entry{
		Iteration: done, Content: w.sums.Content / n, Style: w.sums.Style / n, Identity: w.sums.Identity / n,
		Consistency: w.sums.Consistency / n, Total: w.sums.Total / n, Gradient: w.sums.Gradient / n,
		Rate: rate, Seconds: seconds / n, Data: min(1, (next.waited-w.waited).Seconds()/seconds), Busy: (next.busy - w.busy).Seconds() / seconds,
	}
	*w = *next
	return e
}
