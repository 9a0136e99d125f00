package live

import (
	"context"
	"sync"
	"time"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/live/media"
)

// lastFrame is the newest frame that came from the source.
type lastFrame struct {
	sync.Mutex
	buffer *gst.Buffer // nil before the first
	caps   string
	at     time.Duration
	lost   bool // none has come for long
}

// A source that gives nothing leaves its last frame standing, so that outputs go on and styles can still be tried.
const (
	still  = time.Second            // without a frame for so long, the last one is shown again
	repeat = 500 * time.Millisecond // as often as this
)

// frame gives a frame of the source to the filter. Frames from before those that were given are left out. The source's thread calls it.
func (p *pipeline) frame(packet media.Packet) {
	p.last.Lock()
	defer p.last.Unlock()
	if packet.At < 0 || p.last.buffer != nil && packet.At <= p.last.at {
		return
	}
	if packet.Caps != p.last.caps {
		p.last.caps = packet.Caps
		p.arrivals.SetCaps(gst.NewCapsFromString(packet.Caps))
	}
	media.Drop(p.last.buffer)
	p.last.buffer = packet.Keep()
	p.last.at, p.last.lost = packet.At, false
	media.Push(p.arrivals, packet, packet.At)
}

// stand shows the last frame again while the source gives none, until ctx is done.
func (p *pipeline) stand(ctx context.Context) error {
	ticks := time.NewTicker(repeat)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		p.last.Lock()
		if now := p.clock.Now(); p.last.buffer != nil && now-p.last.at > still || p.last.lost {
			p.last.lost, p.last.at = true, now
			media.Push(p.arrivals, media.Packet{Buffer: p.last.buffer, Key: true}, now)
		}
		p.last.Unlock()
	}
}
