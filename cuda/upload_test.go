package cuda

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestUploadHolds opens an engine on a GPU that reads Go's memory only when the stream is waited for, while the garbage collector works all
// the time and overwrites what it frees: the weights that arrive are those that were sent.
func TestUploadHolds(t *testing.T) {
	emu.Need(t)
	if !strings.Contains(os.Getenv("GODEBUG"), "clobberfree=1") { // read when a program starts
		c := exec.Command(os.Args[0], "-test.run=^TestUploadHolds$", "-test.v")
		c.Env = append(os.Environ(), "GODEBUG=clobberfree=1", "EMU_LAZY=1", "EMU_PAGEABLE=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	e := open(t, model.Widths{64, 128, 128, 128}, model.Options{DeviceID: -1})
	sent, err := pack(modeltest.RandomWeights(1, e.Weights().Widths))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range sent {
		want := toFloat16(p.weight)
		if got := arrived[uint16](t, e, e.network.weight[i], len(want)); !slices.Equal(got, want) {
			t.Errorf("layer %s: other weights have arrived", p.Name)
		}
		if got := arrived[float32](t, e, e.network.bias[i], len(p.bias)); !slices.Equal(got, p.bias) {
			t.Errorf("layer %s: another bias has arrived", p.Name)
		}
	}
	if join := sent[e.network.join].weight; !slices.Equal(arrived[float32](t, e, e.network.unadapted, len(join)), join) {
		t.Error("other weights of the layer behind the statistics have arrived")
	}
}

// arrived is what lies at an address of the GPU.
func arrived[T float32 | uint16](t *testing.T, e *Engine, at uintptr, n int) []T {
	t.Helper()
	if err := e.device.enter(); err != nil {
		t.Fatal(err)
	}
	defer e.device.leave()
	out := make([]T, n)
	if err := cu.MemcpyDtoH(unsafe.Pointer(&out[0]), cu.DevicePtr(at), int64(n)*int64(unsafe.Sizeof(out[0]))); err != nil {
		t.Fatal(err)
	}
	return out
}
