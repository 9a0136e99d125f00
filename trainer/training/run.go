// Package training is a run of training: its pictures, the loop over the steps of a model.TrainingEngine, and what it leaves behind.
package training

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
)

// Setup is what a training is done with. Tests make it smaller than users get it.
type Setup struct {
	Loss, Small model.Widths          // of the loss network and of the network lite
	SampleSide  int                   // pixels of each picture on a sheet of samples
	Photos      network.Photos        // how content pictures are read to measure activations; Folder is not used
	Engines     model.TrainingEngines // that compute the steps
	Preview     model.Engines         // that draw the samples
}

// photos are the content pictures.
func (s Setup) photos(o *Options) network.Photos {
	p := s.Photos
	p.Folder = o.Content
	return p
}

// run is one run.
type run struct {
	Setup
	o       *Options
	out     io.Writer // progress and warnings
	folder  *record.Folder
	data    *pictures
	loss    string         // EncoderID of the loss network
	weights *model.Weights // at the first step; their trained layers change in the engine
	engine  model.TrainingEngine
	samples *samples
	log     []record.Entry
	saved   int // steps in the checkpoint
}

// Run trains in the run's folder from its beginning, or from where a checkpoint stands, until all iterations are done or ctx is. Then a
// checkpoint is written too, and the error is ctx's cause. Progress and warnings go to out. The folder stays open. Other errors: pictures
// or networks that cannot be read or do not fit, a checkpoint of another loss network, a step that fails, a disk without room.
func Run(ctx context.Context, s Setup, o *Options, folder *record.Folder, checkpoint *record.Checkpoint, out io.Writer) (err error) {
	t := &run{Setup: s, o: o, folder: folder, out: out}
	if t.data, err = openPictures(o, out); err != nil {
		return err
	}
	if t.samples, err = chooseSamples(o, s.SampleSide); err != nil {
		return err
	}
	loss, err := network.Loss(ctx, o.VGG, s.Loss, s.photos(o), out)
	if err != nil {
		return fmt.Errorf("--vgg: %w", err)
	}
	t.loss = network.EncoderID(loss)
	if err := t.warn(checkpoint); err != nil {
		return err
	}
	if t.weights, err = startWeights(ctx, s, o, loss, checkpoint, out); err != nil {
		return err
	}
	options := o.Engine
	options.Precision = o.Precision
	t.engine, err = s.Engines.Open(loss, t.weights, model.TrainingOptions{
		Options: options, Encoder: o.lite(), Batch: o.Batch, Height: o.Crop, Width: o.Crop, Cache: o.featureCache(),
	})
	if err != nil {
		return err
	}
	defer func() {
		if closed := t.engine.Close(); err == nil {
			err = closed
		}
	}()
	t.settle(checkpoint)
	if err := t.begin(checkpoint); err != nil {
		return err
	}
	return t.train(ctx)
}

// warn says what the user should know before hours are spent, and refuses a checkpoint of another loss network.
func (t *run) warn(checkpoint *record.Checkpoint) error {
	if t.o.Iterations < 2000 {
		fmt.Fprintf(t.out, "adain: --max-iter %d is few: a network looks grey or blurred before some thousand iterations\n", t.o.Iterations)
	}
	if checkpoint == nil {
		return nil
	}
	if checkpoint.Loss != t.loss {
		return fmt.Errorf("--vgg %q is not the network that the checkpoint was made with (its encoder is %s, there %s)", t.o.VGG, t.loss, checkpoint.Loss)
	}
	for _, set := range []struct{ name, before, now string }{
		{"content", checkpoint.Content, t.data.content.Hash()}, {"style", checkpoint.Style, t.data.style.Hash()},
	} {
		if set.before != set.now {
			fmt.Fprintf(t.out, "adain: the %s pictures changed since the checkpoint: the result will not be that of an uninterrupted run\n", set.name)
		}
	}
	for _, text := range t.o.changed(checkpoint.Options) {
		fmt.Fprintf(t.out, "adain: %s: the result will not be that of an uninterrupted run\n", text)
	}
	return nil
}

// settle records what the precision became: an automatic choice is repeated, or refused, where the run goes on, and never another.
func (t *run) settle(checkpoint *record.Checkpoint) {
	now := string(t.engine.Precision())
	for i := range t.o.Given {
		if t.o.Given[i].Name == "precision" {
			t.o.Given[i].Value = now
		}
	}
	if checkpoint != nil && checkpoint.Options["precision"] != now {
		fmt.Fprintf(t.out, "adain: --precision is %s, before it was %s: the result will not be that of an uninterrupted run\n", now, checkpoint.Options["precision"])
	}
}

// begin brings the engine to where the run stands and makes sure that its folder takes a checkpoint.
func (t *run) begin(checkpoint *record.Checkpoint) (err error) {
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

// train goes through the iterations that are left.
func (t *run) train(ctx context.Context) error {
	loader, err := t.data.load(t.o, t.saved)
	if err != nil {
		return err
	}
	defer loader.Close()
	p := newProgress(t.out, t.o, t.saved)
	defer p.Finish()
	window := newWindow(loader)
	for done := t.saved; done < t.o.Iterations; {
		batch, err := loader.Next(ctx)
		if ctx.Err() != nil {
			p.Finish()
			return cmp.Or(t.stop(done), context.Cause(ctx))
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
		if done%t.o.LogEvery == 0 || done == t.o.Iterations {
			e := window.entry(done, u.Rate)
			e.Precision = string(t.engine.Precision())
			if err := t.folder.Append(e); err != nil {
				return err
			}
			t.log = append(t.log, e)
			p.show(e)
			t.data.report(p)
		}
		p.bar.Set(done)
		if done%t.o.SaveEvery == 0 && done < t.o.Iterations {
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
func (o *Options) reconstruct(b *model.Batch, done int) *model.Batch {
	if done >= o.WarmUp {
		return b
	}
	plain := *b
	plain.Alpha = make([]float32, len(b.Alpha))
	return &plain
}

// stop ends a run that the user interrupts.
func (t *run) stop(done int) error {
	state, err := t.checkpoint()
	if err != nil {
		return err
	}
	if _, err := t.writeWeights(state); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "stopped after iteration %d; go on with: adain train --resume --out %s\n", done, terminal.ShellWord(t.o.Out))
	return nil
}

// save writes all files of the folder, the checkpoint first.
func (t *run) save() error {
	state, err := t.checkpoint()
	if err != nil {
		return err
	}
	w, err := t.writeWeights(state)
	if err != nil {
		return err
	}
	if err := t.samples.write(t.Preview, w, t.o.Engine, t.folder.Path(fmt.Sprintf("samples-%d.png", state.Steps))); err != nil {
		return t.folder.Explain(err)
	}
	if err := t.folder.WritePlot(t.log); err != nil {
		return err
	}
	return t.writeCard(w)
}

// checkpoint writes the checkpoint and returns the state in it.
func (t *run) checkpoint() (*model.TrainingState, error) {
	state, err := t.engine.State()
	if err != nil {
		return nil, err
	}
	colour := t.weights.Layers[0]
	c := &record.Checkpoint{
		TrainingState: *state, Colour: append(append([]float32{}, colour.Weight...), colour.Bias...), Options: map[string]string{},
		Loss: t.loss, Content: t.data.content.Hash(), Style: t.data.style.Hash(),
	}
	for _, g := range t.o.Given {
		c.Options[g.Name] = g.Value
	}
	c.Options["upsampling"] = t.weights.Upsamplings() // an empty option leaves it to the file --init
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
func (t *run) writeWeights(state *model.TrainingState) (*model.Weights, error) {
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
