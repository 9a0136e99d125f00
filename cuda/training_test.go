package cuda

import (
	"math"
	"slices"
	"strings"
	"testing"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/safetensors"
)

// shortTraining are the cases of a short test: the smallest that together launch every kernel, and what is not arithmetic.
var shortTraining = []string{"alphas", "not finite", "bad options"}

// once runs on the GPU that the driver finds, or on one emulated GPU: all of them multiply in the same way here. Nothing may stay there.
func once(t *testing.T) {
	t.Helper()
	if !emu.Present() && driver.Available() == nil {
		return
	}
	emu.Need(t)
	before := emu.Live()
	t.Cleanup(func() { // after those that the test adds
		if after := emu.Live(); after != before {
			t.Errorf("left on the GPU: %+v, before: %+v", after, before)
		}
	})
}

// TestTrainingConformance runs the suite that every training engine passes.
func TestTrainingConformance(t *testing.T) {
	once(t)
	for _, c := range modeltest.TrainingCases(OpenTraining, modeltest.TrainingFloat16) {
		if testing.Short() && !slices.Contains(shortTraining, c.Name) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTrainingUndivided holds the loss that comes through no division by a deviation, which enlarges what is rounded, to a sharper bound than
// the one that all cases need.
func TestTrainingUndivided(t *testing.T) {
	once(t)
	tolerance := modeltest.TrainingFloat16
	tolerance.Gradients, tolerance.Floor = 0.02, 1e-3
	for _, c := range modeltest.TrainingCases(OpenTraining, tolerance) {
		if c.Name == "identity" {
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		}
	}
}

// trainingPair is an engine of small widths and a batch for it.
func trainingPair(t *testing.T, encoder bool, alphas []float32) (*Training, *model.Batch) {
	t.Helper()
	w := modeltest.RandomWeights(1, modeltest.Widths)
	loss := slices.Clone(w.Layers[:10])
	if encoder {
		w = modeltest.RandomWeights(2, modeltest.Widths)
	}
	o := model.TrainingOptions{Encoder: encoder, Batch: len(alphas), Height: 8, Width: 16}
	e, err := OpenTraining(loss, w, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 { // the second does nothing
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return e.(*Training), modeltest.RandomBatch(3, o, alphas)
}

// TestGoldenTraining compares with PyTorch's losses and gradients in float64. Pictures of 32x32 have 16 pixels of relu4_1.
func TestGoldenTraining(t *testing.T) {
	once(t)
	const name = "../model/testdata/training.safetensors"
	f, err := model.ReadTensors(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		prefix, gradient, loss string
		encoder                bool
	}{{"", "grad.", "loss", false}, {"student.", "grad_all.", "loss_all", true}} {
		loss, w := goldenNetwork(t, f, ""), goldenNetwork(t, f, c.prefix)
		e, err := OpenTraining(loss.Layers[:10], w, model.TrainingOptions{Encoder: c.encoder, Batch: 2, Height: 32, Width: 32})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		b := &model.Batch{Content: tensor(t, f, "content"), Style: tensor(t, f, "style"), Alpha: []float32{1, 1}}
		l, err := e.Step(b, model.Update{Objective: model.Objective{Content: 1, Style: 10}})
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.loss+".content", 1e-2, []float32{float32(l.Content)}, tensor(t, f, c.loss+".content"))
		near(t, c.loss+".style", 1e-2, []float32{float32(l.Style)}, tensor(t, f, c.loss+".style"))
		s, err := e.State()
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, layer := range w.Widths.Trained(c.encoder) {
			for _, part := range []struct {
				name string
				n    int
			}{{".weight", layer.MAC()}, {".bias", layer.Out}} {
				g := slices.Clone(s.First[at:][:part.n])
				for i := range g {
					g[i] *= 10 // a tenth of the gradient is in the first moment
				}
				near(t, c.gradient+layer.Key()+part.name, 0.1, g, tensor(t, f, c.gradient+layer.Key()+part.name))
				at += part.n
			}
		}
	}
}

func goldenNetwork(t *testing.T, f *safetensors.File, prefix string) *model.Weights {
	t.Helper()
	w, err := model.AssembleWeights("golden", "", func(key string) ([]int, []float32, error) {
		if key[0] == 'e' {
			key = prefix + key
		}
		return f.Tensors[key].Shape, tensor(t, f, key), nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func tensor(t *testing.T, f *safetensors.File, name string) []float32 {
	t.Helper()
	v, err := f.Tensors[name].Float32()
	if err != nil || len(v) == 0 {
		t.Fatalf("%s: %d values, %v", name, len(v), err)
	}
	return v
}

// near demands that the differences are a share of the values wanted, both as roots of sums of squares.
func near(t *testing.T, name string, share float64, got, want []float32) {
	t.Helper()
	var difference, square float64
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		difference += d * d
		square += float64(v) * float64(v)
	}
	if !(difference <= share*share*square) {
		t.Errorf("%s: differs by %.3g of %.3g", name, math.Sqrt(difference/square), math.Sqrt(square))
	}
}

// TestGradientScale demands the same bits for scales that neither lose nor exceed what float16 holds, and that one that exceeds it is given up
// without a trace.
func TestGradientScale(t *testing.T) {
	once(t)
	var states []*model.TrainingState
	for _, weight := range []float64{1 << 4, 1 << 8, 1 << 38} {
		e, b := trainingPair(t, false, []float32{1, 0.5})
		for i := range b.Motion { // whole pixels: what a pixel has a small share in is less than float16 holds
			b.Motion[i] = model.Translation(2, -1)
		}
		u := model.Update{Objective: model.Objective{Content: weight, Style: weight, Identity: weight, Consistency: weight}, Rate: 1e-3, ClipNorm: 1e-3}
		l, err := e.Step(b, u)
		if err != nil {
			t.Fatal(err)
		}
		if weight < 1<<8 && l.Repeats > 0 || weight > 1<<30 && l.Repeats == 0 {
			t.Errorf("with weights of %g the step was computed again %d times", weight, l.Repeats)
		}
		s, err := e.State()
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, s)
	}
	for _, s := range states[1:] {
		if !slices.Equal(s.First, states[0].First) {
			t.Error("gradients of losses that differ by a power of two, clipped to the same length, are not the same")
		}
	}
}

// TestTrainingOutOfMemory demands an error that says how much was wanted, and the state of before.
func TestTrainingOutOfMemory(t *testing.T) {
	emu.Need(t)
	e, b := trainingPair(t, true, []float32{1})
	before, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	u := model.Update{Objective: model.Objective{Identity: 1}, Rate: 1e-3}
	emu.FailFunction("cuMemAlloc_v2", 3, outOfMemory)
	_, err = e.Step(b, u)
	emu.Reset()
	if !driver.IsOutOfMemory(err) || !strings.Contains(err.Error(), "1 pictures of 16x8") {
		t.Errorf("%v, wanted one that names the batch", err)
	}
	after, err := e.State()
	if err != nil || !slices.Equal(after.Parameters, before.Parameters) || after.Steps != 0 {
		t.Errorf("the state changed: %v", err)
	}
	if _, err := e.Step(b, u); err != nil {
		t.Errorf("the step after it: %v", err)
	}
}

// TestEveryTrainingCallFails lets each call of the driver fail in a training's life: there is an error or none, the state of an engine whose
// step failed is that of before, and nothing stays on the GPU.
func TestEveryTrainingCallFails(t *testing.T) {
	emu.Need(t)
	if err := driver.Available(); err != nil { // the driver starts once in a process, and a failure then is for good
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 83
	}
	n := 1
	for trainingFailsOnce(t, n) {
		n += step
	}
	if n < 100 {
		t.Errorf("%d calls in a training's life", n-1)
	}
}

func trainingFailsOnce(t *testing.T, n int) bool {
	t.Helper()
	w := modeltest.RandomWeights(1, modeltest.Widths)
	o := model.TrainingOptions{Encoder: true, Batch: 1, Height: 8, Width: 8}
	b := modeltest.RandomBatch(3, o, []float32{1})
	u := model.Update{Objective: model.Objective{Content: 1, Style: 1, Identity: 1, Consistency: 1}, Rate: 1e-3}
	before := emu.Live()
	emu.Reset()
	emu.FailCall(n, []int{unknown, outOfMemory}[n%2])
	err := func() error {
		e, err := OpenTraining(slices.Clone(w.Layers[:10]), w, o)
		if err != nil {
			return err
		}
		defer e.Close()
		start, err := e.State()
		if err != nil {
			return err
		}
		_, failed := e.Step(b, u)
		if now, err := e.State(); failed != nil && err == nil && (now.Steps != 0 || !slices.Equal(now.First, start.First) || !slices.Equal(now.Parameters, start.Parameters)) {
			t.Errorf("call %d fails: %v, but the state is another one", n, failed)
		}
		if failed != nil {
			return failed
		}
		s, err := e.State()
		if err != nil {
			return err
		}
		if err := e.Restore(s); err != nil {
			return err
		}
		return e.Close()
	}()
	failed := emu.Failed()
	emu.Reset()
	if after := emu.Live(); after != before {
		t.Fatalf("call %d fails (%v): left on the GPU: %+v, before: %+v", n, err, after, before)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "cuda: ") {
		t.Errorf("call %d fails: %q does not say where", n, err)
	}
	if failed == 0 && err != nil {
		t.Fatalf("no call failed, but: %v", err)
	}
	return failed > 0
}

// TestTrainingMemory compares what a training was said to take with what it took, to the byte.
func TestTrainingMemory(t *testing.T) {
	once(t)
	for _, c := range []struct {
		encoder   bool
		objective model.Objective
	}{
		{false, model.Objective{Content: 1, Style: 1}}, {true, model.Objective{Content: 1, Style: 1, Identity: 1, Consistency: 1}}, {true, model.Objective{Identity: 1}},
	} {
		e, b := trainingPair(t, c.encoder, []float32{1, 0.5, 1})
		needed, free, err := TrainingMemory(e.widths, e.widths, model.TrainingOptions{Encoder: c.encoder, Height: 8, Width: 16, Options: model.Options{DeviceID: -1}}, c.objective)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Step(b, model.Update{Objective: c.objective}); err != nil {
			t.Fatal(err)
		}
		if took := e.bytes + e.plan.bytes; needed(3) != took {
			t.Errorf("%+v: a batch of 3 needs %d bytes, and took %d", c, needed(3), took)
		}
		if needed(4) <= needed(3) || free <= 0 {
			t.Errorf("%+v: a batch of 4 needs %d bytes, one of 3 %d; %d are free", c, needed(4), needed(3), free)
		}
	}
	if _, _, err := TrainingMemory(modeltest.Widths, modeltest.Widths, model.TrainingOptions{Options: model.Options{DeviceID: -1, Precision: model.Float32}}, model.Objective{}); err == nil {
		t.Error("a training in float32 has an estimate")
	}
}
