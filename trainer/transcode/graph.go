package transcode

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// graph is a pipeline of GStreamer.
type graph struct {
	*gst.Pipeline
	file     string        // what it reads, for messages
	patience time.Duration // how long the rest may take to arrive once an element has failed
	moved    atomic.Int64  // counts what passes; an end to it is the only sign of a pipeline that waits for itself
}

// stall is how long nothing may pass in a pipeline: a slow network on one CPU needs seconds for a large frame.
const stall = 10 * time.Minute

// newPipeline builds what gst-launch-1.0 would of a description.
func newPipeline(description string) (*graph, error) {
	p, err := gst.NewPipelineFromString(description)
	if err != nil {
		return nil, fmt.Errorf("GStreamer cannot build the pipeline %s: %w", description, err)
	}
	return &graph{Pipeline: p, patience: 3 * time.Second}, nil
}

func (g *graph) element(name string) (*gst.Element, error) {
	e, err := g.GetElementByName(name)
	if err != nil {
		return nil, fmt.Errorf("element %s: %w", name, err)
	}
	return e, nil
}

// setFile sets what the element file reads.
func (g *graph) setFile(path string) error {
	g.file = path
	e, err := g.element("file")
	if err != nil {
		return err
	}
	return e.SetProperty("location", path)
}

// drain lets what a new pad gives pass a probe and disappear. For handlers of pad-added.
func (g *graph) drain(pad *gst.Pad, probe gst.PadProbeCallback) error {
	sink, err := gst.NewElementWithProperties("fakesink", map[string]any{"sync": false, "async": false})
	if err != nil {
		return err
	}
	if err := g.Add(sink); err != nil {
		return err
	}
	in := sink.GetStaticPad("sink")
	in.AddProbe(gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		g.moved.Add(1)
		if probe == nil {
			return gst.PadProbeOK
		}
		return probe(pad, info)
	})
	sink.SyncStateWithParent()
	if r := pad.Link(in); r != gst.PadLinkOK {
		return fmt.Errorf("a stream of %q cannot be read: %v", g.file, r)
	}
	return nil
}

// errStopped ends a pipeline when what was wanted of it has come, though other streams of the film may go on.
var errStopped = errors.New("stopped")

// errWriting is a failure of the element out: reading on is of no use then.
var errWriting = errors.New("the result cannot be written")

// play runs the pipeline to its end. An error that comes on the channel stops it and is returned, and so is ctx's. An error of
// an element is returned after what was on its way has arrived, one of the element out at once.
func (g *graph) play(ctx context.Context, abort <-chan error) error {
	if err := g.SetState(gst.StatePlaying); err != nil {
		if posted := g.posted(); posted != nil {
			return posted
		}
		return fmt.Errorf("%q: GStreamer does not start: %w", g.file, err)
	}
	bus := g.GetPipelineBus()
	var failure error
	var deadline time.Time
	seen, since := g.moved.Load(), time.Now()
	for {
		if now := g.moved.Load(); now != seen {
			seen, since = now, time.Now()
		} else if time.Since(since) > stall {
			return fmt.Errorf("%q: GStreamer has given nothing for %v", g.file, stall)
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
		message := bus.TimedPopFiltered(gst.ClockTime(20*time.Millisecond), gst.MessageEOS|gst.MessageError)
		switch {
		case message == nil:
		case message.Type() == gst.MessageEOS:
			return failure
		case message.Source() == "out":
			return fmt.Errorf("%w: %w", errWriting, g.failure(message))
		case failure == nil:
			failure, deadline = g.failure(message), time.Now().Add(g.patience)
		}
	}
}

// posted is the error that an element has posted, nil if there is none.
func (g *graph) posted() error {
	message := g.GetPipelineBus().PopFiltered(gst.MessageError)
	if message == nil {
		return nil
	}
	return g.failure(message)
}

func (g *graph) failure(message *gst.Message) error {
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
	return fmt.Errorf("%s: %w", message.Source(), errors.New(text))
}

func (g *graph) stop() { g.SetState(gst.StateNull) }

// padKind is the kind of a stream (track.kind) that a pad will give, before it gives anything.
func padKind(pad *gst.Pad) string {
	caps := pad.GetCurrentCaps()
	if caps == nil || caps.GetSize() == 0 {
		caps = pad.QueryCaps(nil)
	}
	if caps == nil || caps.GetSize() == 0 {
		return ""
	}
	defer runtime.KeepAlive(caps)
	return kindOf(caps.GetStructureAt(0).Name())
}

// eventOf is the event that a probe sees, nil if it sees something else.
func eventOf(info *gst.PadProbeInfo) *gst.Event {
	if info.Type()&(gst.PadProbeTypeEventDownstream|gst.PadProbeTypeEventFlush) == 0 {
		return nil
	}
	return info.GetEvent()
}

// bufferOf is the buffer that a probe sees, nil if it sees something else. It is valid during the probe's call only.
func bufferOf(info *gst.PadProbeInfo) *gst.Buffer {
	if info.Type()&gst.PadProbeTypeBuffer == 0 {
		return nil
	}
	return info.GetBuffer()
}
