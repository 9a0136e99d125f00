package ref_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
	"adainfilter/model/safetensors"
)

// The training file holds a batch of two at 32x32 and PyTorch's losses, gradients and three steps of Adam, in float64 rounded
// to float32.
const goldenTraining = "../testdata/training.safetensors"

func readGolden(t *testing.T) (f *safetensors.File, values func(key string) []float32) {
	t.Helper()
	f, err := model.ReadTensors(goldenTraining)
	if err != nil {
		t.Fatal(err)
	}
	return f, func(key string) []float32 {
		t.Helper()
		v, err := f.Tensors[key].Float32()
		if err != nil || len(v) == 0 {
			t.Fatalf("%s: %d values, %v", key, len(v), err)
		}
		return v
	}
}

// goldenWeights are the network with the encoder under a prefix.
func goldenWeights(t *testing.T, f *safetensors.File, prefix string) *model.Weights {
	t.Helper()
	w, err := model.AssembleWeights(goldenTraining, "", func(key string) ([]int, []float32, error) {
		if key[0] == 'e' {
			key = prefix + key
		}
		v, err := f.Tensors[key].Float32()
		return f.Tensors[key].Shape, v, err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// compareParameters compares a vector with the tensors that have a prefix.
func compareParameters(t *testing.T, w *model.Weights, encoder bool, v []float32, want func(key string) []float32, prefix string, tolerance float64) {
	t.Helper()
	got, err := w.WithTrained(encoder, v)
	if err != nil {
		t.Fatal(err)
	}
	trained := w.Widths.Trained(encoder)
	for _, c := range got.Layers {
		if slices.Contains(trained, c.Layer) {
			modeltest.Close(t, prefix+c.Key()+".weight", c.Weight, want(prefix+c.Key()+".weight"), tolerance)
			modeltest.Close(t, prefix+c.Key()+".bias", c.Bias, want(prefix+c.Key()+".bias"), tolerance)
		}
	}
}

func openTraining(t *testing.T, loss []model.Conv, w *model.Weights, o model.TrainingOptions) model.TrainingEngine {
	t.Helper()
	e, err := ref.OpenTraining(loss, w, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// After one step Adam's first moment is a tenth of the gradient; both are rounded to float32.
const goldenTolerance = 1e-6

func TestGoldenGradients(t *testing.T) {
	f, values := readGolden(t)
	loss := goldenWeights(t, f, "").Layers[:10]
	for _, c := range []struct {
		encoder        bool
		prefix         string
		losses, suffix string
	}{
		{false, "", "loss", "grad."},
		{true, "student.", "loss_all", "grad_all."},
	} {
		w := goldenWeights(t, f, c.prefix)
		e := openTraining(t, loss, w, model.TrainingOptions{Encoder: c.encoder, Batch: 2, Height: 32, Width: 32})
		b := &model.Batch{Content: values("content"), Style: values("style"), Alpha: []float32{1, 1}}
		losses, err := e.Step(b, model.Update{Objective: model.Objective{Content: 1, Style: 10}})
		if err != nil {
			t.Fatal(err)
		}
		modeltest.Close(t, "content loss", []float64{losses.Content}, values(c.losses+".content"), goldenTolerance)
		modeltest.Close(t, "style loss", []float64{losses.Style}, values(c.losses+".style"), goldenTolerance)
		s, err := e.State()
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.First {
			s.First[i] *= 10
		}
		compareParameters(t, w, c.encoder, s.First, values, c.suffix, goldenTolerance)
	}
}

func TestGoldenAdam(t *testing.T) {
	f, values := readGolden(t)
	w := goldenWeights(t, f, "")
	e := openTraining(t, w.Layers[:10], w, model.TrainingOptions{Batch: 2, Height: 32, Width: 32})
	b := &model.Batch{Content: values("content"), Style: values("style"), Alpha: []float32{1, 1}}
	for step := range 3 {
		losses, err := e.Step(b, model.Update{Objective: model.Objective{Content: 1, Style: 10}, Rate: 1e-3})
		if err != nil {
			t.Fatal(err)
		}
		modeltest.Close(t, "loss", []float64{losses.Total}, values("adam.loss")[step:step+1], goldenTolerance)
		s, err := e.State()
		if err != nil {
			t.Fatal(err)
		}
		compareParameters(t, w, false, s.Parameters, values, fmt.Sprintf("adam%d.", step+1), goldenTolerance)
	}
}

// What the golden file has no values for, alphas, identity, consistency and lattice, with values of PyTorch: it computed them in float64
// from the files that this test writes beside the path in ADAIN_DUMP, with trainer/peer/step.py --check.
func TestLossesOfPyTorch(t *testing.T) {
	for _, c := range []struct {
		name        string
		motion      func(m model.Affine) model.Affine
		consistency float64
	}{
		{"whole pixels", whole, 0.0027084850073107298},
		{"affine", func(m model.Affine) model.Affine { return m }, 0.0026338574927249944},
	} {
		t.Run(c.name, func(t *testing.T) { checkLossesOfPyTorch(t, c.name, c.motion, c.consistency) })
	}
}

// whole is a map rounded to that of whole pixels.
func whole(m model.Affine) model.Affine {
	for i, v := range m {
		m[i] = float32(math.Round(float64(v)))
	}
	return m
}

func checkLossesOfPyTorch(t *testing.T, name string, motion func(m model.Affine) model.Affine, consistency float64) {
	w, loss := modeltest.RandomWeights(4, model.Widths{4, 4, 8, 12}), modeltest.RandomWeights(5, model.Widths{8, 4, 12, 4}).Layers[:10]
	o := model.TrainingOptions{Encoder: true, Batch: 3, Height: 16, Width: 24}
	b := modeltest.RandomBatch(6, o, []float32{1, 0.25, 0})
	for i, m := range b.Motion {
		b.Motion[i] = motion(m)
	}
	e := openTraining(t, loss, w, o)
	got, err := e.Step(b, model.Update{Objective: model.Objective{Content: 1, Style: 1, Identity: 1, Consistency: 1, Lattice: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("ADAIN_DUMP"); path != "" {
		dumpTraining(t, path+"."+name, loss, w, o, b, got)
	}
	for _, l := range []struct {
		name      string
		got, want float64
	}{
		{"content", got.Content, 1.3054784475737835},
		{"style", got.Style, 8.775303022777779},
		{"identity", got.Identity, 0.08894025075790885},
		{"consistency", got.Consistency, consistency},
		{"lattice", got.Lattice, 0.0001928342590464257},
	} {
		modeltest.Close(t, l.name, []float64{l.got}, []float64{l.want}, goldenTolerance)
	}
}

func dumpTraining(t *testing.T, path string, loss []model.Conv, w *model.Weights, o model.TrainingOptions, b *model.Batch, l model.Losses) {
	t.Helper()
	shape := []int{o.Batch, 3, o.Height, o.Width}
	var motion []float32
	for _, m := range b.Motion {
		motion = append(motion, m[:]...)
	}
	tensors := []safetensors.Tensor{
		safetensors.Float32("content", shape, b.Content), safetensors.Float32("style", shape, b.Style),
		safetensors.Float32("moved", shape, b.Moved), safetensors.Float32("alpha", shape[:1], b.Alpha),
		safetensors.Float32("motion", []int{o.Batch, 6}, motion),
		safetensors.Float32("loss_all.content", []int{1}, []float32{float32(l.Content)}),
		safetensors.Float32("loss_all.style", []int{1}, []float32{float32(l.Style)}),
		safetensors.Float32("loss_all.identity", []int{1}, []float32{float32(l.Identity)}),
		safetensors.Float32("loss_all.consistency", []int{1}, []float32{float32(l.Consistency)}),
		safetensors.Float32("loss_all.lattice", []int{1}, []float32{float32(l.Lattice)}),
	}
	layer := func(prefix string, c model.Conv) {
		tensors = append(tensors, safetensors.Float32(prefix+c.Key()+".weight", []int{c.Out, c.In, c.Kernel, c.Kernel}, c.Weight),
			safetensors.Float32(prefix+c.Key()+".bias", []int{c.Out}, c.Bias))
	}
	for _, c := range loss {
		layer("", c)
	}
	for _, c := range w.Layers {
		prefix := ""
		if c.Side == model.Encoder {
			prefix = "student."
		}
		layer(prefix, c)
	}
	if err := model.WriteTensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
}

// lossAt is the total loss of a batch with the parameters v: a step that changes nothing computes it.
func lossAt(t *testing.T, e model.TrainingEngine, v []float32, b *model.Batch, u model.Update) float64 {
	t.Helper()
	s, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	s.Parameters = v
	if err := e.Restore(s); err != nil {
		t.Fatal(err)
	}
	losses, err := e.Step(b, model.Update{Objective: u.Objective})
	if err != nil {
		t.Fatal(err)
	}
	return losses.Total
}

// The gradient of the whole loss is that of central differences, whatever the operations between parameters and loss.
func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		encoder       bool
		height, width int
		alphas        []float32
	}{
		{true, 24, 40, []float32{0.4}}, {false, 24, 40, []float32{0.7}},
		{true, 8, 8, []float32{0, 0.5, 1}}, {false, 8, 8, []float32{1}},
	} {
		t.Run(fmt.Sprintf("%dx%d encoder %v", c.height, c.width, c.encoder), func(t *testing.T) {
			w := modeltest.RandomWeights(4, model.Widths{4, 4, 4, 8})
			loss := w.Layers[:10]
			if c.encoder {
				loss = modeltest.RandomWeights(5, model.Widths{4, 4, 8, 4}).Layers[:10]
			}
			o := model.TrainingOptions{Encoder: c.encoder, Batch: len(c.alphas), Height: c.height, Width: c.width}
			e := openTraining(t, loss, w, o)
			u := model.Update{Objective: model.Objective{Content: 1, Style: 3, Identity: 20, Consistency: 50, Lattice: 400}}
			b := distantBatch(t, e.(*ref.Training), o, c.alphas, u)
			if _, err := e.Step(b, u); err != nil {
				t.Fatal(err)
			}
			s, err := e.State()
			if err != nil {
				t.Fatal(err)
			}
			checkDifferences(t, e, w.Widths.Trained(c.encoder), s, b, u)
		})
	}
}

// distantBatch keeps a distance from all places where the gradient jumps.
func distantBatch(t *testing.T, e *ref.Training, o model.TrainingOptions, alphas []float32, u model.Update) *model.Batch {
	t.Helper()
	for seed := range uint64(200) {
		b := modeltest.RandomBatch(seed, o, alphas)
		if margin, err := e.Margin(b, u); err != nil {
			t.Fatal(err)
		} else if margin > 1e-5 {
			return b
		}
	}
	t.Fatal("no batch keeps its distance")
	return nil
}

// checkDifferences compares some parameters of every layer. Steps are about 1e-6 of a weight: small enough that no ReLU changes
// its side, and the loss, some units large, is exact to 1e-15.
func checkDifferences(t *testing.T, e model.TrainingEngine, layers []model.Layer, s *model.TrainingState, b *model.Batch, u model.Update) {
	rng := rand.New(rand.NewPCG(7, 7))
	at := 0
	for _, l := range layers {
		n := l.MAC() + l.Out
		gradient := s.First[at : at+n]
		var scale float64
		for _, g := range gradient {
			scale = max(scale, 10*math.Abs(float64(g)))
		}
		step := float32(1e-6)
		if l.Name == "conv1_1" {
			step = 1e-8 // its inputs are 255 times as large
		}
		for _, i := range []int{rng.IntN(l.MAC()), l.MAC() + rng.IntN(l.Out)} {
			up, down := slices.Clone(s.Parameters), slices.Clone(s.Parameters)
			up[at+i] += step
			down[at+i] -= step
			want := (lossAt(t, e, up, b, u) - lossAt(t, e, down, b, u)) / (float64(up[at+i]) - float64(down[at+i]))
			if got := 10 * float64(gradient[i]); !(math.Abs(got-want) <= 1e-5*scale) {
				t.Errorf("gradient of parameter %d of %s is %v, differences give %v; the layer's largest is %v", i, l.Name, got, want, scale)
			}
		}
		at += n
	}
}
