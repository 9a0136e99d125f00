package transcode

import (
	"context"
	"errors"
	"hash/crc64"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/container"
	"adainfilter/trainer/film"
)

// frameTime is when one coded frame of the film is shown, counted from its beginning.
type frameTime struct {
	time time.Duration
	key  bool // decoding may begin here
}

// track is one stream of a film as it lies in the file.
type track struct {
	id       string // the demuxer's, "" where it gives none
	kind     string // the caps' media type up to the slash: video, image, audio, text, ...
	media    string // the caps' name
	caps     string // in GStreamer's own words, from which it makes them again
	width    int    // of a video, in pixels; 0 where the caps do not say
	height   int
	depth    int // bits per sample; 0 where the caps do not say
	packets  int
	bytes    int64
	sum      uint64        // CRC-64 (ECMA) of all packets, where it was asked for
	begin    time.Duration // of the first packet, at least 0
	lead     time.Duration // how far the first packet lies before the time 0, which decoders need and nobody hears
	end      time.Duration
	times    []frameTime   // of a video, in the order of decoding
	latest   time.Duration // of these times
	last     time.Duration // how long that frame is shown
	chapters bool          // came with it
	zeros    []zero        // timestamps that counted as the film's beginning
	vague    bool          // the packets have no times of their own, or times that go back
}

// zero is a timestamp that counts as the film's beginning from a packet on.
type zero struct {
	at             time.Duration
	times, packets int // of the track before it
}

// contents are all streams of a film, in GStreamer's order.
type contents struct {
	tracks  []*track
	damaged string        // why reading stopped before the end; "" means it did not
	settled bool          // settle has been called
	zero    time.Duration // the timestamp of the beginning then
}

var crcTable = crc64.MakeTable(crc64.ECMA)

// scanLimit is how long a reader may give nothing. Tests shorten it.
var scanLimit = film.DecodeLimit

// scanFile reads all packets of a film without decoding them. sums adds checksums of what is not video.
// Errors: ctx's, a file that GStreamer cannot take apart.
func scanFile(ctx context.Context, path string, sums bool) (*contents, error) {
	pipeline, err := film.Open("filesrc name=file ! parsebin name=streams", path, scanLimit)
	if err != nil {
		return nil, err
	}
	defer pipeline.Close()
	streams, err := pipeline.Element("streams")
	if err != nil {
		return nil, err
	}
	c := &contents{}
	var lock sync.Mutex
	var failure error
	endless := make(chan error, 1)
	err = pipeline.PadAdded(streams, func(pad *gst.Pad) {
		lock.Lock()
		defer lock.Unlock()
		t := &track{id: streamID(pad)}
		c.tracks = append(c.tracks, t)
		failure = errors.Join(failure, drain(pipeline, pad, t.bounded(path, sums, endless)))
	})
	if err != nil {
		return nil, err
	}
	err = pipeline.Run(ctx, endless)
	pipeline.Close()
	lock.Lock()
	defer lock.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errEndless):
		return nil, err
	case failure != nil:
		return nil, failure
	case err != nil && !c.any():
		return nil, err
	case err != nil:
		c.damaged = err.Error()
	}
	if container.IsMatroska(path) {
		c.settle()
	}
	return c, nil
}

// settle makes all times count from one moment. GStreamer's reader of Matroska takes the first packet that it meets for the film's beginning, and
// an earlier one as soon as it meets that, also for streams that have begun.
func (c *contents) settle() {
	c.zero = forever
	for _, t := range c.tracks {
		for _, z := range t.zeros {
			c.zero = min(c.zero, z.at)
		}
	}
	if c.settled = c.zero != forever; !c.settled {
		return
	}
	for _, t := range c.tracks {
		for k, z := range t.zeros {
			later, to := z.at-c.zero, len(t.times)
			if k+1 < len(t.zeros) {
				to = t.zeros[k+1].times
			}
			for i := z.times; i < to; i++ {
				t.times[i].time += later
			}
			if z.packets == 0 && (k+1 == len(t.zeros) || t.zeros[k+1].packets > 0) {
				at := t.begin - t.lead + later
				t.begin, t.lead = max(at, 0), max(-at, 0)
			}
			if k+1 == len(t.zeros) {
				t.end += later
			}
		}
	}
}

// any says whether there was a packet at all.
func (c *contents) any() bool {
	for _, t := range c.tracks {
		if t.packets > 0 {
			return true
		}
	}
	return false
}

// end is that of the longest track.
func (c *contents) end() (last time.Duration) {
	for _, t := range c.tracks {
		last = max(last, t.end)
	}
	return last
}

// videos are the tracks of moving pictures.
func (c *contents) videos() (found []*track) {
	for _, t := range c.tracks {
		if t.kind == "video" && t.packets > 0 || t.kind == "image" && t.packets > 1 {
			found = append(found, t)
		}
	}
	return found
}

// sounds are the tracks of sound.
func (c *contents) sounds() (found []*track) {
	for _, t := range c.tracks {
		if t.kind == "audio" {
			found = append(found, t)
		}
	}
	return found
}

// errEndless says that a reader gives far more than there is: those of some formats begin again at the end.
var errEndless = errors.New("GStreamer's reader of this kind of film does not end")

// bounded is probe, and ends the pipeline where a track gives far more than the file holds.
func (t *track) bounded(path string, sums bool, abort chan<- error) gst.PadProbeCallback {
	most := int64(1 << 26)
	if info, err := os.Stat(path); err == nil {
		most += 8 * info.Size()
	}
	probe := t.probe(sums)
	return func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		if t.bytes > most {
			select {
			case abort <- errEndless:
			default:
			}
			return gst.PadProbeDrop
		}
		return probe(pad, info)
	}
}

// probe writes down what passes a pad.
func (t *track) probe(sums bool) gst.PadProbeCallback {
	var s clock
	return func(pad *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		if event := film.EventOf(info); event != nil {
			switch event.Type() {
			case gst.EventTypeCaps:
				if t.caps == "" { // what comes later has another size
					t.see(event.ParseCaps())
				}
			case gst.EventTypeSegment:
				if s.segment(event); s.known {
					t.zeros = append(t.zeros, zero{s.start - s.at, len(t.times), t.packets})
				}
			case gst.EventTypeTOC:
				t.chapters = true
			}
			return gst.PadProbeOK
		}
		if buffer := film.BufferOf(info); buffer != nil {
			t.add(&s, buffer, sums)
		}
		return gst.PadProbeOK
	}
}

// see notes what caps say.
func (t *track) see(caps *gst.Caps) {
	defer runtime.KeepAlive(caps)
	s := caps.GetStructureAt(0)
	t.media, t.caps, t.kind = s.Name(), caps.String(), kindOf(s.Name())
	t.width, t.height, t.depth = film.Int(s, "width"), film.Int(s, "height"), film.Int(s, "bit-depth-luma")
}

func (t *track) add(s *clock, buffer *gst.Buffer, sums bool) {
	if t.kind != "video" && t.kind != "image" {
		if buffer.HasFlags(gst.BufferFlagHeader) {
			return // muxers keep it elsewhere
		}
		if sums {
			film.WithData(buffer, func(data []byte) { t.sum = crc64.Update(t.sum, crcTable, data) })
		}
	}
	at, ok := s.time(buffer.PresentationTimestamp())
	duration := validDuration(buffer.Duration())
	if ok && t.packets == 0 {
		t.begin, t.lead = max(at, 0), max(-at, 0)
	}
	t.packets++
	t.bytes += buffer.GetSize()
	if !ok {
		t.vague = true
		return
	}
	t.end = max(t.end, at+duration)
	if t.kind != "video" && t.kind != "image" || at < 0 || s.after(at) {
		return
	}
	if at >= t.latest {
		t.latest, t.last = at, duration
	}
	t.times = append(t.times, frameTime{at, !buffer.HasFlags(gst.BufferFlagDeltaUnit)})
}

func validDuration(d gst.ClockTime) time.Duration {
	if d == gst.ClockTimeNone || d > gst.ClockTime(1<<62) {
		return 0
	}
	return time.Duration(d)
}

// clock turns timestamps of buffers into times of the film (GStreamer's stream time), which seeking does not change.
type clock struct {
	start, stop, at time.Duration
	bounded, known  bool
}

func (c *clock) segment(event *gst.Event) {
	s := event.ParseSegment()
	if s.GetFormat() != gst.FormatTime {
		return
	}
	c.known, c.start, c.at = true, time.Duration(s.GetStart()), time.Duration(s.GetTime())
	c.bounded = s.GetStop() != uint64(gst.ClockTimeNone)
	c.stop = time.Duration(s.GetStop())
}

// segmentFrom is an event that lets timestamps count from one of them.
func segmentFrom(zero time.Duration) (*gst.Event, error) {
	s := gst.NewFormattedSegment(gst.FormatTime)
	defer s.Free()
	err := setWord(s.Instance(), "start", uint64(zero))
	return gst.NewSegmentEvent(s), err
}

// time is the film's time of a timestamp; false if there is none.
func (c *clock) time(pts gst.ClockTime) (time.Duration, bool) {
	if !c.known || pts == gst.ClockTimeNone {
		return 0, false
	}
	return time.Duration(pts) - c.start + c.at, true
}

// after says whether a time lies behind the end that the container sets.
func (c *clock) after(t time.Duration) bool { return c.bounded && t-c.at+c.start >= c.stop }

// kindOf is the name of caps up to the slash.
func kindOf(media string) string {
	kind, _, _ := strings.Cut(media, "/")
	return kind
}
