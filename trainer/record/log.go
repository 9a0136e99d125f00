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
	Total       float64 `json:"total"`
	Gradient    float64 `json:"gradient"`            // length of all gradients, before clipping
	Precision   string  `json:"precision,omitempty"` // model.Precision of the step
	Rate        float64 `json:"rate"`
	Seconds     float64 `json:"seconds"` // of one step
	Data        float64 `json:"data"`    // share of these that was waiting for pictures
	Busy        float64 `json:"busy"`    // processor time of preparing pictures, as a share of these
}

// Append adds a line to the log.
func (f *Folder) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = f.log.Write(append(line, '\n'))
	}
	if err != nil {
		return f.Explain(fmt.Errorf("log %s: %w", f.log.Name(), err))
	}
	return nil
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
