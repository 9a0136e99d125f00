package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/dataset"
)

// batches are those of a run, from loaders of which another follows where one could not read the pictures.
type batches struct {
	t      *run
	out    io.Writer
	loader *dataset.Loader
	window *window
}

func (t *run) newBatches() (*batches, error) {
	loader, err := t.data.load(t.o, t.saved)
	if err != nil {
		return nil, err
	}
	return &batches{t: t, out: t.out, loader: loader, window: newWindow(loader)}, nil
}

// defaultPauses grow to five minutes and are an hour together.
func defaultPauses() (all []time.Duration) {
	pause, left := time.Second, time.Hour
	for left > 0 {
		all = append(all, pause)
		left -= pause
		pause = min(2*pause, 5*time.Minute)
	}
	return all
}

// next is the batch after done steps. Pictures that cannot be reached are waited for, with growing pauses, after the run was saved.
func (b *batches) next(ctx context.Context, done int) (*model.Batch, error) {
	batch, err := b.loader.Next(ctx)
	if !errors.As(err, new(dataset.AwayError)) {
		return batch, err
	}
	began := time.Now()
	pauses := b.t.Pauses
	if pauses == nil {
		pauses = defaultPauses()
	}
	state := fmt.Sprintf("the run is saved as of iteration %d", done)
	if _, failure := b.t.checkpoint(); failure != nil {
		state = fmt.Sprintf("the run cannot be saved (%v), its last checkpoint is that of iteration %d", failure, b.t.saved)
	}
	for _, pause := range pauses {
		fmt.Fprintf(b.out, "adain: %v; %s, trying again in %s\n", err, state, pause)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		b.loader.Close()
		if b.loader, err = b.t.data.load(b.t.o, done); err != nil {
			return nil, err
		}
		batch, err = b.loader.Next(ctx)
		if !errors.As(err, new(dataset.AwayError)) {
			fmt.Fprintf(b.out, "adain: going on after %s\n", time.Since(began).Round(time.Second))
			b.window.begin(b.loader)
			b.window.skip(time.Since(began))
			return batch, err
		}
	}
	return nil, fmt.Errorf("%w; they did not come back within %s", err, time.Since(began).Round(time.Second))
}
