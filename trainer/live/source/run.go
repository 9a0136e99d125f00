package source

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
	"github.com/go-gst/go-gst/gst/app"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
)

// To is where a source's frames and sound go.
type To struct {
	Clock  media.Clock
	Height int                        // of the frames, in pixels; the width follows from the source's shape
	Frames func(media.Packet)         // I420 of full range as JPEG has it; called by one thread, with the frame valid during the call
	Sound  func(media.Packet)         // SoundCaps; called by one thread; nil leaves sound out
	Say    func(error, time.Duration) // is told what broke, and when it is tried again
}

// SoundCaps is what sound is, everywhere.
const SoundCaps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2"

var errEnd = errors.New("it has ended")

// Run plays the source until ctx is done, which is no error, until it is over, or until it fails for good. Cameras, screens and what comes
// over a network are tried again with growing pauses, also before their first frame, unless GStreamer lacks an element for them. Errors
// name the source.
func (s *Source) Run(ctx context.Context, to To) error {
	seen := 0
	play := func(ctx context.Context) error {
		for first := true; ; first = false {
			frames, err := s.play(ctx, to)
			seen += frames
			if err == errEnd && s.end == loops && ctx.Err() == nil {
				if first && frames < 2 {
					return media.Final(fmt.Errorf("it has %d frames, wanted a film", frames))
				}
				continue
			}
			if s.end == closes || s.end == loops && seen == 0 {
				return media.Final(err)
			}
			return err
		}
	}
	err := media.Again(ctx, play, func(err error, pause time.Duration) { to.Say(s.failure(err), pause) })
	if err == nil || err == errEnd && s.end == closes && seen > 0 {
		return nil
	}
	return s.failure(err)
}

func (s *Source) failure(err error) error {
	text := err.Error()
	if s.secret != "" {
		text = strings.ReplaceAll(text, s.secret, s.Name)
	}
	return fmt.Errorf("source %q: %s", s.Name, text)
}

// describe is the pipeline as gst-launch understands it. JPEG files have full range and BT.601, which the encoder takes for granted; asked
// for here, frames are converted once.
func (s *Source) describe(to To) string {
	size := fmt.Sprintf("width=[2,16384,2],height=%d", to.Height) // encoders want an even number
	if s.width > 0 {
		size = fmt.Sprintf("width=%d,height=%d", s.width, s.height)
	}
	// What has a time of its own may drop frames that nobody fetches; what is read as fast as it can must wait.
	sink := "appsink name=%s sync=false async=false wait-on-eos=false max-buffers=%d"
	if !s.paced {
		sink += " drop=true"
	}
	line := s.line
	if s.video != "" {
		line += " " + s.video
	}
	line += fmt.Sprintf(" ! videoconvertscale add-borders=true ! video/x-raw,format=I420,%s,pixel-aspect-ratio=1/1,colorimetry=(string)1:4:0:0 ! ", size) +
		fmt.Sprintf(sink, "frames", 2)
	if to.Sound != nil && s.sound != "" {
		line += " " + s.sound + " ! audioconvert ! audioresample ! " + SoundCaps + " ! " + fmt.Sprintf(sink, "sound", 100)
	}
	return line
}

// playing is one pipeline of a source.
type playing struct {
	*film.Pipeline
	source *Source
	to     To
	began  time.Duration // its running time's 0, by the session's clock
	shift  atomic.Int64  // added to running times; of what is paced, set by its first frame
	paced  chan struct{} // closed by the first frame
	sinks  []*gst.Element
	frames atomic.Int64
	ended  chan struct{} // closed when the frames have ended
}

// play plays once, from the beginning to an end or a failure.
func (s *Source) play(ctx context.Context, to To) (frames int, err error) {
	properties := map[string]any{}
	if s.open != nil {
		more, done, err := s.open(ctx)
		if err != nil {
			return 0, err
		}
		defer done()
		properties = more
	}
	if s.property != "" {
		properties[s.property] = s.value
	}
	line, err := film.NewPipeline(s.describe(to), s.Name, s.limit)
	if err != nil {
		return 0, media.Final(err)
	}
	p := &playing{Pipeline: line, source: s, to: to, paced: make(chan struct{}), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(ctx)
	var pulling sync.WaitGroup
	defer func() {
		cancel()
		pulling.Wait()
		p.Close()
	}()
	p.SetProperty("latency", uint64(0)) // frames are played when they come, not when the slowest network would have brought them
	if err := p.set(properties); err != nil {
		return 0, media.Final(err)
	}
	p.began = to.Clock.Begin(p.Pipeline.Pipeline)
	video, err := p.sink("frames")
	if err != nil {
		return 0, err
	}
	sound, _ := p.sink("sound") // not every source has it
	if err := p.Start(); err != nil {
		return 0, failed(err)
	}
	// A sink that has not been started says that it has ended.
	pulling.Add(1)
	go func() { defer pulling.Done(); p.pullFrames(ctx, video) }()
	if sound != nil {
		pulling.Add(1)
		go func() { defer pulling.Done(); p.pullSound(ctx, sound) }()
	}
	err = p.follow(ctx)
	return int(p.frames.Load()), err
}

// failed is an error of a pipeline for users. What GStreamer lacks, it will lack at the next try.
func failed(err error) error {
	var posted *film.Error
	if errors.As(err, &posted) && posted.Missing {
		return media.Final(film.Plain(err))
	}
	return film.Plain(err)
}

// set gives the element called source properties.
func (p *playing) set(properties map[string]any) error {
	for name, value := range properties {
		e, err := p.Element("source")
		if err != nil {
			return err
		}
		if err := e.SetProperty(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *playing) sink(name string) (*app.Sink, error) {
	e, err := p.Element(name)
	if err != nil {
		return nil, err
	}
	p.sinks = append(p.sinks, e)
	return app.SinkFromElement(e), nil
}

// step is how long a wait may hold up the end of the program.
const step = 100 * time.Millisecond

// follow waits for the end.
func (p *playing) follow(ctx context.Context) error {
	bus := p.GetPipelineBus()
	seen, since := int64(0), time.Now()
	for ctx.Err() == nil {
		message := bus.TimedPopFiltered(gst.ClockTime(step), gst.MessageError|gst.MessageElement)
		if n := p.frames.Load(); n != seen {
			seen, since = n, time.Now()
		} else if err := p.Stalled(since); err != nil {
			return fmt.Errorf("%w for %v", film.ErrStalled, p.source.limit)
		}
		switch {
		case message == nil:
			select {
			case <-p.ended:
				return errEnd
			default:
			}
		case message.Type() == gst.MessageElement:
			p.Note(message)
		default:
			return failed(p.Failure(message))
		}
	}
	return ctx.Err()
}

// pullFrames hands on frames until ctx is done or they end.
func (p *playing) pullFrames(ctx context.Context, sink *app.Sink) {
	defer close(p.ended)
	var read media.Reader
	for ctx.Err() == nil {
		sample := sink.TryPullSample(gst.ClockTime(step))
		if sample == nil {
			if sink.IsEOS() {
				return
			}
			continue
		}
		if p.frames.Add(1) == 1 {
			p.first(sample)
		} else {
			p.keepUp(sample)
		}
		read.Raw(sample, p.began+time.Duration(p.shift.Load()), p.to.Frames)
	}
}

func (p *playing) pullSound(ctx context.Context, sink *app.Sink) {
	select {
	case <-p.paced:
	case <-ctx.Done():
		return
	}
	var read media.Reader
	for ctx.Err() == nil {
		if sample := sink.TryPullSample(gst.ClockTime(step)); sample != nil {
			if packet, ok := read.Coded(sample, p.began+time.Duration(p.shift.Load())); ok {
				p.to.Sound(packet)
			}
		} else if sink.IsEOS() {
			return
		}
	}
}

// first takes the size of the first frame, and its time as the beginning of what is paced.
func (p *playing) first(sample *gst.Sample) {
	s := p.source
	caps := sample.GetCaps()
	if s.width == 0 && caps != nil {
		structure := caps.GetStructureAt(0)
		s.width, s.height = film.Int(structure, "width"), film.Int(structure, "height")
		runtime.KeepAlive(caps)
	}
	p.keepUp(sample)
	close(p.paced)
}

// Pictures of what is paced come when they are due, by the times of its stream. Later than late, the stream has stood still: it goes on
// from now, picture and sound alike. The first frame is due at once.
const late = time.Second

func (p *playing) keepUp(sample *gst.Sample) {
	if !p.source.paced {
		return
	}
	at, ok := media.RunningTime(sample)
	if !ok {
		return
	}
	behind := p.to.Clock.Now() - p.began - at - time.Duration(p.shift.Load())
	if p.frames.Load() > 1 && behind < late {
		return
	}
	p.shift.Add(int64(behind))
	for _, e := range p.sinks {
		e.SetProperty("ts-offset", p.shift.Load())
		e.SetProperty("sync", true)
	}
}
