package training

import (
	"time"

	"adainfilter/model"
	"adainfilter/trainer/dataset"
	"adainfilter/trainer/record"
)

// window gathers what one line of the log says.
type window struct {
	loader       *dataset.Loader
	sums         model.Losses
	steps        int
	start        time.Time
	waited, busy time.Duration // of the loader at the start
}

// begin makes the window that of another loader.
func (w *window) begin(loader *dataset.Loader) {
	w.loader, w.waited, w.busy = loader, loader.Waited(), loader.Busy()
}

func newWindow(loader *dataset.Loader) *window {
	return &window{loader: loader, start: time.Now(), waited: loader.Waited(), busy: loader.Busy()}
}

func (w *window) add(l model.Losses) {
	w.sums.Content += l.Content
	w.sums.Style += l.Style
	w.sums.Identity += l.Identity
	w.sums.Consistency += l.Consistency
	w.sums.Lattice += l.Lattice
	w.sums.Total += l.Total
	w.sums.Gradient += l.Gradient
	w.sums.Repeats += l.Repeats
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
		Consistency: w.sums.Consistency / n, Lattice: w.sums.Lattice / n, Total: w.sums.Total / n, Gradient: w.sums.Gradient / n, Repeats: w.sums.Repeats,
		Rate: rate, Time: next.start.UTC().Format(time.RFC3339), Seconds: seconds / n, Data: min(1, (next.waited-w.waited).Seconds()/seconds), Busy: (next.busy - w.busy).Seconds() / seconds,
	}
	*w = *next
	return e
}
