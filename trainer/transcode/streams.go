package transcode

import (
	"fmt"
	"runtime"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// stall is how long nothing may pass in a pipeline: a slow network on one CPU needs seconds for a large frame.
const stall = 10 * time.Minute

// drain lets what a new pad gives pass a probe and disappear. For handlers of pad-added.
func drain(p *film.Pipeline, pad *gst.Pad, probe gst.PadProbeCallback) error {
	sink, err := gst.NewElementWithProperties("fakesink", map[string]any{"sync": false, "async": false})
	if err != nil {
		return err
	}
	single, err := newSingle()
	if err != nil {
		return err
	}
	if err := p.AddMany(single, sink); err != nil {
		return err
	}
	if err := single.Link(sink); err != nil {
		return err
	}
	p.Probe(sink.GetStaticPad("sink"), gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		p.Moved()
		if probe == nil {
			return gst.PadProbeOK
		}
		return probe(pad, info)
	})
	sink.SyncStateWithParent()
	single.SyncStateWithParent()
	if r := pad.Link(single.GetStaticPad("sink")); r != gst.PadLinkOK {
		return fmt.Errorf("a stream of %q cannot be read: %v", p.Source(), r)
	}
	return nil
}

// newSingle is an element that takes lists of buffers apart: some demuxers send those, and probes for buffers do not see them.
func newSingle() (*gst.Element, error) {
	return gst.NewElementWithProperties("identity", map[string]any{"signal-handoffs": false})
}

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
