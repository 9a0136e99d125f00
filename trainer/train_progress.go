package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"

	"adainfilter/trainer/record"
)

// trainProgress shows where a training stands: a bar on a terminal, elsewhere a line for each line of the log.
type trainProgress struct {
	out     io.Writer
	o       *trainOptions
	bars    *mpb.Progress
	bar     *mpb.Bar
	text    atomic.Pointer[string]
	seconds float64 // of a step, a moving mean over lines
}

// newTrainProgress begins with done iterations. finish must be called.
func newTrainProgress(out io.Writer, o *trainOptions, done int) *trainProgress {
	p := &trainProgress{out: out, o: o}
	p.text.Store(new(string))
	if f, ok := out.(*os.File); ok && cwriter.IsTerminal(int(f.Fd())) {
		p.bars = mpb.New(mpb.WithOutput(f))
		p.bar = p.bars.AddBar(int64(o.iterations),
			mpb.PrependDecorators(decor.Name("training "), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + *p.text.Load() })))
		p.bar.SetCurrent(int64(done))
	}
	return p
}

// step says that done iterations are done.
func (p *trainProgress) step(done int) {
	if p.bar != nil && done < p.o.iterations { // a complete bar would vanish before finish
		p.bar.SetCurrent(int64(done))
	}
}

// show shows a line of the log.
func (p *trainProgress) show(e record.Entry) {
	if p.seconds == 0 {
		p.seconds = e.Seconds
	}
	p.seconds += 0.2 * (e.Seconds - p.seconds)
	left := time.Duration(p.seconds * float64(p.o.iterations-e.Iteration) * float64(time.Second))
	text := fmt.Sprintf("%s left, %.2f iterations/s, %s", left.Round(time.Second), 1/p.seconds, p.losses(e))
	if p.o.verbose {
		text += fmt.Sprintf(", %.1f %% waiting for pictures, which take %.0f %% of a processor", 100*e.Data, 100*e.Busy)
	}
	if p.bar != nil {
		p.text.Store(&text)
		return
	}
	fmt.Fprintf(p.out, "iteration %d/%d: %s\n", e.Iteration, p.o.iterations, text)
}

// Write prints a message, above the bar if there is one.
func (p *trainProgress) Write(text []byte) (int, error) {
	if p.bar != nil {
		return p.bars.Write(text)
	}
	return p.out.Write(text)
}

// losses are those that are trained.
func (p *trainProgress) losses(e record.Entry) string {
	texts := []string{fmt.Sprintf("loss %.4g", e.Total)}
	w := p.o.objective
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

// finish ends the display; further calls do nothing.
func (p *trainProgress) finish() {
	if p.bar != nil {
		p.bar.Abort(false)
		p.bars.Wait()
		p.bar = nil
	}
}
