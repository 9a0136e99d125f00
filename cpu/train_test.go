package cpu

import (
	"fmt"
	"math"
	"slices"
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

// TestGoldenTraining compares with PyTorch, with the kernels of each instruction set that this processor has, and in half precision: the
// golden network has no layer that is wide enough for bfloat16, so its bounds hold.
func TestGoldenTraining(t *testing.T) {
	withKernels(t, func(t *testing.T) { goldenTrainingSteps(t, model.Float32) })
	t.Run("half", func(t *testing.T) {
		needBFloat16(t)
		goldenTrainingSteps(t, model.Half)
	})
}

// needBFloat16 skips a test where training in half precision is refused.
func needBFloat16(t *testing.T) {
	if !hasBFloat16() {
		t.Skip("this processor has no bfloat16 instructions")
	}
}

func goldenTrainingSteps(t *testing.T, precision model.Precision) {
	g := openGolden(t)
	for _, c := range []struct {
		prefix, grad, loss string
		encoder            bool
	}{{"", "grad", "loss", false}, {"student.", "grad_all", "loss_all", true}} {
		loss, w := g.weights("").Layers[:10], g.weights(c.prefix)
		o := model.TrainingOptions{Options: model.Options{Precision: precision}, Encoder: c.encoder, Batch: 2, Height: 32, Width: 32}
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
	t.Run("half", func(t *testing.T) {
		needBFloat16(t)
		modeltest.RunTraining(t, OpenTraining, modeltest.TrainingHalf)
	})
}

// TestHalfTraining compares a step of real networks with that of float32. The bounds are four times what was measured: losses 0.3 % off, a
// layer's gradients 8 % (root mean square), which is what ReLUs that took the other side make of rounding errors of 1 %.
func TestHalfTraining(t *testing.T) {
	needBFloat16(t)
	vgg := modeltest.RandomWeights(1, model.VGG19)
	for _, c := range []struct {
		name string
		w    *model.Weights
	}{{"lite", modeltest.RandomWeights(2, model.Lite)}, {"decoder", vgg}} {
		t.Run(c.name, func(t *testing.T) {
			encoder := c.w != vgg
			o := model.TrainingOptions{Encoder: encoder, Batch: 1, Height: 64, Width: 48}
			b := modeltest.RandomBatch(3, o, []float32{.9})
			u := model.Update{Objective: model.Objective{Content: 1, Style: 10}, Rate: 1e-4, EncoderRate: 1e-4, FirstRate: 1e-6}
			var losses [2]model.Losses
			var states [2]*model.TrainingState
			for i, p := range []model.Precision{model.Float32, model.Half} {
				o.Precision = p
				e, err := OpenTraining(vgg.Layers[:10], c.w, o)
				if err != nil {
					t.Fatal(err)
				}
				defer e.Close()
				if losses[i], err = e.Step(b, u); err != nil {
					t.Fatal(err)
				}
				if states[i], err = e.State(); err != nil {
					t.Fatal(err)
				}
			}
			if off := losses[1].Total/losses[0].Total - 1; !(math.Abs(off) <= 0.012) || off == 0 {
				t.Errorf("the loss is %g, in float32 %g: %.2g off, wanted more than 0 and at most 0.012", losses[1].Total, losses[0].Total, off)
			}
			at := 0
			for _, l := range c.w.Widths.Trained(encoder) {
				want, got := states[0].First[at:at+l.MAC()], states[1].First[at:at+l.MAC()]
				at += l.MAC() + l.Out
				difference, all := 0., 0.
				for i := range want {
					difference += math.Pow(float64(got[i]-want[i]), 2)
					all += math.Pow(float64(want[i]), 2)
				}
				if d := math.Sqrt(difference / all); !(d <= 0.32) {
					t.Errorf("gradient of %s: root mean square of differences is %.2g of that of the gradient, wanted at most 0.32", l.Name, d)
				}
			}
		})
	}
}

// TestHalfBias demands that roundings cancel out: over some batches the gradients in half precision are neither shorter nor longer than those of
// float32, and the loss is as often above as below. A rounding that goes one way only, by half a unit, makes each product 0.4 % smaller, and the
// gradients of the first layers, to which some twenty products lead, by several per cent.
func TestHalfBias(t *testing.T) {
	needBFloat16(t)
	const batches = 6
	vgg, w := modeltest.RandomWeights(1, model.VGG19), modeltest.RandomWeights(2, model.Lite)
	o := model.TrainingOptions{Encoder: true, Batch: 1, Height: 48, Width: 48}
	// Too small a step to change a parameter, so that the batches do not depend on each other.
	u := model.Update{Objective: model.Objective{Content: 1, Style: 10}, Rate: 1e-30, EncoderRate: 1e-30, FirstRate: 1e-30}
	var gradients [2][batches][]float32
	var losses [2][batches]float64
	for i, p := range []model.Precision{model.Float32, model.Half} {
		o.Precision = p
		e, err := OpenTraining(vgg.Layers[:10], w, o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		start, err := e.State()
		if err != nil {
			t.Fatal(err)
		}
		for k := range batches {
			if err := e.Restore(start); err != nil {
				t.Fatal(err)
			}
			l, err := e.Step(modeltest.RandomBatch(uint64(k), o, []float32{1}), u)
			if err != nil {
				t.Fatal(err)
			}
			s, err := e.State()
			if err != nil {
				t.Fatal(err)
			}
			gradients[i][k], losses[i][k] = s.First, l.Total
		}
	}
	off := 0.
	for k := range batches {
		off += (losses[1][k]/losses[0][k] - 1) / batches
	}
	t.Logf("the loss is %+.4f off", off)
	if !(math.Abs(off) <= 0.012) {
		t.Errorf("the losses are %.4f off on the average, wanted at most 0.012", off)
	}
	at := 0
	for _, l := range w.Widths.Trained(true) {
		along, all := 0., 0.
		for k := range batches {
			for j := at; j < at+l.MAC(); j++ {
				g := float64(gradients[0][k][j])
				along += (float64(gradients[1][k][j]) - g) * g
				all += g * g
			}
		}
		at += l.MAC() + l.Out
		t.Logf("gradients of %s are %+.4f longer", l.Name, along/all)
		if !(math.Abs(along/all) <= 0.04) {
			t.Errorf("gradients of %s are %.4f longer than in float32, wanted at most 0.04 either way", l.Name, along/all)
		}
	}
}

// TestHalfRestore demands the same bits of a training that goes on from a state as of one that was never interrupted.
func TestHalfRestore(t *testing.T) {
	needBFloat16(t)
	o := model.TrainingOptions{Options: model.Options{Precision: model.Half}, Encoder: true, Batch: 2, Height: 32, Width: 48}
	loss, w := modeltest.RandomWeights(1, model.Widths{32, 32, 48, 64}).Layers[:10], modeltest.RandomWeights(2, model.Lite)
	u := model.Update{Objective: model.Objective{Content: 1, Style: 10, Identity: 5}, Rate: 1e-3, EncoderRate: 4e-4, FirstRate: 1e-6, Average: .9}
	var state *model.TrainingState
	var states [2]*model.TrainingState
	for i := range states {
		e, err := OpenTraining(loss, w, o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for step := 2 * i; step < 4; step++ {
			if step == 2 && i == 1 {
				if err := e.Restore(state); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := e.Step(modeltest.RandomBatch(uint64(step), o, []float32{1, .5}), u); err != nil {
				t.Fatal(err)
			}
			if step == 1 {
				if state, err = e.State(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if states[i], err = e.State(); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range [][2][]float32{{states[0].Parameters, states[1].Parameters}, {states[0].First, states[1].First},
		{states[0].Second, states[1].Second}, {states[0].Average, states[1].Average}} {
		if !slices.Equal(v[0], v[1]) {
			t.Error("a training that was restored differs from one that was not")
		}
	}
	if slices.Equal(states[0].Parameters, state.Parameters) {
		t.Error("the parameters did not change after the restored state")
	}
}

// TestTrainingPrecision looks at what each precision becomes with and without bfloat16 instructions.
func TestTrainingPrecision(t *testing.T) {
	for _, c := range []struct {
		precision model.Precision
		native    bool
		half      bool
		wrong     string
	}{
		{model.Float32, true, false, ""}, {model.Float32, false, false, ""},
		{model.Half, true, true, ""}, {model.Half, false, false, "has none"},
		{model.AutoPrecision, true, true, ""}, {model.AutoPrecision, false, false, ""}, {"", true, true, ""}, {"", false, false, ""},
		{"float8", true, false, "wanted"},
	} {
		half, why, err := chooseHalfTraining(c.precision, c.native)
		if half != c.half || (err == nil) != (c.wrong == "") || err == nil && why == "" {
			t.Errorf("%q, native %v: %v, %q, %v", c.precision, c.native, half, why, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q, native %v: %v, wanted %q in it", c.precision, c.native, err, c.wrong)
		}
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
	for _, p := range []model.Precision{model.Float32, model.Half} {
		t.Run(string(p), func(t *testing.T) {
			if p == model.Half {
				needBFloat16(t)
			}
			trainingImplementations(t, vgg, p)
		})
	}
}

func trainingImplementations(t *testing.T, vgg *model.Weights, precision model.Precision) {
	o := model.TrainingOptions{Options: model.Options{Precision: precision}, Encoder: true, Batch: 1, Height: 64, Width: 48}
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
	wanted := 2 * 27 // layers, forwards and backwards
	if precision == model.Half {
		wanted += 12 // weight gradients of wide layers
	}
	if len(names) != wanted {
		t.Errorf("%d convolutions, wanted %d: %v", len(names), wanted, names)
	}
	half := 0
	for i, name := range names {
		if name == "" || strings.Contains(name, "ref") {
			t.Errorf("convolution %d runs on %q", i, name)
		}
		if strings.HasPrefix(strings.TrimPrefix(name, "winograd:"), "bf16 ") {
			half++
		}
	}
	// The loss network has 8 wide layers, the network 12; each is there forwards and backwards, and the network's for its weights.
	if wanted := map[model.Precision]int{model.Float32: 0, model.Half: 2*8 + 3*12}[precision]; half != wanted {
		t.Errorf("%d convolutions multiply bfloat16, wanted %d: %v", half, wanted, names)
	}
}
