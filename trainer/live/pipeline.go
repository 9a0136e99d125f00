package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/element"
	"adainfilter/model"
	"adainfilter/picture"
	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
)

// thumbnailHeight is that of the frames for thumbnails, in pixels.
const thumbnailHeight = 120

// A queue of one frame that drops the older one: what waits is always the newest.
const newest = "queue max-size-buffers=1 max-size-bytes=0 max-size-time=0 leaky=downstream"

// A gate that is opened for those who watch, and a sink for what comes through. They never hold up the rest: a valve would hold
// back the flush of a seek, and a sink that waits until its last frame is fetched the end of a film.
const (
	gate    = gateAll + " ! " + newest
	gateAll = "identity name=%s drop-probability=1"
	sink    = "appsink name=%s sync=false async=false max-buffers=1 drop=true wait-on-eos=false"
	// Of what is coded nothing may be dropped.
	coded = "appsink name=%s sync=false async=false max-buffers=50 wait-on-eos=false"
)

// describe is the pipeline as gst-launch understands it. Frames come in I420 of full range as JPEG has it. window is the sink of a window and
// coder what codes H.264, "" for none.
func describe(window, coder string) string {
	line := "appsrc name=arrivals is-live=true format=time block=false max-bytes=0 max-buffers=1 leaky-type=downstream ! " +
		"tee name=arrived ! " + newest + " ! adainfilter name=filter ! tee name=done" +
		" done. ! " + fmt.Sprintf(gate, "gate") + " ! jpegenc ! " + fmt.Sprintf(sink, "pictures") +
		" done. ! " + fmt.Sprintf(gate, "raw-gate") + " ! " + fmt.Sprintf(sink, "raw") +
		" arrived. ! " + fmt.Sprintf(gate, "tap") + " ! videoconvertscale ! " +
		fmt.Sprintf("video/x-raw,format=RGB,height=%d,pixel-aspect-ratio=1/1 ! pngenc snapshot=false ! ", thumbnailHeight) +
		fmt.Sprintf(sink, "content")
	if coder != "" {
		line += " done. ! " + fmt.Sprintf(gate, "coder-gate") + " ! videoconvertscale ! " + coder + " ! " + fmt.Sprintf(coded, "coded")
	}
	if window != "" {
		line += " done. ! " + newest + " ! videoconvert ! " + window + " sync=false"
	}
	return line
}

// pipeline is the filter and what shows its frames. It knows nothing of where they come from: that may break and come back.
type pipeline struct {
	*film.Pipeline
	clock            media.Clock
	arrivals         *app.Source
	bus              *gst.Bus
	filter, tap      *gst.Element
	pictures, frames *app.Sink
	raw, coded       *app.Sink   // coded is nil without a coder
	rawFrames, video *media.Feed // of what they give
	meter            meter
	tapping          chan struct{} // holds one token: one content at a time
	verdicts         chan verdict
	done             chan struct{} // closed when no message will be read any more

	last lastFrame
	gate *gst.Element
}

// verdict is a message adain-style.
type verdict struct {
	style string
	err   error
}

func newPipeline(c Config, clock media.Clock, coder string) (*pipeline, error) {
	window := ""
	if c.Window {
		var err error
		if window, err = windowSink(); err != nil {
			return nil, err
		}
	}
	line, err := film.NewPipeline(describe(window, coder), "live", film.DecodeLimit)
	if err != nil {
		return nil, err
	}
	p := &pipeline{Pipeline: line, clock: clock, bus: line.GetPipelineBus(),
		tapping: make(chan struct{}, 1), verdicts: make(chan verdict, 16), done: make(chan struct{})}
	if err := p.find(coder != ""); err != nil {
		return nil, err
	}
	if c.Window {
		if err := p.filter.SetProperty("navigation", true); err != nil {
			return nil, err
		}
	}
	if err := c.Prepare(p.filter); err != nil {
		return nil, err
	}
	clock.Share(line.Pipeline)
	return p, p.measure()
}

// find looks up the elements.
func (p *pipeline) find(coder bool) error {
	var arrivals, pictures, frames, raw, rawGate, coded, coderGate *gst.Element
	wanted := map[string]**gst.Element{"arrivals": &arrivals, "filter": &p.filter, "gate": &p.gate, "tap": &p.tap, "pictures": &pictures,
		"content": &frames, "raw": &raw, "raw-gate": &rawGate}
	if coder {
		wanted["coded"], wanted["coder-gate"] = &coded, &coderGate
	}
	for name, e := range wanted {
		var err error
		if *e, err = p.Element(name); err != nil {
			return err
		}
	}
	p.arrivals = app.SrcFromElement(arrivals)
	p.pictures, p.frames, p.raw = app.SinkFromElement(pictures), app.SinkFromElement(frames), app.SinkFromElement(raw)
	p.rawFrames = &media.Feed{Open: func(on bool) { pass(rawGate, on) }}
	if coder {
		p.coded = app.SinkFromElement(coded)
		p.video = &media.Feed{Open: func(on bool) { pass(coderGate, on) }, Joined: p.wantKey}
	}
	return nil
}

// measure counts frames where they arrive and where they leave the filter.
func (p *pipeline) measure() error {
	arrived, err := p.Sink("arrived")
	if err != nil {
		return err
	}
	arrived.AddProbe(gst.PadProbeTypeBuffer, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		p.meter.arrive(info.GetBuffer().PresentationTimestamp())
		return gst.PadProbeOK
	})
	p.filter.GetStaticPad("src").AddProbe(gst.PadProbeTypeBuffer, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		p.meter.end(info.GetBuffer().PresentationTimestamp())
		return gst.PadProbeOK
	})
	return nil
}

func (p *pipeline) start() error { return film.Plain(p.Start()) }

// close ends all threads of the pipeline.
func (p *pipeline) close() { p.Close() }

// step is how long a wait may hold up the end of the program.
const step = 100 * time.Millisecond

var errClosed = errors.New("the window was closed")

// watch follows the pipeline's messages until ctx is done, the window is closed or something fails.
func (p *pipeline) watch(ctx context.Context) error {
	defer close(p.done)
	for ctx.Err() == nil {
		message := p.bus.TimedPopFiltered(gst.ClockTime(step), gst.MessageError|gst.MessageElement)
		switch {
		case message == nil:
		case message.Type() == gst.MessageError:
			posted := p.Failure(message)
			if posted.Text == "Output window was closed" {
				return errClosed
			}
			return film.Plain(posted)
		default:
			p.Note(message)
			p.told(message)
		}
	}
	return nil
}

// told remembers what became of a style.
func (p *pipeline) told(message *gst.Message) {
	s := message.GetStructure()
	if s == nil || s.Name() != "adain-style" {
		return
	}
	name, _ := s.GetValue("name")
	ok, _ := s.GetValue("ok")
	text, _ := s.GetValue("error")
	runtime.KeepAlive(message) // which owns s
	v := verdict{}
	v.style, _ = name.(string)
	if ok != true {
		v.err = fmt.Errorf("%v", text)
	}
	select {
	case p.verdicts <- v:
	default: // keys of the window, which nobody waits for
	}
}

// open lets frames through to the JPEG encoder or not.
func (p *pipeline) open(on bool) { pass(p.gate, on) }

func pass(gate *gst.Element, on bool) {
	share := float32(1)
	if on {
		share = 0
	}
	gate.SetProperty("drop-probability", share)
}

// pull hands JPEG pictures to publish until ctx is done.
func (p *pipeline) pull(ctx context.Context, publish func([]byte)) error {
	return drain(ctx, p.pictures, func(sample *gst.Sample) { publish(film.Take(sample)) })
}

// drain calls take with what comes to a sink until ctx is done.
func drain(ctx context.Context, from *app.Sink, take func(*gst.Sample)) error {
	for ctx.Err() == nil {
		if sample := from.TryPullSample(gst.ClockTime(step)); sample != nil {
			take(sample)
		}
	}
	return nil
}

// content is one frame of the source, thumbnailHeight high.
func (p *pipeline) content(ctx context.Context) (*model.Image, error) {
	select {
	case p.tapping <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.tapping }()
	if old := p.frames.TryPullSample(0); old != nil {
		film.Take(old)
	}
	pass(p.tap, true)
	defer pass(p.tap, false)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && ctx.Err() == nil && !p.over(); {
		if sample := p.frames.TryPullSample(gst.ClockTime(step)); sample != nil {
			img, err := picture.Decode(bytes.NewReader(film.Take(sample)), picture.Limit{})
			if err != nil {
				return nil, fmt.Errorf("a frame of the source %w", err)
			}
			return img, nil
		}
		wait(ctx, step/5)
	}
	return nil, errors.New("the source has given no frame for a thumbnail")
}

// over says that the pipeline is about to be closed.
func (p *pipeline) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (p *pipeline) rates() rates { return p.meter.rates() }

// controls are those that were last asked for.
func (p *pipeline) controls() (controls, error) {
	var c controls
	for name, to := range map[string]any{
		"alpha": &c.Alpha, "smoothing": &c.Smoothing, "preserve-color": &c.PreserveColor, "transition": &c.Transition,
	} {
		v, err := p.filter.GetProperty(name)
		if err != nil {
			return c, fmt.Errorf("property %s: %w", name, err)
		}
		switch to := to.(type) {
		case *float64:
			*to, _ = v.(float64)
		case *bool:
			*to, _ = v.(bool)
		case *uint64:
			*to, _ = v.(uint64)
		}
	}
	c.Styles = element.GetStyles(p.filter.Unsafe())
	return c, nil
}
