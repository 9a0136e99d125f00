package element_test

import (
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestMemoryOfCaps: what comes in GPU memory goes out there, and nothing else does.
func TestMemoryOfCaps(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	const gpu, system = "video/x-raw(memory:CUDAMemory)", "video/x-raw"
	for downstream, want := range map[string][]string{
		"ANY": {gpu, system}, gpu: {gpu}, system: {system}, gpu + ";" + system: {gpu, system}, system + ";" + gpu: {system, gpu},
		"video/x-raw(memory:GLMemory)": nil, gpu + ",format=NV12": {gpu}, gpu + ",format=YUY2": nil,
	} {
		takes := h.Takes(downstream)
		var got []string
		for _, part := range strings.Split(takes, ";") {
			if name, _, ok := strings.Cut(strings.TrimSpace(part), ", "); ok && takes != "EMPTY" {
				got = append(got, name)
			}
		}
		if strings.Join(got, ";") != strings.Join(want, ";") {
			t.Errorf("downstream takes %s: the element takes %q, wanted %q", downstream, got, want)
		}
	}
	for c, want := range map[string]bool{
		gpuCaps("RGB", 16, 16): true, caps("RGB", 16, 16): true, gpuCaps("YUY2", 16, 16): false, "video/x-raw(memory:GLMemory),format=RGB": false,
	} {
		if h.Accepts(c) != want {
			t.Errorf("%s: accepted is %v, wanted %v", c, !want, want)
		}
	}
}

// TestMemoryChange goes from one kind of memory to the other, with all that is kept for frames.
func TestMemoryChange(t *testing.T) {
	f := &gpus{}
	onGPU(t, f.open)
	g := newGPU(t, 0)
	h := harness.Prepare("adainfilter")
	defer h.Close()
	h.Offer(g)
	h.Start(caps("NV12", 16, 16))
	for i, onGPU := range []bool{false, true, true, false, true, false} {
		c, w := caps, 16+8*(i/2)
		if onGPU {
			c = gpuCaps
		}
		if !h.Caps(c("NV12", w, 16)) {
			t.Fatalf("caps %d were refused", i)
		}
		in := plain(model.NV12, w, 16)
		if onGPU {
			must(t, h.PushGPU(in, g, 0))
		} else {
			must(t, h.Push(in))
		}
		out := pull(t, h)
		if err := sameSamples(view(out, model.NV12), inverted(t, view(in, model.NV12))); err != nil {
			t.Errorf("frame %d: %v", i, err)
		}
		if (out.Context != 0) != onGPU {
			t.Errorf("frame %d, in GPU memory %v, came out in context %#x", i, onGPU, out.Context)
		}
	}
}

// TestMixedMemory: elements with frames in system memory and on the GPU share engine kind and context.
func TestMixedMemory(t *testing.T) {
	f := &gpus{}
	onGPU(t, f.open)
	p, err := harness.NewPipeline("videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=33,height=17 ! adainfilter ! cudaupload ! " +
		"video/x-raw(memory:CUDAMemory) ! adainfilter alpha=0.5 ! queue ! adainfilter ! cudadownload ! adainfilter device=cuda ! fakesink")
	must(t, err)
	p.Play()
	if m, ok := p.Wait(patience, "eos", "error"); !ok || m.Type != "eos" {
		t.Errorf("ended with %+v", m)
	}
	p.Close()
	for _, o := range f.all {
		if o.Context == 0 || o.Context != f.all[0].Context {
			t.Errorf("an engine works in context %#x, the first one in %#x", o.Context, f.all[0].Context)
		}
	}
	if len(f.all) != 4 {
		t.Errorf("%d engines, wanted 4", len(f.all))
	}
	f.check(t)
}

// TestGPUPools: the element proposes a pool on the GPU, and takes downstream's only if it lies in its own context.
func TestGPUPools(t *testing.T) {
	f := &gpus{}
	onGPU(t, f.open)
	a, b := newGPU(t, 0), newGPU(t, 0)
	for _, c := range []struct {
		name  string
		pool  *harness.GPU
		taken bool
	}{{"none", nil, false}, {"same context", a, true}, {"other context", b, false}} {
		h := harness.Prepare("adainfilter")
		h.Offer(a)
		h.Start(caps("RGB", 64, 64))
		if c.pool != nil {
			h.Pool(c.pool)
		}
		if !h.Caps(gpuCaps("I420", 33, 18)) {
			t.Fatal("caps were refused")
		}
		in := plain(model.I420, 33, 18)
		must(t, h.PushGPU(in, a, 0))
		out := pull(t, h)
		if err := sameSamples(view(out, model.I420), inverted(t, view(in, model.I420))); err != nil {
			t.Errorf("downstream's pool %s: %v", c.name, err)
		}
		if out.Offered != c.taken || out.Context != a.Handle() {
			t.Errorf("downstream's pool %s: taken is %v, wanted %v; context %#x, wanted %#x", c.name, out.Offered, c.taken, out.Context, a.Handle())
		}
		if c.pool == nil {
			if p := h.Proposes(gpuCaps("I420", 33, 18)); !p.Pool || !p.GPU || !p.VideoMeta || p.CropMeta {
				t.Errorf("upstream is offered %+v, wanted a pool of GPU memory and video meta", p)
			}
		}
		h.Close()
	}
}
