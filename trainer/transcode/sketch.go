package transcode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/film/stills"
)

// Sketch is what a run would do to a film.
type Sketch struct {
	Input     string   `json:"input"`
	Output    string   `json:"output,omitempty"`
	Finished  bool     `json:"finished,omitempty"` // the output is there and would stay
	Width     int      `json:"width,omitempty"`    // of the result
	Height    int      `json:"height,omitempty"`
	Frames    int      `json:"frames,omitempty"` // 0 is unknown
	Length    float64  `json:"length,omitempty"` // in seconds
	Codec     string   `json:"codec,omitempty"`
	Encoder   string   `json:"encoder,omitempty"`
	Container string   `json:"container,omitempty"`
	Segments  int      `json:"segments,omitempty"`
	Tracks    []Track  `json:"tracks,omitempty"` // besides the video
	Warnings  []string `json:"warnings,omitempty"`
	Seconds   float64  `json:"seconds,omitempty"` // that the run would take, 0 where that is not known
	Error     string   `json:"error,omitempty"`
}

// Plan finds out what Run would do, and writes nothing but a few frames into the folder for temporary files, which tell how long it would take. The error is
// that of Run; a film that Run would refuse has one of its own.
func Plan(ctx context.Context, o Options) ([]Sketch, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	jobs, err := o.toDo()
	if err != nil {
		return nil, err
	}
	var sketches []Sketch
	for _, j := range jobs {
		s := Sketch{Input: j.path}
		if err := j.sketch(ctx, &s); err != nil {
			s.Error = err.Error()
		}
		if ctx.Err() != nil {
			return sketches, ctx.Err()
		}
		sketches = append(sketches, s)
	}
	return sketches, nil
}

func (j *job) sketch(ctx context.Context, s *Sketch) error {
	for _, end := range j.guess() {
		if isResult(j.base+end, end) && !j.options.Overwrite {
			s.Finished, s.Output = true, j.base+end
			return nil
		}
	}
	if err := j.readable(); err != nil {
		return err
	}
	back, err := j.borrow()
	if err != nil {
		return err
	}
	defer back()
	if j.plan, err = j.look(ctx, "", ""); err != nil {
		return err
	}
	p := j.plan
	s.Output, s.Codec, s.Encoder, s.Container, s.Segments = j.base+p.End, p.Codec, p.Encoder.name(), p.Muxer, len(p.Segments)
	s.Width, s.Height = p.size()
	s.Tracks, s.Warnings = p.Tracks, p.Warnings
	for _, part := range p.Segments {
		s.Frames += part.Frames
	}
	s.Length = (min(p.From.End, p.Facts.End) - p.From.Begin).Seconds()
	perFrame, err := j.measure(ctx)
	s.Seconds = perFrame.Seconds() * float64(s.Frames)
	return err
}

// A measurement codes some frames, and few so that their time can be told from that of starting.
const someFrames, fewFrames = 12, 2

// measure is how long a frame takes, 0 for a film that is too short to tell.
func (j *job) measure(ctx context.Context) (time.Duration, error) {
	s := j.plan.Segments[0]
	if s.Frames < someFrames {
		return 0, nil
	}
	frames := j.plan.Facts.frames
	var took [2]time.Duration
	for i, n := range []int{fewFrames, someFrames} {
		part := s
		part.Frames, part.End = n, s.End
		for k, f := range frames {
			if f.time >= s.First && k+n < len(frames) {
				part.End = frames[k+n].time
				break
			}
		}
		begun := time.Now()
		if _, err := j.aside(ctx, j.plan, part, j.options.Set); err != nil {
			return 0, err
		}
		took[i] = time.Since(begun)
	}
	return max(took[1]-took[0], 0) / (someFrames - fewFrames), nil
}

// aside codes one part of a film in a folder for temporary files and gives the first of its coded frames.
func (j *job) aside(ctx context.Context, p *plan, part segment, set func(*gst.Element) error) ([]byte, error) {
	dir, err := os.MkdirTemp("", "adain")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	own, options := *p, *j.options
	own.Segments = []segment{part}
	options.Set, options.Watch = set, silent{}
	other := &job{options: &options, input: j.input, path: j.path, base: j.base, folder: &folder{path: dir}, clean: j.clean, plan: &own}
	if err := other.code(ctx, 0); err != nil {
		return nil, err
	}
	r, err := openSegment(other.folder.file(segmentName(0)))
	if err != nil {
		return nil, err
	}
	defer r.close()
	first, err := r.next()
	if err == io.EOF {
		return nil, fmt.Errorf("the frame at %v cannot be decoded", part.First)
	}
	return first.data, err
}

// silent is a Watcher that nobody listens to.
type silent struct{}

func (silent) Begin(string, int)   {}
func (silent) Frames(string, int)  {}
func (silent) Warn(string, string) {}
func (silent) End(Result)          {}

// Still is one frame of a film, as it is and stylised.
type Still struct {
	Time          time.Duration
	Before, After *model.Image
}

// Stills stylises n frames of a film that lie as far apart from each other as they can, with the frames before them that smoothing needs. Errors: a film that Run would
// refuse, one whose frames have no times, ctx's.
func Stills(ctx context.Context, o Options, n int) ([]Still, error) {
	o.Codec, o.Container, o.End, o.Pattern, o.Depth = "png", stills.PNG, "", "", 8
	if err := o.check(); err != nil {
		return nil, err
	}
	jobs, err := o.toDo()
	if err != nil {
		return nil, err
	}
	j := jobs[0]
	back, err := j.borrow()
	if err != nil {
		return nil, err
	}
	defer back()
	p, err := j.look(ctx, "", "")
	if err != nil {
		return nil, fmt.Errorf("%q: %w", j.path, err)
	}
	frames := p.Facts.frames
	if len(frames) == 0 {
		return nil, fmt.Errorf("%q: its frames have no times of their own, so none can be chosen", j.path)
	}
	as := func(e *gst.Element) error {
		if err := o.Set(e); err != nil {
			return err
		}
		return e.SetProperty("alpha", 0.0)
	}
	var found []Still
	for i := range min(n, len(frames)) {
		at := (2*i + 1) * len(frames) / (2 * min(n, len(frames)))
		s := Still{Time: frames[at].time}
		for _, side := range []struct {
			to   **model.Image
			set  func(*gst.Element) error
			warm int
		}{{&s.Before, as, 0}, {&s.After, o.Set, WarmUp(o.Smoothing)}} {
			data, err := j.aside(ctx, p, single(frames, at, side.warm), side.set)
			if err == nil {
				*side.to, err = picture.Decode(bytes.NewReader(data), picture.Limit{})
			}
			if err != nil {
				return nil, fmt.Errorf("%q: frame at %v: %w", j.path, s.Time.Round(time.Millisecond), err)
			}
		}
		found = append(found, s)
	}
	return found, nil
}

// single is a segment of one frame.
func single(frames []frameTime, at, warm int) segment {
	w := max(0, at-warm)
	end := forever
	if at+1 < len(frames) {
		end = frames[at+1].time
	}
	return segment{span: span{frames[at].time, end}, Warm: frames[w].time, Seek: seekFor(frames, w), Frames: 1, First: frames[at].time}
}
