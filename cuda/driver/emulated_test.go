package driver

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/emu"
)

// What these tests find, they find in the emulated driver: that it refuses and reports what a GPU would do silently wrong.

// crashes runs one case of TestEmulatedGuards in a process of its own, which must end with the words.
func crashes(t *testing.T, which string, words ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(self, "-test.run=^TestEmulatedGuards$")
	run.Env = append(os.Environ(), "DRIVER_TEST_ALONE="+which)
	text, err := run.CombinedOutput()
	if err == nil {
		t.Errorf("%s: nothing happened\n%s", which, text)
	}
	for _, w := range words {
		if !strings.Contains(string(text), w) {
			t.Errorf("%s: %q is not in\n%s", which, w, text)
		}
	}
}

func TestEmulatedGuards(t *testing.T) {
	emu.Need(t)
	which := os.Getenv("DRIVER_TEST_ALONE")
	if which == "" {
		crashes(t, "overrun", "libcuda (emulated): access 0 bytes behind the end of 4096 bytes of device memory at 0x")
		crashes(t, "freed", "libcuda (emulated): access to 4000 bytes of pinned host memory at 0x", "which are freed")
		crashes(t, "slack", "libcuda (emulated): 4000 bytes of device memory at 0x", "the byte 0 behind the end was written")
		crashes(t, "front", "libcuda (emulated): 1000 bytes of pinned host memory at 0x", "the byte 4 before the start was written")
		return
	}
	current(t)
	p := newProbing(t, 1024)
	p.write(t, numbers(1024))
	y, err := cu.MemAlloc(4000)
	if err != nil {
		t.Fatal(err)
	}
	p.kernel.SetShape([3]int{100, 1, 1}, [3]int{64, 1, 1}, 0)
	switch which {
	case "overrun":
		p.kernel.setInt(3, 1025) // both x and y hold 1024
	case "slack":
		p.kernel.setInt(3, 1001)
		p.kernel.setPointer(1, uintptr(y))
	case "freed", "front":
		host, err := HostAlloc(map[string]int{"freed": 4000, "front": 1000}[which])
		if err != nil {
			t.Fatal(err)
		}
		if which == "front" {
			*(*byte)(unsafe.Add(host, -4)) = 1
		}
		if err := HostFree(host); err != nil {
			t.Fatal(err)
		}
		*(*byte)(host) = 1
	}
	if err := p.kernel.Launch(p.stream); err != nil {
		t.Log(err)
	}
	if err := cu.MemFree(y); err != nil {
		t.Error(err)
	}
}

func TestEmulatedMemory(t *testing.T) {
	context := current(t)
	t.Setenv("EMU_MEMORY", "1000000")
	p, err := cu.MemAlloc(999)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 249)
	if err := cu.MemcpyDtoH(unsafe.Pointer(&x[0]), p, 996); err != nil {
		t.Fatal(err)
	}
	for i := range x {
		if !math.IsNaN(float64(x[i])) {
			t.Fatalf("fresh memory holds %g", x[i])
		}
	}
	if p%256 != 0 {
		t.Errorf("memory begins at %#x", p)
	}
	if _, err := cu.MemAlloc(1000000); !IsOutOfMemory(err) {
		t.Errorf("1 MB of 1 MB, of which 999 bytes are taken: %v", err)
	}
	free, total, err := cu.MemInfo()
	if free != 999001 || total != 1000000 || err != nil {
		t.Errorf("%d of %d bytes are free, %v", free, total, err)
	}
	if o := emu.Live(); o.Allocations != 1 || o.Bytes != 999 || o.Contexts != 1 || o.Streams != 0 {
		t.Errorf("%+v", o)
	}
	if err := cu.MemFree(p + 256); err == nil {
		t.Error("memory is freed in the middle")
	}
	if err := emu.DestroyContext(context); err != nil {
		t.Fatal(err)
	}
	if o := emu.Live(); o != (emu.Objects{}) {
		t.Errorf("%+v", o)
	}
	if err := Push(context); err == nil {
		t.Error("a destroyed context is pushed")
	}
	// For current, which cleans up: Push and Pop must match, and so must the primary context's users.
	again, err := RetainPrimary(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Push(again); err != nil {
		t.Fatal(err)
	}
}

// With EMU_LAZY a stream's work is done when it is waited for, so that what does not wait sees what was there before.
func TestEmulatedLaziness(t *testing.T) {
	current(t)
	t.Setenv("EMU_LAZY", "1")
	p := newProbing(t, 64)
	p.write(t, numbers(64))
	if err := p.kernel.Launch(p.stream); err != nil {
		t.Fatal(err)
	}
	var y [64]float32
	if err := cu.MemcpyDtoH(unsafe.Pointer(&y[0]), p.y, 256); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(float64(y[5])) {
		t.Error("a stream that does not block was waited for")
	}
	start, err := cu.MakeEvent(cu.DefaultEvent)
	if err != nil {
		t.Fatal(err)
	}
	if err := start.Record(p.stream); err != nil {
		t.Fatal(err)
	}
	if err := start.Synchronize(); err != nil {
		t.Fatal(err)
	}
	p.expect(t, func(i int) float32 { return float32(i) })
	if err := cu.DestroyEvent(&start); err != nil {
		t.Fatal(err)
	}
}

func TestEmulatedFailures(t *testing.T) {
	current(t)
	emu.FailCall(2, 999)
	p, err := cu.MemAlloc(10)
	if err != nil {
		t.Fatal(err)
	}
	if err := cu.MemFree(p); !errors.Is(err, cu.Unknown) {
		t.Errorf("the second call: %v", err)
	}
	if o := emu.Live(); o.Allocations != 0 {
		t.Error("a free that fails by order does not free")
	}
	emu.FailFunction("cuMemAlloc_v2", 2, 2)
	if p, err = cu.MemAlloc(10); err != nil {
		t.Error(err)
	}
	if _, err = cu.MemAlloc(10); !IsOutOfMemory(err) {
		t.Error(err)
	}
	if err := cu.MemFree(p); err != nil {
		t.Error(err)
	}
	if calls := emu.Calls(); calls["cuMemAlloc_v2"] != 3 || calls["cuMemFree_v2"] != 2 || emu.Failed() != 2 {
		t.Errorf("%v, %d failed", calls, emu.Failed())
	}
	emu.Reset()
	if emu.CallCount() != 0 {
		t.Errorf("%d calls after Reset", emu.CallCount())
	}
}

// Memory, modules and streams of one context cannot be used in another one.
func TestEmulatedContexts(t *testing.T) {
	current(t)
	p := newProbing(t, 10)
	t.Setenv("EMU_DEVICES", "2")
	second, err := RetainPrimary(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := Push(second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Pop(); err != nil {
			t.Error(err)
		}
		if err := ReleasePrimary(1); err != nil {
			t.Error(err)
		}
	})
	if err := p.kernel.Launch(p.stream); err == nil {
		t.Error("a stream of another context is used")
	}
	if err := p.kernel.Launch(cu.Stream{}); err == nil {
		t.Error("a kernel of another context is launched")
	}
	if err := cu.MemsetD8(p.x, 0, 4); !errors.Is(err, cu.InvalidContext) {
		t.Errorf("memory of another context is set: %v", err)
	}
	q := newProbing(t, 10)
	q.kernel.setPointer(1, uintptr(p.y))
	if err := q.kernel.Launch(q.stream); err == nil || !strings.Contains(err.Error(), "ILLEGAL_ADDRESS") {
		t.Errorf("memory of another context is an argument: %v", err)
	}
}
