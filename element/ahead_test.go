package element_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// uneven is an engine whose frames take times around a mean, as on a machine that has other work too: the logarithm's standard deviation
// is 0.5.
func uneven(mean time.Duration) *fakes {
	rng := rand.New(rand.NewPCG(5, 1))
	return &fakes{stylize: func(_, _ *model.Image, _ *model.Stylization) error {
		time.Sleep(time.Duration(float64(mean) * math.Exp(0.5*rng.NormFloat64()-0.125)))
		return nil
	}}
}

// field is the number in a field of a structure.
func field(t *testing.T, structure, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(name + `=\([a-z0-9]+\)([0-9.]+)`).FindStringSubmatch(structure)
	if m == nil {
		t.Fatalf("there is no %s in %s", name, structure)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	must(t, err)
	return v
}

// TestComputesWhileSinkWaits: without a queue behind the element, and with times that vary, a window shows nearly all that the engine alone
// could have computed. If the sink waited in the thread that computes it would be 0.7.
func TestComputesWhileSinkWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("plays for some seconds")
	}
	const seconds, mean = 10, 80 * ms
	for _, live := range []bool{false, true} {
		use(t, uneven(mean).open)
		p, err := harness.NewPipeline(fmt.Sprintf("videotestsrc num-buffers=%d is-live=%v ! video/x-raw,format=RGB,width=16,height=16,framerate=30/1 ! "+
			"adainfilter name=f ! fakesink name=sink sync=true qos=true max-lateness=5000000 processing-deadline=15000000", seconds*30, live))
		must(t, err)
		p.Play()
		began := time.Now()
		if m, ok := p.Wait(patience, "eos", "error"); !ok || m.Type != "eos" {
			t.Fatalf("live=%v: no end came but %+v", live, m)
		}
		took := time.Since(began)
		sink, own := p.Get("sink", "stats"), p.Get("f", "stats")
		p.Close()
		shown, computed, average := field(t, sink, "rendered"), field(t, own, "processed"), field(t, own, "average-ms")
		computable := float64(took) / float64(ms) / average
		t.Logf("live=%v: %.0f of %.0f computed are shown, %.2f of %.0f that can be", live, shown, computed, shown/computable, computable)
		switch {
		case shown >= 0.85*computable:
		case average > 1.2*float64(mean/ms):
			t.Logf("frames took %.1f ms, wanted %v: this machine is too busy to judge", average, mean)
		default:
			t.Errorf("live=%v: %.0f frames shown, %.0f computed in %v, wanted 0.85 of %.0f", live, shown, computed, took, computable)
		}
	}
}

// behind is an element of which frames take a while downstream and wait there, after a sink has said that one came too late.
func behind(t *testing.T, line string) *harness.Harness {
	t.Helper()
	h := harness.Prepare(line)
	h.Start(caps("RGB", 16, 16))
	h.Clock()
	must(t, h.Push(plain(model.RGB, 16, 16)))
	h.Report(0, 30*ms)
	return h
}

const slowly = "adainfilter name=f ! identity sleep-time=20000"

// send pushes n frames whose times begin with first.
func send(h *harness.Harness, side, first, n int) (err error) {
	for i := range n {
		in := plain(model.RGB, side, side)
		in.PTS = uint64(first+i) * 40e6
		if err = h.Push(in); err != nil {
			return err
		}
	}
	return nil
}

// TestAheadKeepsOrder: what follows frames never comes before them.
func TestAheadKeepsOrder(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	h := behind(t, slowly)
	began := time.Now()
	must(t, send(h, 16, 1, 3))
	if took := time.Since(began); took > 50*ms && !testing.Short() {
		t.Logf("three frames were taken after %v: this machine is slow", took)
	}
	for i, next := range []func(){
		func() { h.Caps(caps("RGB", 32, 24)) },
		func() { h.Segment() },
		func() { h.EOS() },
	} {
		before := h.Received()
		next()
		if n := h.Received(); n != 4+3*i {
			t.Errorf("event %d came out behind %d frames, wanted %d; %d were out before it", i, n, 4+3*i, before)
		}
		if i == 2 {
			break
		}
		for j := range 3 {
			in := plain(model.RGB, 32, 24)
			in.PTS = uint64(4+3*i+j) * 40e6
			must(t, h.Push(in))
		}
	}
	for i := range 10 {
		if out, ok := h.Pull(); !ok || out.PTS != uint64(i)*40e6 {
			t.Errorf("frame %d: it came out is %v, its time %d", i, ok, out.PTS)
		}
	}
	h.Close()
	f.check(t)
}

// TestAheadFlush: no frame of before a flush comes out behind it, and those behind it do.
func TestAheadFlush(t *testing.T) {
	use(t, (&fakes{}).open)
	h := behind(t, slowly)
	defer h.Close()
	for round := range 5 {
		must(t, send(h, 16, 100*round, 3))
		h.Flush()
		for ok := true; ok; {
			_, ok = h.Pull()
		}
		must(t, send(h, 16, 100*round+50, 1))
		h.Drain()
		if out, ok := h.Pull(); !ok || out.PTS != uint64(100*round+50)*40e6 {
			t.Errorf("round %d: behind the flush came out %v, time %d", round, ok, out.PTS)
		}
	}
}

// TestAheadTellsUpstream: what downstream says of a frame is the answer for a later one.
func TestAheadTellsUpstream(t *testing.T) {
	use(t, (&fakes{}).open)
	h := behind(t, "adainfilter name=f ! identity error-after=3")
	defer h.Close()
	if err := send(h, 16, 1, 8); err == nil || err.Error() != "error" {
		t.Errorf("flow is %v, wanted error", err)
	}
}

// TestAheadStops: frames that wait hold up no end, and are freed.
func TestAheadStops(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	for range 5 {
		h := behind(t, slowly)
		must(t, send(h, 16, 1, 3))
		h.Close()
	}
	f.check(t)
}

// TestAheadSeeks plays too slowly and seeks, pauses and goes on at any moment; then the film must reach its end.
func TestAheadSeeks(t *testing.T) {
	var slow atomic.Bool
	slow.Store(true)
	use(t, (&fakes{stylize: func(_, _ *model.Image, _ *model.Stylization) error {
		if slow.Load() {
			time.Sleep(45 * ms)
		}
		return nil
	}}).open)
	p, err := harness.NewPipeline("videotestsrc num-buffers=200 ! video/x-raw,format=RGB,width=16,height=16,framerate=30/1 ! adainfilter name=f ! " +
		"fakesink name=sink sync=true qos=true max-lateness=5000000")
	must(t, err)
	defer p.Close()
	if !p.Play() {
		t.Fatal("it does not play")
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range 12 {
		time.Sleep(time.Duration(rng.IntN(200)) * ms)
		ok := true
		switch i % 3 {
		case 0, 1:
			ok = p.Seek(time.Duration(rng.IntN(3000)) * ms)
		default:
			ok = p.Pause() && p.Play()
		}
		if !ok {
			t.Fatalf("step %d fails", i)
		}
	}
	if field(t, p.Get("f", "stats"), "dropped") == 0 && !strings.Contains(p.Get("sink", "stats"), "dropped=(guint64)0") {
		t.Error("frames came late, and none was dropped before the work")
	}
	slow.Store(false)
	p.Seek(6 * time.Second)
	if m, ok := p.Wait(patience, "eos", "error"); !ok || m.Type != "eos" {
		t.Errorf("no end came but %+v", m)
	}
}
