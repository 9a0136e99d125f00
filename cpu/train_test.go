package cpu

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/safetensors"
)

// The golden file holds PyTorch's gradients in float64 for widths 4,8,16,32, one batch of two pairs at 32x32, and the decoder
// after each of three Adam steps.
const goldenTraining = "../model/testdata/training.safetensors"

type golden struct {
	t    *testing.T
	file *safetensors.File
}

func openGolden(t *testing.T) golden {
	f, err := model.ReadTensors(goldenTraining)
	if err != nil {
		t.Fatal(err)
	}
	return golden{t, f}
}

func (g golden) values(name string) []float32 {
	v, err := g.file.Tensors[name].Float32()
	if err != nil || len(v) == 0 {
		g.t.Fatalf("%s: %d values, %v", name, len(v), err)
	}
	return v
}

// weights are those of a network whose encoder has the prefix ("student." for the trained one).
func (g golden) weights(prefix string) *model.Weights {
	w, err := model.AssembleWeights(goldenTraining, "", func(key string) ([]int, []float32, error) {
		if key[0] == 'e' {
			key = prefix + key
		}
		return g.file.Tensors[key].Shape, g.values(key), nil
	}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return w
}

// closeTo demands agreement within 1e-3 of the tensor's largest value: float32 sums over 2048 pixels and eighteen layers, each
// 6e-8, enlarged by the differences that the losses are.
func closeTo(t *testing.T, name string, got, want []float32) {
	t.Helper()
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		if d := math.Abs(float64(got[i] - want[i])); !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= 1e-3*largest) {
		t.Errorf("%s: differs by %g of %g", name, worst, largest)
	}
}

// TestGoldenTraining compares with PyTorch, with the kernels of each instruction set that this processor has.
func TestGoldenTraining(t *testing.T) { withKernels(t, goldenTrainingSteps) }

func goldenTrainingSteps(t *testing.T) {
	g := openGolden(t)
	for _, c := range []struct {
		prefix, grad, loss string
		encoder            bool
	}{{"", "grad", "loss", false}, {"student.", "grad_all", "loss_all", true}} {
		loss, w := g.weights("").Layers[:10], g.weights(c.prefix)
		o := model.TrainingOptions{Encoder: c.encoder, Batch: 2, Height: 32, Width: 32}
		e, err := OpenTraining(loss, w, o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		b := &model.Batch{Content: g.values("content"), Style: g.values("style"), Alpha: []float32{1, 1}}
		u := model.Update{Objective: model.Objective{Content: 1, Style: 10}, Rate: 1e-3}
		for step := 1; step <= 3; step++ {
			l, err := e.Step(b, u)
			if err != nil {
				t.Fatal(err)
			}
			state, err := e.State()
			if err != nil {
				t.Fatal(err)
			}
			if step == 1 {
				closeTo(t, c.loss+".content", []float32{float32(l.Content)}, g.values(c.loss+".content"))
				closeTo(t, c.loss+".style", []float32{float32(l.Style)}, g.values(c.loss+".style"))
				g.each(w.Widths, c.encoder, state.First, func(key string, v []float32) {
					for i := range v {
						v[i] *= 10 // a tenth of the gradient is in the first moment
					}
					closeTo(t, c.grad+"."+key, v, g.values(c.grad+"."+key))
				})
			}
			if c.encoder {
				break
			}
			closeTo(t, fmt.Sprint("loss before step ", step), []float32{float32(l.Total)}, g.values("adam.loss")[step-1:step])
			g.each(w.Widths, false, state.Parameters, func(key string, v []float32) {
				name := fmt.Sprintf("adam%d.%s", step, key)
				closeTo(t, name, v, g.values(name))
			})
		}
	}
}

// each calls do with every tensor of a vector of trained parameters.
func (g golden) each(widths model.Widths, encoder bool, v []float32, do func(key string, v []float32)) {
	for _, l := range widths.Trained(encoder) {
		n := l.Out * l.In * l.Kernel * l.Kernel
		do(l.Key()+".weight", v[:n])
		do(l.Key()+".bias", v[n:n+l.Out])
		v = v[n+l.Out:]
	}
	if len(v) != 0 {
		g.t.Fatalf("%d values too many", len(v))
	}
}

// TestTrainingConformance runs the suite with the kernels of each instruction set that this processor has; in a short run that is
// TestGoldenTraining's part.
func TestTrainingConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: TestGoldenTraining trains with all kernels")
	}
	for _, name := range []string{"128-bit vectors", "AVX2", "AVX-512"} {
		t.Run(name, func(t *testing.T) {
			if !useKernels(name) {
				t.Skipf("this processor has no %s", name)
			}
			modeltest.RunTraining(t, OpenTraining, modeltest.TrainingFloat32)
		})
	}
}

// TestOverfit trains a small network on one pair: it must learn it. The loss network is random, so 15 % is far from nothing.
func TestOverfit(t *testing.T) {
	loss := modeltest.RandomWeights(1, model.Widths{16, 32, 32, 64}).Layers[:10]
	o := model.TrainingOptions{Encoder: true, Batch: 1, Height: 32, Width: 32, Cache: 1 << 20}
	e, err := OpenTraining(loss, modeltest.RandomWeights(2, model.Widths{16, 16, 32, 32}), o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b := modeltest.RandomBatch(3, o, []float32{1})
	b.ContentKey, b.StyleKey = []uint64{1}, []uint64{1}
	u := model.Update{Objective: model.Objective{Content: 1, Style: 10}, Rate: 2e-3, EncoderRate: 1e-3, FirstRate: 1e-5}
	var first, last model.Losses
	for step := range 300 {
		l, err := e.Step(b, u)
		if err != nil {
			t.Fatal(err)
		}
		if last = l; step == 0 {
			first = l
		}
	}
	if !(last.Total < 0.15*first.Total) {
		t.Errorf("loss fell from %g to %g in 300 steps, wanted below 15 %%", first.Total, last.Total)
	}
}

// TestTrainingImplementations demands that no convolution of real networks falls to oneDNN's reference code in training.
func TestTrainingImplementations(t *testing.T) {
	vgg := modeltest.RandomWeights(1, model.VGG19)
	o := model.TrainingOptions{Encoder: true, Batch: 1, Height: 64, Width: 48}
	e, err := OpenTraining(vgg.Layers[:10], modeltest.RandomWeights(2, model.Lite), o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	u := model.Update{Objective: model.Objective{Content: 1, Style: 1}, Rate: 1e-4}
	if _, err := e.Step(modeltest.RandomBatch(1, o, []float32{1}), u); err != nil {
		t.Fatal(err)
	}
	names := e.(*Training).implementations()
	if len(names) != 2*27 {
		t.Errorf("%d convolutions, wanted those of 27 layers forwards and backwards: %v", len(names), names)
	}
	for i, name := range names {
		if name == "" || strings.Contains(name, "ref") {
			t.Errorf("convolution %d runs on %q", i, name)
		}
	}
}
