package pace

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Pace tells frames that are worth computing from those that had better make room for a later one. Frames are known by their running time.
// Any thread.
//
// A sink shows a frame that comes up to the frame's own duration too late, and some milliseconds more. When a frame has to leave the
// element to come in time is learned from the sinks' reports: at running time + slack, where slack holds the pipeline's latency, the
// sink's offsets and the way to it. As long as no frame has been reported late there is nothing to decide: a sink that does not wait
// for the clock reports no lateness.
type Pace struct {
	mu       sync.Mutex
	slack    time.Duration
	known    bool
	blocks   bool // the sink waits in the thread that computes
	live     bool // frames do not come before their time
	handed   [handed]hand
	next     int
	wanted   time.Duration // no frame before it: a sink throttles
	youngest time.Duration // of a live source: the least age of frames that have come in
	least    time.Duration // that a frame takes
	duration time.Duration // of the newest frame
}

const (
	handed   = 128              // frames that may be on their way to a sink
	horizon  = 128              // frames that are looked ahead
	equal    = time.Microsecond // what two roundings of a time may differ by
	learning = 4                // a late report counts by 1 in so many
)

// hand is a frame that has left the element.
type hand struct{ running, at time.Duration }

// Frame is one that has come in.
type Frame struct {
	Running, Duration time.Duration // of the buffer
	Now               time.Duration // running time of the clock
}

// Forget begins anew, as after a flush and in a new segment.
func (p *Pace) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.next, p.wanted, p.youngest, p.least = false, 0, 0, math.MaxInt64, 0
	clear(p.handed[:])
}

// NewLatency forgets what depends on the pipeline's latency. How old frames of the source are when they come stays: those that come now
// may have waited for a frame that took long, as the first ones do.
func (p *Pace) NewLatency() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = false
}

// SetLive says whether frames come from a source that gives none before its time.
func (p *Pace) SetLive(live bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live = live
}

// Live is what SetLive said last.
func (p *Pace) Live() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live
}

// Handed says that a frame leaves the element now, a running time of the clock.
func (p *Pace) Handed(running, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handed[p.next%handed] = hand{running, now}
	p.next++
}

// Report is that of a sink: the frame of a running time came diff too late (negative: too early). now is the running time of the clock;
// blocks says that it comes in the thread that computes. A diff of 0 comes from sinks that do not wait, and says nothing.
//
// What Report returns is the diff to tell those upstream, who drop frames up to twice that behind this one, as GStreamer's base classes
// do: they are to spare themselves the frames that would be dropped here in any case, and no other.
func (p *Pace) Report(running, diff, now time.Duration, blocks bool) (upstream time.Duration) {
	if diff == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocks = blocks
	left, ok := p.left(running)
	if !ok { // something behind has given it another time
		left = now - max(0, -diff)
	}
	sample := left - diff - running
	switch {
	case diff > 0 && !p.known:
		p.slack, p.known = sample, true
	case diff > 0:
		p.slack += (sample - p.slack) / learning
	case p.known:
		// A frame that came early may have waited behind others: it can have left at least so late.
		p.slack = max(p.slack, sample)
	}
	if !p.known || p.least == 0 {
		return min(diff, 0)
	}
	earliest := now + p.least - p.slack - p.duration // of the next that may be computed
	if earliest <= running {
		return min(diff, 0)
	}
	return (earliest - running - 1) / 2
}

// Throttle is a sink's wish to get no frame before a running time.
func (p *Pace) Throttle(until time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = until
}

func (p *Pace) left(running time.Duration) (time.Duration, bool) {
	for i := p.next - 1; i >= max(0, p.next-handed); i-- {
		h := p.handed[i%handed]
		if d := h.running - running; -equal <= d && d <= equal {
			return h.at, true
		}
	}
	return 0, false
}

// Drop says whether a frame should make room for a later one, and how late it would be. costs are the times that frames took of late. A
// frame is dropped where computing a later one instead shows more frames in the same time, so never where that would not help.
func (p *Pace) Drop(f Frame, costs []time.Duration) (late time.Duration, drop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.Running < p.wanted {
		return p.wanted - f.Running, true
	}
	age := f.Now - f.Running
	p.youngest = min(p.youngest, age)
	if len(costs) == 0 || f.Duration <= 0 {
		return 0, false
	}
	p.least, p.duration = slices.Min(costs), f.Duration
	if !p.known {
		return 0, false
	}
	due := p.slack - age // from now
	longest := slices.Max(costs)
	first := shown(costs, due, 0, f.Duration, p.blocks)
	for i := 1; i < horizon; i++ {
		later := time.Duration(i) * f.Duration
		wait := time.Duration(0)
		if p.live {
			wait = max(0, later-(age-p.youngest))
		}
		if shown(costs, due+later, wait, f.Duration, p.blocks) > first {
			return longest - due, true
		}
		if due+later > longest {
			break
		}
	}
	return longest - due, false
}

// shown is how many frames per nanosecond are shown where the next one comes in after wait and is due after due.
func shown(costs []time.Duration, due, wait, duration time.Duration, blocks bool) float64 {
	n := 0
	var sum time.Duration
	for _, c := range costs {
		done := wait + c
		if done <= due+duration {
			n++
		}
		if blocks {
			done = max(done, due)
		}
		sum += done
	}
	return float64(n) / float64(max(sum, 1))
}
