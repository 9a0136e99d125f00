package live

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"

	"adainfilter/trainer/live/media"
)

// videoScale is the unit of times in the stream of MP4: microseconds.
const videoScale = 1_000_000

// fragments makes MP4 in fragments of coded pictures, one of each (ISO/IEC 14496-12, 8.8): what browsers take by Media Source Extensions.
type fragments struct {
	began  bool // with the picture in last
	first  time.Duration
	last   media.Packet // its length is known when the next one comes
	number uint32
}

// add gives what a picture adds to the stream, nothing before the first that can be decoded by itself.
func (f *fragments) add(p media.Packet) ([]byte, error) {
	if !f.began {
		return f.begin(p)
	}
	f.number++
	part := fmp4.Part{SequenceNumber: f.number, Tracks: []*fmp4.PartTrack{{ID: 1, BaseTime: uint64((f.last.At - f.first).Microseconds()),
		Samples: []*fmp4.Sample{{Duration: uint32((p.At - f.last.At).Microseconds()), IsNonSyncSample: !f.last.Key, Payload: f.last.Data}}}}}
	f.last = p
	var out seekablebuffer.Buffer
	if err := part.Marshal(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// begin gives the head of the stream with the first picture that can be decoded by itself.
func (f *fragments) begin(p media.Packet) ([]byte, error) {
	if !p.Key {
		return nil, nil
	}
	sps, pps, err := media.Parameters(p.Caps)
	if err != nil {
		return nil, err
	}
	var out seekablebuffer.Buffer
	init := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: videoScale, Codec: &mp4.CodecH264{SPS: sps, PPS: pps}}}}
	if err := init.Marshal(&out); err != nil {
		return nil, err
	}
	f.began, f.first, f.last = true, p.At, p
	return out.Bytes(), nil
}

// maxWaiting bounds the coded pictures that wait for one viewer. None can be left out, so a slower viewer's stream ends, and the page asks anew.
const maxWaiting = 120

// video is GET /stream.mp4: the live picture as H.264, for viewers to whom JPEG is too heavy.
func (s *server) video(w http.ResponseWriter, r *http.Request) error {
	if s.coded == nil {
		return refuse(http.StatusNotFound, "GStreamer has no encoder for H.264 here; /stream.mjpeg has the picture")
	}
	w.Header().Set("Content-Type", "video/mp4")
	if r.Method == http.MethodHead {
		return nil
	}
	if !s.viewers.enter() {
		return tooManyWatch()
	}
	defer s.viewers.leave()
	packets, slow := make(chan media.Packet, maxWaiting), make(chan struct{})
	once := sync.OnceFunc(func() { close(slow) })
	defer s.coded.Join(func(p media.Packet) {
		select {
		case packets <- p:
		default:
			once()
		}
	})()
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Time{})
	var f fragments
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-slow:
			return nil
		case p := <-packets:
			data, err := f.add(p)
			if err != nil {
				return fmt.Errorf("the coded picture: %w", err)
			}
			c.SetWriteDeadline(time.Now().Add(patience))
			if _, err := w.Write(data); err != nil {
				return nil
			}
			if err := c.Flush(); err != nil {
				return nil
			}
		}
	}
}

// viewers counts those of the coded picture.
type viewers struct {
	sync.Mutex
	n int
}

func (v *viewers) enter() bool {
	v.Lock()
	defer v.Unlock()
	if v.n == maxWatchers {
		return false
	}
	v.n++
	return true
}

func (v *viewers) leave() {
	v.Lock()
	defer v.Unlock()
	v.n--
}

func (v *viewers) count() int {
	v.Lock()
	defer v.Unlock()
	return v.n
}

// snapshot is GET /snapshot.jpeg: the next picture, for keeping.
func (s *server) snapshot(w http.ResponseWriter, r *http.Request) error {
	pictures, stop, ok := s.pictures.watch()
	if !ok {
		return tooManyWatch()
	}
	defer stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case picture := <-pictures:
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Content-Disposition", `attachment; filename="adain.jpg"`)
		w.Write(picture)
		return nil
	case <-late.C:
		return refuse(http.StatusServiceUnavailable, "no picture has come for %v", patience)
	case <-r.Context().Done():
		return nil
	}
}
