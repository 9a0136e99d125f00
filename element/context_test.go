package element_test

import (
	"fmt"
	"strings"
	"testing"

	"adainfilter/cuda"
	"adainfilter/cuda/emu"
	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestOneContext: the elements of a line share one context, and so do the engines for frames and for pictures.
func TestOneContext(t *testing.T) {
	f := &gpus{}
	onGPU(t, f.open)
	before := emu.Live().Contexts
	h := harness.Prepare(line, "style", paint(t, t.TempDir()+"/a.png", 40))
	defer h.Close()
	h.Start(caps("RGB", 16, 16))
	must(t, h.Push(plain(model.RGB, 16, 16)))
	pull(t, h)
	if made := emu.Live().Contexts - before; made != 1 {
		t.Errorf("%d contexts, wanted one for all", made)
	}
	if len(f.all) != 2 {
		t.Fatalf("%d engines were opened, wanted one for frames and one for the picture", len(f.all))
	}
	for i, o := range f.all {
		if o.Context == 0 || o.Context != h.Context() {
			t.Errorf("engine %d works in context %#x, the line in %#x", i, o.Context, h.Context())
		}
	}
}

// TestGivenContext takes the context from the application.
func TestGivenContext(t *testing.T) {
	give := map[string]func(*harness.Harness, *harness.GPU){
		"offered":   func(h *harness.Harness, g *harness.GPU) { h.Offer(g) },
		"asked for": func(h *harness.Harness, g *harness.GPU) { h.Answer(g) },
	}
	for how, give := range give {
		for _, id := range []string{"-1", "1"} {
			t.Run(how+", device-id "+id, func(t *testing.T) {
				t.Setenv("EMU_DEVICES", "2")
				f := &gpus{}
				onGPU(t, f.open)
				g := newGPU(t, 1)
				before := emu.Live().Contexts
				h := harness.Prepare("adainfilter", "device-id", id)
				defer h.Close()
				give(h, g)
				h.Start(gpuCaps("RGB", 16, 16))
				if f.last().Context != g.Handle() || h.Context() != g.Handle() {
					t.Errorf("the engine works in %#x, the element in %#x, wanted %#x", f.last().Context, h.Context(), g.Handle())
				}
				h.Offer(newGPU(t, 1)) // too late
				if h.Context() != g.Handle() {
					t.Error("a context that was offered later has taken the place of the first")
				}
				if n := emu.Live().Contexts; n != before+1 {
					t.Errorf("%d contexts, wanted %d", n, before+1)
				}
			})
		}
	}
}

// TestContextOfOtherGPU: a context on another GPU than the wanted one is not taken.
func TestContextOfOtherGPU(t *testing.T) {
	t.Setenv("EMU_DEVICES", "2")
	f := &gpus{}
	onGPU(t, f.open)
	g := newGPU(t, 0)
	for _, setFirst := range []bool{true, false} {
		h := harness.Prepare("adainfilter")
		if setFirst {
			h.Set("device-id", "1")
		}
		h.Offer(g)
		h.Set("device-id", "1")
		h.Start(gpuCaps("RGB", 16, 16))
		if o := f.last(); o.Context == g.Handle() || o.Context == 0 || o.DeviceID != 1 {
			t.Errorf("device-id set first %v: the engine was opened with %+v, a context on GPU 0 is %#x", setFirst, o, g.Handle())
		}
		h.Close()
	}
}

// TestForeignContext sends frames from one context, then from another.
func TestForeignContext(t *testing.T) {
	f := &gpus{}
	onGPU(t, f.open)
	a, b := newGPU(t, 0), newGPU(t, 0)
	var mean float32
	f.stylize = func(_, _ *model.Image, s *model.Stylization) error { mean = s.Style.Mean[0]; return nil }
	h := harness.Prepare("adainfilter", "style", paint(t, t.TempDir()+"/a.png", 40))
	h.Offer(a)
	h.Start(gpuCaps("BGRA", 24, 16))
	in := plain(model.BGRA, 24, 16)
	engines := f.opened.Load()
	for i, g := range []*harness.GPU{a, a, b, b, a} {
		must(t, h.PushGPU(in, g, 0))
		out := pull(t, h)
		if err := sameSamples(view(out, model.BGRA), inverted(t, view(in, model.BGRA))); err != nil {
			t.Errorf("frame %d: %v", i, err)
		}
		if out.Context != g.Handle() || f.last().Context != g.Handle() && i > 1 || h.Context() != g.Handle() {
			t.Errorf("frame %d: the result lies in %#x, the engine in %#x, the element in %#x, wanted %#x", i, out.Context, f.last().Context,
				h.Context(), g.Handle())
		}
		if mean != 40 {
			t.Errorf("frame %d has style %v, wanted 40", i, mean)
		}
	}
	if n := f.opened.Load() - engines; n != 2 {
		t.Errorf("the engine was opened %d times for 2 changes of context", n)
	}
	styleMessage(t, h)
	h.Set("style", paint(t, t.TempDir()+"/b.png", 50))
	if m := styleMessage(t, h); !m.OK || f.last().Context != a.Handle() || f.last().Device != model.CUDA {
		t.Errorf("a new style: %+v, computed with %+v, wanted context %#x", m, f.last(), a.Handle())
	}
	h.Close()
	f.check(t)
}

// TestForeignContextRefused: where the engine cannot follow, or must not, there is an error.
func TestForeignContextRefused(t *testing.T) {
	t.Setenv("EMU_DEVICES", "2")
	for _, c := range []struct {
		name, id, domain, text string
		code, gpu              int
		broken                 bool // the engine cannot be opened a second time
	}{
		{"other GPU", "0", "gst-resource-error-quark", "on GPU 1, but device-id is 0", 13, 1, false},
		{"engine fails", "-1", "gst-library-error-quark", "no memory for it", 3, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &gpus{}
			onGPU(t, func(w *model.Weights, o model.Options) (model.Engine, error) {
				if c.broken && f.opened.Load() == 1 {
					return nil, fmt.Errorf("no memory for it")
				}
				return f.open(w, o)
			})
			a, b := newGPU(t, 0), newGPU(t, c.gpu)
			h := harness.Prepare("adainfilter", "device-id", c.id)
			h.Offer(a)
			h.Start(gpuCaps("RGB", 24, 16))
			in := plain(model.RGB, 24, 16)
			must(t, h.PushGPU(in, a, 0))
			pull(t, h)
			if err := h.PushGPU(in, b, 0); err == nil || err.Error() != "error" {
				t.Errorf("flow is %v, wanted error", err)
			}
			if m := errorMessage(t, h); m.Domain != c.domain || m.Code != c.code || !strings.Contains(m.Text, c.text) {
				t.Errorf("error is %s %d %q, wanted %s %d with %q", m.Domain, m.Code, m.Text, c.domain, c.code, c.text)
			}
			// The old context still works.
			must(t, h.PushGPU(in, a, 0))
			if out := pull(t, h); out.Context != a.Handle() {
				t.Errorf("after the error frames come out in %#x, wanted %#x", out.Context, a.Handle())
			}
			h.Close()
			f.check(t)
		})
	}
}

// TestNoSuchGPU asks for a GPU that is not there.
func TestNoSuchGPU(t *testing.T) {
	f := &fakes{}
	onGPU(t, cuda.Open)
	use(t, f.open)
	p, err := harness.NewPipeline(launch(1, "device=cuda device-id=7"))
	must(t, err)
	if p.Play() {
		t.Error("the pipeline plays")
	}
	if m, ok := p.Wait(patience, "error"); !ok || m.Domain != "gst-library-error-quark" || !strings.Contains(m.Text, "no GPU 7") {
		t.Errorf("error is %+v", m)
	}
	p.Close()
	h := harness.New(caps("RGB", 16, 16), "device-id", "7")
	must(t, h.Push(plain(model.RGB, 16, 16)))
	if h.Context() != 0 || f.opened.Load() != 1 {
		t.Errorf("device=auto with %d engines on the CPU and context %#x", f.opened.Load(), h.Context())
	}
	h.Close()
}

// TestContextGivenBack: an element that has found no engine for the GPU keeps no context there.
func TestContextGivenBack(t *testing.T) {
	f := &fakes{}
	tried := 0
	onGPU(t, func(_ *model.Weights, o model.Options) (model.Engine, error) {
		tried++
		if o.Context == 0 {
			t.Error("the engine was to work in no context")
		}
		return nil, fmt.Errorf("too old")
	})
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	must(t, h.Push(plain(model.RGB, 16, 16)))
	if h.Context() != 0 || tried != 1 || f.opened.Load() != 1 {
		t.Errorf("the element has context %#x, %d engines were tried on the GPU, %d opened on the CPU", h.Context(), tried, f.opened.Load())
	}
}

// TestGPUCycles goes to PLAYING and back to NULL; each time the engine and the context go.
func TestGPUCycles(t *testing.T) {
	f := &gpus{}
	onGPU(t, f.open)
	before := emu.Live() // what tests before this one have left for GStreamer to free
	p, err := harness.NewPipeline("videotestsrc num-buffers=2 ! video/x-raw,width=16,height=16 ! " + line + " ! fakesink")
	must(t, err)
	for range 20 {
		p.Play()
		if m, ok := p.Wait(patience, "eos", "error"); !ok || m.Type != "eos" || !p.Null() {
			t.Fatalf("ended with %+v", m)
		}
		f.check(t)
	}
	if n := emu.Live(); n.Contexts > before.Contexts+1 || n.Allocations > before.Allocations {
		t.Errorf("in NULL there is still %+v, before %+v", n, before)
	}
	p.Close()
	h := harness.New(caps("RGB", 16, 16))
	h.Null()
	if h.Context() != 0 {
		t.Error("a stopped element has a context")
	}
	h.Close()
	if f.opened.Load() != 21 {
		t.Errorf("%d engines in 21 cycles", f.opened.Load())
	}
}
