package film

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// Pipeline is a pipeline of GStreamer that reads one source. Its methods may be called from any thread, Close and Run from one.
type Pipeline struct {
	*gst.Pipeline

	// Patience is how long Run waits for the rest to arrive once an element has failed, 3 seconds unless it is changed before Run.
	Patience time.Duration

	source  string        // what it reads, for messages
	limit   time.Duration // how long nothing may move
	missing []string      // plug-ins, as sentences
	lacking []string      // what they would take
	moved   atomic.Int64  // counts what passes; an end to it is the only sign of a pipeline that waits for itself
	awaited atomic.Int64  // counts what waits for a network, which may take any time

	lock    sync.Mutex
	release []func() // let go of what Probe and PadAdded call
}

// DecodeLimit is how long a decoder may take for one frame, where no network stands behind it. Slow drives and frames of 8K need
// seconds.
const DecodeLimit = time.Minute

// closeLimit is how long Close waits for the threads of a pipeline. Elements end what they do within a frame. Tests shorten it.
var closeLimit = 10 * time.Second

// ErrStalled says that a pipeline gives nothing any more, though it has neither ended nor failed.
var ErrStalled = errors.New("GStreamer has given nothing")

// ErrStopped, sent to Run, ends it when what was wanted has come, though other streams of the film may go on.
var ErrStopped = errors.New("stopped")

// ErrWriting is a failure of the element called out: reading on is of no use then.
var ErrWriting = errors.New("the result cannot be written")

// Error is what an element of a pipeline has posted.
type Error struct {
	Element string // its name in the pipeline
	Text    string // what is wrong, in GStreamer's words
	Missing bool   // GStreamer lacks an element, as Text says
}

// Error is the element and its text.
func (e *Error) Error() string { return e.Element + ": " + e.Text }

// Plain is an error without the name of the element that posted it, which says nothing to someone who has named none.
func Plain(err error) error {
	var posted *Error
	if errors.As(err, &posted) {
		return errors.New(posted.Text)
	}
	return err
}

// NewPipeline builds what gst-launch-1.0 would of a description, and initialises GStreamer. source is what the pipeline reads, for
// messages; limit is how long nothing may move in it while Run or Frames wait. Close must be called in the end. The error names
// the element that GStreamer lacks, or says what is wrong with the description.
func NewPipeline(description, source string, limit time.Duration) (*Pipeline, error) {
	Init()
	p, err := gst.NewPipelineFromString(description)
	if err != nil {
		if found := noElement.FindStringSubmatch(err.Error()); found != nil {
			return nil, errors.New(Lacking(found[1]))
		}
		return nil, fmt.Errorf("GStreamer cannot build the pipeline %s: %w", description, err)
	}
	return &Pipeline{Pipeline: p, Patience: 3 * time.Second, source: source, limit: limit}, nil
}

// Open is NewPipeline for a file, which the element called file reads.
func Open(description, path string, limit time.Duration) (*Pipeline, error) {
	p, err := NewPipeline(description, path, limit)
	if err != nil {
		return nil, err
	}
	e, err := p.Element("file")
	if err != nil {
		return nil, err
	}
	return p, e.SetProperty("location", path)
}

// Element is the element of a name. The error says that there is none.
func (p *Pipeline) Element(name string) (*gst.Element, error) {
	e, err := p.GetElementByName(name)
	if err != nil {
		return nil, fmt.Errorf("element %s: %w", name, err)
	}
	return e, nil
}

// Sink is the sink pad of the element of a name.
func (p *Pipeline) Sink(name string) (*gst.Pad, error) {
	e, err := p.Element(name)
	if err != nil {
		return nil, err
	}
	return e.GetStaticPad("sink"), nil
}

// SetLimit changes how long nothing may move. Call it before Run.
func (p *Pipeline) SetLimit(limit time.Duration) { p.limit = limit }

// Source is what the pipeline reads, as NewPipeline was told.
func (p *Pipeline) Source() string { return p.source }

// Moved tells Run that something has passed. Any thread calls it.
func (p *Pipeline) Moved() { p.moved.Add(1) }

// Probe calls f for what passes a pad, until Close. The bindings hold f until then, and with it most often the pipeline: a probe that
// is not removed keeps both for ever.
func (p *Pipeline) Probe(pad *gst.Pad, mask gst.PadProbeType, f gst.PadProbeCallback) {
	pad.Ref() // the bindings hold none for pads that signals bring, and parts of a pipeline that stop throw theirs away
	id := pad.AddProbe(mask, f)
	p.released(func() {
		pad.RemoveProbe(id)
		pad.Unref()
	})
}

// PadAdded calls f for each pad that an element is going to have, until Close. It is called by a thread of the element.
func (p *Pipeline) PadAdded(e *gst.Element, f func(pad *gst.Pad)) error {
	// The bindings hold a handler for ever, even one that is disconnected: it must not be what holds the pipeline.
	var current atomic.Pointer[func(*gst.Pad)]
	current.Store(&f)
	_, err := e.Connect("pad-added", func(_ *gst.Element, pad *gst.Pad) {
		if f := current.Load(); f != nil {
			(*f)(pad)
		}
	})
	p.released(func() { current.Store(nil) })
	return err
}

func (p *Pipeline) released(f func()) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.release = append(p.release, f)
}

// Start sets the pipeline to PLAYING. The error is the element's that hinders it, where one has said why.
func (p *Pipeline) Start() error {
	if err := p.SetState(gst.StatePlaying); err != nil {
		if posted := p.Posted(); posted != nil {
			return posted
		}
		return fmt.Errorf("%q: GStreamer does not start: %w", p.source, err)
	}
	return nil
}

// Run plays the pipeline to its end. An error that comes on the channel stops it and is returned, and so is ctx's. An error of
// an element is returned as *Error after what was on its way has arrived, that of the element out at once and as ErrWriting. ErrStalled
// comes where nothing moves for the pipeline's limit. The pipeline is not closed.
func (p *Pipeline) Run(ctx context.Context, abort <-chan error) error {
	if err := p.Start(); err != nil {
		return err
	}
	bus := p.GetPipelineBus()
	var failure error
	var deadline time.Time
	seen, since := p.moved.Load(), time.Now()
	for {
		waits := p.awaited.Load() > 0
		if now := p.moved.Load(); waits || now != seen {
			seen, since = now, time.Now()
		} else if err := p.Stalled(since); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-abort:
			return err
		default:
		}
		if failure != nil && time.Now().After(deadline) {
			return failure
		}
		// Short, so that an interrupt and an aborting probe are seen soon.
		message := bus.TimedPopFiltered(gst.ClockTime(20*time.Millisecond), gst.MessageEOS|gst.MessageError|gst.MessageElement)
		switch {
		case message == nil:
		case message.Type() == gst.MessageElement:
			p.Note(message)
		case message.Type() == gst.MessageEOS:
			return failure
		case message.Source() == "out":
			return fmt.Errorf("%w: %w", ErrWriting, p.Failure(message))
		case failure == nil:
			failure, deadline = p.Failure(message), time.Now().Add(p.Patience)
		}
	}
}

// Stalled is ErrStalled with a sentence if the last thing came longer ago than the pipeline's limit, else nil.
func (p *Pipeline) Stalled(last time.Time) error {
	if time.Since(last) <= p.limit {
		return nil
	}
	return fmt.Errorf("%q: %w for %v", p.source, ErrStalled, p.limit)
}

// Posted is the error that an element has posted, nil if there is none.
func (p *Pipeline) Posted() error {
	for bus := p.GetPipelineBus(); ; {
		message := bus.PopFiltered(gst.MessageError | gst.MessageElement)
		switch {
		case message == nil:
			return nil
		case message.Type() == gst.MessageError:
			return p.Failure(message)
		}
		p.Note(message)
	}
}

// Failure is the *Error that a message of the kind error holds; where plug-ins are missing it names them and their Debian packages.
func (p *Pipeline) Failure(message *gst.Message) *Error {
	defer runtime.KeepAlive(message)
	e := message.ParseError()
	text := strings.TrimSpace(e.Error())
	// The sentence of "Internal data stream error." is in the details.
	if debug := e.DebugString(); strings.Contains(text, "nternal data stream") && debug != "" {
		if i := strings.LastIndexByte(debug, '\n'); i >= 0 {
			debug = strings.TrimSpace(debug[i+1:])
		}
		text += " (" + debug + ")"
	}
	// The word of GStreamer that has it is translated; what is missing is the cause of whatever else a decoder says.
	if len(p.missing) > 0 {
		text = strings.Join(p.missing, "; ")
	}
	return &Error{message.Source(), text, len(p.missing) > 0}
}

// Close ends all threads of the pipeline. A thread that hangs in an element is left behind after some seconds: false says so, and
// probes may then still be called.
func (p *Pipeline) Close() bool {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.SetState(gst.StateNull)
	}()
	select {
	case <-ended:
	case <-time.After(closeLimit):
		return false
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, f := range p.release {
		f()
	}
	p.release = nil
	return true
}
