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
}

// newProgress begins with done iterations. Finish must be called.
func newProgress(out io.Writer, o *Options, done int) *progress {
	p := &progress{Progress: terminal.NewProgress(out), o: o}
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
	left := time.Duration(p.seconds * float64(p.o.Iterations-e.Iteration) * float64(time.Second))
	text := fmt.Sprintf("%s left, %.2f iterations/s, %s", left.Round(time.Second), 1/p.seconds, p.losses(e))
	if p.o.Verbose {
		text += fmt.Sprintf(", %.1f %% waiting for pictures, which take %.0f %% of a processor", 100*e.Data, 100*e.Busy)
	}
	if p.bar != nil {
		p.text.Store(&text)
		return
	}
	fmt.Fprintf(p, "iteration %d/%d: %s\n", e.Iteration, p.o.Iterations, text)
}

// losses are those that are trained.
func (p *progress) losses(e record.Entry) string {
	texts := []string{fmt.Sprintf("loss %.4g", e.Total)}
	w := p.o.Objective
	for _, l := range []struct {
		name        string
		weight, now float64
	}{
		{"content", w.Content, e.Content}, {"style", w.Style, e.Style},
		{"identity", w.Identity, e.Identity}, {"consistency", w.Consistency, e.Consistency},
	} {
		if l.weight > 0 {
			texts = append(texts, fmt.Sprintf("%s %.4g", l.name, l.now))
		}
	}
	return strings.Join(texts, ", ")
}
