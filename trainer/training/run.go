// Package training is a run of training: its pictures, the loop over the steps of a model.TrainingEngine, and what it leaves behind.
package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/evaluation"
	"adainfilter/trainer/network"
	"adainfilter/trainer/record"
)

// Setup is what a training is done with. Tests make it smaller than users get it.
type Setup struct {
	Loss, Small model.Widths          // of the loss network and of the network lite
	SampleSide  int                   // pixels of each picture on a sheet of samples
	Photos      network.Photos        // how content pictures are read to measure activations; Folder is not used
	Engines     model.TrainingEngines // that compute the steps
	Preview     model.Engines         // that draw the samples
	Eyes        OpenEye               // that score
	Save        <-chan struct{}       // each value asks for a save as soon as the step is done; nil never
	Pauses      []time.Duration       // between attempts to read pictures that cannot be reached; nil is an hour's
	FreeMemory  func() int64          // bytes; nil asks the system
	GPUMemory   GPUMemory             // nil where there is no GPU to ask for
}

// Eye is the loss network as scores see it.
type Eye interface {
	evaluation.Eye
	// Close frees what it holds.
	Close() error
}

// GPUMemory says what a training of a network of widths w takes of the memory of the GPU that o asks for, at a batch of so many pairs, and how much is
// free there, in bytes. An error: there is none to train on.
type GPUMemory func(loss, w model.Widths, o model.TrainingOptions, objective model.Objective) (needed func(batch int) int64, free int64, err error)

// OpenEye opens a loss network for scores.
type OpenEye func(loss []model.Conv, o model.Options) (Eye, error)

// photos are the content pictures.
func (s Setup) photos(o *Options) network.Photos {
	p := s.Photos
	p.Folder, p.Quiet = o.Content, true
	return p
}

// run is one run.
type run struct {
	Setup
	o       *Options
	out     io.Writer // progress and warnings
	folder  *record.Folder
	data    *pictures
	layers  []model.Conv   // of the loss network
	loss    string         // its EncoderID
	weights *model.Weights // at the first step; their trained layers change in the engine
	engine  model.TrainingEngine
	samples *samples
	scored  evaluation.Options // what validation is done on
	log     []record.Entry
	saved   int           // steps in the checkpoint
	began   time.Time     // this part of the run
	before  time.Duration // that the parts before it took
	saving  time.Duration // that the last save took
}

// Run trains in the run's folder from its beginning, or from where a checkpoint stands, until all iterations are done, the time is over or
// ctx is done. Then a checkpoint is written too, and the error is ctx's cause. Progress and warnings go to out, whose errors do not
// count: a terminal that is closed does not end a run. The folder stays open. Other errors: pictures or networks that cannot be read or
// do not fit, a checkpoint of another loss network, too little memory, a step that fails, a disk without room.
func Run(ctx context.Context, s Setup, o *Options, folder *record.Folder, checkpoint *record.Checkpoint, out io.Writer) (err error) {
	t := &run{Setup: s, o: o, folder: folder, out: out, began: time.Now()}
	if checkpoint != nil {
		t.before = checkpoint.Elapsed
	}
	if err := t.prepare(ctx, checkpoint); err != nil {
		return err
	}
	options := o.Engine
	options.Precision = o.Precision
	t.engine, err = s.Engines.Open(t.layers, t.weights, model.TrainingOptions{
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
	fmt.Fprintf(out, "computing on %s\n", t.engine.Describe())
	t.settle(checkpoint)
	if err := t.begin(checkpoint); err != nil {
		return err
	}
	return t.train(ctx)
}

// prepare reads pictures and networks, and says what will be trained before that takes time.
func (t *run) prepare(ctx context.Context, checkpoint *record.Checkpoint) (err error) {
	o := t.o
	if checkpoint != nil && checkpoint.Steps > o.Iterations {
		return fmt.Errorf("--max-iter is %d, and the run has done %d iterations already", o.Iterations, checkpoint.Steps)
	}
	if t.data, err = openPictures(o, t.out); err != nil {
		return err
	}
	if err := o.settleWidths(t.Setup); err != nil {
		return err
	}
	memory, err := o.fit(t.Setup, t.data)
	if err != nil {
		return err
	}
	if t.samples, err = chooseSamples(o, t.data, t.SampleSide); err != nil {
		return err
	}
	if err := t.chooseValidation(); err != nil {
		return err
	}
	t.describe(memory)
	t.advise()
	if t.layers, err = network.Loss(ctx, o.VGG, t.Loss, t.photos(o), t.out); err != nil {
		return fmt.Errorf("--vgg: %w", err)
	}
	t.loss = network.EncoderID(t.layers)
	if err := t.compare(checkpoint); err != nil {
		return err
	}
	t.weights, err = t.startWeights(ctx, checkpoint)
	return err
}

// advise says what the user should know before hours are spent.
func (t *run) advise() {
	o := t.o
	if o.Iterations < 2000 {
		fmt.Fprintf(t.out, "adain: --max-iter %d is few: a network looks grey or blurred before some thousand iterations\n", o.Iterations)
	}
	if o.WarmUp >= o.Iterations {
		fmt.Fprintf(t.out, "adain: --warmup %d is all of --max-iter %d: style is never trained\n", o.WarmUp, o.Iterations)
	}
}

// compare refuses a checkpoint of another loss network, and says what differs from the run of before.
func (t *run) compare(checkpoint *record.Checkpoint) error {
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
	t.o.give("precision", now)
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
		if err := t.folder.Forget(t.saved); err != nil {
			return err
		}
	}
	if err := t.folder.Begin(); err != nil {
		return err
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
	if t.o.Events {
		return t.folder.WriteEvents(t.saved)
	}
	return nil
}

// elapsed is how long the run took so far, all its parts together.
func (t *run) elapsed() time.Duration { return t.before + time.Since(t.began) }

// share is how much of the run is done after a number of steps.
func (t *run) share(done int) float64 {
	share := float64(done) / float64(t.o.Iterations)
	if t.o.Time > 0 {
		share = max(share, float64(t.elapsed())/float64(t.o.Time))
	}
	return min(1, share)
}

// over says whether the run ends after a number of steps. A save must still fit into its time.
func (t *run) over(done int) bool {
	return done >= t.o.Iterations || t.o.Time > 0 && done > 0 && t.elapsed()+t.saving >= t.o.Time || t.noBetter()
}

// train goes through the iterations that are left.
func (t *run) train(ctx context.Context) error {
	b, err := t.newBatches()
	if err != nil {
		return err
	}
	defer func() { b.loader.Close() }()
	p := newProgress(t.out, t.o, t.saved)
	if t.o.Time > 0 {
		p.until = t.began.Add(t.o.Time - t.before)
	}
	defer p.Finish()
	b.out = p
	done := t.saved
	for !t.over(done) {
		batch, err := b.next(ctx, done)
		if ctx.Err() != nil {
			p.Finish()
			return t.stop(done, context.Cause(ctx))
		}
		u := t.o.update(done, t.share(done))
		var losses model.Losses
		if err == nil {
			losses, err = t.engine.Step(t.o.reconstruct(batch, done), u)
		}
		if err != nil {
			return fmt.Errorf("iteration %d: %w; the last checkpoint is that of iteration %d", done+1, err, t.saved)
		}
		done++
		b.window.add(losses)
		if err := t.after(ctx, b, p, done, u.Rate); err != nil {
			return err
		}
	}
	p.Finish()
	if err := t.save(); err != nil {
		return err
	}
	t.finish(done)
	return nil
}

// after does what is due after a step: a line of the log, scores, a save.
func (t *run) after(ctx context.Context, b *batches, p *progress, done int, rate float64) error {
	o := t.o
	last := t.over(done)
	score := o.Validation.on() && (done%o.Validation.Every == 0 || last)
	if done%o.LogEvery == 0 || last || score {
		e := b.window.entry(done, rate)
		e.Precision = string(t.engine.Precision())
		e.Epoch = float64(done) * float64(o.Batch) / float64(t.data.content.Len())
		if score {
			began := time.Now()
			scores, err := t.validate(ctx)
			switch {
			case ctx.Err() != nil:
			case errors.Is(err, errScores):
				fmt.Fprintf(p, "adain: no scores after iteration %d: %v\n", done, err)
			case err != nil:
				return err
			}
			e.Scores = scores
			p.scored(time.Since(began))
			b.window.skip(time.Since(began))
		}
		if err := t.folder.Append(e); err != nil {
			return err
		}
		t.log = append(t.log, e)
		p.show(e)
		t.data.report(p)
	}
	p.bar.Set(done)
	asked := false
	select {
	case <-t.Save:
		asked = true
	default:
	}
	if asked || done%o.SaveEvery == 0 && done < o.Iterations && !last {
		began := time.Now()
		if err := t.save(); err != nil {
			return err
		}
		p.saved(time.Since(began))
		b.window.skip(time.Since(began))
	}
	if asked {
		fmt.Fprintf(p, "saved after iteration %d\n", done)
	}
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
