package pace

import "time"

// Latency is what the element says of itself in a live pipeline. Each new figure makes all sinks wait longer or shorter, which is seen, so
// it follows what frames take only when that lasts. The zero value is 0. One thread at a time.
type Latency struct {
	figure time.Duration
	wanted time.Duration // largest since then
	since  time.Duration
	state  int8 // +1: too small since then, -1: too large, 0: fits
	frames int
}

const (
	grain   = 5 * time.Millisecond
	rising  = time.Second
	falling = 10 * time.Second
)

// Wanted is the latency of frames that come every period and take at most cost: a frame may have to wait for the one before it.
func Wanted(cost, period time.Duration) time.Duration {
	if cost <= 0 {
		return 0
	}
	if cost > period {
		cost += period
	}
	return (cost - equal + grain - 1) / grain * grain // times are rounded
}

// Figure is what is said now.
func (l *Latency) Figure() time.Duration { return l.figure }

// Frame counts one of those with figures, and says whether the figure has changed, at a time. Where frames take longer than a period each
// is late until the pipeline knows: then the second one says it, with room for those that take longer. The first has prepared memory.
func (l *Latency) Frame(f Figures, period, now time.Duration) bool {
	l.frames++
	wanted, slow := Wanted(f.P95, period), f.P95 > period
	switch {
	case f.Frames < 3 && (!slow || l.frames == 1):
		return false
	case f.Frames < 8 && slow:
		wanted = Wanted(f.P95*5/4, period)
	}
	return l.follow(wanted, now)
}

func (l *Latency) follow(wanted, now time.Duration) bool {
	state := int8(0)
	switch {
	case wanted > l.figure:
		state = 1
	case wanted < l.figure*3/5:
		state = -1
	}
	if state != l.state || now < l.since {
		l.state, l.since, l.wanted = state, now, 0
	}
	l.wanted = max(l.wanted, wanted)
	switch {
	case state == 0, state > 0 && l.figure > 0 && now-l.since < rising, state < 0 && now-l.since < falling:
		return false
	}
	l.figure, l.state = l.wanted, 0
	return true
}
