package cpu

import (
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// TestInt8Saturation drives weights and activations to their ends: pairs of products of 255 and 127 would not fit into the 16 bits that AVX2 adds
// them in, unless weights are held back.
func TestInt8Saturation(t *testing.T) {
	restoreKernels(t)
	w := modeltest.RandomWeights(1, model.Widths{16, 16, 16, 16})
	for _, l := range w.Layers {
		if l.Int8() {
			for i := range l.Weight { // all of one size; of four neighbouring inputs three groups have one sign
				l.Weight[i] = 0.02
				if i/(4*l.Kernel*l.Kernel)%4 == 3 {
					l.Weight[i] = -0.02
				}
			}
		}
	}
	calibrated, err := calibrate(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"conv2_2", "mirror3_3"} { // most of what these read is cut off at 255, and their results are in the range of the next
		for i := range calibrated.Int8[name].Steps {
			calibrated.Int8[name].Steps[i] /= 8
		}
	}
	useByteKernels(byteKernels[0])
	want := int8Frames(t, calibrated, 1)
	for _, name := range byteKernels[1:] {
		if useByteKernels(name) {
			if n := differing(int8Frames(t, calibrated, 1), want); n > 0 {
				t.Errorf("with %s %d of %d samples differ", name, n, len(want))
			}
		}
	}
}

// TestInt8Shifts demands the same bits of shifts and of biases that hold them already.
func TestInt8Shifts(t *testing.T) {
	plain, err := modeltest.RandomWeights(1, model.Widths{4, 12, 20, 28}).WithUpsamplings("nearest,bilinear,nearest")
	if err != nil {
		t.Fatal(err)
	}
	biased, err := calibrate(plain)
	if err != nil {
		t.Fatal(err)
	}
	unshifted := int8Frames(t, biased, 1)
	shifted := *biased
	shifted.Int8 = map[string]model.Int8Layer{}
	biased.Layers = slices.Clone(biased.Layers)
	for i, l := range biased.Layers {
		own, ok := biased.Int8[l.Name]
		if !ok {
			continue
		}
		own.Shift = make([]float32, l.Out)
		biased.Layers[i].Bias = slices.Clone(l.Bias)
		for o := range own.Shift {
			own.Shift[o] = float32(o%5-1) / 8
			biased.Layers[i].Bias[o] += own.Shift[o]
		}
		shifted.Int8[l.Name] = own
	}
	want := int8Frames(t, biased, 1)
	if n := differing(int8Frames(t, &shifted, 1), want); n > 0 {
		t.Errorf("%d of %d samples differ", n, len(want))
	}
	if differing(unshifted, want) == 0 {
		t.Error("shifts change nothing")
	}
}

// TestInt8Tiny has outputs with a bias and weights of nothing, as trainings with decaying weights leave them: each is the bias, whatever it reads.
func TestInt8Tiny(t *testing.T) {
	w := modeltest.RandomWeights(1, model.Widths{16, 16, 16, 16})
	frames := func(tiny float32) []byte {
		for _, l := range w.Layers {
			if l.Int8() {
				row := l.In * l.Kernel * l.Kernel
				for i := range l.Weight[:row] {
					l.Weight[i] = tiny * float32(1-i%2*2)
				}
				l.Bias[0] = 0.1
			}
		}
		calibrated, err := calibrate(w)
		if err != nil {
			t.Fatal(err)
		}
		return int8Frames(t, calibrated, 1)
	}
	want := frames(0)
	for _, tiny := range []float32{1e-30, 1e-37, 1e-40, 1e-44} {
		if n := differing(frames(tiny), want); n > 0 {
			t.Errorf("weights of %g: %d of %d samples differ from those with weights of 0", tiny, n, len(want))
		}
	}
}
