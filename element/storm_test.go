package element_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestStormOfChanges sets every property that may change while frames flow, from four threads, a thousand times a second together, good
// values and bad ones. What the engine is told always fits together, the last wishes win, and nothing is left behind.
func TestStormOfChanges(t *testing.T) {
	dir := t.TempDir()
	a, b := paint(t, dir+"/a.png", 10), paint(t, dir+"/b.png", 30)
	mask := halves(t, dir+"/mask.png", model.RGB, 8, 8)
	var wrong atomic.Pointer[string]
	var last float32
	f := &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error {
		for _, s := range l.Style.Mean {
			if !(s >= 10 && s <= 30) || s != l.Style.Mean[0] {
				text := fmt.Sprintf("a style has the value %v, wanted one from 10 to 30 everywhere", s)
				wrong.Store(&text)
			}
		}
		last = l.Style.Mean[0]
		if m := l.Mask; m != nil && (m.Second.Mean[0] < 10 || m.Second.Mean[0] > 30) {
			text := fmt.Sprintf("the second style has the value %v", m.Second.Mean[0])
			wrong.Store(&text)
		}
		return nil
	}}
	use(t, f.open)
	before := runtime.NumGoroutine()
	h := harness.New(caps("RGB", 16, 16), "style", a, "style-size", "0")
	styleMessage(t, h)
	text := h.Get("current-statistics")
	values := map[string][]string{
		"style":            {a, b, a + "," + b, b + "," + a, "", dir + "/none.png"},
		"style-weights":    {"<1,3>", "<>", "<1>", "<0.0,0.0>"},
		"style-statistics": {text, "adain-statistics"},
		"mask":             {"", mask, dir + "/none.png"},
		"transition":       {"0", "100000000", "1000000000"},
		"alpha":            {"0", "0.5", "1"}, "smoothing": {"0", "0.8", "1"},
		"preserve-color": {"true", "false"}, "navigation": {"true", "false"},
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	var changes atomic.Int32
	var threads sync.WaitGroup
	var key sync.Mutex // of two keys at once, one call could take what the other waits for
	begin := time.Now()
	for thread := range 4 {
		threads.Add(1)
		go func() {
			defer threads.Done()
			rng := rand.New(rand.NewPCG(1, uint64(thread)))
			for time.Since(begin) < 2*time.Second {
				name := names[rng.IntN(len(names))]
				h.Set(name, values[name][rng.IntN(len(values[name]))])
				h.Get("current-statistics")
				changes.Add(1)
				if rng.IntN(8) == 0 {
					key.Lock()
					if !h.Key([]string{"Up", "Down"}[rng.IntN(2)]) {
						t.Error("a key did not go on upstream")
					}
					key.Unlock()
				}
				time.Sleep(2 * time.Millisecond)
			}
		}()
	}
	var pts uint64
	for time.Since(begin) < 2*time.Second {
		in := plain(model.RGB, 16, 16)
		in.PTS = pts
		pts += 40e6
		must(t, h.Push(in))
		if _, ok := h.Pull(); !ok {
			t.Fatal("a frame did not come out")
		}
		time.Sleep(time.Millisecond)
	}
	threads.Wait()
	if n := changes.Load(); n < 1000 {
		t.Logf("%d changes in 2 s: this machine is slow", n)
	}
	if text := wrong.Load(); text != nil {
		t.Error(*text)
	}
	for _, p := range [][2]string{{"alpha", "1"}, {"style-weights", "<>"}, {"mask", ""}, {"transition", "0"}, {"style", b}} {
		h.Set(p[0], p[1])
	}
	for deadline := time.Now().Add(patience); last != 30; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("frames have style %v, wanted the 30 that was set last", last)
		}
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
	}
	h.Close()
	f.check(t)
	if now := settled(before); now > before {
		t.Errorf("%d goroutines are left, %d before", now, before)
	}
}
