package driver

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/emu"
)

// probing is the probe kernel with memory for n numbers in and out: y = scale*x + add.
type probing struct {
	kernel *Kernel
	n      int
	x, y   cu.DevicePtr
	stream cu.Stream
}

// setPointer sets argument i, 8 bytes, to an address in device memory.
func (k *Kernel) setPointer(i int, p uintptr) {
	if at := k.Argument(i, 8); at != nil {
		*(*uintptr)(at) = p
	}
}

// setInt sets argument i, an int of 4 bytes.
func (k *Kernel) setInt(i int, v int) {
	if at := k.Argument(i, 4); at != nil {
		*(*int32)(at) = int32(v)
	}
}

// setFloat sets argument i, a float of 4 bytes.
func (k *Kernel) setFloat(i int, v float32) {
	if at := k.Argument(i, 4); at != nil {
		*(*float32)(at) = v
	}
}

func newProbing(t *testing.T, n int) *probing {
	t.Helper()
	m, err := LoadModule(probe)
	if err != nil {
		t.Fatal(err)
	}
	fn, err := m.Function("probe")
	if err != nil {
		t.Fatal(err)
	}
	p := &probing{n: n}
	if p.kernel, err = NewKernel("probe", fn, 8, 8, 4, 4, 24); err != nil {
		t.Fatal(err)
	}
	if p.x, err = cu.MemAlloc(int64(4 * n)); err != nil {
		t.Fatal(err)
	}
	if p.y, err = cu.MemAlloc(int64(4 * n)); err != nil {
		t.Fatal(err)
	}
	if p.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kernel.Close()
		for _, err := range []error{p.stream.Destroy(), cu.MemFree(p.x), cu.MemFree(p.y), m.Unload()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	p.kernel.SetShape([3]int{(n + 63) / 64, 1, 1}, [3]int{64, 1, 1}, 0)
	p.set(p.kernel, 1, 0)
	return p
}

func (p *probing) set(k *Kernel, scale float32, add float64) {
	var offset [24]byte
	binary.NativeEndian.PutUint64(offset[:], math.Float64bits(add))
	k.setPointer(0, uintptr(p.x))
	k.setPointer(1, uintptr(p.y))
	k.setFloat(2, scale)
	k.setInt(3, p.n)
	k.SetBytes(4, offset[:])
}

func (p *probing) write(t *testing.T, x []float32) {
	t.Helper()
	if err := cu.MemcpyHtoD(p.x, unsafe.Pointer(&x[0]), int64(4*len(x))); err != nil {
		t.Fatal(err)
	}
}

func (p *probing) expect(t *testing.T, want func(i int) float32) {
	t.Helper()
	if err := p.stream.Synchronize(); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, p.n)
	if err := cu.MemcpyDtoH(unsafe.Pointer(&y[0]), p.y, int64(4*p.n)); err != nil {
		t.Fatal(err)
	}
	for i := range y {
		if y[i] != want(i) {
			t.Fatalf("y[%d] is %g, want %g", i, y[i], want(i))
		}
	}
}

// functionOf is the function of a kernel: a test cannot use cgo's types, but the first field of C.driver_kernel is a CUfunction.
func functionOf(k *Kernel) cu.Function { return *(*cu.Function)(unsafe.Pointer(k.c)) }

func numbers(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	return x
}

func TestLaunch(t *testing.T) {
	current(t)
	p := newProbing(t, 77)
	p.write(t, numbers(77))
	p.set(p.kernel, 2, 5)
	if err := p.kernel.Launch(p.stream); err != nil {
		t.Fatal(err)
	}
	p.expect(t, func(i int) float32 { return 2*float32(i) + 5 })
	p.kernel.SetShape([3]int{2, 1, 1}, [3]int{64, 1, 1}, 100<<10)
	fails(t, "100 KiB of shared memory that nobody allowed", p.kernel.Launch(p.stream),
		"launch of kernel probe (grid 2x1x1, block 64x1x1, 102400 bytes of shared memory): CUDA_ERROR_INVALID_VALUE (1)")
	fn := functionOf(p.kernel)
	if err := SharedMemory(fn, 100<<10); err != nil {
		t.Error(err)
	}
	if err := p.kernel.Launch(p.stream); err != nil {
		t.Error(err)
	}
	if err := SharedMemory(fn, 1<<20); err == nil {
		t.Error("1 MiB of shared memory is allowed")
	}
}

func TestWrongArguments(t *testing.T) {
	for _, c := range []struct {
		name, wanted string
		set          func(k *Kernel)
	}{
		{"index", "has no argument 5 of 8 bytes", func(k *Kernel) { k.setPointer(5, 1) }},
		{"negative", "has no argument -1 of 4 bytes", func(k *Kernel) { k.setInt(-1, 1) }},
		{"size", "has no argument 0 of 4 bytes", func(k *Kernel) { k.setFloat(0, 1) }},
		{"bytes", "has no argument 4 of 23 bytes", func(k *Kernel) { k.SetBytes(4, make([]byte, 23)) }},
		{"closed", "is closed", func(k *Kernel) { k.Close() }},
		{"host memory", "CUDA_ERROR_ILLEGAL_ADDRESS", func(k *Kernel) { k.setPointer(0, uintptr(unsafe.Pointer(k))) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			current(t)
			p := newProbing(t, 1)
			c.set(p.kernel)
			fails(t, "Launch", p.kernel.Launch(p.stream), c.wanted)
			_, err := NewGraph([]*Kernel{p.kernel})
			fails(t, "NewGraph", err, c.wanted)
		})
	}
	if _, err := NewKernel("probe", cu.Function{}, 8, 0); err == nil {
		t.Error("an argument of 0 bytes is possible")
	}
}

// The driver copies what the function declares out of whatever lies there: sizes that differ are found when a kernel is made.
func TestWrongSizes(t *testing.T) {
	current(t)
	p := newProbing(t, 1)
	for _, c := range []struct {
		sizes  []int
		wanted string
	}{
		{[]int{8, 8, 4, 4, 16}, "parameter 4 of kernel probe has 24 bytes; an argument of 16 is given"},
		{[]int{8, 8, 4, 8, 24}, "parameter 3 of kernel probe has 4 bytes; an argument of 8 is given"},
		{[]int{8, 8, 4, 4}, "kernel probe has 5 parameters; 4 arguments are given"},
		{[]int{8, 8, 4, 4, 24, 4}, "kernel probe has 5 parameters; 6 arguments are given"},
	} {
		_, err := NewKernel("probe", functionOf(p.kernel), c.sizes...)
		fails(t, fmt.Sprint(c.sizes), err, c.wanted)
	}
}

func TestGraph(t *testing.T) {
	current(t)
	p := newProbing(t, 100)
	p.write(t, numbers(100))
	second, err := NewKernel("second", functionOf(p.kernel), 8, 8, 4, 4, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	second.SetShape([3]int{2, 1, 1}, [3]int{64, 1, 1}, 0)
	p.set(p.kernel, 3, 0)
	p.set(second, 10, 1)
	second.setPointer(0, uintptr(p.y))
	g, err := NewGraph([]*Kernel{p.kernel, second})
	if err != nil {
		t.Fatal(err)
	}
	launch := func() {
		t.Helper()
		if err := g.Launch(p.stream); err != nil {
			t.Fatal(err)
		}
	}
	launch()
	p.expect(t, func(i int) float32 { return 30*float32(i) + 1 })

	second.setFloat(2, 100)
	launch()
	p.expect(t, func(i int) float32 { return 30*float32(i) + 1 }) // the graph has not been told
	if err := g.SetArguments(1); err != nil {
		t.Fatal(err)
	}
	launch()
	p.expect(t, func(i int) float32 { return 300*float32(i) + 1 })
	if err := g.SetArguments(2); err == nil {
		t.Error("the graph has a third kernel")
	}

	// What a frame does allocates nothing in Go.
	context, _ := Current()
	allocations := testing.AllocsPerRun(20, func() {
		if Push(context) != nil || g.SetArguments(0) != nil || g.Launch(p.stream) != nil || p.kernel.Launch(p.stream) != nil || Pop() != nil {
			t.Error("failed")
		}
		p.kernel.setPointer(0, uintptr(p.x))
		p.kernel.setFloat(2, 1)
		p.kernel.setInt(3, 5)
		_, _ = Current()
	})
	if allocations != 0 {
		t.Errorf("%g allocations", allocations)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever call fails while a graph is made, nothing is left behind (current looks).
func TestGraphFails(t *testing.T) {
	current(t)
	p := newProbing(t, 10)
	for n := 1; ; n++ {
		emu.Reset()
		emu.FailCall(n, 2)
		g, err := NewGraph([]*Kernel{p.kernel, p.kernel})
		if emu.Failed() == 0 {
			if err != nil || n != 5 {
				t.Errorf("%d calls, %v; want 4", n-1, err)
			}
			emu.FailCall(0, 0)
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			break
		}
		if !IsOutOfMemory(err) || !strings.Contains(err.Error(), "graph of 2 kernels") {
			t.Errorf("call %d fails: %v", n, err)
		}
		emu.FailCall(0, 0)
		if o := emu.Live(); o.Graphs != 0 || o.Executables != 0 {
			t.Errorf("call %d fails: %+v", n, o)
		}
	}
}

func TestCopies(t *testing.T) {
	current(t)
	p := newProbing(t, 10)
	before := Copies()
	x := numbers(10)
	p.write(t, x)
	if err := cu.MemcpyDtoD(p.y, p.x, 8); err != nil {
		t.Fatal(err)
	}
	if err := cu.MemcpyDtoH(unsafe.Pointer(&x[0]), p.x, 12); err != nil {
		t.Fatal(err)
	}
	if err := cu.MemcpyDtoH(unsafe.Pointer(&x[0]), p.x, 41); err == nil {
		t.Error("a copy over the end works")
	}
	after := Copies()
	since := func(after, before Count) Count { return Count{after.Calls - before.Calls, after.Bytes - before.Bytes} }
	got := Counts{
		since(after.HostToDevice, before.HostToDevice),
		since(after.DeviceToHost, before.DeviceToHost),
		since(after.DeviceToDevice, before.DeviceToDevice),
	}
	if want := (Counts{Count{1, 40}, Count{1, 12}, Count{1, 8}}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	e := emu.Copies()
	if e.HostToDevice.Bytes != 40 || e.DeviceToHost.Bytes != 12 || e.DeviceToDevice.Bytes != 8 {
		t.Errorf("the driver counts %+v", e)
	}
}

// The emulated driver has the bug of the real one and sets bit 21 of word 1 for a small tensor; it is cleared for the drivers that have it.
func TestTensorMap(t *testing.T) {
	current(t)
	p, err := cu.MemAlloc(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cu.MemFree(p); err != nil {
			t.Error(err)
		}
	}()
	stride, box := [3]int{128, 128 * 10, 128 * 100}, [4]int{64, 8, 8, 1}
	m, err := EncodeTiled(uintptr(p), [4]int{64, 10, 10, 1}, stride, box)
	if err != nil {
		t.Fatal(err)
	}
	if got := binary.NativeEndian.Uint64(m[8:]); got != 64 {
		t.Errorf("word 1 is %#x", got)
	}
	if got := binary.NativeEndian.Uint64(m[0:]); got != uint64(p) {
		t.Errorf("address %#x, want %#x", got, p)
	}
	for _, bad := range []struct {
		address uintptr
		stride  int
		box     int
	}{{8, 128, 64}, {0, 120, 64}, {0, 128, 72}, {0, 128, 0}} {
		_, err := EncodeTiled(uintptr(p)+bad.address, [4]int{64, 10, 10, 1}, [3]int{bad.stride, 1280, 12800}, [4]int{bad.box, 8, 8, 1})
		fails(t, fmt.Sprintf("%+v", bad), err, "tensor map at ")
	}
}
