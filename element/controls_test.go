package element_test

import (
	"strconv"
	"testing"
	"time"

	"adainfilter/cpu"
	"adainfilter/element/harness"
	"adainfilter/model"
)

// looks is a fake that remembers what each frame was to look like, without statistics.
func looks(all *[]model.Stylization) *fakes {
	return &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error {
		seen := *l
		seen.Style = model.Stats{}
		*all = append(*all, seen)
		return nil
	}}
}

func TestControlsReachTheEngine(t *testing.T) {
	var seen []model.Stylization
	use(t, looks(&seen).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	for _, c := range []struct {
		property, value string
		want            model.Stylization
	}{
		{"preserve-color", "true", model.Stylization{Alpha: 1, PreserveColor: true, Smoothing: 0.8, Motion: true}},
		{"smoothing", "0.5", model.Stylization{Alpha: 1, PreserveColor: true, Smoothing: 0.5, Motion: true}},
		{"smoothing", "0.9375", model.Stylization{Alpha: 1, PreserveColor: true, Smoothing: 0.9375, Motion: true}},
		{"smoothing", "1", model.Stylization{Alpha: 1, PreserveColor: true, Smoothing: 0.95, Motion: true}},
		{"alpha", "0.25", model.Stylization{Alpha: 0.25, PreserveColor: true, Smoothing: 0.95, Motion: true}},
		{"preserve-color", "false", model.Stylization{Alpha: 0.25, Smoothing: 0.95, Motion: true}},
		{"motion", "false", model.Stylization{Alpha: 0.25, Smoothing: 0.95}},
		{"motion", "true", model.Stylization{Alpha: 0.25, Smoothing: 0.95, Motion: true}},
		{"smoothing", "0", model.Stylization{Alpha: 0.25, Motion: true}},
	} {
		h.Set(c.property, c.value)
		if got := h.Get(c.property); got != c.value {
			t.Errorf("%s was set to %s and reads %s", c.property, c.value, got)
		}
		seen = nil
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if len(seen) != 1 || seen[0].Alpha != c.want.Alpha || seen[0].PreserveColor != c.want.PreserveColor ||
			seen[0].Smoothing != c.want.Smoothing || seen[0].Motion != c.want.Motion || seen[0].Discontinuity {
			t.Errorf("%s=%s: the engine gets %+v, wanted %+v", c.property, c.value, seen, c.want)
		}
	}
}

// TestProcessingSize: what is set while frames flow holds from the next start on.
func TestProcessingSize(t *testing.T) {
	var seen []model.Stylization
	use(t, looks(&seen).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	frame := func(when string, want int) {
		t.Helper()
		seen = nil
		must(t, h.PushMany(caps("RGB", 16, 16), 1))
		if len(seen) != 1 || seen[0].ProcessingSize != want {
			t.Errorf("%s: the engine gets %+v, wanted processing size %d", when, seen, want)
		}
	}
	frame("by default", 0)
	for _, size := range []int{8, 4000, 0, 12} {
		before := seen[0].ProcessingSize
		h.Set("processing-size", strconv.Itoa(size))
		if got := h.Get("processing-size"); got != strconv.Itoa(size) {
			t.Errorf("processing-size was set to %d and reads %s", size, got)
		}
		frame("before the next start", before)
		h.Ready()
		h.Play()
		frame("after it", size)
	}
	h.Ready()
	h.Set("processing-size", "9")
	h.Play()
	frame("set in READY", 9)
}

// TestDiscontinuity: the engine is told where a frame does not go on from the one that it did before.
func TestDiscontinuity(t *testing.T) {
	var seen []model.Stylization
	use(t, looks(&seen).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	frame := func(flags uint) {
		t.Helper()
		in := plain(model.RGB, 16, 16)
		in.Flags = flags
		must(t, h.Push(in))
	}
	expect := func(when string, want bool) {
		t.Helper()
		if len(seen) != 1 || seen[0].Discontinuity != want {
			t.Errorf("%s: the engine gets %+v, wanted Discontinuity %v", when, seen, want)
		}
		seen = nil
	}
	for _, c := range []struct {
		when  string
		act   func()
		flags uint
	}{
		{"first frame", func() {}, 0},
		{"discontinuity", func() {}, harness.Discont},
		{"flush", h.Flush, 0},
		{"new segment", h.Segment, 0},
		{"new caps", func() { h.Caps("video/x-raw,format=RGB,width=16,height=16,framerate=30/1") }, 0},
		{"after alpha 0", func() {
			h.Set("alpha", "0")
			frame(0)
			h.Set("alpha", "1")
		}, 0},
	} {
		c.act()
		frame(c.flags)
		expect(c.when, true)
		frame(0)
		expect("frame after "+c.when, false)
	}
}

// TestDroppedDiscontinuity: a dropped frame never reaches the engine, but what it says holds for the next one.
func TestDroppedDiscontinuity(t *testing.T) {
	var seen []model.Stylization
	use(t, looks(&seen).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	must(t, h.PushMany(caps("RGB", 16, 16), 1))
	h.Clock()
	h.Throttle(0, 5*time.Second)
	seen = nil
	for _, pts := range []uint64{1e9, 10e9, 11e9} {
		in := plain(model.RGB, 16, 16)
		in.PTS = pts
		if pts == 1e9 {
			in.Flags = harness.Discont
		}
		must(t, h.Push(in))
	}
	if len(seen) != 2 || !seen[0].Discontinuity || seen[1].Discontinuity {
		t.Errorf("the engine gets %+v, wanted two frames, the first Discontinuity", seen)
	}
}

// TestControlsMatchEngine: frames are, bit for bit, what the engine makes of the stylization that the properties say.
func TestControlsMatchEngine(t *testing.T) {
	n := newTiny(t)
	engine, err := cpu.Open(n.weights, model.Options{Threads: 1, Precision: model.Float32})
	must(t, err)
	defer engine.Close()
	use(t, cpu.Open)
	h := harness.New(caps("I420", 50, 34), append(n.elementProps, "device", "cpu", "threads", "1", "precision", "float32",
		"preserve-color", "true", "smoothing", "0.5", "motion", "true", "alpha", "0.75", "processing-size", "20")...)
	defer h.Close()
	s := model.Stylization{Style: n.style.Stats, Alpha: 0.75, PreserveColor: true, Smoothing: 0.5, Motion: true, ProcessingSize: 20, Discontinuity: true}
	for i := range 3 {
		in := plain(model.I420, 50, 34)
		for k := range in.Memory {
			in.Memory[k] = in.Memory[k]/2 + byte(10*i)
		}
		must(t, h.Push(in))
		out, ok := h.Pull()
		if !ok {
			t.Fatalf("frame %d did not come out", i)
		}
		want := model.NewImage(model.I420, 50, 34)
		must(t, engine.Stylize(want, view(in, model.I420), &s))
		s.Discontinuity = false
		if err := sameSamples(view(out, model.I420), want); err != nil {
			t.Errorf("frame %d: %v", i, err)
		}
	}
}
