package driver

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/emu"
	"adainfilter/cuda/kernels"
)

func TestMain(m *testing.M) {
	if os.Getenv("DRIVER_TEST_ALONE") != "" {
		os.Exit(m.Run())
	}
	os.Exit(emu.Main(m))
}

// probe is the PTX of the emulator's probe.cpp as far as the emulator reads it.
const probe = `.version 8.7
.target sm_80
.address_size 64
.visible .const .align 4 .b8 probe_launch[20] = {64, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 64};
.visible .entry probe(
	.param .u64 probe_param_0,
	.param .u64 .ptr .align 1 probe_param_1,
	.param .f32 probe_param_2,
	.param .u32 probe_param_3,
	.param .align 8 .b8 probe_param_4[24]
)
{ ret; }
`

func arch() string {
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		return runtime.GOARCH
	}
	return "other"
}

// fails wants an error with these words.
func fails(t *testing.T, what string, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %v, want %q", what, err, words)
	}
}

// current makes a context for the test and locks the goroutine to its thread.
func current(t *testing.T) (context uintptr) {
	t.Helper()
	emu.Need(t)
	emu.Reset()
	runtime.LockOSThread()
	ctx, err := RetainPrimary(0)
	if err == nil {
		err = Push(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		emu.FailCall(0, 0)
		if err := Pop(); err != nil {
			t.Error(err)
		}
		if err := ReleasePrimary(0); err != nil {
			t.Error(err)
		}
		if o := emu.Live(); o != (emu.Objects{}) {
			t.Errorf("left in the driver: %+v", o)
		}
		runtime.UnlockOSThread()
	})
	return ctx
}

func TestWrap(t *testing.T) {
	emu.Need(t)
	if err := Wrap("cuMemAlloc", nil); err != nil {
		t.Error(err)
	}
	_ = Available() // else the driver is not loaded, and its names are not there
	err := Wrap("cuMemAlloc of 1.2 GB", fmt.Errorf("somewhere: %w", cu.OutOfMemory))
	if got, want := err.Error(), "cuMemAlloc of 1.2 GB: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !IsOutOfMemory(fmt.Errorf("engine: %w", err)) || !IsOutOfMemory(cu.OutOfMemory) {
		t.Error("out of memory is not recognised")
	}
	if IsOutOfMemory(Wrap("x", cu.InvalidValue)) || IsOutOfMemory(errors.New("out of memory")) {
		t.Error("something else is taken for out of memory")
	}
	if err := Wrap("x", os.ErrNotExist); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestContexts(t *testing.T) {
	primary := current(t)
	if c, err := Current(); c != primary || err != nil {
		t.Errorf("current is %#x, %v; want %#x", c, err, primary)
	}
	t.Setenv("EMU_DEVICES", "2")
	second, err := RetainPrimary(1)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := DeviceOf(second); d != 1 || err != nil {
		t.Errorf("device %d, %v; want 1", d, err)
	}
	if c, _ := Current(); c != primary {
		t.Errorf("DeviceOf left %#x current, want %#x", c, primary)
	}
	if err := Push(second); err != nil {
		t.Fatal(err)
	}
	p, err := cu.MemAlloc(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := Pop(); err != nil {
		t.Fatal(err)
	}
	if err := cu.MemFree(p); !errors.Is(err, cu.InvalidContext) {
		t.Errorf("memory of another context is freed: %v", err)
	}
	if err := emu.DestroyContext(second); err != nil {
		t.Fatal(err)
	}
	if err := Push(second); err == nil {
		t.Error("a destroyed context can be pushed")
	}
	if err := ReleasePrimary(1); err != nil {
		t.Error(err)
	}
	_, err = RetainPrimary(2)
	fails(t, "device 2 of 2", err, "cuDevicePrimaryCtxRetain of device 2: CUDA_ERROR_INVALID_DEVICE (101)")
}

func TestLoadModule(t *testing.T) {
	for _, c := range []struct{ name, version, cc, ptx, wanted string }{
		{"good", "12080", "80", probe, ""},
		{"newer GPU", "12080", "100", probe, ""},
		{"old driver", "12040", "80", probe, "which supports CUDA 12.4, cannot compile the kernels, which need CUDA 12.8 (driver 570 or newer)"},
		{"its log", "12040", "80", probe, "the driver's compiler says: ptxas application ptx input, line 1; fatal   : Unsupported .version 8.7"},
		{"other GPU", "12080", "80", strings.Replace(probe, "sm_80", "sm_90a", 1), "CUDA_ERROR_NO_BINARY_FOR_GPU"},
		{"no PTX", "12080", "80", "nonsense", "CUDA_ERROR_INVALID_PTX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			current(t)
			t.Setenv("EMU_DRIVER_VERSION", c.version)
			t.Setenv("EMU_CC", c.cc)
			m, err := LoadModule(c.ptx)
			if c.wanted != "" {
				fails(t, "LoadModule", err, c.wanted)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Function("absent"); !errors.Is(err, cu.NotFound) {
				t.Errorf("function that is not there: %v", err)
			}
			if err := m.Unload(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The committed PTX declares every kernel that the engine may ask for, and the emulator's sources and the described arguments agree with it.
func TestKernelsAgree(t *testing.T) {
	for _, module := range kernels.Modules {
		t.Run(module.Name, func(t *testing.T) {
			current(t)
			ptx, err := kernels.PTX(module.Name)
			if err != nil {
				t.Fatal(err)
			}
			if module.Hopper {
				t.Setenv("EMU_CC", "90")
			}
			m, err := LoadModule(ptx)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range module.Kernels {
				name := k.Name()
				fn, err := m.Function(name)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				var sizes []int
				for i := range k.Arguments().NumField() {
					sizes = append(sizes, int(k.Arguments().Field(i).Type.Size()))
				}
				if err := checkParameters(name, fn, sizes); err != nil {
					t.Error(err)
				}
				if _, n, err := m.Global(name + "_launch"); err != nil || n != 20 {
					t.Errorf("%s_launch: %d bytes, %v", name, n, err)
				}
			}
			if err := m.Unload(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHostMemory(t *testing.T) {
	current(t)
	p, err := HostAlloc(1000)
	if err != nil {
		t.Fatal(err)
	}
	if o := emu.Live(); o.Pinned != 1 {
		t.Errorf("%+v", o)
	}
	b := unsafe.Slice((*byte)(p), 1000)
	b[0], b[999] = 1, 2
	if err := HostFree(p); err != nil {
		t.Error(err)
	}
	if err := HostFree(nil); err != nil {
		t.Error(err)
	}
	emu.FailFunction("cuMemHostAlloc", 1, 2)
	if _, err := HostAlloc(5); !IsOutOfMemory(err) || !strings.Contains(err.Error(), "cuMemHostAlloc of 5 bytes") {
		t.Error(err)
	}
}
