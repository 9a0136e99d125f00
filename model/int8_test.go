package model

import (
	"maps"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// withInt8 are weights of widths 4,4,4,8 with steps and shifts that count up.
func withInt8(t *testing.T) *Weights {
	t.Helper()
	w, err := ParseWeights("test", encode(t, bundle(), nil))
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]Int8Layer{}
	for _, l := range w.Layers {
		if !l.Int8() {
			continue
		}
		own := Int8Layer{Steps: make([]float32, l.In), Shift: make([]float32, l.Out)}
		for i := range own.Steps {
			own.Steps[i] = float32(i+1) / 3
		}
		for i := range own.Shift {
			own.Shift[i] = float32(l.Index-i) / 7
		}
		layers[l.Name] = own
	}
	if len(layers) != 15 {
		t.Fatalf("%d layers in integers, wanted 15", len(layers))
	}
	w, err = w.WithInt8(layers)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestInt8Saved finds steps and shifts in a file as they were, beside other metadata, and in float16 too.
func TestInt8Saved(t *testing.T) {
	w := withInt8(t)
	w.Metadata = map[string]string{"recipe": "none"}
	for name, save := range map[string]func(string) error{"float32": w.Save, "float16": w.SaveFloat16} {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := save(path); err != nil {
			t.Fatal(err)
		}
		got, err := LoadWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Int8, w.Int8) {
			t.Errorf("%s: steps and shifts are others", name)
		}
		if _, ok := got.Metadata[Int8Key]; ok || got.Metadata["recipe"] != "none" {
			t.Errorf("%s: metadata %v", name, got.Metadata)
		}
	}
}

// TestInt8Refused says what does not fit.
func TestInt8Refused(t *testing.T) {
	w := withInt8(t)
	steps := func(v float32) Int8Layer { return Int8Layer{Steps: []float32{1, v, 1, 1}, Shift: make([]float32, 4)} }
	for want, change := range map[string]func(map[string]Int8Layer){
		"no layer":                    func(m map[string]Int8Layer) { clear(m) },
		"unknown layer \"conv5_1\"":   func(m map[string]Int8Layer) { m["conv5_1"] = m["conv1_2"] },
		"unknown layer \"mirror4_1\"": func(m map[string]Int8Layer) { m["mirror4_1"] = m["conv1_2"] },
		"3 steps and 4 shifts":        func(m map[string]Int8Layer) { m["conv2_2"] = Int8Layer{make([]float32, 3), make([]float32, 4)} },
		"the step 0 at 1":             func(m map[string]Int8Layer) { m["conv2_2"] = steps(0) },
		"the step -1 at 1":            func(m map[string]Int8Layer) { m["conv2_2"] = steps(-1) },
		"the step NaN at 1":           func(m map[string]Int8Layer) { m["conv2_2"] = steps(float32(math.NaN())) },
		"the step +Inf at 1":          func(m map[string]Int8Layer) { m["conv2_2"] = steps(float32(math.Inf(1))) },
		"the shift NaN at 0": func(m map[string]Int8Layer) {
			m["conv2_2"] = Int8Layer{[]float32{1, 1, 1, 1}, []float32{float32(math.NaN()), 0, 0, 0}}
		},
	} {
		m := maps.Clone(w.Int8)
		change(m)
		if _, err := w.WithInt8(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, wanted %s", err, want)
		}
	}
	for _, text := range []string{"", "null", "[]", "{}", `{"conv1_2":{"steps":["a"]}}`} {
		if _, err := ParseWeights("file", encode(t, bundle(), map[string]string{Int8Key: text})); err == nil || !strings.Contains(err.Error(), "\"int8\"") {
			t.Errorf("metadata %q: error %v, wanted one that names int8", text, err)
		}
	}
}

// TestInt8Stale demands that weights that are computed otherwise, or trained on, lose what was calibrated for others.
func TestInt8Stale(t *testing.T) {
	w := withInt8(t)
	bilinear, err := w.WithUpsamplings("bilinear")
	if err != nil || bilinear.Int8 != nil {
		t.Errorf("with another upsampling: %v, error %v", bilinear.Int8, err)
	}
	var v []float32
	for _, l := range w.Layers {
		if l.Trained(true) {
			v = append(append(v, l.Weight...), l.Bias...)
		}
	}
	trained, err := w.WithTrained(true, v)
	if err != nil || trained.Int8 != nil || w.Int8 == nil {
		t.Errorf("trained: error %v", err)
	}
}
