package cpu

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// scarceFile names the file through which testdata/scarce.c is told which allocation is to fail; ADAIN_SCARCE_INSIDE=1 lets those fail
// too that oneDNN makes, which some of its releases do not survive.
const scarceFile = "ADAIN_SCARCE"

// TestScarceMemory lets every allocation of the engine and every start of a thread fail, one at a time, in a process of its own: each call
// gives an error with a sentence or its whole result, none crashes or waits without end, and the engine works on as if nothing had been.
func TestScarceMemory(t *testing.T) {
	library, file := filepath.Join(t.TempDir(), "scarce.so"), filepath.Join(t.TempDir(), "state")
	if out, err := exec.Command("gcc", "-O1", "-shared", "-fPIC", "-o", library, "testdata/scarce.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	if err := os.WriteFile(file, make([]byte, 16), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestScarceChild$", "-test.v", "-test.timeout=5m", fmt.Sprintf("-test.short=%v", testing.Short()))
	c.Env = append(os.Environ(), "LD_PRELOAD="+library, scarceFile+"="+file)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "failures, each with a sentence"); n != len(scarceWork()) {
		t.Errorf("%d of %d kinds of work were tried:\n%s", n, len(scarceWork()), out)
	}
	t.Logf("%s", out)
}

// scarceWork is what is tried: each begins with nothing and gives what has been computed.
func scarceWork() map[string]func() (result []byte, err error) {
	w := modeltest.RandomWeights(2, model.Widths{16, 32, 32, 32})
	src := model.NewImage(model.NV12, 40, 24)
	modeltest.Fill(src, 1)
	style := modeltest.RandomStats(3, w.Widths[3])
	mask := &model.Mask{Width: 2, Height: 1, White: []uint8{255, 0}, Second: modeltest.RandomStats(2, w.Widths[3])}
	frame := func(s model.Stylization) func() ([]byte, error) {
		return func() ([]byte, error) {
			return again(func() (model.Engine, error) { return Open(w, model.Options{Precision: model.Float32, Threads: 2}) }, func(e model.Engine) ([]byte, error) {
				dst := model.NewImage(src.Format, src.Width, src.Height)
				err := e.Stylize(dst, src, &s)
				return append(append([]byte(nil), dst.Planes[0].Data...), dst.Planes[1].Data...), err
			})
		}
	}
	vgg := modeltest.RandomWeights(1, model.Widths{16, 32, 32, 32}).Layers[:10]
	o := model.TrainingOptions{Encoder: true, Batch: 1, Height: 16, Width: 16, Options: model.Options{Threads: 2}, Cache: 1 << 20}
	batch := modeltest.RandomBatch(3, o, []float32{1})
	batch.ContentKey, batch.StyleKey = []uint64{1}, []uint64{1}
	return map[string]func() ([]byte, error){
		"frame":    frame(model.Stylization{Style: style, Alpha: 1}),
		"controls": frame(model.Stylization{Style: style, Alpha: 1, Mask: mask, Smoothing: .5, ProcessingSize: 20, PreserveColor: true}),
		"statistics": func() ([]byte, error) {
			return again(func() (model.Engine, error) { return Open(w, model.Options{Precision: model.Float32, Threads: 2}) }, func(e model.Engine) ([]byte, error) {
				s, err := e.Statistics(src)
				return fmt.Appendf(nil, "%v", s), err
			})
		},
		"features": func() ([]byte, error) {
			return again(func() (*Features, error) { return OpenFeatures(vgg, model.Options{Threads: 2}) }, func(f *Features) ([]byte, error) {
				features, levels, err := f.Extract(make([]float32, 3*16*16), 16, 16)
				return fmt.Appendf(nil, "%v %v", features, levels), err
			})
		},
		"training": func() ([]byte, error) {
			return again(func() (model.TrainingEngine, error) { return OpenTraining(vgg, w, o) }, func(e model.TrainingEngine) ([]byte, error) {
				l, err := e.Step(batch, model.Update{Objective: model.Objective{Content: 1, Style: 10, Identity: 1}})
				return fmt.Appendf(nil, "%v", l), err
			})
		},
	}
}

// again opens an engine and lets it work; if that fails, a second time, with what the engine is then, and with as much memory as it wants.
// The error is that of the first try.
func again[E interface{ Close() error }](open func() (E, error), work func(E) ([]byte, error)) ([]byte, error) {
	e, first := open()
	if first != nil {
		var err error
		if e, err = open(); err != nil {
			return nil, fmt.Errorf("after %w: %w", first, err)
		}
	}
	defer e.Close()
	result, err := work(e)
	if err == nil {
		return result, first
	}
	result, second := work(e)
	if second != nil {
		return nil, fmt.Errorf("after %w: %w", err, second)
	}
	return result, err
}

// TestScarceChild is the process of TestScarceMemory.
func TestScarceChild(t *testing.T) {
	name := os.Getenv(scarceFile)
	if name == "" {
		t.Skip("runs in a process of TestScarceMemory only")
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := syscall.Mmap(int(file.Fd()), 0, 16, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	left, inside := (*int64)(unsafe.Pointer(&shared[0])), (*int64)(unsafe.Pointer(&shared[8]))
	if os.Getenv("ADAIN_SCARCE_INSIDE") != "" {
		*inside = 1
	}
	for what, work := range scarceWork() {
		want, err := work()
		if err != nil {
			t.Fatal(err)
		}
		const plenty = 1 << 40
		atomic.StoreInt64(left, plenty)
		if _, err := work(); err != nil {
			t.Fatal(err)
		}
		all := int(plenty - atomic.SwapInt64(left, 0))
		tries := min(all, 400)
		if testing.Short() {
			tries = min(all, 8)
		}
		start, failed := time.Now(), 0
		for i := range tries {
			n := 1 + i*all/tries
			atomic.StoreInt64(left, int64(n))
			fmt.Fprintf(os.Stderr, "\r%s %d", what, n) // the last words of a process that crashes
			got, err := work()
			atomic.StoreInt64(left, 0)
			if err == nil {
				// The other threads took what was to be counted, or it was done without: the result counts.
			} else if failed++; !strings.Contains(err.Error(), "not enough memory") && !strings.Contains(err.Error(), "threads: ") {
				t.Errorf("%s, allocation %d: error %q, wanted one that says what is missing", what, n, err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s, allocation %d: the result is another one, error %v", what, n, err)
			}
		}
		if failed < tries/2 {
			t.Errorf("%s: only %d of %d tries failed", what, failed, tries)
		}
		t.Logf("%s: %d of %d allocations, %d failures, each with a sentence, in %v", what, tries, all, failed, time.Since(start).Round(time.Millisecond))
	}
}
