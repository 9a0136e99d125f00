package live

import (
	"sync"
	"time"

	"github.com/go-gst/go-gst/gst"
)

// rates are what a meter shows.
type rates struct {
	FPS     float64 // stylised frames per second over the last two seconds, or of the last two frames if they are slower
	Latency float64 // milliseconds from a frame's arrival until it is stylised, waiting included: the mean of those frames
}

// meter measures frames between two places of a pipeline. Frames are known by their timestamps: those that were dropped in
// between have no end.
type meter struct {
	sync.Mutex
	arrivals [1024]struct {
		pts gst.ClockTime
		at  time.Time
	}
	next  int
	ends  [256]ending
	count int // of all ends
}

type ending struct {
	at      time.Time
	latency time.Duration
}

// Rates are taken over a window. A frame that is older than the network could ever need says nothing.
const (
	window = 2 * time.Second
	oldest = 30 * time.Second
)

func (m *meter) arrive(pts gst.ClockTime) {
	m.Lock()
	defer m.Unlock()
	m.arrivals[m.next%len(m.arrivals)].pts = pts
	m.arrivals[m.next%len(m.arrivals)].at = time.Now()
	m.next++
}

// end looks at the newest arrival first: a film that begins anew repeats its timestamps.
func (m *meter) end(pts gst.ClockTime) {
	m.Lock()
	defer m.Unlock()
	e := ending{at: time.Now()}
	for i := m.next - 1; i >= max(0, m.next-len(m.arrivals)); i-- {
		if a := m.arrivals[i%len(m.arrivals)]; a.pts == pts {
			e.latency = e.at.Sub(a.at)
			break
		}
	}
	m.ends[m.count%len(m.ends)] = e
	m.count++
}

// arrived counts all frames that arrived.
func (m *meter) arrived() int {
	m.Lock()
	defer m.Unlock()
	return m.next
}

func (m *meter) rates() rates {
	m.Lock()
	defer m.Unlock()
	now := time.Now()
	var n int
	var first time.Time
	var sum time.Duration
	for i := m.count - 1; i >= max(0, m.count-len(m.ends)); i-- {
		e := m.ends[i%len(m.ends)]
		if age := now.Sub(e.at); age > oldest || age > window && n >= 2 {
			break
		}
		n, first, sum = n+1, e.at, sum+e.latency
	}
	if n < 2 {
		return rates{}
	}
	// Up to now, not to the last end: a picture that stands still has a falling rate.
	return rates{FPS: float64(n) / now.Sub(first).Seconds(), Latency: float64(sum.Microseconds()) / 1000 / float64(n)}
}
