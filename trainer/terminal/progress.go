package terminal

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Progress is bars at the end of a terminal, with lines of text above them. Where the output is no terminal there are the lines only.
// Its methods may be called at the same time.
type Progress struct {
	out  io.Writer
	bars *mpb.Progress // nil where out is no terminal
	lock sync.Mutex
	all  []*mpb.Bar
	done bool
}

// NewProgress begins without bars. Finish must be called.
func NewProgress(out io.Writer) *Progress {
	p := &Progress{out: out}
	if f, ok := out.(*os.File); ok && IsTerminal(f) {
		p.bars = mpb.New(mpb.WithOutput(f))
	}
	return p
}

// Write prints text above the bars. It implements io.Writer.
func (p *Progress) Write(text []byte) (int, error) {
	if p.bars != nil {
		if n, err := p.bars.Write(text); err == nil { // the bars may have ended already
			return n, nil
		}
	}
	return p.out.Write(text)
}

// Finish ends the display; bars that were not removed stay as they are. Further calls do nothing.
func (p *Progress) Finish() {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.bars == nil || p.done {
		return
	}
	p.done = true
	for _, bar := range p.all {
		bar.Abort(false)
	}
	p.bars.Wait()
}

// BarOptions describe a bar.
type BarOptions struct {
	Title     string
	Total     int                   // steps
	Text      func(done int) string // what stands behind the bar, called by the display's goroutine; nil is the time left
	Last      bool                  // it stays below all others
	Transient bool                  // it goes away when it is complete
}

// Bar is one bar of a Progress. A nil Bar is none: its methods do nothing.
type Bar struct {
	bar   *mpb.Bar
	total int
}

// Bar adds a bar. It is nil where bars are not seen.
func (p *Progress) Bar(o BarOptions) *Bar {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.bars == nil || p.done {
		return nil
	}
	behind := decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done")
	if o.Text != nil {
		behind = decor.Any(func(s decor.Statistics) string { return " " + o.Text(int(s.Current)) })
	}
	options := []mpb.BarOption{mpb.PrependDecorators(decor.Name(o.Title+" "), decor.CountersNoUnit("%d/%d")), mpb.AppendDecorators(behind)}
	if o.Last {
		options = append(options, mpb.BarPriority(1<<30))
	}
	if o.Transient {
		options = append(options, mpb.BarRemoveOnComplete())
	}
	bar := p.bars.AddBar(int64(o.Total), options...)
	p.all = append(p.all, bar)
	return &Bar{bar, o.Total}
}

// Add counts n steps more, or less where n is negative.
func (b *Bar) Add(n int) {
	if b != nil {
		b.bar.IncrBy(n)
	}
}

// Set says that done steps are done. With all of them the bar stands still and is not complete, so that texts behind it can change.
func (b *Bar) Set(done int) {
	if b != nil && done < b.total {
		b.bar.SetCurrent(int64(done))
	}
}

// Remove takes the bar away.
func (b *Bar) Remove() {
	if b != nil {
		b.bar.Abort(true)
	}
}

// Steps shows how far a job of single steps is: a bar on a terminal, elsewhere a line for each step. A nil Steps shows nothing.
type Steps struct {
	progress *Progress
	bar      *Bar
	total    int
	done     int
}

// NewSteps begins a job of total steps. Finish must be called.
func NewSteps(out io.Writer, title string, total int) *Steps {
	s := &Steps{progress: NewProgress(out), total: total}
	if total > 1 {
		s.bar = s.progress.Bar(BarOptions{Title: title, Total: total})
	}
	return s
}

// Step says that one step is done; what names it.
func (s *Steps) Step(what string) {
	if s == nil {
		return
	}
	s.done++
	if s.bar != nil {
		s.bar.Add(1)
		return
	}
	fmt.Fprintf(s.progress, "%d/%d %s\n", s.done, s.total, what)
}

// Note says something about a step that goes on.
func (s *Steps) Note(text string) {
	if s != nil {
		fmt.Fprintln(s.progress, "adain:", text)
	}
}

// Failed says that one step went wrong and why; the job goes on.
func (s *Steps) Failed(err error) {
	if s == nil {
		return
	}
	s.done++
	s.bar.Add(1)
	fmt.Fprintln(s.progress, "adain:", err)
}

// Finish ends the display.
func (s *Steps) Finish() {
	if s != nil {
		s.progress.Finish()
	}
}
