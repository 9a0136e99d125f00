package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/trainer/pth/pthtest"
)

// sides are the encoder's and decoder's tensors of a network as PyTorch files; names turns "29.weight" into another name.
func sides(t *testing.T, w *model.Weights, side model.Side, names func(string) string) map[string][]byte {
	t.Helper()
	var entries []pthtest.Entry
	storages := map[string][]byte{}
	add := func(name string, v []float32, shape ...int) {
		if name == "" {
			return
		}
		strides := make([]int, len(shape))
		for i, s := len(shape)-1, 1; i >= 0; i-- {
			strides[i] = s
			s *= shape[i]
		}
		key := strconv.Itoa(len(entries))
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		storages[key] = b
		entries = append(entries, pthtest.View(name, "FloatStorage", key, len(v), 0, shape, strides))
	}
	for _, c := range w.Layers {
		if c.Side == side {
			add(names(fmt.Sprintf("%d.weight", c.Index)), c.Weight, c.Out, c.In, c.Kernel, c.Kernel)
			add(names(fmt.Sprintf("%d.bias", c.Index)), c.Bias, c.Out)
		}
	}
	if side == model.Encoder {
		add(names("32.weight"), []float32{1}, 1) // the published encoder goes on behind relu4_1
	}
	return pthtest.BothEncodings(t, entries, storages, nil)
}

func same(name string) string { return name }

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImport(t *testing.T) {
	w := randomWeights(tiny)
	for _, encoding := range []string{"pickle", "zip"} {
		for prefix, names := range map[string]func(string) string{
			"": same, "module": func(n string) string { return "module." + n },
		} {
			dir := t.TempDir()
			encoder := write(t, filepath.Join(dir, "vgg normalised.pth"), sides(t, w, model.Encoder, names)[encoding])
			decoder := write(t, filepath.Join(dir, "decoder_iter_7.pth.tar"), sides(t, w, model.Decoder, names)[encoding])
			out := filepath.Join(dir, "out.safetensors")
			text, _ := mustRun(t, "import", "--name", "mine", "--out", out, encoder, decoder)
			if !strings.Contains(text, "network mine, widths 4,8,16,32") {
				t.Errorf("%s: printed %q", encoding, text)
			}
			got, err := model.LoadWeights(out)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range got.Layers {
				if !slices.Equal(c.Weight, w.Layers[i].Weight) || !slices.Equal(c.Bias, w.Layers[i].Bias) {
					t.Errorf("%s, prefix %q: layer %s changed", encoding, prefix, c.Name)
				}
			}
			if got.Metadata["decoder-file"] != "decoder_iter_7.pth.tar" {
				t.Errorf("metadata is %v", got.Metadata)
			}
		}
	}
}

func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	w := randomWeights(tiny)
	encoder := write(t, filepath.Join(dir, "e.pth"), sides(t, w, model.Encoder, same)["zip"])
	decoder := write(t, filepath.Join(dir, "d.pth"), sides(t, w, model.Decoder, same)["pickle"])
	other := write(t, filepath.Join(dir, "other.pth"), sides(t, randomWeights(model.Widths{4, 8, 16, 64}), model.Decoder, same)["zip"])
	w.Layers[3].Weight[5] = float32(math.NaN())
	nan := write(t, filepath.Join(dir, "nan.pth"), sides(t, w, model.Encoder, same)["zip"])
	lua := write(t, filepath.Join(dir, "vgg.t7"), []byte{4, 0, 0, 0, 1, 0, 0, 0})
	out := filepath.Join(dir, "out.safetensors")
	for _, c := range []struct{ encoder, decoder, want string }{
		{decoder, encoder, "wrong order"},
		{encoder, encoder, "lacks the tensor"},
		{encoder, other, "wanted shape [16 32 3 3]"},
		{nan, decoder, "NaN"},
		{lua, decoder, "Lua Torch"},
	} {
		_, _, err := run("import", "--out", out, c.encoder, c.decoder)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, wanted one with %q", err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatal("a file was written")
		}
	}
}

// TestImportTorchvision imports a network under torchvision's names and checks what normalising promises: on the photographs
// each filter's mean activation is 1, and the features are those of before but for their scale.
func TestImportTorchvision(t *testing.T) {
	w := randomWeights(tiny)
	// The colour layer is not part of torchvision's file; the import adds ImageNet's.
	_, w.Layers[0].Weight, _ = imageNetColour("encoder.0.weight")
	_, w.Layers[0].Bias, _ = imageNetColour("encoder.0.bias")
	dir := t.TempDir()
	vgg := write(t, filepath.Join(dir, "vgg19.pth"), sides(t, w, model.Encoder, func(n string) string {
		index, rest, _ := strings.Cut(n, ".")
		if torchvisionIndex[index] == "" {
			return ""
		}
		return "features." + torchvisionIndex[index] + "." + rest
	})["pickle"])
	decoder := write(t, filepath.Join(dir, "d.pth"), sides(t, w, model.Decoder, same)["pickle"])
	out := filepath.Join(dir, "out.safetensors")
	if _, _, err := run("import", "--out", out, vgg, decoder); err == nil || !strings.Contains(err.Error(), "--photos") {
		t.Errorf("without photographs: error is %v", err)
	}
	for i := range 3 {
		writePicture(t, filepath.Join(dir, "photos", fmt.Sprintf("%d.png", i)), noise(model.RGB, 140+7*i, 131, uint64(i)))
	}
	write(t, filepath.Join(dir, "photos", "broken.png"), []byte("x"))
	_, progress := mustRun(t, "import", "--out", out, "--photos", filepath.Join(dir, "photos"), vgg, decoder)
	if !strings.Contains(progress, "broken.png") {
		t.Errorf("nothing is said of the broken file:\n%s", progress)
	}
	got, err := model.LoadWeights(out)
	if err != nil {
		t.Fatal(err)
	}
	means := make([][]float64, 10)
	for i := range 3 {
		m, err := activations(got, filepath.Join(dir, "photos", fmt.Sprintf("%d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			means = m
		} else {
			means = add(means, m)
		}
	}
	checked := 0
	for l, layer := range means {
		for c, sum := range layer {
			if sum == 0 {
				continue // never active, so nothing to normalise
			}
			// float32 weights, products of up to 9*32 terms, eight layers deep
			if mean := sum / 3; !(math.Abs(mean-1) < 1e-4) {
				t.Fatalf("layer %d, filter %d has mean activation %v, wanted 1", l, c, mean)
			}
			checked++
		}
	}
	if checked < 100 {
		t.Errorf("only %d filters were active", checked)
	}
	x := ref.Read(noise(model.RGB, 40, 32, 9))
	before, after := ref.Encode(w, x)[3], ref.Encode(got, x)[3]
	for c := range before.C {
		checkProportional(t, c, before.Plane(c), after.Plane(c))
	}
}

// checkProportional fails unless b is a multiple of a.
func checkProportional(t *testing.T, channel int, a, b []float64) {
	t.Helper()
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 && bb == 0 {
		return
	}
	if cosine := ab / math.Sqrt(aa*bb); !(cosine > 1-1e-6) {
		t.Errorf("channel %d changed its pattern: cosine %v", channel, cosine)
	}
}

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	w := randomWeights(tiny)
	for i := range 9 * 4 { // one filter of conv1_2 that sees nothing
		w.Layers[2].Weight[i] = 0
	}
	w.Metadata = map[string]string{"recipe": "by hand", "evil": "\x1b[2J"}
	weights := filepath.Join(dir, "w.safetensors")
	if err := w.Save(weights); err != nil {
		t.Fatal(err)
	}
	photo := filepath.Join(dir, "p.png")
	writePicture(t, photo, noise(model.RGB, 17, 9, 1))
	style := filepath.Join(dir, "s.safetensors")
	mustRun(t, "style", "--weights", weights, "--out", style, "--style-size", "16", photo)
	decoder := write(t, filepath.Join(dir, "d.pth"), sides(t, w, model.Decoder, same)["zip"])
	for _, c := range []struct {
		file string
		want []string
	}{
		{weights, []string{"weights", "4,8,16,32", "parameters", "silent filters", " 1\n", "by hand", `\x1b[2J`}},
		{style, []string{"style", "random-" + tiny.Name(), "channels", "32"}},
		{decoder, []string{"PyTorch, encoding zip", "decoder for adain import", "28.bias", "F32 [3]"}},
		{photo, []string{"picture", "17x9"}},
	} {
		out, _ := mustRun(t, "inspect", c.file)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: nothing is said of %q:\n%s", c.file, want, out)
			}
		}
		if strings.ContainsRune(out, 0x1b) {
			t.Errorf("%s: a control character reaches the terminal", c.file)
		}
	}
	// One bad file does not hide the other.
	out, _, err := run("inspect", write(t, filepath.Join(dir, "bad.safetensors"), []byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}")), photo)
	if err == nil || !strings.Contains(err.Error(), "bad.safetensors") || !strings.Contains(out, "17x9") {
		t.Errorf("error is %v, output\n%s", err, out)
	}
	if out, _ := mustRun(t, "inspect"); !strings.Contains(out, "built-in network") || !strings.Contains(out, "439471") {
		t.Errorf("the built-in network:\n%s", out)
	}
}

func TestBench(t *testing.T) {
	weights := tinyWeights(t, t.TempDir())
	for _, extra := range [][]string{nil, {"--json"}} {
		out, _ := mustRun(t, append([]string{"bench", "--weights", weights, "--size", "33x17", "--runs", "3", "--precision", "float32"}, extra...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		last := strings.Fields(lines[len(lines)-1])
		if len(last) != 2 || last[0] != "ms_per_frame" {
			t.Fatalf("the last line is %q", last)
		}
		if ms, err := strconv.ParseFloat(last[1], 64); err != nil || !(ms > 0) {
			t.Errorf("%q is no time", last[1])
		}
		if extra != nil && (len(lines) != 2 || !strings.Contains(lines[0], `"peak_memory_kb":`) || !bytes.HasPrefix([]byte(lines[0]), []byte("{"))) {
			t.Errorf("JSON is\n%s", out)
		}
	}
}

// TestBenchRefuses lets the network overflow: no time may be printed for a wrong picture.
func TestBenchRefuses(t *testing.T) {
	w := randomWeights(tiny)
	for i := range w.Layers[3].Weight {
		w.Layers[3].Weight[i] *= 1e30
		w.Layers[5].Weight[i%len(w.Layers[5].Weight)] *= 1e30
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Save(path); err != nil {
		t.Fatal(err)
	}
	out, _, err := run("bench", "--weights", path, "--size", "16x16", "--runs", "1", "--precision", "float32")
	if err == nil || strings.Contains(out, "ms_per_frame") {
		t.Errorf("error is %v, output %q", err, out)
	}
}
