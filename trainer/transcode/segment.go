package transcode

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
	"adainfilter/trainer/film/stills"
)

// errUnlike says that a segment came out otherwise than the film's index promises.
var errUnlike = errors.New("the decoded frames are not those of the index")

// code makes segment n of a film and leaves it in the folder. Where seeking leads to other frames than the index says, as some
// containers and broken indices do, it decodes from the beginning and drops what is not wanted.
func (j *job) code(ctx context.Context, n int) error {
	s := &j.plan.Segments[n]
	seek := s.Seek >= 0 && j.plan.Facts.Seekable
	err := j.codeOnce(ctx, n, seek)
	if seek && errors.Is(err, errUnlike) {
		err = j.codeOnce(ctx, n, false)
	}
	return err
}

func (j *job) codeOnce(ctx context.Context, n int, seek bool) (err error) {
	w, err := createSegment(j.folder.file(segmentName(n)))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.abandon()
		}
	}()
	c := &coding{job: j, segment: &j.plan.Segments[n], writer: w,
		abort: make(chan error, 4), arrived: make(chan struct{}), done: make(chan struct{})}
	defer close(c.done)
	c.waiting.Store(seek)
	if err := c.build(); err != nil {
		return err
	}
	defer c.Close()
	if c.pictures != nil {
		fed := make(chan struct{})
		go func() {
			defer close(fed)
			c.feed(c.pictures)
		}()
		defer func() {
			if c.Close() { // which wakes the feeding goroutine
				<-fed
			}
		}()
	}
	if seek {
		go c.seek()
	}
	if err = c.Run(ctx, c.abort); err == film.ErrStopped {
		err = nil
	}
	c.Close()
	if err = c.judge(err, n, seek); err != nil {
		j.options.Watch.Frames(j.path, -c.writer.frames)
		return err
	}
	if c.writer.frames == 0 {
		if err := w.head(segmentHead{}); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	j.lock.Lock()
	j.coded += w.frames
	j.lock.Unlock()
	return nil
}

// judge decides whether a segment is what it should be, after the pipeline has ended with an error or none.
func (c *coding) judge(err error, n int, seek bool) error {
	s, facts := c.segment, c.job.plan.Facts
	// Some encoders are off by a nanosecond a frame.
	complete := s.Frames > 0 && c.writer.frames == s.Frames && (c.first-s.First).Abs() < 100*time.Microsecond
	last := n == len(c.job.plan.Segments)-1
	switch {
	case c.failure != nil:
		return c.failure
	case complete:
		return nil
	case err != nil && !(facts.Damaged != "" && last && c.writer.frames > 0):
		return err
	case seek && s.Frames > 0:
		return errUnlike
	}
	return nil
}

// coding is a segment on its way through GStreamer.
type coding struct {
	*film.Pipeline
	job      *job
	segment  *segment
	writer   *segmentWriter
	abort    chan error
	pictures *stills.Film // nil for a film that GStreamer reads

	arrived chan struct{} // closed when the decoder has begun
	done    chan struct{} // closed when the segment is
	once    sync.Once
	waiting atomic.Bool // for the seek: what comes before it is dropped
	frames  *gst.Pad    // where the decoder's frames arrive

	// Of the thread behind the decoder.
	decoded clock
	step    time.Duration // from frame to frame, as the caps say it; 0 is unknown
	bare    int           // frames that have come without a time
	seen    bool          // a frame
	given   gst.ClockTime // the time that the decoder gave the last one
	shown   gst.ClockTime // and its own
	ended   bool
	own     bool // an event of ours passes
	size    string
	// Of the thread behind the filter.
	styled clock
	// Of the thread behind the encoder.
	coded   clock
	head    segmentHead
	first   time.Duration
	failure error // why nothing more is written
}

func (c *coding) build() (err error) {
	j := c.job
	if j.plan.Facts.Pictures == "" {
		c.Pipeline, err = film.Open(j.plan.text(), j.film(), stall)
	} else if c.pictures, err = j.input.openPictures(); err == nil && c.pictures == nil {
		err = errors.New("it has changed since it was begun")
	} else if err == nil {
		c.Pipeline, err = film.NewPipeline(j.plan.text(), j.path, stall)
	}
	if err != nil {
		return err
	}
	filter, err := c.Element("filter")
	if err != nil {
		return err
	}
	if err := j.options.Set(filter); err != nil {
		return err
	}
	if c.pictures == nil {
		if err := c.linkDecoder(); err != nil {
			return err
		}
	}
	encoder, err := c.Element("encoder")
	if err != nil {
		return err
	}
	believable(c.Pipeline, encoder)
	const data = gst.PadProbeTypeBuffer | gst.PadProbeTypeEventDownstream
	if c.frames, err = c.Sink("frames"); err != nil {
		return err
	}
	c.Probe(c.frames, data|gst.PadProbeTypeEventFlush, c.onDecoded)
	if c.segment.Warm < c.segment.Begin {
		pad, err := c.Sink("styled")
		if err != nil {
			return err
		}
		c.Probe(pad, data, c.onStyled)
	}
	pad, err := c.Sink("coded")
	if err != nil {
		return err
	}
	c.Probe(pad, data, c.onCoded)
	return nil
}

// linkDecoder sends the film's first video to the decoder. The other streams are read past: a demuxer whose only listener
// has come to its end reports an error.
func (c *coding) linkDecoder() error {
	streams, err := c.Element("streams")
	if err != nil {
		return err
	}
	sink, err := c.Sink("decoder")
	if err != nil {
		return err
	}
	kind := kindOf(c.job.plan.Facts.Media)
	return c.PadAdded(streams, func(pad *gst.Pad) {
		if sink.IsLinked() || padKind(pad) != kind {
			if err := drain(c.Pipeline, pad, nil); err != nil {
				c.fail(err)
			}
		} else if r := pad.Link(sink); r != gst.PadLinkOK {
			c.fail(fmt.Errorf("its video cannot be decoded: %s does not take it", c.job.plan.Decoder))
		}
	})
}

func (c *coding) fail(err error) {
	select {
	case c.abort <- err:
	default:
	}
}

// seek sends the film to the key frame once frames flow, for before that there is nothing that could seek.
func (c *coding) seek() {
	select {
	case <-c.arrived:
	case <-c.done:
		return
	}
	const flags = gst.SeekFlagFlush | gst.SeekFlagKeyUnit | gst.SeekFlagSnapBefore
	event := gst.NewSeekEvent(1, gst.FormatTime, flags, gst.SeekTypeSet, int64(c.segment.Seek), gst.SeekTypeNone, 0)
	if !c.frames.PushEvent(event) {
		c.fail(fmt.Errorf("seeking to %v failed: %w", c.segment.Seek, errUnlike))
	}
}

// onDecoded drops frames outside the segment and its warm-up, and ends the stream behind it.
func (c *coding) onDecoded(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
	c.Moved()
	buffer := film.BufferOf(info)
	if buffer == nil {
		if event := film.EventOf(info); event != nil {
			return c.onDecodedEvent(pad, event)
		}
		return gst.PadProbeOK
	}
	if c.waiting.Load() {
		c.once.Do(func() { close(c.arrived) })
		return gst.PadProbeDrop
	}
	c.repeat(buffer)
	t, ok := c.decoded.time(buffer.PresentationTimestamp())
	switch {
	case c.ended:
		return gst.PadProbeDrop
	case !ok || c.job.plan.Facts.Vague:
		return gst.PadProbeOK
	case t < c.segment.Warm:
		return gst.PadProbeDrop
	case t >= c.segment.End:
		c.ended = true
		pad.SendEvent(gst.NewEOSEvent())
		return gst.PadProbeDrop
	}
	return gst.PadProbeOK
}

// repeat gives a frame that is the one before once more a time of its own: decoders of codecs that say "nothing has changed", as QuickTime
// Animation does, give the old frame with its old time.
func (c *coding) repeat(buffer *gst.Buffer) {
	pts, step := buffer.PresentationTimestamp(), buffer.Duration()
	if pts == gst.ClockTimeNone && c.step > 0 {
		// GStreamer's reader of ProRes in Matroska loses all times.
		buffer.SetPresentationTimestamp(gst.ClockTime(time.Duration(c.bare) * c.step))
		buffer.SetDuration(gst.ClockTime(c.step))
		c.bare++
		return
	}
	if pts == gst.ClockTimeNone || c.job.plan.Facts.Vague {
		return
	}
	if c.seen && pts == c.given && validDuration(step) > 0 {
		c.shown += step
		buffer.SetPresentationTimestamp(c.shown)
		return
	}
	c.seen, c.given, c.shown = true, pts, pts
}

func (c *coding) onDecodedEvent(pad *gst.Pad, event *gst.Event) gst.PadProbeReturn {
	switch event.Type() {
	case gst.EventTypeSegment:
		if f := c.job.plan.Facts; f.Settled && !c.own {
			c.own = true
			if event, err := segmentFrom(f.Zero); err != nil {
				c.fail(err)
			} else {
				pad.SendEvent(event)
			}
			c.own = false
			return gst.PadProbeDrop
		}
		c.decoded.segment(event)
	case gst.EventTypeFlushStop:
		c.seen = false
		c.waiting.Store(false)
	case gst.EventTypeEOS:
		if c.waiting.Load() {
			c.once.Do(func() { close(c.arrived) })
			return gst.PadProbeDrop
		}
	case gst.EventTypeCaps:
		c.see(event.ParseCaps().GetStructureAt(0))
	}
	return gst.PadProbeOK
}

// see notes what the decoder's frames lose.
func (c *coding) see(caps *gst.Structure) {
	width, _ := caps.GetValue("width")
	height, _ := caps.GetValue("height")
	format, _ := caps.GetValue("format")
	if name, ok := format.(string); ok {
		if bits := depthOf(name); bits > 8 {
			c.job.warn(depthLost(bits))
		}
	}
	var num, den int64
	if n, _ := fmt.Sscanf(fieldOf(caps.String(), "framerate"), "%d/%d", &num, &den); n == 2 && num > 0 {
		c.step = time.Duration(int64(time.Second) * den / num)
	}
	size, facts := fmt.Sprintf("%vx%v", width, height), c.job.plan.Facts
	if c.size != "" && c.size != size {
		c.job.warn(fmt.Sprintf("its size changes from %s to %s; all frames are fitted into %dx%d",
			c.size, size, facts.Width, facts.Height))
	}
	c.size = size
}

// onStyled drops the frames that only warm the filter up.
func (c *coding) onStyled(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
	if event := film.EventOf(info); event != nil {
		if event.Type() == gst.EventTypeSegment {
			c.styled.segment(event)
		}
		return gst.PadProbeOK
	}
	buffer := film.BufferOf(info)
	if buffer == nil {
		return gst.PadProbeOK
	}
	if t, ok := c.styled.time(buffer.PresentationTimestamp()); ok && t < c.segment.Begin {
		return gst.PadProbeDrop
	}
	return gst.PadProbeOK
}

// onCoded writes a coded frame down.
func (c *coding) onCoded(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
	if event := film.EventOf(info); event != nil {
		switch event.Type() {
		case gst.EventTypeSegment:
			c.coded.segment(event)
		case gst.EventTypeCaps:
			c.head = headOf(event.ParseCaps())
			c.head.Caps = c.job.plan.describe(c.head.Caps)
			if k, ok := c.job.plan.colour(); ok {
				c.head = k.markCaps(findCodec(c.job.plan.Codec).media, c.head)
			}
		case gst.EventTypeEOS:
			c.fail(film.ErrStopped)
		}
		return gst.PadProbeOK
	}
	if buffer := film.BufferOf(info); buffer != nil && c.failure == nil {
		if err := c.write(buffer); err != nil {
			c.failure = err
			c.fail(err)
		}
	}
	return gst.PadProbeOK
}

func (c *coding) write(buffer *gst.Buffer) (err error) {
	t, ok := c.coded.time(buffer.PresentationTimestamp())
	if !ok {
		return errors.New("the encoder gives frames without a time")
	}
	if s := c.segment; !c.job.plan.Facts.Vague && (t < s.Begin-time.Second || t > s.End) {
		return fmt.Errorf("%s gives a frame the time %v, wanted %v to %v", c.job.plan.Encoder.Element, t, s.Begin, s.End)
	}
	if c.writer.frames == 0 {
		if err := c.writer.head(c.head); err != nil {
			return err
		}
		c.first = t
	}
	c.first = min(c.first, t)
	film.WithData(buffer, func(data []byte) {
		if k, ok := c.job.plan.colour(); ok {
			data = k.mark(findCodec(c.job.plan.Codec).media, data)
		}
		err = c.writer.packet(packet{t, 0, !buffer.HasFlags(gst.BufferFlagDeltaUnit), data})
	})
	if err == nil {
		c.job.options.Watch.Frames(c.job.path, 1)
	}
	return err
}

// headOf takes from caps what the join needs.
func headOf(caps *gst.Caps) segmentHead {
	defer runtime.KeepAlive(caps)
	h := segmentHead{Caps: caps.String()}
	if data, err := caps.GetStructureAt(0).GetValue("codec_data"); err == nil {
		if buffer, ok := data.(*gst.Buffer); ok && buffer != nil {
			h.CodecData = hex.EncodeToString(buffer.Bytes())
		}
	}
	return h
}

const segmentEnd = ".segment"

func segmentName(n int) string { return fmt.Sprintf("%06d%s", n, segmentEnd) }
