package transcode

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

const (
	hearRate   = 8000 // samples a second that are looked at
	hearWindow = 40   // of them at a time: 5 ms
	hearSmooth = 20   // windows that are taken together to be compared: 100 ms
	hearLoud   = 65535
	hearPitch  = 1 << 10
)

// heard is what a track of sound sounds like once it is decoded: loudness and pitch, 200 times a second, which is 0.8 kB a second.
type heard struct {
	begin   time.Duration // against the first video, where that is known
	timed   bool          // begin is known
	samples int
	loud    []uint16 // root of the mean square of each window, 1 is hearLoud
	pitch   []uint16 // changes of sign in each window, where it is not silent, times hearPitch

	smoothed bool // loud and pitch are means

	sum   float64
	turns int
	last  int16
	count int
	half  []byte // of a sample
}

// Write takes decoded sound: samples of 16 bits in little endian, one channel, hearRate a second.
func (h *heard) Write(data []byte) (int, error) {
	n := len(data)
	if len(h.half) > 0 && n > 0 {
		h.add(int16(uint16(h.half[0]) | uint16(data[0])<<8))
		h.half, data = nil, data[1:]
	}
	for ; len(data) >= 2; data = data[2:] {
		h.add(int16(binary.LittleEndian.Uint16(data)))
	}
	if len(data) == 1 {
		h.half = []byte{data[0]}
	}
	return n, nil
}

func (h *heard) add(v int16) {
	if (v < 0) != (h.last < 0) {
		h.turns++
	}
	h.last = v
	h.sum += float64(v) * float64(v)
	h.samples++
	if h.count++; h.count == hearWindow {
		loud := uint16(math.Sqrt(h.sum/hearWindow)/32768*hearLoud + 0.5)
		if loud < silence {
			h.turns = 0
		}
		h.loud, h.pitch = append(h.loud, loud), append(h.pitch, uint16(h.turns*hearPitch))
		h.sum, h.turns, h.count = 0, 0, 0
	}
}

// length is how long the sound lasts.
func (h *heard) length() time.Duration {
	return time.Duration(h.samples) * time.Second / hearRate
}

// differs says in what the sound of the output is another than the film's, "" if it is the same. slack is by how much lengths may differ:
// a part of a film begins and ends with whole packets, and those who code sound anew fill the last.
func (h *heard) differs(film *heard, slack time.Duration) string {
	if d := h.length() - film.length(); d.Abs() > slack {
		return fmt.Sprintf("lasts %v, wanted %v", h.length().Round(time.Millisecond), film.length().Round(time.Millisecond))
	}
	h.smooth()
	film.smooth()
	loud, pitch := [2][]uint16{h.loud, film.loud}, [2][]uint16{h.pitch, film.pitch}
	best := math.Inf(1)
	reach := int(slack / (hearWindow * time.Second / hearRate))
	for lag := -reach; lag <= reach; lag++ {
		best = min(best, max(apart(loud, lag, silence), apart(pitch, lag, hearPitch)/2))
	}
	// What coding does to sound stays below a tenth; other sound, or the same half a second later, is far above.
	if best > 0.2 || math.IsNaN(best) {
		return fmt.Sprintf("does not sound like the film's: loudness and pitch differ by %.0f percent", 100*best)
	}
	return ""
}

// silence is a loudness of -60 dB, below which nothing is compared.
const silence = hearLoud / 1000

// smooth makes each row one of means over hearSmooth windows, so that what lies between two windows does not count.
func (h *heard) smooth() {
	if !h.smoothed {
		h.smoothed = true
		smooth(h.loud)
		smooth(h.pitch)
	}
}

// smooth goes from the end to the beginning, where it needs no second row: those of a film of hours are long.
func smooth(row []uint16) {
	sum := 0.0
	for _, v := range row[max(0, len(row)-hearSmooth):] {
		sum += float64(v)
	}
	for i := len(row) - 1; i >= 0; i-- {
		v := float64(row[i])
		row[i] = uint16(sum/hearSmooth + 0.5)
		if sum -= v; i >= hearSmooth {
			sum += float64(row[i-hearSmooth])
		}
	}
}

// apart is the mean difference of two rows against their mean, 0 to 2. Values below floor count as equal.
func apart(rows [2][]uint16, lag int, floor uint16) float64 {
	sum, all := 0.0, 0.0
	for i, x := range rows[0] {
		if k := i + lag; k >= 0 && k < len(rows[1]) {
			if y := rows[1][k]; x > floor || y > floor {
				sum += math.Abs(float64(x) - float64(y))
				all += (float64(x) + float64(y)) / 2
			}
		}
	}
	if all == 0 {
		return 0
	}
	return sum / all
}

// hearGStreamer decodes a film's track of sound with GStreamer; number counts tracks of sound from 0.
func hearGStreamer(ctx context.Context, path string, number int) (*heard, error) {
	const text = "filesrc name=file ! parsebin name=streams  decodebin name=decoder ! audioconvert ! audioresample ! " +
		"audio/x-raw,format=S16LE,layout=interleaved,rate=8000,channels=1 ! fakesink name=heard sync=false async=false"
	p, err := film.Open(text, path, stall)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	streams, err := p.Element("streams")
	if err != nil {
		return nil, err
	}
	decoder, err := p.Sink("decoder")
	if err != nil {
		return nil, err
	}
	sink, err := p.Sink("heard")
	if err != nil {
		return nil, err
	}
	h, left := &heard{}, number
	abort := make(chan error, 1) // the first counts
	fail := func(err error) {
		select {
		case abort <- err:
		default:
		}
	}
	err = p.PadAdded(streams, func(pad *gst.Pad) {
		sound := padKind(pad) == "audio"
		if sound && left == 0 {
			if r := pad.Link(decoder); r != gst.PadLinkOK {
				fail(fmt.Errorf("its audio track %d cannot be decoded: %v", number+1, r))
			}
		} else if err := drain(p, pad, nil); err != nil {
			fail(err)
		}
		if sound {
			left--
		}
	})
	if err != nil {
		return nil, err
	}
	p.Probe(sink, gst.PadProbeTypeBuffer|gst.PadProbeTypeEventDownstream, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		p.Moved()
		if buffer := film.BufferOf(info); buffer != nil {
			film.WithData(buffer, func(data []byte) { h.Write(data) })
		} else if e := film.EventOf(info); e != nil && e.Type() == gst.EventTypeEOS {
			fail(film.ErrStopped)
		}
		return gst.PadProbeOK
	})
	if err := p.Run(ctx, abort); err != nil && err != film.ErrStopped {
		return nil, err
	}
	if left >= 0 {
		return nil, fmt.Errorf("it has no audio track %d", number+1)
	}
	return h, nil
}

// hasFFmpeg says whether another reader of films is at hand. A variable, so that tests do without.
var hasFFmpeg = func() bool { return found("ffmpeg") && found("ffprobe") }
