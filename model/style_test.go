package model

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model/safetensors"
)

var goodStyle = map[string]string{"format": StyleFormat, "network": "lite", "name": "n", "encoder": "0123456789abcdef"}

// styleTensors are those of a good style file with three channels.
func styleTensors() map[string]safetensors.Tensor {
	return map[string]safetensors.Tensor{
		"mean": safetensors.Float32("mean", []int{3}, []float32{1, -2, 0}),
		"std":  safetensors.Float32("std", []int{3}, []float32{1, 0, 0.5}),
	}
}

func without(m map[string]string, key string) map[string]string {
	m = maps.Clone(m)
	delete(m, key)
	return m
}

func TestParseStyleRefuses(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name     string
		change   func(map[string]safetensors.Tensor)
		metadata map[string]string
		says     string
	}{
		{"no metadata", func(map[string]safetensors.Tensor) {}, nil, `"", wanted "adain-style-1"`},
		{"another version", func(map[string]safetensors.Tensor) {}, map[string]string{"format": "adain-style-2"}, `"adain-style-2"`},
		{"weights", func(map[string]safetensors.Tensor) {}, map[string]string{"format": WeightsFormat}, "weights file"},
		{"no network", func(map[string]safetensors.Tensor) {}, without(goodStyle, "network"), "network"},
		{"no mean", func(m map[string]safetensors.Tensor) { delete(m, "mean") }, goodStyle, `"mean" is missing`},
		{"no std", func(m map[string]safetensors.Tensor) { delete(m, "std") }, goodStyle, `"std" is missing`},
		{"a third tensor", put(safetensors.Float32("x", []int{1}, []float32{1})), goodStyle, "3 tensors"},
		{"float16", put(safetensors.Float16("mean", []int{3}, []float32{1, 2, 3})), goodStyle, "dtype F16, wanted F32"},
		{"two dimensions", put(safetensors.Float32("mean", []int{1, 3}, []float32{1, 2, 3})), goodStyle, "[1 3]"},
		{"no channels", put(safetensors.Float32("mean", []int{0}, nil)), goodStyle, "[0]"},
		{"too many channels", put(safetensors.Float32("mean", []int{5000}, make([]float32, 5000))), goodStyle, "[5000]"},
		{"lengths differ", put(safetensors.Float32("std", []int{2}, []float32{1, 2})), goodStyle, "3 means and 2"},
		{"NaN", put(safetensors.Float32("mean", []int{3}, []float32{1, nan, 3})), goodStyle, "channel 1"},
		{"infinity", put(safetensors.Float32("std", []int{3}, []float32{1, 1, float32(math.Inf(1))})), goodStyle, "channel 2"},
		{"std below 0", put(safetensors.Float32("std", []int{3}, []float32{-1, 1, 1})), goodStyle, "channel 0"},
	} {
		tensors := styleTensors()
		c.change(tensors)
		s, err := ParseStyle("s.safetensors", encode(t, tensors, c.metadata))
		if err == nil {
			t.Errorf("%s: accepted %+v", c.name, s)
		} else if !strings.HasPrefix(err.Error(), "style: s.safetensors: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, wanted the file's name and %q", c.name, err, c.says)
		}
	}
	for _, c := range hostile {
		if _, err := ParseStyle("s", c.data); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

func TestStyleRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ünd 100%, a b.safetensors")
	want := &Style{"tinte \"fein\"", "lite", "0123456789abcdef", Stats{[]float32{1, -2}, []float32{0, 3}}}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadStyle(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != want.Name || got.Network != want.Network || got.Encoder != want.Encoder || !slices.Equal(got.Mean, want.Mean) || !slices.Equal(got.Std, want.Std) {
		t.Errorf("read %+v, wrote %+v", got, want)
	}
}

func TestStyleFits(t *testing.T) {
	w, err := BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	stats := Stats{make([]float32, Lite[3]), make([]float32, Lite[3])}
	for _, c := range []struct {
		style Style
		says  string
	}{
		{Style{"a", "lite", w.EncoderID(), stats}, ""},
		{Style{"a", "lite", "", stats}, ""},
		{Style{"a", "vgg19", "", stats}, `"vgg19"`},
		{Style{"a", "lite", "0123456789abcdef", stats}, "0123456789abcdef"},
		{Style{"a", "lite", "", Stats{stats.Mean[1:], stats.Std[1:]}}, "255"},
	} {
		err := c.style.Fits(w)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q of network %q: %v, wanted %q", c.style.Name, c.style.Network, err, c.says)
		}
	}
}

func FuzzStyle(f *testing.F) {
	valid := encode(f, styleTensors(), goodStyle)
	nan := styleTensors()
	nan["std"] = safetensors.Float32("std", []int{3}, []float32{1, float32(math.NaN()), 1})
	f.Add(valid)
	f.Add(valid[:len(valid)-5])
	f.Add(encode(f, nan, goodStyle))
	f.Add(encode(f, styleTensors(), nil))
	f.Add(append([]byte{0xff, 0xff, 0xff, 0x7f}, valid[4:]...))
	for _, c := range hostile {
		if len(c.data) < 1000 { // the fuzzer is slow with long ones
			f.Add(c.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseStyle("file", data)
		if err != nil {
			return
		}
		if err := s.Check(len(s.Mean)); err != nil || s.Network == "" || len(s.Mean) == 0 {
			t.Fatalf("accepted %+v: %v", s, err)
		}
	})
}
