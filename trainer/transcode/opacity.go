package transcode

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// VP9 has no transparency. WebM has: a second stream of the same codec, whose luma is how opaque the picture is. GStreamer reads that and does not write it. So a segment
// is coded twice, picture and opacity, package container puts both into the finished file.

// inWebM says whether a codec's transparency can be written into a container in this way.
func (c *codec) inWebM(container string) bool {
	return c.beside && (container == "webm" || container == "mkv") && has("gdppay") && has("gdpdepay")
}

// beside says whether the plan's frames have their opacity coded beside them.
func (p *plan) beside() bool {
	c := findCodec(p.Codec)
	return c != nil && c.beside && p.keepsAlpha()
}

// branches is the text from the filter to the sinks: coded, and where opacity is coded beside, opaque.
func (p *plan) branches() string {
	coded := p.coding() + " ! fakesink name=coded sync=false async=false"
	if !p.beside() {
		return coded
	}
	return "tee name=both ! " + frameQueue + " ! " + coded + "  both. ! " + frameQueue + " name=opacity ! " + p.opacity() + " ! fakesink name=opaque sync=false async=false"
}

// opacity is the text of the second branch. The last plane of GBRA is all that is wanted: its planes are taken for one grey picture of four times the height, of which the
// upper three quarters are cut off. gdppay and gdpdepay take the description of the planes from the frames.
func (p *plan) opacity() string {
	_, height := p.size()
	text := fmt.Sprintf("videoconvert ! video/x-raw,format=GBRA ! gdppay ! gdpdepay ! capssetter caps=\"video/x-raw,format=GRAY8,height=%d,colorimetry=bt601\""+
		" ! videocrop top=%d ! videoconvert ! video/x-raw,format=%s,colorimetry=bt601", 4*height, 3*height, p.Encoder.Formats)
	if p.Facts.Variable {
		text += " ! capssetter caps=video/x-raw,framerate=0/1"
	}
	return text + " ! " + p.Encoder.text() + " ! " + findCodec(p.Codec).parser
}

// opaque pairs the frames of picture and opacity, which two threads bring in the same order.
type opaque struct {
	lock     sync.Mutex
	pictures []packet
	frames   [][]byte
	ends     int
}

// buildOpaque looks at the second branch.
func (c *coding) buildOpaque() error {
	c.opaque = &opaque{}
	in, err := c.Sink("opacity")
	if err != nil {
		return err
	}
	// gdpdepay does not read events that hold objects, which the beginning of a stream may, and does not survive that its stream begins anew. No frame has come by before
	// the only seek.
	own := false
	c.Probe(in, gst.PadProbeTypeEventFlush|gst.PadProbeTypeEventDownstream, func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		event := film.EventOf(info)
		if event == nil || own {
			return gst.PadProbeOK
		}
		switch event.Type() {
		case gst.EventTypeStreamStart:
			own = true
			pad.SendEvent(gst.NewStreamStartEvent("opacity"))
			own = false
		case gst.EventTypeCaps, gst.EventTypeSegment, gst.EventTypeGap, gst.EventTypeEOS:
			return gst.PadProbeOK
		}
		return gst.PadProbeDrop
	})
	out, err := c.Sink("opaque")
	if err != nil {
		return err
	}
	c.Probe(out, gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, c.onOpaque)
	return nil
}

// pair notes a picture or an opacity and writes what is complete. The data are copied.
func (c *coding) pair(picture *packet, frame []byte) error {
	o := c.opaque
	o.lock.Lock()
	defer o.lock.Unlock()
	if picture != nil {
		p := *picture
		p.data = bytes.Clone(p.data)
		o.pictures = append(o.pictures, p)
	} else {
		o.frames = append(o.frames, bytes.Clone(frame))
	}
	for len(o.pictures) > 0 && len(o.frames) > 0 {
		p := o.pictures[0]
		p.alpha = o.frames[0]
		o.pictures, o.frames = slices.Delete(o.pictures, 0, 1), slices.Delete(o.frames, 0, 1)
		if err := c.writer.packet(p); err != nil {
			return err
		}
		c.job.options.Watch.Frames(c.job.path, 1)
	}
	return nil
}

// end notes that a branch has ended; the last one ends the segment.
func (c *coding) end() {
	if o := c.opaque; o != nil {
		o.lock.Lock()
		defer o.lock.Unlock()
		if o.ends++; o.ends < 2 {
			return
		}
	}
	c.fail(film.ErrStopped)
}

// onOpaque takes a coded frame of opacity.
func (c *coding) onOpaque(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
	if event := film.EventOf(info); event != nil {
		if event.Type() == gst.EventTypeEOS {
			c.end()
		}
		return gst.PadProbeOK
	}
	if buffer := film.BufferOf(info); buffer != nil {
		film.WithData(buffer, func(data []byte) {
			if err := c.pair(nil, data); err != nil {
				c.fail(err)
			}
		})
	}
	return gst.PadProbeOK
}

// opacities gives what is coded beside the frames of all segments, io.EOF after the last. done ends it.
func (v *joined) opacities() (next func() ([]byte, error), done func()) {
	paths := v.paths
	var r *segmentReader
	done = func() {
		if r != nil {
			r.close()
			r = nil
		}
	}
	return func() ([]byte, error) {
		for {
			if r == nil {
				if len(paths) == 0 {
					return nil, io.EOF
				}
				var err error
				if r, err = openSegment(paths[0]); err != nil {
					return nil, err
				}
				paths = paths[1:]
			}
			p, err := r.next()
			if err != io.EOF {
				return p.alpha, err
			}
			done()
		}
	}, done
}
