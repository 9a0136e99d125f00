package transcode

import (
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

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
		if bits, kept := depthOf(name), depthOf(c.job.plan.Encoder.Formats); bits > kept {
			c.job.warn(depthLost(bits, kept))
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
			if c.deep != nil {
				c.head = segmentHead{Caps: fmt.Sprintf("image/png, width=(int)%d, height=(int)%d, framerate=(fraction)%s", c.deep.Width, c.deep.Height,
					fieldOf(c.head.Caps, "framerate"))}
			}
			c.head.Caps = c.job.plan.describe(c.head.Caps)
			if k, ok := c.job.plan.colour(); ok {
				c.head = k.markCaps(findCodec(c.job.plan.Codec).media, c.head)
			}
		case gst.EventTypeEOS:
			c.end()
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
	if !c.headed {
		c.headed = true
		if err := c.writer.head(c.head); err != nil {
			return err
		}
		c.first = t
	}
	c.first = min(c.first, t)
	film.WithData(buffer, func(data []byte) {
		if c.deep != nil {
			if data, err = c.deep.Encode(data); err != nil {
				return
			}
		}
		if k, ok := c.job.plan.colour(); ok {
			data = k.mark(findCodec(c.job.plan.Codec).media, data)
		}
		p := packet{time: t, key: !buffer.HasFlags(gst.BufferFlagDeltaUnit), data: data}
		if c.opaque != nil {
			err = c.pair(&p, nil)
			return
		}
		err = c.writer.packet(p)
	})
	if err == nil && c.opaque == nil {
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
