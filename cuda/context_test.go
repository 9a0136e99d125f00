package cuda

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// newContext is a context that the program made itself, as GStreamer does, and that is current nowhere.
func newContext(t *testing.T, number int) uintptr {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := cu.Device(number).MakeContext(cu.SchedAuto)
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Pop(); err != nil {
		t.Fatal(err)
	}
	return *(*uintptr)(unsafe.Pointer(&c))
}

// TestForeignContext lets an engine work in a context of somebody else, on the second of two GPUs, while the thread has a third
// context of its own.
func TestForeignContext(t *testing.T) {
	emulated(t, func(t *testing.T) {
		t.Setenv("EMU_DEVICES", "2")
		theirs, mine := newContext(t, 1), newContext(t, 0)
		defer emu.DestroyContext(theirs)
		defer emu.DestroyContext(mine)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := driver.Push(mine); err != nil {
			t.Fatal(err)
		}
		defer driver.Pop()
		still := func(when string) {
			t.Helper()
			if now, err := driver.Current(); err != nil || now != mine {
				t.Errorf("%s: the thread's context is %#x (%v), was %#x", when, now, err, mine)
			}
		}
		e := open(t, modeltest.Widths, model.Options{DeviceID: -1, Context: theirs})
		still("open")
		if text := e.Describe(); !strings.Contains(text, "GPU 1") {
			t.Errorf("%q, wanted GPU 1", text)
		}
		src, dst := pair(model.NV12, 24, 16)
		if err := e.Stylize(dst, src, &model.Stylization{Style: modeltest.RandomStats(2, modeltest.Widths[3]), Alpha: 1}); err != nil {
			t.Fatal(err)
		}
		still("frame")
		if _, err := e.Statistics(src); err != nil {
			t.Fatal(err)
		}
		still("statistics")
		if err := e.Stylize(dst, src, &model.Stylization{Style: model.Stats{}, Alpha: 1}); err == nil {
			t.Error("a frame without style was taken")
		}
		still("refusal")
		if _, err := Open(e.Weights(), model.Options{DeviceID: 0, Context: theirs}); err == nil || !strings.Contains(err.Error(), "context of GPU 1") {
			t.Errorf("GPU 0 in a context of GPU 1: %v", err)
		}
	})
}
