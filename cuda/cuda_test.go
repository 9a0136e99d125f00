package cuda

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/emu"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
)

// Verdicts of self-tests on an emulated GPU are kept for the tests of this process.
func TestMain(m *testing.M) {
	os.Exit(emu.Main(tests{m}))
}

type tests struct{ *testing.M }

func (t tests) Run() int {
	folder, err := os.MkdirTemp("", "verdicts")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	verdictFolder = func() (string, error) { return folder, nil }
	return t.M.Run()
}

// capabilities are those of the two ways to multiply.
var capabilities = []string{"80", "90"}

// each runs a test on the GPU that the driver finds, which is one where the test program came alone (pipelines/gpu); elsewhere on an
// emulated GPU of each kind.
func each(t *testing.T, test func(t *testing.T)) {
	if !emu.Present() && driver.Available() == nil {
		test(t)
		return
	}
	emulated(t, test)
}

// emulated runs a test on an emulated GPU of each kind.
func emulated(t *testing.T, test func(t *testing.T)) {
	emu.Need(t)
	for _, c := range capabilities {
		t.Run("compute capability "+c, func(t *testing.T) {
			t.Setenv("EMU_CC", c)
			before := emu.Live()
			t.Cleanup(func() { // after those that the test adds
				if after := emu.Live(); after != before {
					t.Errorf("left on the GPU: %+v, before: %+v", after, before)
				}
			})
			test(t)
		})
	}
}

// formats are those that a test goes through: under -short each on one of the two emulated GPUs.
func formats() []model.Format {
	all, first := model.CUDAFormats(), 0
	if !testing.Short() {
		return all
	}
	if os.Getenv("EMU_CC") == capabilities[1] {
		first = 1
	}
	var some []model.Format
	for i := first; i < len(all); i += 2 {
		some = append(some, all[i])
	}
	return some
}

// TestConformance runs the suite that every engine passes. Networks as narrow as its own run the same kernels on emulated GPUs of either
// kind, so under -short each case runs on one of them.
func TestConformance(t *testing.T) {
	each(t, func(t *testing.T) {
		for i, c := range modeltest.Cases(Open, modeltest.Float16) {
			other := os.Getenv("EMU_CC") == capabilities[(i+1)%2]
			if testing.Short() && other && c.Name != "lite widths" {
				continue
			}
			t.Run(c.Name, func(t *testing.T) {
				if err := c.Check(); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// wideCase is a network that is compared with the reference at some sizes.
type wideCase struct {
	widths     model.Widths
	processors string // of an emulated GPU
	sizes      [][2]int
	upsampling string // nearest if empty
}

// wideCases have layers with the paper's channels, planes with every kind of partial tile, and widths that are no multiples of 16 or odd
// multiples of it. The small ones use every kernel: large tiles where a small plane pays on one processor only.
func wideCases() []wideCase {
	cases := []wideCase{
		{model.Widths{64, 128, 128, 128}, "1", [][2]int{{19, 33}}, ""}, {model.Widths{64, 64, 128, 192}, "3", [][2]int{{24, 16}}, ""},
		{model.Widths{4, 20, 48, 80}, "3", [][2]int{{17, 35}}, ""},
		{model.Widths{16, 64, 128, 128}, "3", [][2]int{{11, 21}}, "bilinear"}, {model.Widths{4, 32, 64, 48}, "3", [][2]int{{19, 9}}, "bilinear"},
	}
	if !testing.Short() {
		cases = append(cases, wideCase{model.VGG19, "3", [][2]int{{8, 8}, {33, 19}}, ""},
			wideCase{model.Widths{64, 64, 128, 192}, "3", [][2]int{{40, 24}, {72, 88}}, ""},
			wideCase{model.VGG19, "3", [][2]int{{17, 26}}, "nearest,bilinear,bilinear"})
	}
	return cases
}

// TestWideLayers compares with the reference, and demands that every kernel for convolutions has been used.
func TestWideLayers(t *testing.T) {
	each(t, func(t *testing.T) {
		used := map[string]bool{}
		hopper := false
		for i, c := range wideCases() {
			t.Setenv("EMU_SMS", c.processors)
			w, err := modeltest.RandomWeights(1, c.widths).WithUpsamplings(cmp.Or(c.upsampling, "nearest"))
			if err != nil {
				t.Fatal(err)
			}
			got := openWeights(t, w, model.Options{DeviceID: -1})
			want, err := ref.Open(got.Weights(), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for k, size := range c.sizes {
				for m, mask := range []*model.Mask{nil, halves(c.widths[3])} {
					if testing.Short() && (i+k+m)%2 != 0 {
						continue
					}
					compareFrame(t, got, want, size, mask)
					for _, l := range got.schedule.launches[flag(mask != nil)][0].list {
						used[l.name] = true
					}
				}
			}
			hopper = got.device.wgmma
		}
		for _, m := range kernels.Modules {
			for _, k := range m.Kernels {
				if convolution := hopper && strings.HasPrefix(m.Name, "conv90") || m.Name == "conv" && !hopper; convolution && !used[k.Name()] {
					t.Errorf("kernel %s has not been used", k.Name())
				}
			}
		}
	})
}

// compareFrame demands the reference's result for a frame.
func compareFrame(t *testing.T, got, want model.Engine, size [2]int, mask *model.Mask) {
	t.Helper()
	src, a := pair(model.RGB, size[0], size[1])
	b := model.NewImage(model.RGB, size[0], size[1])
	channels := got.Weights().Widths[3]
	s := model.Stylization{Style: modeltest.RandomStats(3, channels), Alpha: 0.8, Mask: mask}
	if err := want.Stylize(a, src, &s); err != nil {
		t.Fatal(err)
	}
	if err := got.Stylize(b, src, &s); err != nil {
		t.Fatal(err)
	}
	if err := modeltest.CheckPicture(b, a, modeltest.Float16); err != nil {
		t.Errorf("%v at %v, mask %v: %v", got.Weights().Widths, size, mask != nil, err)
	}
}

func open(t *testing.T, widths model.Widths, o model.Options) *Engine {
	t.Helper()
	return openWeights(t, modeltest.RandomWeights(1, widths), o)
}

func openWeights(t *testing.T, w *model.Weights, o model.Options) *Engine {
	t.Helper()
	e, err := Open(w, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e.(*Engine)
}

// halves is a mask whose regions meet in the middle.
func halves(channels int) *model.Mask {
	return &model.Mask{Width: 5, Height: 1, White: []uint8{255, 255, 100, 0, 0}, Second: modeltest.RandomStats(7, channels)}
}

// pair is a content and room for the result.
func pair(f model.Format, w, h int) (src, dst *model.Image) {
	src, dst = model.NewImage(f, w, h), model.NewImage(f, w, h)
	modeltest.Fill(src, 5)
	return src, dst
}

// TestDescribe names what computes.
func TestDescribe(t *testing.T) {
	emulated(t, func(t *testing.T) {
		text := open(t, modeltest.Widths, model.Options{DeviceID: -1}).Describe()
		want := map[string]string{"80": "mma.sync", "90": "wgmma"}[os.Getenv("EMU_CC")]
		if !strings.Contains(text, want) || !strings.Contains(text, "GPU 0") {
			t.Errorf("%q, wanted GPU 0 and %s", text, want)
		}
	})
}

// TestOpenRefuses lists machines and wishes without a chance.
func TestOpenRefuses(t *testing.T) {
	emu.Need(t)
	w := modeltest.RandomWeights(1, modeltest.Widths)
	for _, c := range []struct {
		name        string
		environment string
		options     model.Options
		says        string
	}{
		{"float32", "", model.Options{DeviceID: -1, Precision: model.Float32}, "float32"},
		{"unknown precision", "", model.Options{DeviceID: -1, Precision: "int8"}, "int8"},
		{"no such GPU", "EMU_DEVICES=2", model.Options{DeviceID: 2}, "no GPU 2, wanted 0 to 1"},
		{"too old", "EMU_CC=75", model.Options{DeviceID: -1}, "compute capability 7.5, wanted 8.0"},
		{"too old, by number", "EMU_CC=75", model.Options{DeviceID: 0}, "compute capability 7.5, wanted 8.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if name, value, ok := strings.Cut(c.environment, "="); ok {
				t.Setenv(name, value)
			}
			e, err := Open(w, c.options)
			if err == nil {
				e.Close()
				t.Fatal("opened")
			}
			if !strings.HasPrefix(err.Error(), "cuda: ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q, wanted %q in it", err, c.says)
			}
		})
	}
}
