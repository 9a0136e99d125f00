package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"

	"adainfilter/trainer/transcode"
)

// filmProgress shows how far films are: on a terminal a bar for each that is being made, with frames, frames per second and
// remaining time, and one for all; a line for each that is finished elsewhere.
type filmProgress struct {
	lock  sync.Mutex
	out   io.Writer
	bars  *mpb.Progress
	films map[string]*mpb.Bar
	all   *mpb.Bar
	total int
	done  int
}

func newFilmProgress(out io.Writer, films int) *filmProgress {
	p := &filmProgress{out: out, total: films, films: map[string]*mpb.Bar{}}
	if f, ok := out.(*os.File); ok && cwriter.IsTerminal(int(f.Fd())) {
		p.bars = mpb.New(mpb.WithOutput(f))
		if films > 1 {
			p.all = p.bars.AddBar(int64(films), mpb.BarPriority(1<<30), mpb.PrependDecorators(decor.Name("films "), decor.CountersNoUnit("%d/%d")))
		}
	}
	return p
}

// Begin is the first of a film's calls unless it is skipped or cannot be read.
func (p *filmProgress) Begin(input string, frames int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.bars == nil {
		return
	}
	start := time.Now()
	p.films[input] = p.bars.AddBar(int64(frames), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(clean(filepath.Base(input))+" "), decor.CountersNoUnit("%d/%d ")),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return fmt.Sprintf("%.1f fps ", float64(s.Current)/time.Since(start).Seconds())
		}), decor.AverageETA(decor.ET_STYLE_GO)))
}

// Frames counts coded frames; a segment that is made again takes its own back.
func (p *filmProgress) Frames(input string, n int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if bar := p.films[input]; bar != nil {
		bar.IncrBy(n)
	}
}

func (p *filmProgress) Warn(input, text string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.print(fmt.Sprintf("adain: warning: %q: %s", input, text))
}

func (p *filmProgress) End(r transcode.Result) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.done++
	if bar := p.films[r.Input]; bar != nil {
		bar.Abort(true)
	}
	switch r.Status {
	case transcode.Failed:
		if p.total > 1 { // of a single film the command itself says what is wrong
			p.print("adain: " + r.Err.Error())
		}
	case transcode.Done:
		rate := ""
		if r.Coded > 0 && r.Seconds > 0 {
			rate = fmt.Sprintf(", %.1f fps", float64(r.Coded)/r.Seconds)
		}
		p.print(fmt.Sprintf("%d/%d %q: %d frames%s, %s", p.done, p.total, r.Output, r.Frames, rate, r.Encoder))
	case transcode.Skipped:
		p.print(fmt.Sprintf("%d/%d %q: skipped, there is %q", p.done, p.total, r.Input, r.Output))
	default:
		p.print(fmt.Sprintf("%d/%d %q: %s", p.done, p.total, r.Input, r.Status))
	}
	if p.all != nil {
		p.all.Increment()
	}
}

// print writes a line above the bars.
func (p *filmProgress) print(line string) {
	if p.bars != nil {
		if _, err := fmt.Fprintln(p.bars, line); err == nil {
			return
		}
	}
	fmt.Fprintln(p.out, line)
}

func (p *filmProgress) finish() {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.bars == nil {
		return
	}
	for _, bar := range p.films {
		bar.Abort(true)
	}
	if p.all != nil {
		p.all.Abort(false)
	}
	p.bars.Wait()
}

// clean keeps control characters of a file's name from the terminal, and the bar on its line.
func clean(name string) string {
	quoted := fmt.Sprintf("%.30q", name)
	return quoted[1 : len(quoted)-1]
}
