package transcode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	defer j.rest()
	if seek && errors.Is(err, errUnlike) {
		err = j.codeOnce(ctx, n, false)
	}
	return err
}

// rest gives memory back after much of it was used.
func (j *job) rest() {
	if rest := j.options.Rest; rest != nil {
		rest()
	}
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
	reading, stop := context.WithCancel(ctx)
	defer stop()
	if err := c.build(reading); err != nil {
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
	stop()
	c.Close()
	if err = c.judge(err, n, seek); err != nil {
		j.options.Watch.Frames(j.path, -c.writer.frames)
		return err
	}
	if !c.headed {
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
	headed  bool            // its head is written
	opaque  *opaque         // where opacity is coded beside, nil otherwise
	deep    *stills.DeepPNG // codes what the pipeline gives bare, nil otherwise
	first   time.Duration
	failure error // why nothing more is written
}

func (c *coding) build(ctx context.Context) (err error) {
	j := c.job
	if r := j.input.Remote; r != nil && j.original() == "" {
		c.Pipeline, err = film.OpenElsewhere(ctx, j.plan.text(true), j.path, r, r.Size, c.fail, stall)
	} else if j.plan.Facts.Pictures == "" {
		c.Pipeline, err = film.Open(j.plan.text(false), j.film(), stall)
	} else if c.pictures, err = j.input.openPictures(); err == nil && c.pictures == nil {
		err = errors.New("it has changed since it was begun")
	} else if err == nil {
		c.Pipeline, err = film.NewPipeline(j.plan.text(false), j.path, stall)
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
	if j.plan.Encoder.Element == bare {
		c.deep = &stills.DeepPNG{Alpha: j.plan.keepsAlpha(), Level: []int{1, 5, 9}[max(0, slices.Index(Presets, cmp.Or(j.options.Preset, "medium")))]}
		c.deep.Width, c.deep.Height = j.plan.size()
	}
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
	if j.plan.beside() {
		if err := c.buildOpaque(); err != nil {
			return err
		}
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

const segmentEnd = ".segment"

func segmentName(n int) string { return fmt.Sprintf("%06d%s", n, segmentEnd) }
