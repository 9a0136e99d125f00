package element_test

import (
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
)

func TestBufferFieldsAreKept(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	in := plain(model.RGB, 16, 16)
	in.PTS, in.DTS, in.Duration, in.Number, in.ROI = 7e9, 6e9, 33e6, 42, 5
	in.Flags = harness.Discont | harness.Marker
	must(t, h.Push(in))
	out, ok := h.Pull()
	if !ok {
		t.Fatal("no frame came out")
	}
	if out.PTS != in.PTS || out.DTS != in.DTS || out.Duration != in.Duration || out.Number != in.Number {
		t.Errorf("times are %d %d %d %d, wanted %d %d %d %d", out.PTS, out.DTS, out.Duration, out.Number, in.PTS, in.DTS, in.Duration, in.Number)
	}
	if out.Flags&in.Flags != in.Flags {
		t.Errorf("flags are %#x, wanted those of %#x", out.Flags, in.Flags)
	}
	if out.ROI != in.ROI {
		t.Errorf("region of interest at %d, wanted %d", out.ROI, in.ROI)
	}
}

func TestSmallFramesAreRefused(t *testing.T) {
	f := &fakes{}
	use(t, f.open)
	for _, c := range []struct {
		w, h int
		ok   bool
	}{{8, 8, true}, {7, 8, false}, {8, 7, false}, {1, 1, false}, {7, 1000, false}} {
		h := harness.New(caps("RGB", 64, 64))
		if got := h.Caps(caps("I420", c.w, c.h)); got != c.ok {
			t.Errorf("%dx%d: accepted is %v, wanted %v", c.w, c.h, got, c.ok)
		}
		if !c.ok {
			m := errorMessage(t, h)
			if m.Domain != "gst-core-error-quark" || m.Code != 7 || !strings.Contains(m.Text, "at least 8x8") {
				t.Errorf("%dx%d: error is %s %d %q", c.w, c.h, m.Domain, m.Code, m.Text)
			}
		}
		h.Close()
	}
}

func TestUnknownFormatIsRefused(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 64, 64))
	defer h.Close()
	for _, format := range []string{"RGB16", "UYVP", "GRAY16_BE", "P010_10BE"} {
		if h.Caps(caps(format, 64, 64)) {
			t.Errorf("%s was accepted", format)
		}
	}
}

func TestSizeAndFormatChange(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 64, 48))
	defer h.Close()
	for _, c := range []struct {
		f    model.Format
		w, h int
	}{{model.RGB, 64, 48}, {model.NV12, 31, 9}, {model.NV12, 640, 360}, {model.BGRx, 640, 360}, {model.RGB, 8, 8}} {
		if !h.Caps(caps(c.f.String(), c.w, c.h)) {
			t.Fatalf("%v %dx%d was refused", c.f, c.w, c.h)
		}
		in := plain(c.f, c.w, c.h)
		must(t, h.Push(in))
		out, ok := h.Pull()
		if !ok || out.Format != c.f.String() || out.Width != c.w || out.Height != c.h {
			t.Fatalf("%v %dx%d came out as %v %dx%d", c.f, c.w, c.h, out.Format, out.Width, out.Height)
		}
		if got, want := view(out, c.f).Planes[0].Data[0], 255-view(in, c.f).Planes[0].Data[0]; got != want {
			t.Errorf("%v %dx%d: first sample is %d, wanted %d", c.f, c.w, c.h, got, want)
		}
	}
}

func TestEndBeforeFirstFrame(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 64, 48))
	defer h.Close()
	if !h.EOS() {
		t.Error("the end of the stream did not come out")
	}
}

func TestFlush(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	for i := range 3 {
		in := plain(model.RGB, 16, 16)
		in.PTS = uint64(i) * 40e6
		must(t, h.Push(in))
		if out, ok := h.Pull(); !ok || out.PTS != in.PTS {
			t.Errorf("after flush %d: got a frame %v at %d, wanted it at %d", i, ok, out.PTS, in.PTS)
		}
		h.Flush()
	}
}

func TestBrokenBuffers(t *testing.T) {
	use(t, (&fakes{}).open)
	short := plain(model.NV12, 64, 48)
	short.Memory = short.Memory[:len(short.Memory)-1]
	lies := padded(model.RGB, 64, 48)
	lies.Memory = lies.Memory[:len(lies.Memory)-1]
	narrow := padded(model.I420, 64, 48)
	narrow.Stride[2] = 8
	negative := padded(model.RGB, 64, 48)
	negative.Stride[0] = -negative.Stride[0]
	smaller := padded(model.RGB, 32, 24)
	for name, in := range map[string]harness.Frame{
		"short buffer": short, "meta beyond the memory": lies, "stride below a row": narrow, "negative stride": negative, "meta of another size": smaller,
	} {
		h := harness.New(caps(in.Format, 64, 48))
		if err := h.Push(in); err == nil || err.Error() != "error" {
			t.Errorf("%s: flow is %v, wanted error", name, err)
		}
		if m := errorMessage(t, h); m.Domain != "gst-stream-error-quark" || m.Code != 1 || m.Text == "" {
			t.Errorf("%s: error is %s %d %q", name, m.Domain, m.Code, m.Text)
		}
		h.Close()
	}
}

func TestAllocationProposal(t *testing.T) {
	use(t, (&fakes{}).open)
	c := caps("NV12", 64, 48)
	h := harness.New(c)
	defer h.Close()
	must(t, h.PushMany(c, 1))
	if p := h.Proposes(c); !p.Pool || !p.VideoMeta || p.CropMeta {
		t.Errorf("upstream is offered %+v, wanted pool and video meta, no crop", p)
	}
}
