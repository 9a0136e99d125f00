package element_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"adainfilter/element/harness"
	"adainfilter/model"
)

// TestPassthrough switches alpha to 0 and back while frames flow, in each layout.
func TestPassthrough(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			calls := 0
			f := &fakes{stylize: func(_, _ *model.Image, _ *model.Stylization) error { calls++; return nil }}
			use(t, f.open)
			h := harness.New(caps("NV12", 33, 17))
			defer h.Close()
			in := layout.frame(model.NV12, 33, 17)
			inverted := model.NewImage(model.NV12, 33, 17)
			must(t, (&fake{fakes: &fakes{}}).Stylize(inverted, view(in, model.NV12), &model.Stylization{Alpha: 1}))
			for i, alpha := range []float64{1, 0, 0, 1, 0.5, 0, 1, 1e-60} { // the last is 0 in float32
				h.Set("alpha", fmt.Sprint(alpha))
				before := calls
				must(t, h.Push(in))
				out, ok := h.Pull()
				if !ok {
					t.Fatalf("frame %d did not come out", i)
				}
				want := inverted
				if float32(alpha) == 0 {
					want = view(in, model.NV12)
				}
				if err := sameSamples(view(out, model.NV12), want); err != nil {
					t.Errorf("frame %d at alpha %v: %v", i, alpha, err)
				}
				if (calls > before) != (float32(alpha) > 0) {
					t.Errorf("frame %d at alpha %v: the engine was called %d times", i, alpha, calls-before)
				}
				// The harness does not understand GstVideoMeta, so padded frames are copied for it.
				if h.Passthrough() != (float32(alpha) == 0 && layout.name == "plain") {
					t.Errorf("frame %d at alpha %v: passthrough is %v", i, alpha, h.Passthrough())
				}
			}
		})
	}
}

func TestStartInPassthrough(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 16, 16), "alpha", "0")
	defer h.Close()
	in := plain(model.RGB, 16, 16)
	for _, alpha := range []string{"0", "1"} {
		h.Set("alpha", alpha)
		must(t, h.Push(in))
		out, _ := h.Pull()
		if same := sameSamples(view(out, model.RGB), view(in, model.RGB)) == nil; same != (alpha == "0") {
			t.Errorf("alpha %s: the frame is the same: %v", alpha, same)
		}
	}
}

// TestController lets a controller raise alpha from 0, where the element passes through, to 1, and smoothing as far as it goes.
func TestController(t *testing.T) {
	var looks []model.Stylization
	f := &fakes{stylize: func(_, _ *model.Image, l *model.Stylization) error { looks = append(looks, *l); return nil }}
	use(t, f.open)
	h := harness.New(caps("RGB", 16, 16))
	defer h.Close()
	for _, property := range []string{"alpha", "smoothing"} {
		if !h.Ramp(property, 4*time.Second) {
			t.Fatalf("%s cannot be controlled", property)
		}
	}
	for i := range 101 {
		in := plain(model.RGB, 16, 16)
		in.PTS = uint64(i) * 40e6
		must(t, h.Push(in))
		if i == 0 && !h.Passthrough() {
			t.Error("alpha 0 at time 0 does not pass through")
		}
	}
	if len(looks) != 100 {
		t.Fatalf("%d frames were stylised, wanted all 101 but the first", len(looks))
	}
	for i, l := range looks {
		want := float64(i+1) * 0.01
		if !(math.Abs(float64(l.Alpha)-want) <= 1e-6) || !(math.Abs(float64(l.Smoothing)-min(want, 0.95)) <= 1e-6) {
			t.Errorf("frame %d has alpha %v and smoothing %v, wanted %v", i+1, l.Alpha, l.Smoothing, want)
		}
	}
}

// TestAlphaFromOtherThread changes alpha as fast as it can while frames flow; every frame is one or the other.
func TestAlphaFromOtherThread(t *testing.T) {
	use(t, (&fakes{}).open)
	h := harness.New(caps("RGB", 64, 64))
	defer h.Close()
	in := plain(model.RGB, 64, 64)
	inverted := model.NewImage(model.RGB, 64, 64)
	must(t, (&fake{fakes: &fakes{}}).Stylize(inverted, view(in, model.RGB), &model.Stylization{Alpha: 1}))
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			default:
				h.Set("alpha", fmt.Sprint(i%2))
			}
		}
	}()
	for i := range 500 {
		must(t, h.Push(in))
		out, ok := h.Pull()
		if !ok || sameSamples(view(out, model.RGB), view(in, model.RGB)) != nil && sameSamples(view(out, model.RGB), inverted) != nil {
			t.Fatalf("frame %d is neither the content nor the result", i)
		}
	}
	close(quit)
	<-done
}
