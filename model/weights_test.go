package model

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model/float16"
	"adainfilter/model/safetensors"
)

// encode is a .safetensors file in memory.
func encode(t testing.TB, tensors map[string]safetensors.Tensor, metadata map[string]string) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := safetensors.Write(&file, slices.Collect(maps.Values(tensors)), metadata); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// bundle are the tensors of a network of widths 4,4,4,8 whose values count up.
func bundle() map[string]safetensors.Tensor {
	tensors := map[string]safetensors.Tensor{}
	for _, l := range (Widths{4, 4, 4, 8}).Layers() {
		v := make([]float32, l.MAC())
		for i := range v {
			v[i] = float32(i+l.Index) / 64
		}
		tensors[l.Key()+".weight"] = safetensors.Float32(l.Key()+".weight", []int{l.Out, l.In, l.Kernel, l.Kernel}, v)
		tensors[l.Key()+".bias"] = safetensors.Float32(l.Key()+".bias", []int{l.Out}, v[:l.Out])
	}
	return tensors
}

// put replaces a tensor.
func put(t safetensors.Tensor) func(map[string]safetensors.Tensor) {
	return func(m map[string]safetensors.Tensor) { m[t.Name] = t }
}

func TestParseWeightsRefuses(t *testing.T) {
	good := map[string]string{"format": WeightsFormat, "network": "test"}
	filled := func(key string, shape []int, value float32) func(map[string]safetensors.Tensor) {
		n := 1
		for _, side := range shape {
			n *= side
		}
		v := make([]float32, n)
		v[n-1] = value
		return put(safetensors.Float32(key, shape, v))
	}
	for _, c := range []struct {
		name     string
		change   func(map[string]safetensors.Tensor)
		metadata map[string]string
		says     string
	}{
		{"another version", func(map[string]safetensors.Tensor) {}, map[string]string{"format": "adain-3"}, `"adain-3", wanted "adain-1" or "adain-2"`},
		{"a style", func(map[string]safetensors.Tensor) {}, map[string]string{"format": StyleFormat}, "style file"},
		{"other widths said", func(map[string]safetensors.Tensor) {}, map[string]string{"widths": "4,4,4,4"}, "4,4,4,8"},
		{"missing key", func(m map[string]safetensors.Tensor) { delete(m, "decoder.21.bias") }, good, `"decoder.21.bias" is missing`},
		{"unknown key", put(safetensors.Float32("encoder.32.weight", []int{1}, []float32{1})), good, `unknown tensor "encoder.32.weight"`},
		{"NaN", filled("encoder.16.weight", []int{4, 4, 3, 3}, float32(math.NaN())), good, `"encoder.16.weight" has NaN at index 143`},
		{"infinity", filled("decoder.28.bias", []int{3}, float32(math.Inf(-1))), good, `"decoder.28.bias" has -Inf at index 2`},
		{"integers", put(safetensors.Tensor{Name: "encoder.0.bias", DType: "I64", Shape: []int{3}, Data: make([]byte, 24)}), good, "dtype I64, wanted F32, F16, BF16 or F64"},
		{"three dimensions", filled("encoder.29.weight", []int{8, 4, 9}, 0), good, "[8 4 9], wanted four"},
		{"no channels", put(safetensors.Float32("encoder.29.weight", []int{0, 4, 3, 3}, nil)), good, "level 4 has 0 channels"},
		{"odd widths", filled("encoder.29.weight", []int{6, 4, 3, 3}, 0), good, "level 4 has 6 channels"},
		{"too wide", filled("encoder.9.weight", []int{4100, 1, 1, 1}, 0), good, "level 2 has 4100 channels"},
		{"wrong inputs", filled("encoder.9.weight", []int{4, 3, 3, 3}, 0), good, `"encoder.9.weight" has shape [4 3 3 3]`},
		{"another kernel", filled("decoder.5.weight", []int{4, 4, 5, 5}, 0), good, "wanted shape [4 4 3 3]"},
		{"transposed decoder", filled("decoder.1.weight", []int{8, 4, 3, 3}, 0), good, "wanted shape [4 8 3 3]"},
		{"another width", filled("encoder.2.weight", []int{8, 3, 3, 3}, 0), good, `"encoder.2.bias"`},
		{"bias of two dimensions", filled("encoder.2.bias", []int{4, 1}, 0), good, "wanted shape [4]"},
	} {
		tensors := bundle()
		c.change(tensors)
		w, err := ParseWeights("w.safetensors", encode(t, tensors, c.metadata))
		if err == nil {
			t.Errorf("%s: accepted %v %v", c.name, w.Network, w.Widths)
		} else if !strings.HasPrefix(err.Error(), "weights: w.safetensors: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, wanted the file's name and %q", c.name, err, c.says)
		}
	}
	for _, c := range hostile {
		if _, err := ParseWeights("w", c.data); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
	whole := encode(t, bundle(), good)
	for n := 0; n < len(whole); n += 97 {
		if _, err := ParseWeights("w", whole[:n]); err == nil {
			t.Fatalf("accepted %d of %d bytes", n, len(whole))
		}
	}
}

func TestParseWeightsAccepts(t *testing.T) {
	half := bundle()
	for name, tensor := range half {
		v, err := tensor.Float32()
		if err != nil {
			t.Fatal(err)
		}
		half[name] = safetensors.Float16(name, tensor.Shape, v)
	}
	for _, c := range []struct {
		name, network string
		tensors       map[string]safetensors.Tensor
		metadata      map[string]string
	}{
		{"named", "mine", bundle(), map[string]string{"format": WeightsFormat, "network": "mine", "widths": "4,4,4,8"}},
		{"no metadata", "widths-4,4,4,8", bundle(), nil},
		{"Python's metadata", "widths-4,4,4,8", bundle(), map[string]string{"format": "pt"}},
		{"float16", "widths-4,4,4,8", half, nil},
	} {
		w, err := ParseWeights("w", encode(t, c.tensors, c.metadata))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		last := w.Layers[len(w.Layers)-1]
		if w.Network != c.network || len(w.Layers) != 19 || last.Key() != "decoder.28" || last.Weight[5] != float32(5+28)/64 {
			t.Errorf("%s: network %q, %d layers, the last is %+v", c.name, w.Network, len(w.Layers), last)
		}
	}
	if VGG19.Name() != "vgg19" || Lite.Name() != "lite" {
		t.Errorf("names are %q and %q", VGG19.Name(), Lite.Name())
	}
}

func TestWeightsRoundTrip(t *testing.T) {
	w, err := BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ünd 100%, a b.safetensors")
	if err := w.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := LoadWeights(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.Network != w.Network || again.Widths != w.Widths || !maps.Equal(again.Metadata, w.Metadata) || again.EncoderID() != w.EncoderID() {
		t.Errorf("read %q %v %v, wrote %q %v %v", again.Network, again.Widths, again.Metadata, w.Network, w.Widths, w.Metadata)
	}
	for i := range w.Layers {
		if !slices.Equal(w.Layers[i].Weight, again.Layers[i].Weight) || !slices.Equal(w.Layers[i].Bias, again.Layers[i].Bias) {
			t.Errorf("%s differs after saving and loading", w.Layers[i].Name)
		}
	}
	again.Layers[len(again.Layers)-1].Bias[0]++
	if again.EncoderID() != w.EncoderID() {
		t.Error("the decoder changes the encoder's id")
	}
	again.Layers[9].Weight[0]++
	if id := again.EncoderID(); id == w.EncoderID() || len(id) != 16 {
		t.Errorf("id %q of another encoder, wanted 16 other digits", id)
	}
}

// FuzzWeights edits a good file: removed bytes of its header at a place give way to inserted ones, value overwrites bytes of
// the tensors, and the file is cut off. Small arguments, as the fuzzer spends its time on making large ones smaller; whole
// files are FuzzTensors' task.
func FuzzWeights(f *testing.F) {
	valid := encode(f, bundle(), map[string]string{"format": WeightsFormat, "network": "n", "widths": "4,4,4,8"})
	n := binary.LittleEndian.Uint64(valid)
	header, body := valid[8:8+n], valid[8+n:]
	edit := func(old, inserted string) {
		f.Add(uint16(bytes.Index(header, []byte(old))), uint8(len(old)), inserted, uint16(0), []byte{}, uint16(0))
	}
	edit("[4,8,3,3]", "[8,4,3,3]")
	edit("[4,8,3,3]", "[4,8,9]")
	edit("[8]", "[2147483648,2147483648,4]")
	edit(`"F32"`, `"F16"`)
	edit(`"F32"`, `"I64"`)
	edit(`"data_offsets":[0,`, `"data_offsets":[4,`)
	edit("decoder.1.bias", "decoder.2.bias")
	edit("decoder.1.bias", "decoder.1.weight")
	edit("adain-1", "adain-3")
	edit("{", `{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`)
	edit("{", "")
	f.Add(uint16(0), uint8(0), "", uint16(100), []byte{0, 0, 0xc0, 0x7f}, uint16(0)) // NaN
	f.Add(uint16(0), uint8(0), "", uint16(0), []byte{}, uint16(7))
	f.Add(uint16(0), uint8(0), "", uint16(0), []byte{}, uint16(len(body)))
	f.Fuzz(func(t *testing.T, at uint16, removed uint8, inserted string, place uint16, value []byte, cut uint16) {
		from := min(int(at), len(header))
		edited := slices.Concat(header[:from], []byte(inserted), header[min(from+int(removed), len(header)):])
		data := slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(edited))), edited, body)
		copy(data[min(8+len(edited)+int(place), len(data)):], value)
		data = data[:max(0, len(data)-int(cut))]
		checkParsed(t, data)
	})
}

// checkParsed parses a file: an error, or weights that keep every promise. The file must stay as it is.
func checkParsed(t *testing.T, data []byte) {
	before := bytes.Clone(data)
	w, err := ParseWeights("file", data)
	if !bytes.Equal(before, data) {
		t.Fatal("the file's bytes were changed")
	}
	if err != nil {
		return
	}
	if err := w.Widths.Check(); err != nil {
		t.Fatal(err)
	}
	for i, l := range w.Widths.Layers() {
		c := w.Layers[i]
		l.Upsample, l.Repeat = c.Upsample, c.Repeat
		if c.Layer != l || len(c.Weight) != l.MAC() || len(c.Bias) != l.Out || NotFinite(c.Weight) >= 0 || NotFinite(c.Bias) >= 0 {
			t.Fatalf("layer %s does not fit %+v", c.Name, l)
		}
	}
	w.EncoderID()
}

// TestWeightsStyles: weights carry styles of their own, to the bit; what does not fit is refused.
func TestWeightsStyles(t *testing.T) {
	w := &Weights{Network: "mine", Widths: Widths{4, 4, 4, 4}}
	for _, l := range w.Widths.Layers() {
		w.Layers = append(w.Layers, Conv{Layer: l, Weight: make([]float32, l.MAC()), Bias: make([]float32, l.Out)})
	}
	stats := func(v float32) Stats {
		return Stats{Mean: []float32{v, -v, 1e-42, 1.0 / 3}, Std: []float32{0, 16777217, v * v, 0.1}}
	}
	w.Styles = []*Style{{Name: "mosaic", Stats: stats(1.1)}, {Name: "dunes, \"late\"", Stats: stats(7)}}
	path := filepath.Join(t.TempDir(), "mine.safetensors")
	if err := w.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadWeights(path)
	if err != nil || len(got.Styles) != 2 || got.Metadata["styles"] != "" {
		t.Fatalf("%+v, %v", got.Styles, err)
	}
	for i, s := range got.Styles {
		if s.Name != w.Styles[i].Name || !slices.Equal(s.Mean, w.Styles[i].Mean) || !slices.Equal(s.Std, w.Styles[i].Std) || s.Fits(got) != nil {
			t.Errorf("style %d is %+v, wanted %+v", i, s, w.Styles[i])
		}
	}
	for name, want := range map[string]*Style{" mosaic ": got.Styles[0], w.Styles[1].Name: got.Styles[1], DefaultStyle: got.Styles[0], "woodcut": nil, "": nil} {
		if s := got.Style(name); s != want {
			t.Errorf("style %q is %+v", name, s)
		}
	}
	builtin, err := BuiltinWeights()
	if err != nil || builtin.Style(DefaultStyle) != nil {
		t.Errorf("the built-in network has a style of its own: %v", err)
	}
	for text, want := range map[string]string{
		"x": "invalid", "[]": "is empty", `[{"name":" ","mean":[1,1,1,1],"std":[1,1,1,1]}]`: "style 1 has no name",
		`[{"name":"a","mean":[1,1,1],"std":[1,1,1,1]}]`:                                                 "3 means and 4 deviations, wanted 4",
		`[{"name":"a","mean":[1,1,1,1],"std":[1,1,1,-1]}]`:                                              "not usable",
		`[{"name":"a","mean":[1,1,1,1e60],"std":[1,1,1,1]}]`:                                            "cannot unmarshal",
		`[{"name":"a","mean":[1,1,1,1],"std":[1,1,1,1]},{"name":"a","mean":[1,1,1,1],"std":[1,1,1,1]}]`: "occurs twice",
	} {
		w.Styles, w.Metadata = nil, map[string]string{"styles": text}
		if err := w.Save(path); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadWeights(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `metadata "styles"`) {
			t.Errorf("%s: error is %v, wanted %q", text, err, want)
		}
	}
}

// Values saved as float16 are those rounded, in half of the file; what float16 cannot hold is refused.
func TestSaveFloat16(t *testing.T) {
	builtin, err := BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	w := *builtin
	w.Layers = slices.Clone(w.Layers)
	dir := t.TempDir()
	half, whole := filepath.Join(dir, "half.safetensors"), filepath.Join(dir, "whole.safetensors")
	if err := errors.Join(w.SaveFloat16(half), w.Save(whole)); err != nil {
		t.Fatal(err)
	}
	again, err := LoadWeights(half)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range w.Layers {
		for k, v := range l.Weight {
			if got, want := again.Layers[i].Weight[k], float16.Value(float16.Round(v)); got != want {
				t.Fatalf("%s: weight %d is %v, wanted %v", l.Name, k, got, want)
			}
		}
	}
	a, errA := os.Stat(half)
	b, errB := os.Stat(whole)
	if errA != nil || errB != nil || a.Size() > b.Size()/2+10000 {
		t.Errorf("the files have %d and %d bytes (%v, %v), wanted half", a.Size(), b.Size(), errA, errB)
	}
	w.Layers[3].Bias = slices.Clone(w.Layers[3].Bias)
	w.Layers[3].Bias[0] = 70000
	if err := w.SaveFloat16(half); err == nil || !strings.Contains(err.Error(), "encoder.9 has the value 70000") {
		t.Errorf("a bias of 70000: error %v", err)
	}
}
