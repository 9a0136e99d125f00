package cpu

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// withKernels runs a test with the kernels of each instruction set that this processor has, the best last: it stays.
func withKernels(t *testing.T, test func(t *testing.T)) {
	for _, name := range []string{"128-bit vectors", "AVX2", "AVX-512"} {
		t.Run(name, func(t *testing.T) {
			if !useKernels(name) {
				t.Skipf("this processor has no %s", name)
			}
			test(t)
		})
	}
}

// TestConformance runs the suite with all kernels; a short run with the best, since TestInstructionSets compares the others with them.
func TestConformance(t *testing.T) {
	if testing.Short() {
		modeltest.Run(t, Open, modeltest.Float32)
		return
	}
	withKernels(t, func(t *testing.T) { modeltest.Run(t, Open, modeltest.Float32) })
}

// TestConformanceHalf runs the suite in bfloat16, which oneDNN emulates where the processor has AVX-512 but no bfloat16.
func TestConformanceHalf(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // what is tuned for this user is not tested
	emulateHalf = true
	defer func() { emulateHalf = false }()
	if e, err := Open(modeltest.RandomWeights(1, modeltest.Widths), model.Options{Precision: model.Half}); err != nil {
		t.Fatal(err)
	} else if err := try(e, 16, 16); err != nil {
		t.Skipf("oneDNN has no bfloat16 on this processor: %v", err)
	}
	for _, c := range modeltest.Cases(Open, modeltest.Half) {
		if testing.Short() && slices.Contains(samplesOnly, c.Name) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// samplesOnly are cases of what is done with samples around the network, by the same code whatever the network computes in.
var samplesOnly = []string{"temporal blend", "processing size", "colorimetry"}

// TestOlderProcessor runs the suite as a processor with AVX2 only would: oneDNN reads its limit once, so in a new process.
func TestOlderProcessor(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	c := exec.Command(os.Args[0], "-test.run=^(TestConformance|TestImplementations)$/^AVX2$", "-test.v")
	c.Env = append(os.Environ(), "DNNL_MAX_CPU_ISA=AVX2", "ONEDNN_MAX_CPU_ISA=AVX2")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "TestConformance/AVX2") {
		t.Errorf("the suite did not run:\n%s", out)
	}
}

func try(e model.Engine, w, h int) error {
	src, dst := model.NewImage(model.RGB, w, h), model.NewImage(model.RGB, w, h)
	modeltest.Fill(src, 1)
	style, err := e.Statistics(src)
	if err != nil {
		return err
	}
	return e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 1})
}

// TestImplementations demands that no convolution of a real network falls to oneDNN's reference code, which is some 300
// times slower.
func TestImplementations(t *testing.T) {
	for _, widths := range []model.Widths{model.Lite, model.VGG19} {
		sizes := [][2]int{{320, 180}, {129, 67}}
		if testing.Short() { // under emulation a frame with VGG-19's widths takes minutes
			sizes = [][2]int{{40, 24}, {33, 17}}
		}
		for _, size := range sizes {
			e, err := Open(modeltest.RandomWeights(1, widths), model.Options{Precision: model.Float32})
			if err != nil {
				t.Fatal(err)
			}
			if err := try(e, size[0], size[1]); err != nil {
				t.Fatal(err)
			}
			names := e.(*Engine).implementations()
			if len(names) != 16 {
				t.Errorf("%v: %d convolutions on oneDNN, wanted 16: %v", widths, len(names), names)
			}
			for i, name := range names {
				if name == "" || strings.Contains(name, "ref") {
					t.Errorf("%v at %v: convolution %d runs on %q", widths, size, i, name)
				}
			}
			e.Close()
		}
	}
}

// TestWinograd compares with the reference where layers have channels enough for Winograd's algorithm, at sizes that leave
// every kind of partial tile.
func TestWinograd(t *testing.T) {
	w := modeltest.RandomWeights(2, model.Widths{32, 32, 48, 64})
	want, err := ref.Open(w, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(w, model.Options{Precision: model.Float32, Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	for _, size := range [][2]int{{8, 8}, {9, 40}, {33, 17}, {66, 35}, {71, 61}, {130, 12}} {
		src, a, b := model.NewImage(model.RGB, size[0], size[1]), model.NewImage(model.RGB, size[0], size[1]), model.NewImage(model.RGB, size[0], size[1])
		modeltest.Fill(src, 7)
		s := &model.Stylization{Style: modeltest.RandomStats(3, 64), Alpha: 0.8}
		if err := want.Stylize(a, src, s); err != nil {
			t.Fatal(err)
		}
		if err := got.Stylize(b, src, s); err != nil {
			t.Fatal(err)
		}
		if err := modeltest.CheckPicture(b, a, modeltest.Float32); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
	winograd := 0
	for _, name := range got.(*Engine).implementations() {
		if strings.HasPrefix(name, "winograd:") {
			winograd++
		}
	}
	if winograd != 16 {
		t.Errorf("%d layers run Winograd's algorithm, wanted all 16 that oneDNN would compute", winograd)
	}
}

// TestThreads demands the same samples from any number of threads, within the rounding of another blocking.
func TestThreads(t *testing.T) {
	w := modeltest.RandomWeights(3, modeltest.Widths)
	src := model.NewImage(model.I420, 131, 77)
	modeltest.Fill(src, 5)
	var first *model.Image
	for _, threads := range []int{1, 2, 3, 7, 16} {
		e, err := Open(w, model.Options{Precision: model.Float32, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		style, err := e.Statistics(src)
		if err != nil {
			t.Fatal(err)
		}
		dst := model.NewImage(src.Format, src.Width, src.Height)
		if err := e.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 1}); err != nil {
			t.Fatal(err)
		}
		e.Close()
		if first == nil {
			first = dst
		}
		if err := modeltest.CheckPicture(dst, first, modeltest.Float32); err != nil {
			t.Errorf("%d threads: %v", threads, err)
		}
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	mask := &model.Mask{Width: 2, Height: 1, White: []uint8{255, 0}, Second: modeltest.RandomStats(2, modeltest.Widths[3])}
	for _, f := range []model.Format{model.RGB, model.NV12} {
		e, err := Open(modeltest.RandomWeights(1, modeltest.Widths), model.Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		src, dst := model.NewImage(f, 64, 48), model.NewImage(f, 64, 48)
		modeltest.Fill(src, 1)
		style, err := e.Statistics(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*model.Stylization{{Style: style, Alpha: 0.5}, {Style: style, Alpha: 0.5, Mask: mask, PreserveColor: true, Smoothing: 0.8, ProcessingSize: 40}} {
			n := testing.AllocsPerRun(20, func() {
				if err := e.Stylize(dst, src, s); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%v, mask %v: %v allocations a frame, wanted 0", f, s.Mask != nil, n)
			}
		}
	}
}

func TestOpenErrors(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	for _, c := range []struct {
		o    model.Options
		want string
	}{
		{model.Options{Threads: -1}, "-1 threads"},
		{model.Options{Threads: 100000}, "100000 threads"},
		{model.Options{Precision: "double"}, `precision "double"`},
	} {
		if _, err := Open(w, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, wanted one that says %s", c.o, err, c.want)
		}
	}
}

// TestAutoPrecision follows the rule: bfloat16 only where the processor has it and the weights say that it is harmless.
func TestAutoPrecision(t *testing.T) {
	native := hasBFloat16()
	for _, c := range []struct {
		db   string
		half bool
	}{{"", false}, {"nonsense", false}, {"NaN", false}, {"44.9", false}, {"45", native}, {"60", native}} {
		w := &model.Weights{Metadata: map[string]string{HalfPSNR: c.db}}
		half, why, err := chooseHalf(w, model.AutoPrecision)
		if err != nil || half != c.half || why == "" {
			t.Errorf("%q dB, native %v: half %v because %q, error %v, wanted %v", c.db, native, half, why, err, c.half)
		}
	}
	if _, _, err := chooseHalf(&model.Weights{}, model.Half); (err == nil) != native {
		t.Errorf("half with native %v: error %v", native, err)
	}
}
