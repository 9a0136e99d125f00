package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/network"
	"adainfilter/trainer/onnx"
)

func TestImport(t *testing.T) {
	w := network.Random(tiny)
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
	w := network.Random(tiny)
	encoder := write(t, filepath.Join(dir, "e.pth"), sides(t, w, model.Encoder, same)["zip"])
	decoder := write(t, filepath.Join(dir, "d.pth"), sides(t, w, model.Decoder, same)["pickle"])
	other := write(t, filepath.Join(dir, "other.pth"), sides(t, network.Random(model.Widths{4, 8, 16, 64}), model.Decoder, same)["zip"])
	w.Layers[3].Weight[5] = float32(math.NaN())
	nan := write(t, filepath.Join(dir, "nan.pth"), sides(t, w, model.Encoder, same)["zip"])
	lua := write(t, filepath.Join(dir, "vgg.t7"), []byte{4, 0, 0, 0, 1, 0, 0, 0})
	out := filepath.Join(dir, "out.safetensors")
	for _, c := range []struct{ encoder, decoder, want string }{
		{decoder, decoder, "holds no encoder but a decoder"},
		{encoder, encoder, "holds no decoder but an encoder"},
		{encoder, other, "wanted shape [16 32 3 3]"},
		{nan, decoder, "NaN"},
		{lua, decoder, "Lua Torch"},
	} {
		_, _, err := run("import", "--out", out, c.encoder, c.decoder)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error is %v, wanted one with %q and the file", err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatal("a file was written")
		}
	}
}

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	w := network.Random(tiny)
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
	half := write(t, filepath.Join(dir, "e.onnx"), onnx.Model(w, model.Encoder, "1"))
	for _, c := range []struct {
		file string
		want []string
	}{
		{weights, []string{"weights", "4,8,16,32", "parameters", "silent filters", " 1\n", "by hand", `\x1b[2J`}},
		{style, []string{"style", "random-" + tiny.Name(), "channels", "32"}},
		{decoder, []string{"PyTorch, encoding zip", "decoder for adain import", "28.bias", "F32 [3]"}},
		{half, []string{"ONNX", "encoder for adain import", "encoder.29.weight", "F32 [32 16 3 3]"}},
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
	// Damaged weights are not called a picture.
	whole, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut.safetensors":  {whole[:len(whole)/2], "cut off"},
		"head.safetensors": {append([]byte{0, 0, 0, 0, 0, 0, 0, 0}, whole[8:]...), "safetensors"},
		"zero.safetensors": {make([]byte, 4000), "safetensors"},
		"cut.pth":          {sides(t, w, model.Decoder, same)["zip"][:3000], "ZIP archive"},
		"zero.pth":         {make([]byte, 4000), "PyTorch"},
		"cut.onnx":         {onnx.Model(w, model.Encoder, "1")[:3000], "ONNX"},
		"nan.safetensors":  {bytes.Replace(whole, whole[len(whole)-4:], []byte{0, 0, 0xc0, 0x7f}, 1), "NaN"},
	} {
		_, _, err := run("inspect", write(t, filepath.Join(dir, name), c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "picture") {
			t.Errorf("%s: error is %v, wanted one with %q", name, err, c.want)
		}
	}
	// One bad file does not hide the other.
	out, _, err := run("inspect", write(t, filepath.Join(dir, "bad.safetensors"), []byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}")), photo)
	if err == nil || !strings.Contains(err.Error(), "bad.safetensors") || !strings.Contains(out, "17x9") {
		t.Errorf("error is %v, output\n%s", err, out)
	}
	if out, _ := mustRun(t, "inspect"); !strings.Contains(out, "built-in network") || !strings.Contains(out, "587055") {
		t.Errorf("the built-in network:\n%s", out)
	}
}
