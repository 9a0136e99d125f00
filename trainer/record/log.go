package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Entry is one line of the log: means since the line before.
type Entry struct {
	Iteration   int     `json:"iteration"` // steps done so far
	Content     float64 `json:"content"`   // losses without their weights
	Style       float64 `json:"style"`
	Identity    float64 `json:"identity"`
	Consistency float64 `json:"consistency"`
	Lattice     float64 `json:"lattice"`
	Total       float64 `json:"total"`
	Gradient    float64 `json:"gradient"`            // length of all gradients, before clipping
	Repeats     int     `json:"repeats,omitempty"`   // how often a step was computed again because its numbers overflowed
	Precision   string  `json:"precision,omitempty"` // model.Precision of the step
	Rate        float64 `json:"rate"`
	Seconds     float64 `json:"seconds"` // of one step
	Data        float64 `json:"data"`    // share of these that was waiting for pictures
	Busy        float64 `json:"busy"`    // processor time of preparing pictures, as a share of these
	Epoch       float64 `json:"epoch"`   // how often every content was seen
	Time        string  `json:"time"`    // when the line was written, RFC 3339, UTC
	Scores      *Scores `json:"scores,omitempty"`
}

// Scores are those of `adain eval` at alpha 1 on pictures that are not trained on; documents/scores.md defines them.
type Scores struct {
	StyleRatio   float64 `json:"style_ratio"`
	ContentRatio float64 `json:"content_ratio"`
	SSIM         float64 `json:"ssim"`
	NoiseGain    float64 `json:"noise_gain"`
}

// Sum is what the best weights have least of: style ratio and content ratio together.
func (s Scores) Sum() float64 { return s.StyleRatio + s.ContentRatio }

// Best is the entry of a log whose scores have the least sum, and how many scores came after it; nil without any.
func Best(log []Entry) (best *Entry, since int) {
	for i := range log {
		switch s := log[i].Scores; {
		case s == nil:
		case best == nil || s.Sum() < best.Scores.Sum():
			best, since = &log[i], 0
		default:
			since++
		}
	}
	return best, since
}

// Append adds a line to the log, and to TensorBoard's events where they are written.
func (f *Folder) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = f.log.Write(append(line, '\n'))
	}
	if err != nil {
		return f.Explain(fmt.Errorf("log %s: %w", f.log.Name(), err))
	}
	return f.appendEvents(e)
}

// ReadLog is the log up to an iteration. What comes after it, or after a line that is torn, is removed from the file.
func (f *Folder) ReadLog(last int) ([]Entry, error) {
	fail := func(err error) ([]Entry, error) { return nil, fmt.Errorf("log %s: %w", f.log.Name(), err) }
	if _, err := f.log.Seek(0, io.SeekStart); err != nil {
		return fail(err)
	}
	data, err := io.ReadAll(f.log)
	if err != nil {
		return fail(err)
	}
	var entries []Entry
	kept, before := 0, 0
	for {
		line, _, whole := bytes.Cut(data[kept:], []byte("\n"))
		var e Entry
		if !whole || json.Unmarshal(line, &e) != nil || e.Iteration <= before || e.Iteration > last {
			break
		}
		entries = append(entries, e)
		kept, before = kept+len(line)+1, e.Iteration
	}
	if kept < len(data) {
		if err := f.log.Truncate(int64(kept)); err != nil {
			return fail(err)
		}
	}
	return entries, nil
}
