package pace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// play is a pipeline in simulated time: a source, the element, a sink that waits for the clock and drops what comes more than a frame's
// duration and 5 ms too late, as GStreamer's sinks for windows do.
type play struct {
	frames   int
	period   time.Duration
	live     bool          // the source gives a frame when its time has come
	latency  time.Duration // of the pipeline, that sinks add
	source   time.Duration // that a frame takes upstream, also one that is dropped
	way      time.Duration // from the element to the sink, conversion
	queue    int           // frames that fit between element and sink, whose thread the element does not wait for
	cost     func(i int) time.Duration
	learns   bool // the latency is what the element says by then, and 48 ms of source and sink
	careless bool // nothing is dropped before the work
	upstream bool // an element before drops frames, as GStreamer's base class does, at what it hears
}

type result struct{ computed, shown, dropped, spared int }

func (p play) run() result {
	var pace Pace
	var costs Costs
	var now, shownAt time.Duration
	var memory Memory
	var latency Latency
	earliest := time.Duration(-1) // that upstream lets through
	pace.Forget()
	pace.SetLive(p.live)
	var r result
	var sink []time.Duration // when the sink is done with the frames in the queue
	key := Key{Width: 640, Height: 360}
	for i := range p.frames {
		running := time.Duration(i) * p.period
		if p.live {
			now = max(now, running)
		}
		now += p.source
		if p.upstream && running <= earliest {
			r.spared++
			continue
		}
		if !p.careless {
			if _, drop := pace.Drop(Frame{Running: running, Duration: p.period, Now: now}, costs.Recent(key, &memory)); drop {
				r.dropped++
				continue
			}
		}
		took := p.cost(i)
		now += took
		costs.Add(key, took)
		r.computed++
		if p.learns && latency.Frame(costs.Figures(key), p.period, now) {
			p.latency = 48*ms + latency.Figure()
			pace.NewLatency()
		}
		pace.Handed(running, now)

		arrives := now + p.way
		if n := len(sink); n > 0 { // behind those that wait before it
			arrives = max(arrives, sink[n-1])
		}
		due := running + p.latency
		late := arrives - due
		if late <= p.period+5*ms || running-shownAt > time.Second {
			r.shown++
			shownAt = running
		}
		left := max(arrives, due)
		told := pace.Report(running, late, left, p.queue == 0)
		earliest = running + told + max(told, 0)
		sink = append(sink, left)
		if p.queue == 0 {
			now = left
		} else if n := len(sink); n > p.queue {
			now = max(now, sink[n-1-p.queue])
		}
	}
	return r
}

// computable is how many frames the engine alone could have done in the time of the film.
func (p play) computable() float64 {
	var sum time.Duration
	for i := range 1000 {
		sum += p.cost(i)
	}
	return min(float64(p.frames), float64(time.Duration(p.frames)*(p.period-p.source))/float64(sum/1000+p.way))
}

// around gives times around a mean: noise is the standard deviation as a share of it; one in twenty takes half as long again.
func around(mean time.Duration, noise float64) func(int) time.Duration {
	return func(i int) time.Duration {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		took := float64(mean) * max(0.5, 1+noise*r.NormFloat64())
		if r.IntN(20) == 0 {
			took *= 1.5
		}
		return time.Duration(took)
	}
}

// TestShown: what is computed is shown, and nearly all that can be is computed. Where the sink waits in the thread that computes, times that
// vary cost more: what is done early waits.
func TestShown(t *testing.T) {
	for _, mean := range []time.Duration{5, 20, 30, 36, 50, 67, 80, 100, 108, 133, 200} {
		for _, noise := range []float64{0, 0.03, 0.1, 0.2} {
			for name, p := range map[string]play{
				"file":                {},
				"file, queue":         {queue: 30},
				"file, slow window":   {way: 12 * ms},
				"file, slow source":   {source: 4 * ms},
				"file, converter":     {upstream: true},
				"camera":              {live: true, latency: Wanted(mean*ms*5/4, 33*ms) + 20*ms},
				"camera, learns":      {live: true, latency: 48 * ms, queue: 3, learns: true},
				"camera, queue":       {live: true, latency: Wanted(mean*ms*5/4, 33*ms) + 20*ms, queue: 2},
				"camera, far latency": {live: true, latency: time.Second, queue: 60},
			} {
				t.Run(fmt.Sprintf("%s, %d ms, noise %v", name, mean, noise), func(t *testing.T) {
					p.frames, p.period, p.cost = 900, time.Second/30, around(mean*ms, noise)
					r := p.run()
					p.careless = true
					careless := p.run()
					share, least := float64(r.shown)/p.computable(), 0.9
					if p.queue == 0 && (noise > 0.1 || mean > 100) {
						least = 0.7
					}
					t.Logf("%d computed, %d shown, %.2f of what can be; without dropping %d shown", r.computed, r.shown, share, careless.shown)
					if share < least || r.shown < r.computed*85/100 {
						t.Errorf("%d computed, %d frames shown of %.0f that can be, wanted a share of %v", r.computed, r.shown, p.computable(), least)
					}
					if r.shown < careless.shown-2 {
						t.Errorf("%d frames shown, %d if none were dropped before the work", r.shown, careless.shown)
					}
				})
			}
		}
	}
}

// TestHopeless: where no frame can be in time, because nobody makes the sinks wait, none is dropped in vain.
func TestHopeless(t *testing.T) {
	p := play{frames: 300, period: 33 * ms, live: true, cost: around(25*ms, 0), way: 90 * ms, queue: 30}
	if r := p.run(); r.dropped > 0 {
		t.Errorf("%d frames dropped, though no other could be in time", r.dropped)
	}
}

// TestUpstream: those before the element spare themselves what would be dropped, and no more than that.
func TestUpstream(t *testing.T) {
	for _, mean := range []time.Duration{20, 30, 50, 100, 200} {
		p := play{frames: 600, period: 33 * ms, cost: around(mean*ms, 0.05)}
		alone := p.run()
		p.upstream = true
		helped := p.run()
		if helped.shown < alone.shown*98/100 || helped.spared+helped.dropped > alone.dropped+6 {
			t.Errorf("%d ms: with upstream's help %+v, without %+v", mean, helped, alone)
		}
		if mean > 100 && helped.spared < alone.dropped/2 {
			t.Errorf("%d ms: upstream spared itself %d of %d frames", mean, helped.spared, alone.dropped)
		}
	}
}

// TestReports: what early frames, sinks that do not wait and unknown frames say.
func TestReports(t *testing.T) {
	costs := []time.Duration{50 * ms}
	frame := Frame{Running: time.Second, Duration: 40 * ms, Now: time.Second}
	for name, c := range map[string]struct {
		reports func(p *Pace)
		drop    bool
	}{
		"nothing":       {func(*Pace) {}, false},
		"early":         {func(p *Pace) { p.Report(0, -300*ms, 0, true) }, false},
		"does not wait": {func(p *Pace) { p.Handed(0, 0); p.Report(0, 0, 0, true) }, false},
		"late":          {func(p *Pace) { p.Handed(0, 10*ms); p.Report(0, 30*ms, 40*ms, true) }, true},
		"late, then one that does not wait": {func(p *Pace) {
			p.Handed(0, 10*ms)
			p.Report(0, 30*ms, 40*ms, true)
			p.Handed(1, 500*ms)
			p.Report(1, 0, 500*ms, true)
		}, true},
		"late, then early": {func(p *Pace) {
			p.Handed(0, 10*ms)
			p.Report(0, 30*ms, 40*ms, true)
			p.Handed(1, 0)
			p.Report(1, -30*ms, 0, true)
		}, false},
		"late, another time": {func(p *Pace) { p.Report(17*ms, 30*ms, 20*ms, true) }, true},
		"late, forgotten":    {func(p *Pace) { p.Report(17*ms, 30*ms, 20*ms, true); p.Forget() }, false},
	} {
		var p Pace
		p.Forget()
		c.reports(&p)
		if _, drop := p.Drop(frame, costs); drop != c.drop {
			t.Errorf("%s: dropped is %v, wanted %v", name, drop, c.drop)
		}
	}
}

// TestRecent: the newest times count, the first frame of a size only until there is another, other sizes stand in.
func TestRecent(t *testing.T) {
	var c Costs
	var memory Memory
	large, small := Key{Width: 200, Height: 100}, Key{Width: 100, Height: 50}
	expect := func(when string, k Key, want ...time.Duration) {
		t.Helper()
		if got := c.Recent(k, &memory); !slices.Equal(got, want) {
			t.Errorf("%s: %v, wanted %v", when, got, want)
		}
	}
	expect("at first", large)
	c.Add(large, 900)
	expect("first frame", large, 900)
	c.Add(large, 400)
	expect("second frame", large, 400)
	expect("another size", small, 100)
	c.Add(small, 700)
	c.Add(small, 120)
	expect("its own", small, 120)
	c.Add(large, 5000) // takes its memory anew
	expect("back", large, 400)
	for i := range 100 {
		c.Add(large, time.Duration(i))
	}
	if got := c.Recent(large, &memory); len(got) != 16 || got[0] != 99 || got[15] != 84 {
		t.Errorf("of 100 frames: %v", got)
	}
	if f := c.Figures(large); f.Frames != 64 || f.Average != 67 || f.P95 != 95 {
		t.Errorf("figures of 36 to 99 are %+v", f)
	}
	for i := range 20 {
		c.Add(Key{Width: i + 1, Height: 1}, 1)
	}
	if got := c.Figures(large); got.Frames != 0 {
		t.Errorf("after 20 other sizes: %+v", got)
	}
}

func TestAllocatesNothing(t *testing.T) {
	var p Pace
	var c Costs
	var memory Memory
	s := NewSizer(640, 360, 33*ms)
	p.Forget()
	p.Handed(0, 0)
	p.Report(0, 50*ms, 0, true)
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		i++
		k := Key{Width: i % 10}
		c.Add(k, ms)
		p.Drop(Frame{Running: time.Duration(i), Now: time.Second, Duration: 33 * ms}, c.Recent(k, &memory))
		p.Handed(time.Duration(i), time.Second)
		s.Follow(40*ms, time.Duration(i)*time.Second)
		c.Figures(k)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
