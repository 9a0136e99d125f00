// Package pace decides which frames are worth computing, at which size the network sees them, and what latency there is: from the time
// that frames have taken and from what sinks say of those that came to them. It has no clock and no thread of its own; all times are the
// caller's. Running times are GStreamer's, as durations since the pipeline's base time.
package pace

import (
	"math"
	"slices"
	"time"
)

// Key is what the time of a frame depends on, beside the engine.
type Key struct {
	Width, Height int // pixels that the network sees
	Frame         int // pixels of the whole frame
	Controls      uint8
}

func (k Key) pixels() float64 { return float64(k.Width) * float64(k.Height) }

const (
	kept   = 8  // keys of which the times are known
	window = 64 // times per key; the figures are of these
	recent = 16 // times per key that decide about the next frame
)

// Costs are the times that frames have taken, by key. The zero value knows none. One thread at a time. Nothing is allocated.
type Costs struct {
	of   [kept]times
	tick uint64
}

// times is a ring of the newest times of one key.
type times struct {
	key  Key
	used uint64 // tick of the last frame, 0: empty
	n    int    // of ring, and more
	ring [window]time.Duration

	provisional bool // the only one is that of a first frame
}

// Add counts a frame. The first of a key, and the first after another key, prepare memory; such times count until there are better ones.
func (c *Costs) Add(k Key, took time.Duration) {
	c.tick++
	t := c.find(k)
	if t == nil {
		t = &c.of[0]
		for i := range c.of {
			if c.of[i].used < t.used {
				t = &c.of[i]
			}
		}
		*t = times{key: k}
	}
	before := t.used
	t.used = c.tick
	switch {
	case before == 0:
		t.provisional = true
	case before != c.tick-1:
		return
	case t.provisional:
		t.provisional, t.n = false, 0
	}
	t.add(took)
}

func (t *times) add(took time.Duration) {
	t.ring[t.n%window] = took
	t.n++
}

func (c *Costs) find(k Key) *times {
	for i := range c.of {
		if c.of[i].used > 0 && c.of[i].key == k {
			return &c.of[i]
		}
	}
	return nil
}

// Memory is for what Costs.Recent gives.
type Memory [recent]time.Duration

// Recent are the newest times of a key, at most 16, in memory of the caller's. Of a key without times they are those of the key with the
// nearest number of pixels, in proportion to them.
func (c *Costs) Recent(k Key, memory *Memory) []time.Duration {
	from := c.find(k)
	if from == nil {
		from = c.nearest(k)
	}
	if from == nil {
		return nil
	}
	ratio := k.pixels() / from.key.pixels()
	n := from.newest(memory[:])
	for i := range n {
		memory[i] = time.Duration(ratio * float64(memory[i]))
	}
	return memory[:n]
}

func (c *Costs) nearest(k Key) (t *times) {
	least := math.Inf(1)
	for i := range c.of {
		if c.of[i].used == 0 {
			continue
		}
		if d := math.Abs(math.Log(k.pixels() / c.of[i].key.pixels())); d < least {
			t, least = &c.of[i], d
		}
	}
	return t
}

// newest copies times, the newest first, as many as there are and as to has room for.
func (t *times) newest(to []time.Duration) (n int) {
	n = min(t.n, window, len(to))
	for i := range n {
		to[i] = t.ring[(t.n-1-i)%window]
	}
	return n
}

// Figures are what users see of the times of a key.
type Figures struct {
	Frames       int           // that they are of: the newest, at most 64, and none that prepared memory unless it is the only one
	Average, P95 time.Duration // 0 where there are none
}

// Figures of a key.
func (c *Costs) Figures(k Key) Figures {
	t := c.find(k)
	if t == nil {
		return Figures{}
	}
	n := min(t.n, window)
	var sum time.Duration
	for _, d := range t.ring[:n] {
		sum += d
	}
	return Figures{Frames: n, Average: sum / time.Duration(n), P95: t.quantile(window, 0.95)}
}

// quantile is over the newest of at most so many times.
func (t *times) quantile(newest int, q float64) time.Duration {
	var sorted [window]time.Duration
	n := t.newest(sorted[:newest])
	slices.Sort(sorted[:n])
	return sorted[int(math.Floor(q*float64(n-1)))]
}
