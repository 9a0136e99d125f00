package cuda

import (
	"errors"
	"os"
	"strings"
	"testing"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// Answers of the driver that tests order.
const (
	outOfMemory = 2
	unknown     = 999
)

// life is what an engine does from opening to closing: two sizes, the second one with the network at a smaller one and temporal blend,
// without a mask and with one, then along the motion, statistics.
func life(e model.Engine, w *model.Weights) error {
	s := &model.Stylization{Style: modeltest.RandomStats(2, w.Widths[3]), Alpha: 1}
	for i, height := range []int{8, 9, 9, 9} {
		src, dst := pair(model.NV12, 9, height)
		switch i {
		case 1:
			s.ProcessingSize, s.Smoothing = 8, 0.5
		case 2:
			s.Mask = halves(w.Widths[3])
		case 3:
			s.Mask, s.Motion = nil, true
		}
		if err := e.Stylize(dst, src, s); err != nil {
			return err
		}
	}
	src, _ := pair(model.RGB, 3, 2)
	_, err := e.Statistics(src)
	return err
}

// TestEveryCallFails lets the driver's first call fail, then the second, and so on, until a whole life passes without a failure:
// each time there is an error (or none, where nothing depends on the call), and nothing stays on the GPU. The second kind of GPU has a
// network of other kernels; of the calls for these alone, under -short no other one fails there.
func TestEveryCallFails(t *testing.T) {
	emulated(t, func(t *testing.T) {
		t.Setenv("EMU_IDLE", "1")
		if err := driver.Available(); err != nil { // the driver starts once in a process, and a failure then is for good
			t.Fatal(err)
		}
		widths, function, step := modeltest.Widths, "", 1
		if testing.Short() {
			step = 3 // odd, so that both codes come; kernels are loaded and launched by the same calls many times
		}
		if os.Getenv("EMU_CC") == "90" {
			widths = model.Widths{4, 64, 64, 16}
			if testing.Short() {
				function, step = "cuTensorMapEncodeTiled", 1
			}
		}
		w := modeltest.RandomWeights(1, widths)
		n := 1
		for failsOnce(t, w, function, n) {
			if n += step; n > 5000 {
				t.Fatal("an engine's life takes more than 5000 calls of the driver")
			}
		}
		if n < 20 {
			t.Errorf("%d calls in an engine's life", n-1)
		}
	})
}

// failsOnce lets the n-th call of a function (or of all, "") fail in an engine's life, and tells whether there were so many.
func failsOnce(t *testing.T, w *model.Weights, function string, n int) bool {
	t.Helper()
	code := []int{unknown, outOfMemory}[n%2]
	before := emu.Live()
	emu.Reset()
	emu.FailFunction(function, n, code)
	err := func() error {
		e, err := Open(w, model.Options{DeviceID: -1})
		if err != nil {
			return err
		}
		return errors.Join(life(e, w), e.Close())
	}()
	failed := emu.Failed()
	emu.Reset()
	if after := emu.Live(); after != before {
		t.Fatalf("call %d fails with %d (%v): left on the GPU: %+v, before: %+v", n, code, err, after, before)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "cuda: ") {
		t.Errorf("call %d fails with %d: %q does not say where", n, code, err)
	}
	if failed == 0 && err != nil {
		t.Fatalf("no call failed, but: %v", err)
	}
	return failed > 0
}

// TestFrameAfterFailure demands that a frame succeeds after one that met any failure.
func TestFrameAfterFailure(t *testing.T) {
	emulated(t, func(t *testing.T) {
		t.Setenv("EMU_IDLE", "1")
		e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
		s := &model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1, Mask: halves(modeltest.Widths[3]), Smoothing: 0.8}
		for n := 1; ; n++ {
			s.Motion = n%3 > 0
			src, dst := pair(model.BGRA, 24, 8+n%2*8) // a change of size each time
			s.ProcessingSize = 8 * (n / 2 % 2)        // and the network at that, or at a smaller one
			emu.Reset()
			emu.FailCall(n, outOfMemory)
			err := e.Stylize(dst, src, s)
			failed := emu.Failed()
			emu.Reset()
			if failed == 0 {
				if err != nil {
					t.Errorf("no call failed, but: %v", err)
				}
				return
			}
			if err := e.Stylize(dst, src, s); err != nil {
				t.Errorf("the frame after call %d failed: %v", n, err)
			}
		}
	})
}

// TestFilmAfterFailedStatistics demands that the frame behind statistics that failed, and took the memory of the frame before along, is as
// the first of a film.
func TestFilmAfterFailedStatistics(t *testing.T) {
	emulated(t, func(t *testing.T) {
		s := &model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1, Smoothing: 0.8}
		src, first := pair(model.RGB, 24, 16)
		for i := range src.Planes[0].Data {
			src.Planes[0].Data[i] |= 0xf8 // near what memory holds that nobody wrote, and so is the result
		}
		w := modeltest.RandomWeights(1, modeltest.Widths)
		for i := range 3 {
			w.Layers[len(w.Layers)-1].Bias[i] += 0.6
		}
		e, err := Open(w, model.Options{DeviceID: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		_, second := pair(model.RGB, 24, 16)
		if err := e.Stylize(first, src, s); err != nil {
			t.Fatal(err)
		}
		emu.FailFunction("cuGraphInstantiateWithFlags", 1, outOfMemory)
		if _, err := e.Statistics(src); err == nil {
			t.Error("the statistics did not fail")
		}
		if err := e.Stylize(second, src, s); err != nil {
			t.Fatal(err)
		}
		if err := modeltest.CheckPicture(second, first, modeltest.Tolerance{}); err != nil {
			t.Error(err)
		}
	})
}

// TestOutOfMemory demands an error that says how much is wanted, and frames of a smaller size afterwards.
func TestOutOfMemory(t *testing.T) {
	emulated(t, func(t *testing.T) {
		t.Setenv("EMU_MEMORY", "4000000")
		e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
		style := modeltest.RandomStats(2, modeltest.Widths[3])
		src, dst := pair(model.RGB, 640, 360)
		err := e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 1})
		if !driver.IsOutOfMemory(err) || !strings.Contains(err.Error(), "640x360") || !strings.Contains(err.Error(), " MB") {
			t.Errorf("%v, wanted one that names the size and the megabytes", err)
		}
		src, dst = pair(model.RGB, 24, 16)
		if err := e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 1}); err != nil {
			t.Errorf("a smaller frame afterwards: %v", err)
		}
	})
}

// TestDestroyedContext takes the context away between two frames.
func TestDestroyedContext(t *testing.T) {
	emulated(t, func(t *testing.T) {
		context := newContext(t, 0)
		e, err := Open(modeltest.RandomWeights(1, modeltest.Widths), model.Options{DeviceID: -1, Context: context})
		if err != nil {
			t.Fatal(err)
		}
		src, dst := pair(model.RGB, 16, 16)
		style := modeltest.RandomStats(2, modeltest.Widths[3])
		if err := e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 1}); err != nil {
			t.Fatal(err)
		}
		if err := emu.DestroyContext(context); err != nil {
			t.Fatal(err)
		}
		if err := e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 1}); err == nil || !strings.Contains(err.Error(), "context of GPU 0") {
			t.Errorf("%v, wanted an error that speaks of the context", err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
