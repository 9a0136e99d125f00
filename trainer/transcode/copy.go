package transcode

import (
	"bytes"
	"fmt"
	"hash/crc64"
	"html"
	"runtime"
	"strings"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// copied is a stream that goes from the film into the output as it is.
type copied struct {
	other
	packets int
	bytes   int64
	sum     uint64        // as track.sum
	anew    bool          // coded in another way
	sound   int           // its place among the film's tracks of sound that GStreamer gives
	shift   time.Duration // how much later it lies in the file than it is to be heard; patch takes it back
	slot    int           // its place among the streams of the output, from 1; the video is 0
}

// former is the element that brings a stream into the form that containers take, "" for none; the data are the same.
// In text that a demuxer has turned into Pango's markup, onCopied turns & and its like back.
func former(caps string) string {
	switch {
	case strings.HasPrefix(caps, "audio/x-opus") && has("opusparse"):
		return "opusparse" // transport streams have no time for each packet
	case strings.HasPrefix(caps, "audio/mpeg") && strings.Contains(caps, "stream-format=(string)adts"):
		return "aacparse"
	case isMarkup(caps):
		return `capssetter caps=text/x-raw,format=utf8`
	}
	return ""
}

func isMarkup(caps string) bool {
	return strings.HasPrefix(caps, "text/x-raw") && strings.Contains(caps, "format=(string)pango-markup")
}

// takes says whether the container has room for a stream.
func (p *plan) takes(o other) bool {
	if muxers[p.Muxer] == "" {
		return false
	}
	factory := gst.Find(muxers[p.Muxer])
	if factory == nil {
		return false
	}
	caps := looseCaps(o.Caps)
	defer runtime.KeepAlive(caps)
	return factory.CanSinkAnyCaps(caps) && padName(o) != ""
}

// looseCaps are caps without what parsers change.
func looseCaps(caps string) *gst.Caps {
	c := gst.NewCapsFromString(caps)
	if c == nil || c.GetSize() == 0 {
		return gst.NewEmptyCaps()
	}
	defer runtime.KeepAlive(c)
	s := c.GetStructureAt(0)
	loose := gst.NewStructure(s.Name())
	for _, key := range []string{"mpegversion", "layer", "format", "layout", "channel-mapping-family"} {
		if v, err := s.GetValue(key); err == nil && v != nil && !isMarkup(caps) {
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
	number, id := m.number, streamID(pad)
	m.number++
	if kind := padKind(pad); kind == "video" || kind == "image" {
		return drain(m.Pipeline, pad, m.onVideo(muxer, kind == kindOf(m.job.plan.Facts.Media)))
	}
	for _, o := range m.job.plan.Facts.Others {
		if o.is(number, id) && m.job.plan.copies(o) {
			err := m.copy(muxer, pad, o)
			m.wanted.Add(-1)
			m.ready()
			return err
		}
	}
	return drain(m.Pipeline, pad, nil)
}

func (m *muxing) copy(muxer *gst.Element, pad *gst.Pad, o other) error {
	c := &copied{other: o, slot: len(m.copies) + 1}
	for _, s := range m.job.plan.Facts.Others {
		if s.Kind == "audio" && s.Number < o.Number {
			c.sound++
		}
	}
	m.copies = append(m.copies, c)
	// Streams that lie far apart in the file must not wait for each other.
	limits := map[string]any{"max-size-buffers": uint(0), "max-size-time": uint64(0), "max-size-bytes": uint(64 << 20)}
	queue, err := gst.NewElementWithProperties("queue", limits)
	if err != nil {
		return err
	}
	single, err := newSingle()
	if err != nil {
		return err
	}
	chain := []*gst.Element{single, queue}
	if c.anew = !m.job.plan.takes(o); c.anew {
		if chain, err = m.recoder(); err != nil {
			return err
		}
		chain = append(chain, queue)
	} else if text := former(o.Caps); text != "" {
		name, caps, _ := strings.Cut(text, " caps=")
		e, err := gst.NewElement(name)
		if err != nil {
			return err
		}
		if caps != "" {
			e.SetArg("caps", caps)
		}
		chain = []*gst.Element{e, single, queue}
	}
	if err := m.AddMany(chain...); err != nil {
		return err
	}
	linked := chain
	if c.anew {
		linked = chain[1:] // the decoder links itself
	}
	if err := gst.ElementLinkMany(linked...); err != nil && len(linked) > 1 {
		return err
	}
	in := muxer.GetRequestPad(padName(o))
	if in == nil {
		return fmt.Errorf("%s has no place for one more %s", m.job.plan.Muxer, kindName(o.Kind))
	}
	out := queue.GetStaticPad("src")
	if r := out.Link(in); r != gst.PadLinkOK {
		return fmt.Errorf("%s does not take %s: %v", m.job.plan.Muxer, o.Caps, r)
	}
	s := &times{}
	m.Probe(pad, gst.PadProbeTypeEventDownstream, m.onSegment(c, s, out))
	m.Probe(queue.GetStaticPad("sink"), gst.PadProbeTypeBuffer, m.onCopied(c, s))
	for _, e := range chain {
		e.SyncStateWithParent()
	}
	if r := pad.Link(chain[0].GetStaticPad("sink")); r != gst.PadLinkOK {
		return fmt.Errorf("%s cannot be copied: %v", o.Caps, r)
	}
	return nil
}

// times is the clock of a stream that is copied.
type times struct {
	clock
	zero time.Duration // the timestamp of the film's time 0
	own  bool          // an event of ours passes
}

// onSegment lets a stream begin with its clock. Muxers count running time, which some demuxers begin with the first packet of another
// stream, and like parsers they drop what lies before a segment: the video has times of the film. out is the pad before the muxer.
func (m *muxing) onSegment(c *copied, s *times, out *gst.Pad) gst.PadProbeCallback {
	part, lists := m.job.plan.From.Begin, editable(m.job.plan.Muxer)
	return func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		event := film.EventOf(info)
		if event == nil || event.Type() != gst.EventTypeSegment || s.own {
			return gst.PadProbeOK
		}
		if s.segment(event); !s.known {
			return gst.PadProbeOK
		}
		if s.zero = s.start - s.at; m.job.plan.Facts.Settled {
			s.zero = m.job.plan.Facts.Zero
			s.start, s.at = s.zero, 0
		}
		out.SetOffset(int64(m.late) - int64(s.zero) - int64(part))
		if m.job.plan.Whole && c.Lead > 0 && c.Lead == s.start && s.at == 0 && lists {
			c.shift = c.Lead
			out.SetOffset(0)
		}
		s.own = true
		if event, err := segmentFrom(0); err != nil {
			m.fail(err)
		} else {
			pad.PushEvent(event)
		}
		s.own = false
		return gst.PadProbeDrop
	}
}

// lateness is by how much all streams of the output are shown later than in the film: MP4 says in its edit list where sound begins,
// elsewhere what decoders need before the beginning takes its own time. Opus has a field of its own for it everywhere.
func (p *plan) lateness() (late time.Duration) {
	if editable(p.Muxer) || p.Carry || !p.Whole {
		return 0
	}
	for _, o := range p.Facts.Others {
		if o.Kind == "audio" && p.copies(o) && !strings.HasPrefix(o.Caps, "audio/x-opus") {
			late = max(late, o.Lead)
		}
	}
	return late
}

// onCopied keeps the part that was asked for, and the packets that decoders need before the beginning.
func (m *muxing) onCopied(c *copied, s *times) gst.PadProbeCallback {
	part, own, ended, markup := m.job.plan.From, false, false, isMarkup(c.Caps)
	whole := m.job.plan.Whole
	return func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		m.Moved()
		buffer := film.BufferOf(info)
		if buffer == nil || own {
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
		case ok && t < part.Begin && (!whole || c.shift == 0 && t+m.late < part.Begin && !buffer.IsWritable()):
			return gst.PadProbeDrop
		case ok && t+m.late < part.Begin && c.shift == 0:
			buffer.SetPresentationTimestamp(gst.ClockTime(s.zero + part.Begin))
		case markup && !own:
			own = true
			defer func() { own = false }()
			if replace(pad, buffer) {
				c.packets++
				return gst.PadProbeDrop
			}
		}
		if !buffer.HasFlags(gst.BufferFlagHeader) {
			c.packets++
			c.bytes += buffer.GetSize()
			film.WithData(buffer, func(data []byte) { c.sum = crc64.Update(c.sum, crcTable, data) })
		}
		if ok {
			m.pace(t - part.Begin)
		}
		return gst.PadProbeOK
	}
}

// replace sends a text without the escapes that a demuxer has put in. It does so only where it has found no markup, and then
// none is there. False says that there was nothing to do.
func replace(pad *gst.Pad, buffer *gst.Buffer) (done bool) {
	film.WithData(buffer, func(data []byte) {
		if bytes.IndexByte(data, '<') >= 0 || bytes.IndexByte(data, '&') < 0 {
			return
		}
		b := gst.NewBufferFromBytes([]byte(html.UnescapeString(string(data))))
		b.SetPresentationTimestamp(buffer.PresentationTimestamp())
		b.SetDuration(buffer.Duration())
		done = pad.Chain(b) == gst.FlowOK
	})
	return done
}

// onVideo hands the tags and the chapters of the video on, and lets the joined video begin when they are there, and at the latest when the
// film has ended.
func (m *muxing) onVideo(muxer *gst.Element, first bool) gst.PadProbeCallback {
	return func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		event := film.EventOf(info)
		if event == nil {
			m.flows.Store(true)
			m.ready()
			return gst.PadProbeOK
		}
		switch event.Type() {
		case gst.EventTypeTag:
			if first {
				m.tag(event.ParseTag())
			}
		case gst.EventTypeTOC:
			// A part of a film has other chapters, and only the whole has those of the film.
			if m.job.plan.Muxer != "mkv" || !m.job.plan.Whole {
				break
			}
			if setter := muxer.TOCSetter(); setter != nil {
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
var codedTags = []gst.Tag{
	gst.TagVideoCodec, gst.TagCodec, gst.TagBitrate, gst.TagNominalBitrate, gst.TagMaximumBitrate, gst.TagMinimumBitrate, gst.TagEncoder, gst.TagEncoderVersion,
	gst.TagContainerFormat,
}

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
	if video, err := m.Element("video"); err == nil {
		video.SendEvent(gst.NewTagEvent(mine))
	}
}
