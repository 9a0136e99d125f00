package pace

import "time"

// Latency is what the element says of itself in a live pipeline. Each new figure makes all sinks wait longer or shorter, which is seen, so
// it follows what frames take only when that lasts. The zero value is 0. One thread at a time.
type Latency struct {
	figure time.Duration
	wanted time.Duration // largest since then
	since  time.Duration
	state  int8 // +1: too small since then, -1: too large, 0: fits
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
	return (cost + grain - 1) / grain * grain
}

// Figure is what is said now.
func (l *Latency) Figure() time.Duration { return l.figure }

// Follow says whether the figure has changed, by what is wanted at a time.
func (l *Latency) Follow(wanted, now time.Duration) bool {
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
