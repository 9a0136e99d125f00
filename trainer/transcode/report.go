package transcode

import (
	"time"
)

// Result is what became of one film.
type Result struct {
	Input    string   `json:"input"`
	Output   string   `json:"output,omitempty"`
	Status   Status   `json:"status"`
	Frames   int      `json:"frames,omitempty"`   // in the output
	Coded    int      `json:"coded,omitempty"`    // by this run; the others were there
	Length   float64  `json:"length,omitempty"`   // of the output, in seconds
	Seconds  float64  `json:"seconds,omitempty"`  // from the first look at the film to its end
	Encoder  string   `json:"encoder,omitempty"`  // GStreamer's element
	Segments int      `json:"segments,omitempty"` // of the film
	Missing  []string `json:"missing,omitempty"`  // segments that other shards have not finished
	Tracks   []Track  `json:"tracks,omitempty"`   // all of the film but the video
	Warnings []string `json:"warnings,omitempty"`
	Error    string   `json:"error,omitempty"`

	Err error `json:"-"`
}

// Track says what becomes of a stream of the film, or of a file that is attached to it.
type Track struct {
	Kind     string `json:"kind"`               // audio, subtitle, chapters, timecode, metadata, attachment, video or other
	Format   string `json:"format"`             // how it is coded, in the words of the film's container or of GStreamer
	Name     string `json:"name,omitempty"`     // that people gave it
	Language string `json:"language,omitempty"` // as the film writes it
	Fate     string `json:"fate"`               // copied, coded anew or left out
	Why      string `json:"why,omitempty"`      // it is not copied
}

// What becomes of a track.
const (
	fateCopied = "copied"
	fateAnew   = "coded anew"
	fateLost   = "left out"
)

// Status says what became of a film.
type Status string

const (
	Done        Status = "done"        // the output is complete
	Skipped     Status = "skipped"     // the output was there
	Partial     Status = "partial"     // this shard's segments are finished
	Failed      Status = "failed"      // Err says why
	Interrupted Status = "interrupted" // another run goes on with it
)

// Report is what became of all films.
type Report struct {
	Films   []Result       `json:"films"`
	Counts  map[Status]int `json:"counts"`
	Seconds float64        `json:"seconds"`
}

func newReport(jobs []*job, took time.Duration) *Report {
	r := &Report{Counts: map[Status]int{}, Seconds: took.Seconds()}
	for _, j := range jobs {
		if j.result.Status == "" {
			j.result = Result{Input: j.path, Status: Interrupted}
		}
		r.Films = append(r.Films, j.result)
		r.Counts[j.result.Status]++
	}
	return r
}
