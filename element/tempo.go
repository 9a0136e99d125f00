package element

/*
#include "adain.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
	"time"

	"adainfilter/element/pace"
	"adainfilter/model"
)

// monotonic is the clock that frames are measured with. Tests put another in its place.
var monotonic atomic.Pointer[func() time.Duration]

func init() {
	epoch := time.Now()
	clock := func() time.Duration { return time.Since(epoch) }
	monotonic.Store(&clock)
}

func clock() time.Duration { return (*monotonic.Load())() }

// tempo is what an element knows of the time that its frames take. The streaming thread's, but for pace and what mu guards.
type tempo struct {
	pace    pace.Pace
	costs   pace.Costs
	latency pace.Latency
	sizer   *pace.Sizer // nil unless the size is the element's to choose
	period  time.Duration
	last    time.Duration // running time of the frame before
	memory  pace.Memory

	mu   sync.Mutex
	seen figures
}

// figures are what users see.
type figures struct {
	processed, dropped uint64
	times              pace.Figures
	latency            time.Duration
	size               int // pixels, the short side at which the network saw the newest frame
}

func (t *tempo) stats() figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen
}

// arrive takes the period of a frame over, or guesses it from the time since the one before.
func (t *tempo) arrive(f *C.AdaInFrame) {
	running := time.Duration(f.time)
	switch {
	case f.period > 0:
		t.period = time.Duration(f.period)
	case f.time != none && running > t.last && running-t.last < time.Second:
		t.period = running - t.last
	}
	if f.time != none {
		t.last = running
	}
}

// drop says whether a frame had better not be computed, at a running time of the clock.
func (st *state) drop(f *C.AdaInFrame, now time.Duration, why *C.AdaInDrop) bool {
	t := &st.tempo
	t.arrive(f)
	costs := t.costs.Recent(st.key(f, st.size()), &t.memory)
	late, drop := t.pace.Drop(pace.Frame{Running: time.Duration(f.time), Duration: t.period, Now: now}, costs)
	if !drop {
		return false
	}
	if t.sizer != nil {
		t.sizer.Dropped()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.dropped++
	*why = C.AdaInDrop{late: C.gint64(late), proportion: 1, processed: C.guint64(t.seen.processed), dropped: C.guint64(t.seen.dropped)}
	if t.period > 0 && t.seen.times.Average > 0 {
		why.proportion = C.gdouble(float64(t.seen.times.Average) / float64(t.period))
	}
	return true
}

// size is the short side at which the network is to see the next frame, 0 for the frame's own.
func (st *state) size() int {
	switch {
	case st.processing != autoSize:
		return st.processing
	case st.tempo.sizer != nil:
		return st.tempo.sizer.Size()
	}
	return 0
}

// key is what the time of a frame depends on.
func (st *state) key(f *C.AdaInFrame, size int) pace.Key {
	s := model.Stylization{ProcessingSize: size}
	w, h := s.Size(st.content.Width, st.content.Height)
	k := pace.Key{Width: w, Height: h, Frame: st.content.Width * st.content.Height}
	for i, on := range [...]bool{f.smoothing > 0, f.preserve_color != 0, st.fade.Load().to.mask != nil, st.tables.before != nil} {
		if on {
			k.Controls |= 1 << i
		}
	}
	return k
}

// unfit says that the element has yet to choose a size for such frames.
func (st *state) unfit() bool {
	return st.processing == autoSize && (st.tempo.sizer == nil || !st.tempo.sizer.Fits(st.content.Width, st.content.Height, st.tempo.period))
}

// fit chooses a size by computing the frame under way at some, each anew.
func (st *state) fit(f *C.AdaInFrame) error {
	t := &st.tempo
	t.sizer = pace.NewSizer(st.content.Width, st.content.Height, t.period)
	st.stylization.Discontinuity = true
	err := t.sizer.Find(func(size int) (time.Duration, error) { return st.stylize(f, size) })
	if err != nil {
		t.sizer = nil
	}
	return err
}

// done counts a frame that was computed, tells the pipeline where the latency has changed for good, and may change the size.
func (st *state) done(f *C.AdaInFrame, took time.Duration) {
	t := &st.tempo
	key := st.key(f, st.stylization.ProcessingSize)
	t.costs.Add(key, took)
	times := t.costs.Figures(key)
	at := clock()
	changed := t.latency.Frame(times, t.period, at)
	if t.sizer != nil {
		t.sizer.Follow(took, at)
	}
	t.mu.Lock()
	t.seen.processed++
	t.seen.times, t.seen.latency, t.seen.size = times, t.latency.Figure(), min(key.Width, key.Height)
	t.mu.Unlock()
	if changed && t.pace.Live() {
		C.adain_post_latency(st.element)
	}
	if now := C.adain_now(st.element); now != none && f.time != none {
		t.pace.Handed(time.Duration(f.time), time.Duration(now))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
