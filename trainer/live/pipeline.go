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
)

// thumbnailHeight is that of the frames for thumbnails, in pixels.
const thumbnailHeight = 120

// A queue of one frame that drops the older one: what waits is always the newest.
const newest = "queue max-size-buffers=1 max-size-bytes=0 max-size-time=0 leaky=downstream"

// A gate that is opened for those who watch, and a sink for what comes through. They never hold up the rest: a valve would hold
// back the flush of a seek, and a sink that waits until its last frame is fetched the end of a film.
const (
	gate = "identity name=%s drop-probability=1 ! " + newest
	sink = "appsink name=%s sync=false async=false max-buffers=1 drop=true wait-on-eos=false"
)

// describe is the pipeline as gst-launch understands it. JPEG files have full range and BT.601, which the encoder takes for
// granted; asked for before the filter, frames are converted once. window is the sink of a window, "" for none.
func describe(s source, height int, window string) string {
	line := s.line + fmt.Sprintf(" ! videoconvertscale ! "+
		"video/x-raw,format=I420,height=%d,pixel-aspect-ratio=1/1,colorimetry=(string)1:4:0:0 ! ", height)
	if s.loops {
		line += "clocksync ! " // a file would come as fast as it can be read
	}
	line += "tee name=arrived ! " + newest + " ! adainfilter name=filter ! tee name=done" +
		" done. ! " + fmt.Sprintf(gate, "gate") + " ! jpegenc ! " + fmt.Sprintf(sink, "pictures") +
		" arrived. ! " + fmt.Sprintf(gate, "tap") + " ! videoconvertscale ! " +
		fmt.Sprintf("video/x-raw,format=RGB,height=%d,pixel-aspect-ratio=1/1 ! pngenc snapshot=false ! ", thumbnailHeight) +
		fmt.Sprintf(sink, "content")
	if window != "" {
		line += " done. ! " + newest + " ! videoconvert ! " + window + " sync=false"
	}
	return line
}

// pipeline is the source, the filter and what shows its frames.
type pipeline struct {
	*film.Pipeline
	source            source
	bus               *gst.Bus
	filter, gate, tap *gst.Element
	pictures, frames  *app.Sink
	meter             meter
	tapping           chan struct{} // holds one token: one content at a time
	verdicts          chan verdict
	done              chan struct{} // closed when no message will be read any more
}

// verdict is a message adain-style.
type verdict struct {
	style string
	err   error
}

func newPipeline(s source, c Config) (*pipeline, error) {
	window := ""
	if c.Window {
		var err error
		if window, err = windowSink(); err != nil {
			return nil, err
		}
	}
	line, err := film.NewPipeline(describe(s, c.Height, window), s.name, film.DecodeLimit)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", s.name, err)
	}
	p := &pipeline{Pipeline: line, source: s, bus: line.GetPipelineBus(),
		tapping: make(chan struct{}, 1), verdicts: make(chan verdict, 16), done: make(chan struct{})}
	var pictures, frames *gst.Element
	for name, e := range map[string]**gst.Element{
		"filter": &p.filter, "gate": &p.gate, "tap": &p.tap, "pictures": &pictures, "content": &frames,
	} {
		if *e, err = line.Element(name); err != nil {
			return nil, err
		}
	}
	p.pictures, p.frames = app.SinkFromElement(pictures), app.SinkFromElement(frames)
	if s.property != "" {
		e, err := line.Element("source")
		if err != nil {
			return nil, err
		}
		if err := e.SetProperty(s.property, s.value); err != nil {
			return nil, fmt.Errorf("source %q: %w", s.name, err)
		}
	}
	if c.Window {
		if err := p.filter.SetProperty("navigation", true); err != nil {
			return nil, err
		}
	}
	if err := c.Prepare(p.filter); err != nil {
		return nil, err
	}
	return p, p.measure()
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

func (p *pipeline) start() error {
	var posted *film.Error
	switch err := p.Start(); {
	case errors.As(err, &posted):
		return p.failure(posted)
	case err != nil:
		return fmt.Errorf("source %w", err)
	}
	return nil
}

// close ends all threads of the pipeline.
func (p *pipeline) close() { p.Close() }

// step is how long a wait may hold up the end of the program.
const step = 100 * time.Millisecond

var errClosed = errors.New("the window was closed")

// watch follows the pipeline's messages until ctx is done, the window is closed, something fails or no frame has come for long.
func (p *pipeline) watch(ctx context.Context) error {
	defer close(p.done)
	last := 0 // frames when the film last began
	seen, since := 0, time.Now()
	for ctx.Err() == nil {
		message := p.bus.TimedPopFiltered(gst.ClockTime(step), gst.MessageError|gst.MessageEOS|gst.MessageElement)
		if n := p.meter.arrived(); n != seen {
			seen, since = n, time.Now()
		} else if err := p.Stalled(since); err != nil {
			return fmt.Errorf("source %w", err)
		}
		if message == nil {
			continue
		}
		switch message.Type() {
		case gst.MessageError:
			if err := p.failure(p.Failure(message)); err != errClosed {
				return err
			}
			return nil
		case gst.MessageEOS:
			if err := p.again(p.meter.arrived() - last); err != nil {
				return err
			}
			last = p.meter.arrived()
		case gst.MessageElement:
			p.Note(message)
			p.told(message)
		}
	}
	return nil
}

// again plays a film from its start. In PAUSED the clock starts anew with it.
func (p *pipeline) again(frames int) error {
	switch {
	case !p.source.loops:
		return fmt.Errorf("source %q has ended", p.source.name)
	case frames < 2:
		return fmt.Errorf("source %q has %d frames, wanted a film", p.source.name, frames)
	}
	if err := p.SetState(gst.StatePaused); err != nil {
		return fmt.Errorf("source %q: %w", p.source.name, err)
	}
	if !p.SeekTime(0, gst.SeekFlagFlush|gst.SeekFlagKeyUnit) {
		return fmt.Errorf("source %q has ended, and this kind of file cannot go back to its start", p.source.name)
	}
	return p.start()
}

// failure is the sentence of what an element has posted.
func (p *pipeline) failure(posted *film.Error) error {
	switch {
	case posted.Text == "Output window was closed":
		return errClosed
	case posted.Element == "filter":
		return errors.New(posted.Text)
	}
	return fmt.Errorf("source %q: %s", p.source.name, posted.Text)
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
	for ctx.Err() == nil {
		began := time.Now()
		if sample := p.pictures.TryPullSample(gst.ClockTime(step)); sample != nil {
			publish(film.Take(sample))
		} else if time.Since(began) < step/2 { // a film is at its end and begins anew
			wait(ctx, step/5)
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
				return nil, fmt.Errorf("a frame of source %q %w", p.source.name, err)
			}
			return img, nil
		}
		wait(ctx, step/5)
	}
	return nil, fmt.Errorf("source %q has given no frame for a thumbnail", p.source.name)
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
