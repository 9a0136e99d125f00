package element_test

import (
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adainfilter/element"
	"adainfilter/element/harness"
	"adainfilter/model"
)

const (
	ms     = time.Millisecond
	period = 40 * ms // of caps
)

// timed is an element whose engine takes a time that the test gives, on clocks of the test.
type timed struct {
	*harness.Harness
	t        *testing.T
	now      atomic.Int64 // ns
	computed int
	sizes    []int // at which frames were computed
	breaks   int   // frames that did not go on from the one before
	in       harness.Frame
}

// newTimed makes one for frames of width x height; cost is what a frame takes at a processing size.
func newTimed(t *testing.T, width, height int, cost func(size int) time.Duration, properties ...string) *timed {
	t.Helper()
	runtime.LockOSThread() // what a sink says comes in the thread that pushes
	t.Cleanup(runtime.UnlockOSThread)
	e := &timed{t: t, in: plain(model.RGB, width, height)}
	f := &fakes{stylize: func(_, _ *model.Image, s *model.Stylization) error {
		e.computed++
		e.sizes = append(e.sizes, s.ProcessingSize)
		if s.Discontinuity {
			e.breaks++
		}
		e.pass(cost(s.ProcessingSize))
		return nil
	}}
	use(t, f.open)
	t.Cleanup(element.SetClock(func() time.Duration { return time.Duration(e.now.Load()) }))
	e.Harness = harness.New(caps("RGB", width, height), properties...)
	t.Cleanup(e.Close)
	e.Clock()
	return e
}

// pass lets time go by on all clocks.
func (e *timed) pass(d time.Duration) {
	e.now.Add(int64(d))
	e.Advance(d)
}

// push sends frame i and says whether it came out.
func (e *timed) push(i int) bool {
	e.t.Helper()
	e.in.PTS, e.in.Duration = uint64(i)*uint64(period), uint64(period)+uint64(i%2) // as times are that are rounded
	must(e.t, e.Push(e.in))
	e.Drain()
	_, ok := e.Pull()
	return ok
}

// window shows frames 0 to n-1 as a sink does that waits for the clock, and gives how many it has shown. Up to three are on their way to
// it while the next is computed.
func (e *timed) window(n int) (shown int) {
	e.t.Helper()
	var free []time.Duration // when the sink is done with each
	for i := range n {
		if !e.push(i) {
			continue
		}
		running, at := time.Duration(i)*period, e.Now()
		if n := len(free); n > 0 {
			at = max(at, free[n-1])
		}
		if at-running <= period+5*ms {
			shown++
		}
		e.Report(running, at-running)
		free = append(free, max(at, running))
		if n := len(free); n > 3 {
			e.pass(max(0, free[n-4]-e.Now()))
		}
	}
	return shown
}

// stat is a field of the property stats.
func (e *timed) stat(name string) float64 {
	e.t.Helper()
	m := regexp.MustCompile(name + `=\([a-z0-9]+\)([0-9.]+)`).FindStringSubmatch(e.Get("stats"))
	if m == nil {
		e.t.Fatalf("stats has no %s: %s", name, e.Get("stats"))
	}
	v, err := strconv.ParseFloat(m[1], 64)
	must(e.t, err)
	return v
}

// qos counts the QoS messages since and gives the last.
func (e *timed) qos() (n int, last harness.Message) {
	for {
		m, ok := e.Message(0)
		if !ok {
			return n, last
		}
		if m.Type == "qos" {
			n, last = n+1, m
		}
	}
}

func constantly(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

// TestDropsBeforeWork: where a frame takes longer than its time, what is computed is shown, and what cannot be in time is not computed.
func TestDropsBeforeWork(t *testing.T) {
	const frames = 250
	for _, cost := range []time.Duration{50 * ms, 93 * ms, 100 * ms, 135 * ms} {
		e := newTimed(t, 16, 16, constantly(cost))
		shown := e.window(frames)
		possible := float64(frames*period) / float64(cost)
		if float64(shown) < 0.9*possible || shown < e.computed*9/10 {
			t.Errorf("%v a frame: %d of %d frames shown, %d computed; %.0f can be", cost, shown, frames, e.computed, possible)
		}
		n, last := e.qos()
		if n != frames-e.computed || last.Dropped != uint64(n) || last.Processed == 0 {
			t.Errorf("%v a frame: %d QoS messages, the last %+v, wanted %d", cost, n, last, frames-e.computed)
		}
		if e.stat("processed") != float64(e.computed) || e.stat("dropped") != float64(n) {
			t.Errorf("%v a frame: stats are %s, wanted %d processed and %d dropped", cost, e.Get("stats"), e.computed, n)
		}
		want := float64(cost) / 1e6
		if e.stat("average-ms") != want || e.stat("p95-ms") != want || e.stat("processing-size") != 16 {
			t.Errorf("%v a frame: stats are %s, wanted %v ms at 16 pixels", cost, e.Get("stats"), want)
		}
	}
}

// TestNoNeedlessDrop: none is dropped where frames are in time, where a sink does not wait, where nobody reports, where nobody wants it.
func TestNoNeedlessDrop(t *testing.T) {
	slow := constantly(3 * period)
	for name, c := range map[string]struct {
		cost       func(int) time.Duration
		properties []string
		play       func(e *timed)
	}{
		"in time":   {constantly(period - 5*ms), nil, func(e *timed) { e.window(100) }},
		"qos=false": {slow, []string{"qos", "false"}, func(e *timed) { e.window(100) }},
		"alpha=0":   {slow, []string{"alpha", "0"}, func(e *timed) { e.pass(time.Second); e.window(100) }},
		"nobody reports": {slow, nil, func(e *timed) {
			for i := range 100 {
				e.push(i)
			}
		}},
		"sync=false": {slow, nil, func(e *timed) {
			for i := range 100 {
				e.push(i)
				e.Report(time.Duration(i)*period, 0)
			}
		}},
		"a spike": {nil, nil, func(e *timed) { e.window(100) }},
	} {
		if c.cost == nil { // one frame takes two periods, the next are less and less late
			n := 0
			c.cost = func(int) time.Duration {
				if n++; n == 50 {
					return 2*period - 5*ms
				}
				return period / 2
			}
		}
		e := newTimed(t, 16, 16, c.cost, c.properties...)
		c.play(e)
		if e.stat("dropped") != 0 {
			t.Errorf("%s: stats are %s, wanted none dropped", name, e.Get("stats"))
		}
	}
}

// TestTellsUpstream: those upstream hear of a late frame what makes them drop frames that would be dropped here, and no others. The base
// class drops up to twice the diff behind the frame.
func TestTellsUpstream(t *testing.T) {
	for _, c := range []struct {
		cost time.Duration
		qos  string
		want time.Duration
	}{
		{5 * ms, "true", 0},
		{5 * ms, "false", 30 * ms},
		// Frame 0 leaves at 400 ms, 30 ms late, so the slack is 370 ms; it is 400 ms. The next to be shown can be one that is due a period
		// before 800 ms.
		{400 * ms, "true", (800*ms - 370*ms - period - 1) / 2},
	} {
		e := newTimed(t, 16, 16, constantly(c.cost), "qos", c.qos)
		e.push(0)
		e.Report(0, 30*ms)
		e.push(100)
		e.Told()
		at := e.Now()
		e.Report(0, 30*ms)
		want := c.want
		if want > 30*ms {
			want += (at - 400*ms) / 2
		}
		if got := e.Told(); got != want {
			t.Errorf("%v a frame, qos=%s: upstream hears of %v, wanted %v", c.cost, c.qos, got, want)
		}
	}
}

// TestForgetsLateness: a flush, another latency and a segment end what was learned; else a frame that is far too late is dropped.
func TestForgetsLateness(t *testing.T) {
	for name, forget := range map[string]func(*timed){
		"nothing": func(*timed) {},
		"flush":   func(e *timed) { e.Flush() }, "latency": func(e *timed) { e.Latency(time.Second) }, "segment": func(e *timed) { e.Segment() },
	} {
		e := newTimed(t, 16, 16, constantly(3*period))
		e.window(10)
		if e.stat("dropped") == 0 {
			t.Fatal("nothing was dropped")
		}
		e.pass(20 * period)
		forget(e)
		if came := e.push(11); came != (name != "nothing") {
			t.Errorf("%s: the frame behind it came out: %v", name, came)
		}
	}
}

func TestThrottle(t *testing.T) {
	e := newTimed(t, 16, 16, constantly(ms))
	e.push(0)
	e.Throttle(0, 3*period)
	for i, want := range []bool{false, false, true, true} {
		if got := e.push(i + 1); got != want {
			t.Errorf("frame %d came out: %v, wanted %v", i+1, got, want)
		}
	}
}

// latencies counts the messages latency.
func (e *timed) latencies() (n int) {
	for {
		m, ok := e.Message(0)
		if !ok {
			return n
		}
		if m.Type == "latency" {
			n++
		}
	}
}

// TestLatency: a live pipeline hears what frames take, and again when that changes for good.
func TestLatency(t *testing.T) {
	cost := 18 * ms
	e := newTimed(t, 16, 16, func(int) time.Duration { return cost })
	const source = 10 * ms
	expect := func(when string, own time.Duration, messages int) {
		t.Helper()
		if got := e.Latency(source); got != source+own {
			t.Errorf("%s: latency %v, wanted %v and %v of the source", when, got, own, source)
		}
		if n := e.latencies(); n != messages {
			t.Errorf("%s: %d messages, wanted %d", when, n, messages)
		}
	}
	next := 0
	frames := func(n int) {
		for range n {
			e.push(next)
			next++
			e.pass(max(0, time.Duration(next)*period-e.Now()))
		}
	}
	expect("before the first frame", 0, 0)
	frames(5)
	expect("first frames", 20*ms, 1)
	cost = 90 * ms
	frames(2)
	cost = 18 * ms
	frames(100)
	expect("after two slow frames", 20*ms, 0)
	cost = 60 * ms // more than a period: one waits for the other
	frames(80)
	expect("for good", 100*ms, 1)
	cost = 18 * ms
	frames(100)
	expect("soon after", 100*ms, 0)
	frames(300)
	expect("long after", 20*ms, 1)
	if e.stat("latency") != 20e6 {
		t.Errorf("stats are %s", e.Get("stats"))
	}
}

// TestNotLive: without a live source nothing is said.
func TestNotLive(t *testing.T) {
	e := newTimed(t, 16, 16, constantly(20*ms))
	for i := range 10 {
		e.push(i)
	}
	if n := e.latencies(); n != 0 {
		t.Errorf("%d messages latency", n)
	}
}

// TestFindsSize: with processing-size=-1 the first frame already has the largest size that keeps up.
func TestFindsSize(t *testing.T) {
	var each time.Duration // per pixel of 320x180
	cost := func(size int) time.Duration { return 2*ms + time.Duration(float64(each)*float64(size*size)*16/9) }
	for _, c := range []struct {
		whole time.Duration // what the whole frame takes
		want  int           // 70 % of a period are 28 ms
	}{{20 * ms, 180}, {50 * ms, 128}, {100 * ms, 88}, {700 * ms, 64}} {
		each = (c.whole - 2*ms) / (320 * 180)
		e := newTimed(t, 320, 180, cost, "processing-size", "-1")
		e.push(0)
		if took := time.Duration(e.now.Load()); took > 400*ms {
			t.Errorf("%v for a whole frame: the first frame came after %v", c.whole, took)
		}
		for i := range 30 {
			e.push(i + 1)
		}
		got := e.sizes[len(e.sizes)-30:]
		if slow := cost(64) > 28*ms; !slow && cost(got[0]) > 28*ms || got[0] < c.want-8 || got[0] > c.want {
			t.Errorf("%v for a whole frame: size %d, wanted %d", c.whole, got[0], c.want)
		}
		for i, size := range got {
			if size != got[0] {
				t.Errorf("%v for a whole frame: frame %d has size %d, wanted that of the first, %d", c.whole, i, size, got[0])
			}
		}
		if e.stat("processing-size") != float64(got[0]) {
			t.Errorf("%v for a whole frame: stats are %s", c.whole, e.Get("stats"))
		}
	}
}

// TestFollowsMachine: the size falls when the machine is busy and comes back when it is not, slowly.
func TestFollowsMachine(t *testing.T) {
	busy := 1.0
	cost := func(size int) time.Duration {
		return time.Duration(busy * float64(28*ms) * float64(size*size) / (128 * 128))
	}
	e := newTimed(t, 320, 180, cost, "processing-size", "-1")
	next := 0
	play := func(d time.Duration) (sizes []int) {
		for end := e.Now() + d; e.Now() < end; next++ {
			e.push(next)
			sizes = append(sizes, e.sizes[len(e.sizes)-1])
			e.pass(max(0, time.Duration(next+1)*period-e.Now()))
		}
		for i := 1; i < len(sizes); i++ {
			if step := sizes[i] - sizes[i-1]; step > 8 || step < -24 {
				t.Errorf("from %d to %d pixels in one frame", sizes[i-1], sizes[i])
			}
		}
		return sizes
	}
	if sizes := play(10 * time.Second); sizes[0] != sizes[len(sizes)-1] {
		t.Errorf("at rest the size went from %d to %d", sizes[0], sizes[len(sizes)-1])
	}
	first := e.sizes[len(e.sizes)-1]
	busy = 1.8
	if sizes := play(3 * time.Second); cost(sizes[len(sizes)-1]) > period {
		t.Errorf("after 3 s on a busy machine the size is %d, which takes %v", sizes[len(sizes)-1], cost(sizes[len(sizes)-1]))
	}
	busy = 1
	sizes := play(30 * time.Second)
	if last := sizes[len(sizes)-1]; last < first-16 {
		t.Errorf("30 s after the machine was busy the size is %d, it was %d", last, first)
	}
	if e.breaks != len(e.sizes)-next+1 {
		t.Errorf("%d frames begin anew, wanted the tries and the first", e.breaks)
	}
}

// TestStatsBefore: stats reads in every state.
func TestStatsBefore(t *testing.T) {
	h := harness.Prepare("adainfilter")
	defer h.Close()
	if got := h.Get("stats"); !strings.Contains(got, "processed=(guint64)0") {
		t.Errorf("stats of an element that was not started: %s", got)
	}
}
