package model_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// encoderOf are the layers of a network that serve as a loss network.
func encoderOf(w *model.Weights) []model.Conv {
	return slices.DeleteFunc(slices.Clone(w.Layers), func(c model.Conv) bool { return c.Side != model.Encoder })
}

func TestTrained(t *testing.T) {
	decoder, all := model.Lite.Trained(false), model.Lite.Trained(true)
	if len(decoder) != 9 || decoder[0].Name != "mirror4_1" || decoder[8].Name != "mirror1_1" {
		t.Errorf("the trained layers of a decoder are %v", decoder)
	}
	if len(all) != 18 || all[0].Name != "conv1_1" || all[8].Name != "conv4_1" || !slices.Equal(all[9:], decoder) {
		t.Errorf("the trained layers with the encoder are %v", all)
	}
}

// A vector of parameters holds each layer's weight and bias in turn, and setting it changes nothing else.
func TestTrainedParameters(t *testing.T) {
	for _, encoder := range []bool{false, true} {
		w := modeltest.RandomWeights(1, modeltest.Widths)
		before := modeltest.RandomWeights(1, modeltest.Widths)
		v := w.TrainedParameters(encoder)
		at := 0
		for _, l := range w.Widths.Trained(encoder) {
			i := slices.IndexFunc(w.Layers, func(c model.Conv) bool { return c.Layer == l })
			c := w.Layers[i]
			if !slices.Equal(v[at:][:l.MAC()], c.Weight) || !slices.Equal(v[at+l.MAC():][:l.Out], c.Bias) {
				t.Fatalf("encoder %v: %s does not stand at %d", encoder, l.Name, at)
			}
			at += l.MAC() + l.Out
		}
		if at != len(v) {
			t.Fatalf("encoder %v: %d parameters, wanted %d", encoder, len(v), at)
		}
		for i := range v {
			v[i]++
		}
		out, err := w.WithTrained(encoder, v)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out.TrainedParameters(encoder), v) {
			t.Errorf("encoder %v: parameters were not taken as they are", encoder)
		}
		clear(v) // has to be a copy
		if out.TrainedParameters(encoder)[0] == 0 {
			t.Errorf("encoder %v: the weights share the vector's memory", encoder)
		}
		for i, c := range w.Layers {
			if !slices.Equal(c.Weight, before.Layers[i].Weight) || !slices.Equal(c.Bias, before.Layers[i].Bias) {
				t.Errorf("encoder %v: %s of the original changed", encoder, c.Name)
			}
			trained := slices.Contains(w.Widths.Trained(encoder), c.Layer)
			if same := slices.Equal(c.Weight, out.Layers[i].Weight); same == trained {
				t.Errorf("encoder %v: %s has the same weights: %v", encoder, c.Name, same)
			}
		}
	}
}

func TestWithTrainedRefuses(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	v := w.TrainedParameters(true)
	for _, c := range []struct {
		name string
		v    []float32
		want string
	}{
		{"none", nil, "too few"},
		{"one less", v[:len(v)-1], "too few"},
		{"one more", append(slices.Clone(v), 0), "1 too many"},
		{"those of the decoder", w.TrainedParameters(false), "too few"},
	} {
		if _, err := w.WithTrained(true, c.v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, wanted %q", c.name, err, c.want)
		}
	}
}

func TestCheckTraining(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	other := modeltest.RandomWeights(2, model.Widths{8, 4, 4, 8})
	for _, c := range []struct {
		name   string
		change func(loss *[]model.Conv, o *model.TrainingOptions)
		want   string // "" if it is right
	}{
		{"as it should be", func(*[]model.Conv, *model.TrainingOptions) {}, ""},
		{"trained encoder, other loss network", func(l *[]model.Conv, o *model.TrainingOptions) { *l, o.Encoder = encoderOf(other), true }, ""},
		{"largest", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Batch, o.Height, o.Width = 1024, 4096, 4096 }, ""},
		{"no loss network", func(l *[]model.Conv, _ *model.TrainingOptions) { *l = nil }, "0 layers, wanted the 10"},
		{"whole network", func(l *[]model.Conv, _ *model.TrainingOptions) { *l = w.Layers }, "19 layers, wanted the 10"},
		{"layers swapped", func(l *[]model.Conv, _ *model.TrainingOptions) { (*l)[6], (*l)[7] = (*l)[7], (*l)[6] }, "layer 7 of the loss network is encoder.22, wanted encoder.19"},
		{"frozen encoder, other loss network", func(l *[]model.Conv, _ *model.TrainingOptions) { *l = encoderOf(other) }, "differs from the loss network in encoder.2"},
		{"frozen encoder, another bias", func(l *[]model.Conv, _ *model.TrainingOptions) {
			(*l)[9].Bias = slices.Clone((*l)[9].Bias)
			(*l)[9].Bias[3]++
		}, "differs from the loss network in encoder.29"},
		{"no pictures", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Batch = 0 }, "batch of 0"},
		{"too many pictures", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Batch = 1025 }, "batch of 1025"},
		{"no height", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Height = 0 }, "16x0"},
		{"negative width", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Width = -8 }, "-8x8"},
		{"odd width", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Width = 20 }, "20x8"},
		{"too high", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Height = 4104 }, "16x4104"},
		{"cache below 0", func(_ *[]model.Conv, o *model.TrainingOptions) { o.Cache = -1 }, "cache of -1"},
	} {
		loss, o := encoderOf(w), model.TrainingOptions{Batch: 2, Height: 8, Width: 16}
		c.change(&loss, &o)
		checkError(t, c.name, model.CheckTraining(loss, w, o), c.want)
	}
}

// checkError wants an error with a text, or none if that is empty.
func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, wanted %q", name, err, want)
	}
}

func TestBatchCheck(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name   string
		change func(b *model.Batch, u *model.Update)
		want   string
	}{
		{"as it should be", func(*model.Batch, *model.Update) {}, ""},
		{"keys", func(b *model.Batch, _ *model.Update) { b.ContentKey, b.StyleKey = []uint64{1, 2}, []uint64{0, 0} }, ""},
		{"nothing moved, nothing asked", func(b *model.Batch, u *model.Update) { b.Moved, b.Motion, u.Consistency = nil, nil, 0 }, ""},
		{"as far as it goes", func(b *model.Batch, _ *model.Update) { b.Motion[1] = model.Translation(-15, 7) }, ""},
		{"alphas at the ends", func(b *model.Batch, _ *model.Update) { b.Alpha = []float32{0, 1} }, ""},
		{"one loss", func(_ *model.Batch, u *model.Update) { u.Objective = model.Objective{Identity: 1} }, ""},
		{"short content", func(b *model.Batch, _ *model.Update) { b.Content = b.Content[1:] }, "767 content and 768 style samples, wanted 768"},
		{"no style", func(b *model.Batch, _ *model.Update) { b.Style = nil }, "768 content and 0 style samples"},
		{"one alpha", func(b *model.Batch, _ *model.Update) { b.Alpha = b.Alpha[1:] }, "1 alphas, wanted 2"},
		{"alpha below 0", func(b *model.Batch, _ *model.Update) { b.Alpha[0] = -0.5 }, "alpha -0.5"},
		{"alpha above 1", func(b *model.Batch, _ *model.Update) { b.Alpha[1] = 1.5 }, "alpha 1.5"},
		{"alpha NaN", func(b *model.Batch, _ *model.Update) { b.Alpha[1] = float32(nan) }, "alpha NaN"},
		{"one key", func(b *model.Batch, _ *model.Update) { b.ContentKey = []uint64{1} }, "1 keys, wanted 2"},
		{"no keys, but not nil", func(b *model.Batch, _ *model.Update) { b.StyleKey = []uint64{} }, "0 keys, wanted 2"},
		{"nothing moved", func(b *model.Batch, _ *model.Update) { b.Moved = nil }, "0 moved samples and 2 motions"},
		{"one map", func(b *model.Batch, _ *model.Update) { b.Motion = b.Motion[1:] }, "768 moved samples and 1 motions"},
		{"moved out of the picture", func(b *model.Batch, _ *model.Update) { b.Motion[0] = model.Translation(0, -7.01) }, "by the map [1 0 0 0 1 -7.01], which leaves nothing"},
		{"deformed as far as may be", func(b *model.Batch, _ *model.Update) { b.Motion[0] = model.Affine{1.125, -0.125, 1, 0.25, 1, 0} }, ""},
		{"deformed", func(b *model.Batch, _ *model.Update) { b.Motion[0] = model.Affine{1, 0, 0, -0.2, 0.9, 0} }, "deforms it by 0.3, wanted 0.25"},
		{"moved by NaN", func(b *model.Batch, _ *model.Update) { b.Motion[0][3] = float32(nan) }, "wanted finite numbers"},
		{"no loss", func(_ *model.Batch, u *model.Update) { u.Objective = model.Objective{} }, "every loss has weight 0"},
		{"negative loss", func(_ *model.Batch, u *model.Update) { u.Style = -1 }, "is -1"},
		{"loss NaN", func(_ *model.Batch, u *model.Update) { u.Consistency = nan }, "is NaN"},
		{"rate infinite", func(_ *model.Batch, u *model.Update) { u.Rate = inf }, "is +Inf"},
		{"negative encoder rate", func(_ *model.Batch, u *model.Update) { u.EncoderRate = -2 }, "is -2"},
		{"negative first rate", func(_ *model.Batch, u *model.Update) { u.FirstRate = -3 }, "is -3"},
		{"clip NaN", func(_ *model.Batch, u *model.Update) { u.ClipNorm = nan }, "is NaN"},
		{"average of 1", func(_ *model.Batch, u *model.Update) { u.Average = 1 }, "decay is 1"},
		{"average NaN", func(_ *model.Batch, u *model.Update) { u.Average = nan }, "decay is NaN"},
	} {
		o := model.TrainingOptions{Batch: 2, Height: 8, Width: 16}
		b := modeltest.RandomBatch(1, o, []float32{1, 0.5})
		u := model.Update{Objective: model.Objective{Content: 1, Style: 10, Consistency: 1}, Rate: 1e-4, Average: 0.999}
		c.change(b, &u)
		checkError(t, c.name, b.Check(o, u), c.want)
	}
}

func TestTrainingStateCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *model.TrainingState)
		want   string
	}{
		{"as it should be", func(*model.TrainingState) {}, ""},
		{"short parameters", func(s *model.TrainingState) { s.Parameters = s.Parameters[1:] }, "vectors of 2, 3, 3 and 3 values, wanted 3"},
		{"no average", func(s *model.TrainingState) { s.Average = nil }, "3, 3, 3 and 0"},
		{"long moments", func(s *model.TrainingState) { s.First, s.Second = make([]float32, 4), make([]float32, 4) }, "3, 4, 4 and 3"},
		{"steps below 0", func(s *model.TrainingState) { s.Steps = -1 }, "-1 steps"},
	} {
		s := model.TrainingState{Parameters: make([]float32, 3), First: make([]float32, 3), Second: make([]float32, 3), Average: make([]float32, 3)}
		c.change(&s)
		checkError(t, c.name, s.Check(3), c.want)
	}
}

// named is an engine that only says who opened it.
type named struct {
	model.TrainingEngine
	device model.Device
}

func TestTrainingEnginesOpen(t *testing.T) {
	opener := func(device model.Device, err error) model.TrainingOpener {
		return func(_ []model.Conv, _ *model.Weights, o model.TrainingOptions) (model.TrainingEngine, error) {
			return named{device: device}, err
		}
	}
	works := model.TrainingEngines{model.CPU: opener(model.CPU, nil), model.CUDA: opener(model.CUDA, nil)}
	broken := model.TrainingEngines{model.CPU: opener(model.CPU, nil), model.CUDA: opener(model.CUDA, errors.New("no driver"))}
	w := modeltest.RandomWeights(1, modeltest.Widths)
	for _, c := range []struct {
		name    string
		engines model.TrainingEngines
		device  model.Device
		want    model.Device
		failure string
	}{
		{"nothing asked", works, "", model.CUDA, ""},
		{"auto", works, model.Auto, model.CUDA, ""},
		{"auto without a GPU", broken, model.Auto, model.CPU, ""},
		{"auto without CUDA", model.TrainingEngines{model.CPU: opener(model.CPU, nil)}, model.Auto, model.CPU, ""},
		{"CPU", works, model.CPU, model.CPU, ""},
		{"CUDA", works, model.CUDA, model.CUDA, ""},
		{"CUDA without a GPU", broken, model.CUDA, "", "no driver"},
		{"unknown device", works, "abacus", "", `"abacus"`},
		{"no engine at all", model.TrainingEngines{}, model.Auto, "", "cannot train in this build"},
	} {
		o := model.TrainingOptions{Options: model.Options{Device: c.device}, Batch: 1, Height: 8, Width: 8}
		e, err := c.engines.Open(encoderOf(w), w, o)
		checkError(t, c.name, err, c.failure)
		if c.failure == "" && err == nil && e.(named).device != c.want {
			t.Errorf("%s: opened %q, wanted %q", c.name, e.(named).device, c.want)
		}
	}
	if _, err := works.Open(nil, w, model.TrainingOptions{Batch: 1, Height: 8, Width: 8}); err == nil {
		t.Error("options were not checked")
	}
}
