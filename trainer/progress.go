package main

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how far a long job is: a bar on a terminal, a line for each step elsewhere.
type progress struct {
	out   io.Writer
	bars  *mpb.Progress
	bar   *mpb.Bar
	total int
	done  int
}

// newProgress begins a job of total steps. finish must be called.
func newProgress(out io.Writer, title string, total int) *progress {
	p := &progress{out: out, total: total}
	if f, ok := out.(*os.File); ok && total > 1 && cwriter.IsTerminal(int(f.Fd())) {
		p.bars = mpb.New(mpb.WithOutput(f))
		p.bar = p.bars.AddBar(int64(total),
			mpb.PrependDecorators(decor.Name(title+" "), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done")))
	}
	return p
}

// step says that one step is done; what names it.
func (p *progress) step(what string) {
	p.done++
	if p.bar != nil {
		p.bar.Increment()
		return
	}
	fmt.Fprintf(p.out, "%d/%d %s\n", p.done, p.total, what)
}

// failed says that one step went wrong and why; the job goes on.
func (p *progress) failed(err error) {
	p.done++
	if p.bar != nil {
		p.bar.Increment()
		// Above the bar, unless the bar has ended already.
		if _, writeErr := fmt.Fprintln(p.bars, "adain:", err); writeErr == nil {
			return
		}
	}
	fmt.Fprintln(p.out, "adain:", err)
}

// finish ends the display.
func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Abort(false)
		p.bars.Wait()
	}
}
