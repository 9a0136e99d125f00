package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/container"
	"adainfilter/trainer/film"
)

// Pipe is the name of standard input as a film, and of standard output as a result.
const Pipe = "-"

// Y4M is the container of bare frames that pass between programs.
const Y4M = "y4m"

// streamMuxers are the elements that write a container to somewhere that cannot be sought in.
var streamMuxers = map[string]string{"mkv": "matroskamux streamable=true", "webm": "webmmux streamable=true", Y4M: ""}

// stream is a film on its way through one pipeline, from a pipe or into one.
type stream struct {
	*film.Pipeline
	options *Options
	plan    *plan
	path    string
	abort   chan error
	once    sync.Once
	lock    sync.Mutex
	result  Result
	frames  atomic.Int64
}

// Stream transcodes one film in one pass, from standard input, to standard output, or both: Pipe in place of a path says so. Nothing of it is kept
// when it is interrupted. A result in a file has its name only when it is complete. o.Inputs and o.Out are not looked at. Errors: options that need a file, a
// container that cannot be written so, those of GStreamer, ctx's.
func Stream(ctx context.Context, o Options, in, out string) (Result, error) {
	begun := time.Now()
	s := &stream{options: &o, path: in, abort: make(chan error, 4), result: Result{Input: in, Output: out}}
	err := s.run(ctx, out)
	s.result.Seconds, s.result.Frames, s.result.Coded = time.Since(begun).Seconds(), int(s.frames.Load()), int(s.frames.Load())
	if s.result.Status = Done; err != nil {
		s.result.Status = Failed
		if ctx.Err() != nil {
			s.result.Status = Interrupted
		}
		s.result.Err, s.result.Error = err, err.Error()
	}
	o.Watch.End(s.result)
	return s.result, err
}

func (s *stream) run(ctx context.Context, out string) error {
	if s.options.Container == "" {
		s.options.Container = "mkv"
	}
	muxer, known := streamMuxers[s.options.Container]
	if !known && out != Pipe {
		muxer = muxers[s.options.Container]
		known = muxer != ""
	}
	if !known {
		return fmt.Errorf("%s cannot be written from or into a pipe, wanted mkv, webm or y4m, and mp4 or mov for a file", s.options.Container)
	}
	if s.options.Container != Y4M {
		o := *s.options
		o.Inputs, o.Out = []Input{{Path: s.path}}, "."
		if err := o.check(); err != nil {
			return err
		}
		s.options.Quality = o.Quality
	}
	s.plan = &plan{Facts: &facts{}, Piped: true, Muxer: s.options.Container}
	source, sink, target := "fdsrc fd=0", "fdsink fd=1", ""
	if s.path != Pipe {
		if err := readable(s.path); err != nil {
			return fmt.Errorf("%q: %w", s.path, err)
		}
		source = "filesrc name=file"
	}
	if out != Pipe {
		target, sink = out+".part", "filesink name=out"
		defer os.Remove(target)
	}
	if muxer != "" {
		sink = muxer + " name=muxer ! " + sink
	} else {
		sink = "queue name=muxer ! " + sink
	}
	var err error
	if s.Pipeline, err = film.NewPipeline(source+" ! parsebin name=streams  decodebin name=decoder ! "+frameQueue+" name=frames  "+sink, s.path, stall); err != nil {
		return err
	}
	defer s.Close()
	if err := s.build(target); err != nil {
		return err
	}
	s.options.Watch.Begin(s.path, 0)
	err = s.Run(ctx, s.abort)
	s.Close()
	if s.frames.Load() == 0 && err == nil {
		err = errors.New("there was no picture that could be decoded")
	}
	if err != nil || target == "" {
		return err
	}
	if editable(s.plan.Muxer) {
		if err := container.MendOpus(target); err != nil {
			return fmt.Errorf("%q: %w", out, err)
		}
	}
	return keep(target, out)
}

// keep gives a finished file its name.
func keep(part, name string) error {
	file, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(part, name)
}

func (s *stream) fail(err error) {
	select {
	case s.abort <- err:
	default:
	}
}

func (s *stream) warn(text string) {
	s.lock.Lock()
	s.result.Warnings = append(s.result.Warnings, text)
	s.lock.Unlock()
	s.options.Watch.Warn(s.path, text)
}

// build sets names and waits for streams.
func (s *stream) build(target string) error {
	for name, path := range map[string]string{"file": s.path, "out": target} {
		if e, err := s.GetElementByName(name); err == nil {
			if err := e.SetProperty("location", path); err != nil {
				return err
			}
		}
	}
	muxer, err := s.Element("muxer")
	if err != nil {
		return err
	}
	video := muxer.GetStaticPad("sink")
	if s.plan.Muxer != Y4M {
		// The muxer waits for this pad, and writes nothing before all streams are known.
		video = muxer.GetRequestPad("video_%u")
	}
	if video == nil {
		return fmt.Errorf("%s takes no video", s.plan.Muxer)
	}
	frames, err := s.Sink("frames")
	if err != nil {
		return err
	}
	s.Probe(frames, gst.PadProbeTypeEventDownstream|gst.PadProbeTypeBuffer, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		s.Moved()
		if event := film.EventOf(info); event != nil && event.Type() == gst.EventTypeCaps {
			s.once.Do(func() {
				if err := s.style(event.ParseCaps().GetStructureAt(0), video); err != nil {
					s.fail(err)
				}
			})
		}
		return gst.PadProbeOK
	})
	decoder, err := s.Sink("decoder")
	if err != nil {
		return err
	}
	streams, err := s.Element("streams")
	if err != nil {
		return err
	}
	return s.PadAdded(streams, func(pad *gst.Pad) {
		if err := s.add(muxer, decoder, pad); err != nil {
			s.fail(err)
		}
	})
}

// add takes up a stream: the first video is decoded, what the container takes is copied.
func (s *stream) add(muxer *gst.Element, decoder, pad *gst.Pad) error {
	kind := padKind(pad)
	if kind == "video" && !decoder.IsLinked() {
		if r := pad.Link(decoder); r != gst.PadLinkOK {
			return fmt.Errorf("its video cannot be decoded: %v", r)
		}
		return nil
	}
	o := other{Kind: kind, Caps: capsOf(pad)}
	name, _, _ := strings.Cut(o.Caps, ",")
	if kind == "video" || s.plan.Muxer == Y4M || !s.plan.takes(o) {
		s.warn(fmt.Sprintf("%s (%s) is left out, %s has no room for it", kindName(kind), name, s.plan.Muxer))
		return drain(s.Pipeline, pad, nil)
	}
	limits := map[string]any{"max-size-buffers": uint(0), "max-size-time": uint64(0), "max-size-bytes": uint(64 << 20)}
	queue, err := gst.NewElementWithProperties("queue", limits)
	if err != nil {
		return err
	}
	chain := []*gst.Element{queue}
	if text := former(o.Caps); text != "" && !strings.Contains(text, " ") {
		e, err := gst.NewElement(text)
		if err != nil {
			return err
		}
		chain = []*gst.Element{e, queue}
	}
	if err := s.AddMany(chain...); err != nil {
		return err
	}
	if err := gst.ElementLinkMany(chain...); err != nil && len(chain) > 1 {
		return err
	}
	in := muxer.GetRequestPad(padName(o))
	if in == nil || queue.GetStaticPad("src").Link(in) != gst.PadLinkOK {
		return fmt.Errorf("%s does not take %s", s.plan.Muxer, name)
	}
	for _, e := range chain {
		e.SyncStateWithParent()
	}
	if r := pad.Link(chain[0].GetStaticPad("sink")); r != gst.PadLinkOK {
		return fmt.Errorf("%s cannot be copied: %v", name, r)
	}
	return nil
}

// capsOf is what a pad gives, as text.
func capsOf(pad *gst.Pad) string {
	caps := pad.GetCurrentCaps()
	if caps == nil || caps.GetSize() == 0 {
		caps = pad.QueryCaps(nil)
	}
	if caps == nil {
		return ""
	}
	return caps.String()
}

// style puts filter and encoder behind the decoder once it is known what that gives.
func (s *stream) style(caps *gst.Structure, video *gst.Pad) error {
	p := s.plan
	p.Facts = factsOfFrames(caps)
	var text string
	if s.options.Container == Y4M {
		p.Encoder.Formats = "I420"
		p.Codec = Y4M
		p.warnDepth()
		text = "videoconvert ! video/x-raw,format=I420 ! y4menc"
	} else {
		o := *s.options
		o.CPU = true // decodebin decodes
		err := o.chooseCodec(p, s.path)
		if p.Encoder.Element == bare && err == nil && o.Depth == 0 {
			o.Depth, p.Warnings = 8, nil // what this program codes has no place in one pipeline
			err = o.chooseCodec(p, s.path)
		}
		if err != nil {
			return err
		}
		if p.Encoder.Element == bare {
			return fmt.Errorf("PNG with %d bits per sample cannot be written through a pipe, wanted files on both sides", o.Depth)
		}
		text = p.coding()
		if p.Codec == "vp9" && p.Facts.Raw.Siting == "" {
			text += " ! capssetter caps=video/x-vp9,chroma-site=mpeg2" // as in describe
		}
	}
	for _, w := range p.Warnings {
		s.warn(w)
	}
	if alphaFormat(p.Facts.Raw.Format) && !p.keepsAlpha() {
		s.warn(fmt.Sprintf("its transparency is lost, %s has none", p.Codec))
	}
	s.result.Encoder = p.Encoder.Element
	bin, err := gst.NewBinFromString("identity"+p.preparing(p.shape())+styling+text+" ! identity", true)
	if err != nil {
		return err
	}
	filter, err := bin.GetElementByName("filter")
	if err != nil {
		return err
	}
	if err := s.options.Set(filter); err != nil {
		return err
	}
	if encoder, err := bin.GetElementByName("encoder"); err == nil { // Y4M has none
		believable(s.Pipeline, encoder)
	}
	frames, err := s.Element("frames")
	if err != nil {
		return err
	}
	if err := s.Add(bin.Element); err != nil {
		return err
	}
	src := bin.GetStaticPad("src")
	s.Probe(src, gst.PadProbeTypeBuffer, s.onCoded)
	if r := frames.GetStaticPad("src").Link(bin.GetStaticPad("sink")); r != gst.PadLinkOK {
		return fmt.Errorf("its frames cannot be stylised: %v", r)
	}
	if r := src.Link(video); r != gst.PadLinkOK {
		return fmt.Errorf("%s does not take the video: %v", p.Muxer, r)
	}
	if !bin.SyncStateWithParent() {
		return errors.New("filter or encoder do not start")
	}
	return nil
}

func (s *stream) onCoded(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
	if buffer := film.BufferOf(info); buffer != nil {
		s.frames.Add(1)
		s.options.Watch.Frames(s.path, 1)
	}
	return gst.PadProbeOK
}
