package dataset

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"adainfilter/model"
)

// LoaderOptions say what batches are made of the two folders.
type LoaderOptions struct {
	Batch       int // pictures of each side in a batch
	Workers     int // goroutines that prepare batches ahead; 0 means 2
	First       int // iteration to begin with, from 0
	Seed        uint64
	RandomAlpha bool    // alpha is 1 for half of the pictures, by chance, and uniform in [0,1) for the others; otherwise 1 for all
	Motion      *Motion // the contents once more, moved and with noise; nil for none
}

func (o LoaderOptions) check(content, style *Folder) error {
	if o.Batch < 1 || o.Batch > model.MaxBatch {
		return fmt.Errorf("batch of %d pictures, wanted 1 to %d", o.Batch, model.MaxBatch)
	}
	if o.Workers < 0 || o.Workers > 256 {
		return fmt.Errorf("%d workers, wanted 1 to 256, or 0 for the default", o.Workers)
	}
	if o.First < 0 {
		return fmt.Errorf("first iteration %d, wanted 0 or more", o.First)
	}
	if content.o.Crop != style.o.Crop {
		return fmt.Errorf("content crops of %d and style crops of %d pixels, wanted the same", content.o.Crop, style.o.Crop)
	}
	if m := o.Motion; m != nil {
		return m.check(content.o.Crop)
	}
	return nil
}

// Loader prepares the batches of successive iterations.
type Loader struct {
	o       LoaderOptions
	crop    int
	margin  int // pixels that content crops have on each side for the motion
	content *stream
	style   *stream

	stop    context.Context
	cancel  context.CancelFunc
	done    sync.WaitGroup
	workers []worker // worker i makes the batches First+i, First+i+len(workers), ...
	next    int      // batches handed out
	lent    *model.Batch
	lentBy  int
	waited  atomic.Int64
	busy    atomic.Int64
}

// worker owns two batches, which go round: it fills one while the other waits or is lent.
type worker struct {
	free  chan *model.Batch
	ready chan result
}

type result struct {
	batch *model.Batch
	err   error
}

var errClosed = errors.New("dataset loader is closed")

// NewLoader starts to prepare batches. Close must be called. Crops of contents are enlarged by the motion's shift on every side, and
// pictures as far as that needs; the folders' caches serve one loader. Errors: options out of range, folders whose crops differ.
func NewLoader(content, style *Folder, o LoaderOptions) (*Loader, error) {
	if err := o.check(content, style); err != nil {
		return nil, err
	}
	if o.Workers == 0 {
		o.Workers = 2
	}
	l := &Loader{o: o, crop: content.o.Crop, workers: make([]worker, o.Workers)}
	if o.Motion != nil {
		l.margin = o.Motion.Shift
	}
	l.content = &stream{f: content, seed: o.Seed, kind: 0, side: l.crop + 2*l.margin, pooled: map[uint64][]uint8{}}
	l.style = &stream{f: style, seed: o.Seed, kind: 1, side: l.crop, pooled: map[uint64][]uint8{}}
	l.stop, l.cancel = context.WithCancel(context.Background())
	for i := range l.workers {
		w := worker{make(chan *model.Batch, 2), make(chan result, 2)}
		l.workers[i] = w
		for range cap(w.free) {
			w.free <- l.newBatch()
		}
		l.done.Add(1)
		go l.work(w, o.First+i)
	}
	return l, nil
}

func (l *Loader) newBatch() *model.Batch {
	n := l.o.Batch
	b := &model.Batch{
		Content: make([]float32, n*3*l.crop*l.crop),
		Style:   make([]float32, n*3*l.crop*l.crop),
		Alpha:   make([]float32, n),
	}
	if l.content.f.o.Pool > 0 {
		b.ContentKey = make([]uint64, n)
	}
	if l.style.f.o.Pool > 0 {
		b.StyleKey = make([]uint64, n)
	}
	if l.o.Motion != nil {
		b.Moved = make([]float32, len(b.Content))
		b.Motion = make([]model.Affine, n)
	}
	return b
}

// Next is the batch of the next iteration. It belongs to the caller until the next call of Next or Close. Calls must not overlap. Errors:
// no picture of a folder can be used, an AwayError, after either of which the loader is of no more use; ctx is done, the loader is closed. After ctx was done a later call gives the same batch.
func (l *Loader) Next(ctx context.Context) (*model.Batch, error) {
	if l.lent != nil {
		l.workers[l.lentBy].free <- l.lent
		l.lent = nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.stop.Err() != nil {
		return nil, errClosed
	}
	begin := time.Now()
	defer func() { l.waited.Add(int64(time.Since(begin))) }()
	i := l.next % len(l.workers)
	select {
	case r := <-l.workers[i].ready:
		if r.err != nil {
			l.workers[i].ready <- r
			return nil, r.err
		}
		l.next++
		l.lent, l.lentBy = r.batch, i
		return r.batch, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.stop.Done():
		return nil, errClosed
	}
}

// Waited is how long Next has waited so far, all calls together.
func (l *Loader) Waited() time.Duration { return time.Duration(l.waited.Load()) }

// Busy is the processor time that the workers have used so far, all together.
func (l *Loader) Busy() time.Duration { return time.Duration(l.busy.Load()) }

// Close ends the workers and waits for them.
func (l *Loader) Close() {
	l.cancel()
	l.done.Wait()
}

func (l *Loader) work(w worker, iteration int) {
	defer l.done.Done()
	// Processor time is counted by thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	for ; ; iteration += len(l.workers) {
		select {
		case <-l.stop.Done():
			return
		case b := <-w.free:
			err := l.fill(b, uint64(iteration))
			now := threadTime()
			l.busy.Add(int64(now - before))
			before = now
			w.ready <- result{b, err}
			if err != nil {
				return
			}
		}
	}
}

// fill makes the batch of an iteration.
func (l *Loader) fill(b *model.Batch, iteration uint64) error {
	samples := 3 * l.crop * l.crop
	for slot := range l.o.Batch {
		if l.stop.Err() != nil {
			return errClosed
		}
		n := iteration*uint64(l.o.Batch) + uint64(slot)
		content, key, err := l.content.crop(n)
		if err != nil {
			return err
		}
		if b.ContentKey != nil {
			b.ContentKey[slot] = key
		}
		at := slot * samples
		l.planes(b.Content[at:at+samples], content, l.content.side, l.margin, l.margin)
		if b.Moved != nil {
			b.Motion[slot] = l.move(b.Moved[at:at+samples], content, random(l.o.Seed, forMotion, 0, n))
		}
		style, key, err := l.style.crop(n)
		if err != nil {
			return err
		}
		if b.StyleKey != nil {
			b.StyleKey[slot] = key
		}
		l.planes(b.Style[at:at+samples], style, l.style.side, 0, 0)
		b.Alpha[slot] = 1
		if l.o.RandomAlpha {
			if r := random(l.o.Seed, forAlpha, 0, n); r.IntN(2) == 1 {
				b.Alpha[slot] = r.Float32()
			}
		}
	}
	return nil
}

// planes writes the square at x, y of a crop of side pixels as planes of R', G' and B' in [0,1].
func (l *Loader) planes(out []float32, crop []uint8, side, x, y int) {
	n := l.crop * l.crop
	red, green, blue := out[:n], out[n:2*n], out[2*n:3*n]
	for row := range l.crop {
		from := crop[3*((y+row)*side+x):][:3*l.crop]
		for i := range l.crop {
			at := row*l.crop + i
			red[at] = unit[from[3*i]]
			green[at] = unit[from[3*i+1]]
			blue[at] = unit[from[3*i+2]]
		}
	}
}

// unit is a sample of 8 bits in [0,1].
var unit = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(i) / 255
	}
	return t
}()

// threadTime is the processor time that this thread has used.
func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
