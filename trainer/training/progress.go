package training

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"adainfilter/trainer/record"
	"adainfilter/trainer/terminal"
)

// progress shows where a training stands: a bar on a terminal, elsewhere a line for each line of the log.
type progress struct {
	*terminal.Progress
	o       *Options
	bar     *terminal.Bar
	text    atomic.Pointer[string]
	seconds float64 // of a step, a moving mean over lines
	pauses  [2]pause
	until   time.Time // when the run ends at the latest; zero is never
}

// pause is what the run does now and then besides steps: saving, and scoring.
type pause struct {
	every   int     // iterations; 0 is never
	seconds float64 // that it took last
}

const saves, scores = 0, 1 // indices of pauses

// newProgress begins with done iterations. Finish must be called.
func newProgress(out io.Writer, o *Options, done int) *progress {
	p := &progress{Progress: terminal.NewProgress(out), o: o}
	p.pauses[saves].every = o.SaveEvery
	if o.Validation.on() {
		p.pauses[scores].every = o.Validation.Every
	}
	p.text.Store(new(string))
	p.bar = p.Bar(terminal.BarOptions{Title: "training", Total: o.Iterations, Text: func(int) string { return *p.text.Load() }})
	p.bar.Set(done)
	return p
}

// show shows a line of the log.
func (p *progress) show(e record.Entry) {
	if p.seconds == 0 {
		p.seconds = e.Seconds
	}
	p.seconds += 0.2 * (e.Seconds - p.seconds)
	text := fmt.Sprintf("%s left, %.2f iterations/s, epoch %.4g, %s", p.left(e.Iteration).Round(time.Second), 1/p.seconds, e.Epoch, p.losses(e))
	if s := e.Scores; s != nil {
		text += fmt.Sprintf(", style ratio %.4f, content ratio %.4f", s.StyleRatio, s.ContentRatio)
	}
	if p.o.Verbose {
		text += fmt.Sprintf(", %.1f %% waiting for pictures, which take %.0f %% of a processor", 100*e.Data, 100*e.Busy)
		if e.Repeats > 0 {
			text += fmt.Sprintf(", %d times again after an overflow", e.Repeats)
		}
	}
	if p.bar != nil {
		p.text.Store(&text)
		return
	}
	fmt.Fprintf(p, "iteration %d/%d: %s\n", e.Iteration, p.o.Iterations, text)
}

// left is the time until the end, saves and scores with it.
func (p *progress) left(done int) time.Duration {
	seconds := p.seconds * float64(p.o.Iterations-done)
	for _, b := range p.pauses {
		if b.every > 0 {
			seconds += b.seconds * float64((p.o.Iterations+b.every-1)/b.every-done/b.every)
		}
	}
	left := time.Duration(seconds * float64(time.Second))
	if p.until.IsZero() {
		return left
	}
	return min(left, time.Until(p.until))
}

// saved says how long a save took.
func (p *progress) saved(d time.Duration) { p.pauses[saves].seconds = d.Seconds() }

// scored says how long scores took.
func (p *progress) scored(d time.Duration) { p.pauses[scores].seconds = d.Seconds() }

// losses are those that are trained.
func (p *progress) losses(e record.Entry) string {
	texts := []string{fmt.Sprintf("loss %.4g", e.Total)}
	w := p.o.Objective
	for _, l := range []struct {
		name        string
		weight, now float64
	}{
		{"content", w.Content, e.Content}, {"style", w.Style, e.Style},
		{"identity", w.Identity, e.Identity}, {"consistency", w.Consistency, e.Consistency}, {"lattice", w.Lattice, e.Lattice},
	} {
		if l.weight > 0 {
			texts = append(texts, fmt.Sprintf("%s %.4g", l.name, l.now))
		}
	}
	return strings.Join(texts, ", ")
}
