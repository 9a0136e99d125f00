package transcode

import (
	"fmt"
	"hash/crc64"
	"strings"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// copied is a stream that goes from the film into the output as it is.
type copied struct {
	other
	packets int
	bytes   int64
	sum     uint64        // as track.sum
	shift   time.Duration // how much later it lies in the file than it is to be heard; patch takes it back
	slot    int           // its place among the streams of the output, from 1; the video is 0
}

// sparse streams, such as subtitles, may have nothing for long.
func (o other) sparse() bool { return o.Kind != "audio" }

// parsers bring streams into the form that containers take; the data are the same.
var parsers = map[string]string{"audio/mpeg": "aacparse"}

// takes says whether the container has room for a stream.
func (p *plan) takes(o other) bool {
	factory := gst.Find(muxers[p.Muxer])
	if factory == nil {
		return false
	}
	return factory.CanSinkAnyCaps(looseCaps(o.Caps)) && padName(o) != ""
}

// looseCaps are caps without what parsers change.
func looseCaps(caps string) *gst.Caps {
	c := gst.NewCapsFromString(caps)
	if c == nil || c.GetSize() == 0 {
		return gst.NewEmptyCaps()
	}
	s := c.GetStructureAt(0)
	loose := gst.NewStructure(s.Name())
	for _, key := range []string{"mpegversion", "layer", "format", "layout", "channel-mapping-family"} {
		if v, err := s.GetValue(key); err == nil && v != nil {
			loose.SetValue(key, v)
		}
	}
	return gst.NewFullCaps(loose)
}

// padName is the muxer's kind of pad for a stream, "" if there is none.
func padName(o other) string {
	switch o.Kind {
	case "audio":
		return "audio_%u"
	case "text", "subtitle", "subpicture", "application":
		return "subtitle_%u"
	}
	return ""
}

// add takes up a stream of the film. The video is read past for its tags and chapters.
func (m *muxing) add(muxer *gst.Element, pad *gst.Pad) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	number := m.number
	m.number++
	caps := pad.GetCurrentCaps()
	if caps != nil && (kindOf(caps.String()) == "video" || kindOf(caps.String()) == "image") {
		return m.drain(pad, m.onVideo(muxer, kindOf(caps.String()) == kindOf(m.film.plan.Facts.Caps)))
	}
	for _, o := range m.film.plan.Facts.Others {
		if o.Number == number && m.film.plan.takes(o) {
			return m.copy(muxer, pad, o)
		}
	}
	return m.drain(pad, nil)
}

func (m *muxing) copy(muxer *gst.Element, pad *gst.Pad, o other) error {
	c := &copied{other: o, slot: len(m.copies) + 1}
	m.copies = append(m.copies, c)
	// Streams that lie far apart in the file must not wait for each other.
	queue, err := gst.NewElementWithProperties("queue", map[string]any{"max-size-buffers": uint(0), "max-size-time": uint64(0), "max-size-bytes": uint(64 << 20)})
	if err != nil {
		return err
	}
	chain := []*gst.Element{queue}
	if media, _, _ := strings.Cut(o.Caps, ","); strings.Contains(o.Caps, "stream-format=(string)adts") && parsers[media] != "" {
		parser, err := gst.NewElement(parsers[media])
		if err != nil {
			return err
		}
		chain = []*gst.Element{parser, queue}
	}
	if err := m.AddMany(chain...); err != nil {
		return err
	}
	if err := gst.ElementLinkMany(chain...); err != nil && len(chain) > 1 {
		return err
	}
	in := muxer.GetRequestPad(padName(o))
	if in == nil {
		return fmt.Errorf("%s has no place for one more %s", m.film.plan.Muxer, kindName(o.Kind))
	}
	out := queue.GetStaticPad("src")
	if r := out.Link(in); r != gst.PadLinkOK {
		return fmt.Errorf("%s does not take %s: %v", m.film.plan.Muxer, o.Caps, r)
	}
	out.SetOffset(-int64(m.film.plan.From.Begin))
	queue.GetStaticPad("sink").AddProbe(gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, m.onCopied(c))
	for _, e := range chain {
		e.SyncStateWithParent()
	}
	if r := pad.Link(chain[0].GetStaticPad("sink")); r != gst.PadLinkOK {
		return fmt.Errorf("%s cannot be copied: %v", o.Caps, r)
	}
	return nil
}

// onCopied keeps the part that was asked for, and the packets that decoders need before the beginning: MP4 says in its edit list where
// sound begins, in Matroska they get the time of the beginning.
func (m *muxing) onCopied(c *copied) gst.PadProbeCallback {
	var s clock
	var start time.Duration
	part, own, ended := m.film.plan.From, false, false
	lists := m.film.plan.Muxer == "mp4" || m.film.plan.Muxer == "mov"
	return func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		if event := eventOf(info); event != nil {
			if event.Type() != gst.EventTypeSegment || own {
				return gst.PadProbeOK
			}
			s.segment(event)
			start = s.start
			if c.Lead > 0 && c.Lead == s.start && s.at == 0 && part.Begin == 0 && lists {
				c.shift, own = c.Lead, true
				pad.SendEvent(gst.NewSegmentEvent(gst.NewFormattedSegment(gst.FormatTime)))
				own = false
				return gst.PadProbeDrop
			}
			return gst.PadProbeOK
		}
		buffer := bufferOf(info)
		if buffer == nil {
			return gst.PadProbeOK
		}
		t, ok := s.time(buffer.PresentationTimestamp())
		switch {
		case ended:
			return gst.PadProbeDrop
		case ok && t >= part.End:
			ended = true
			pad.SendEvent(gst.NewEOSEvent())
			return gst.PadProbeDrop
		case ok && t < part.Begin && (part.Begin > 0 || c.shift == 0 && !buffer.IsWritable()):
			return gst.PadProbeDrop
		case ok && t < part.Begin && c.shift == 0:
			buffer.SetPresentationTimestamp(gst.ClockTime(start))
		}
		if !buffer.HasFlags(gst.BufferFlagHeader) {
			c.packets++
			c.bytes += buffer.GetSize()
			withData(buffer, func(data []byte) { c.sum = crc64.Update(c.sum, crcTable, data) })
		}
		return gst.PadProbeOK
	}
}

// onVideo hands the tags and the chapters of the video on, and lets the joined video begin when they are there: all streams are then.
func (m *muxing) onVideo(muxer *gst.Element, first bool) gst.PadProbeCallback {
	return func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		event := eventOf(info)
		if event == nil {
			m.once.Do(func() { close(m.begin) })
			return gst.PadProbeOK
		}
		switch event.Type() {
		case gst.EventTypeTag:
			if first {
				m.tag(event.ParseTag())
			}
		case gst.EventTypeTOC:
			// A part of a film has other chapters, and only the whole has those of the film.
			if setter := muxer.TOCSetter(); setter != nil && m.film.plan.From == (span{0, forever}) {
				toc, _ := event.ParseTOC()
				setter.SetTOC(toc)
			}
		case gst.EventTypeEOS:
			m.once.Do(func() { close(m.begin) })
		}
		return gst.PadProbeOK
	}
}

// codedTags describe how the film was coded, which is no longer true.
var codedTags = []gst.Tag{gst.TagVideoCodec, gst.TagCodec, gst.TagBitrate, gst.TagNominalBitrate, gst.TagMaximumBitrate, gst.TagMinimumBitrate,
	gst.TagEncoder, gst.TagEncoderVersion, gst.TagContainerFormat}

// tag gives the video's tags to the joined video.
func (m *muxing) tag(tags *gst.TagList) {
	if tags == nil {
		return
	}
	mine := tags.Copy()
	for _, t := range codedTags {
		mine.RemoveTag(t)
	}
	if mine.IsEmpty() {
		return
	}
	if way, ok := mine.GetString(gst.TagImageOrientation); ok {
		m.lock.Lock()
		m.turned = way
		m.lock.Unlock()
	}
	if video, err := m.element("video"); err == nil {
		video.SendEvent(gst.NewTagEvent(mine))
	}
}

// muxerHasChapters says whether GStreamer writes chapters into a container.
func muxerHasChapters(container string) bool { return container == "mkv" }
