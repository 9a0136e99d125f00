package main

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"adainfilter/trainer/terminal"
	"adainfilter/trainer/transcode"
)

// filmProgress shows how far films are: on a terminal a bar for each that is being made, with frames per second and remaining time,
// and one for all; a line for each that is finished elsewhere.
type filmProgress struct {
	*terminal.Progress
	lock  sync.Mutex
	films map[string]*terminal.Bar
	all   *terminal.Bar
	total int
	done  int
}

func newFilmProgress(out io.Writer, films int) *filmProgress {
	p := &filmProgress{Progress: terminal.NewProgress(out), total: films, films: map[string]*terminal.Bar{}}
	if films > 1 {
		p.all = p.Bar(terminal.BarOptions{Title: "films", Total: films, Text: func(int) string { return "" }, Last: true})
	}
	return p
}

// Begin is the first of a film's calls unless it is skipped or cannot be read.
func (p *filmProgress) Begin(input string, frames int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	start := time.Now()
	p.films[input] = p.Bar(terminal.BarOptions{Title: clean(filepath.Base(input)), Total: frames, Transient: true, Text: func(done int) string {
		took := time.Since(start)
		left := time.Duration(float64(took) * float64(frames-done) / float64(max(done, 1)))
		return fmt.Sprintf("%.1f fps %v", float64(done)/took.Seconds(), left.Round(time.Second))
	}})
}

// Frames counts coded frames; a segment that is made again takes its own back.
func (p *filmProgress) Frames(input string, n int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.films[input].Add(n)
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
	p.films[r.Input].Remove()
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
	p.all.Add(1)
}

// print writes a line above the bars.
func (p *filmProgress) print(line string) { fmt.Fprintln(p, line) }

// finish ends the display.
func (p *filmProgress) finish() {
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, bar := range p.films {
		bar.Remove()
	}
	p.Finish()
}

// clean keeps control characters of a file's name from the terminal, and the bar on its line.
func clean(name string) string {
	quoted := fmt.Sprintf("%.30q", name)
	return quoted[1 : len(quoted)-1]
}

// Log shows what a worker begins and ends.
func (p *filmProgress) Log(text string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.print(terminal.Printable(text))
}
