package network

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/safetensors"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/onnx"
	"adainfilter/trainer/pth/pthtest"
)

// tensors are those of one side or, with side "", of both; names turns a key of the weights file into a name, "" leaves it out.
func tensors(w *model.Weights, side model.Side, names func(string) string) []safetensors.Tensor {
	var all []safetensors.Tensor
	add := func(key string, shape []int, v []float32) {
		if name := names(key); name != "" {
			all = append(all, safetensors.Float32(name, shape, v))
		}
	}
	for _, c := range w.Layers {
		if side == "" || c.Side == side {
			add(c.Key()+".weight", []int{c.Out, c.In, c.Kernel, c.Kernel}, c.Weight)
			add(c.Key()+".bias", []int{c.Out}, c.Bias)
		}
	}
	return all
}

// half16 rounds tensors to float16 or bfloat16; the latter takes the upper half of each value.
func half16(all []safetensors.Tensor, dtype string) []safetensors.Tensor {
	var out []safetensors.Tensor
	for _, t := range all {
		v, _ := t.Float32()
		if dtype == "F16" {
			out = append(out, safetensors.Float16(t.Name, t.Shape, v))
			continue
		}
		var data []byte
		for _, x := range v {
			data = binary.LittleEndian.AppendUint16(data, uint16(math.Float32bits(x)>>16))
		}
		out = append(out, safetensors.Tensor{Name: t.Name, DType: "BF16", Shape: t.Shape, Data: data})
	}
	return out
}

// pyTorch is a file of the ZIP encoding; within are dictionaries around the tensors, each with another one beside it.
func pyTorch(t *testing.T, all []safetensors.Tensor, within ...string) []byte {
	var entries []pthtest.Entry
	storages := map[string][]byte{}
	for i, x := range all {
		strides, count := make([]int, len(x.Shape)), 1
		for d := len(x.Shape) - 1; d >= 0; d-- {
			strides[d] = count
			count *= x.Shape[d]
		}
		key := strconv.Itoa(i)
		storages[key] = x.Data
		class := map[string]string{"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage"}[x.DType]
		entries = append(entries, pthtest.View(x.Name, class, key, count, 0, x.Shape, strides))
	}
	wrap := func(p *pthtest.Program, inner func()) {
		for _, name := range within {
			p.Op("}(").Text("epoch").Integer(3).Text("optimizer").Op("}").Text(name)
		}
		inner()
		p.Op(strings.Repeat("u", len(within)))
	}
	return pthtest.BothEncodings(t, entries, storages, wrap)["zip"]
}

func safe(t *testing.T, all []safetensors.Tensor) []byte {
	var b bytes.Buffer
	if err := safetensors.Write(&b, all, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// netNames are the names of pytorch-AdaIN's Net: enc_1 to enc_4, each counting from 0.
func netNames(key string) string {
	side, rest, _ := strings.Cut(key, ".")
	if side == "decoder" {
		return key
	}
	index, end, _ := strings.Cut(rest, ".")
	n, _ := strconv.Atoi(index)
	for part, first := range []int{18, 11, 4, 0} {
		if n >= first {
			return fmt.Sprintf("enc_%d.%d.%s", 4-part, n-first, end)
		}
	}
	return ""
}

// heightNames names layers by their height in the network, so that a decoder begins with the highest number.
func heightNames(key string) string {
	index, end, _ := strings.Cut(strings.TrimPrefix(key, "decoder."), ".")
	n, _ := strconv.Atoi(index)
	return fmt.Sprintf("dec.conv%d.%s", 40-n, end)
}

func short(key string) string {
	_, rest, _ := strings.Cut(key, ".")
	return rest
}

func prefixed(prefix string) func(string) string {
	return func(key string) string { return prefix + short(key) }
}

func same(key string) string { return key }

// TestImportLayouts imports one network as training scripts save it.
func TestImportLayouts(t *testing.T) {
	t.Parallel()
	w := Random(fixture.Tiny)
	for i := range w.Layers { // values that 16 bits hold, of either kind
		for _, v := range [][]float32{w.Layers[i].Weight, w.Layers[i].Bias} {
			for k, x := range v {
				v[k] = float32(math.Round(float64(x)*64) / 64)
			}
		}
	}
	_, w.Layers[0].Weight, _ = imageNetColour("encoder.0.weight")
	_, w.Layers[0].Bias, _ = imageNetColour("encoder.0.bias")
	encoder, decoder := tensors(w, model.Encoder, short), tensors(w, model.Decoder, short)
	plain := tensors(w, model.Encoder, func(key string) string { return torchvisionNames(short(key)) })
	// The colour layer is the one that 16 bits do not hold.
	colourless := func(all []safetensors.Tensor) []safetensors.Tensor { return all[2:] }
	old := Random(fixture.Tiny)
	both := tensors(w, "", same)
	files := map[string][2][]byte{
		"safetensors":                 {safe(t, encoder), safe(t, decoder)},
		"the other way round":         {safe(t, decoder), safe(t, encoder)},
		"one file, safetensors":       {safe(t, both)},
		"one file, compiled":          {pyTorch(t, tensors(w, "", func(k string) string { return "_orig_mod.module." + k }))},
		"Net of pytorch-AdaIN":        {pyTorch(t, tensors(w, "", netNames))},
		"Net as safetensors":          {safe(t, tensors(w, "", netNames))},
		"decoder counts downwards":    {safe(t, encoder), safe(t, tensors(w, model.Decoder, heightNames))},
		"averaged beside the others":  {pyTorch(t, slices.Concat(tensors(old, "", func(k string) string { return "params." + k }), tensors(w, "", func(k string) string { return "params_ema." + k })))},
		"named after semantics":       {pyTorch(t, slices.Concat(both, tensors(old, "", func(k string) string { return "semantic." + k })))},
		"bfloat16":                    {pyTorch(t, half16(colourless(encoder), "BF16")), pyTorch(t, half16(decoder, "BF16"))},
		"float16":                     {safe(t, half16(colourless(encoder), "F16")), safe(t, half16(decoder, "F16"))},
		"bfloat16 in safetensors":     {safe(t, half16(colourless(encoder), "BF16")), safe(t, half16(decoder, "BF16"))},
		"torchvision":                 {pyTorch(t, plain), pyTorch(t, decoder)},
		"torchvision, without prefix": {safe(t, colourless(encoder)), pyTorch(t, decoder)},
		"ONNX":                        {onnx.Model(w, model.Encoder, "1"), onnx.Model(w, model.Decoder, "1")},
	}
	for _, wrapper := range []string{"state_dict", "model_state_dict", "model", "decoder", "params", "params_ema", "ema", "net", "generator"} {
		files["under "+wrapper] = [2][]byte{pyTorch(t, encoder, "checkpoint", wrapper), pyTorch(t, decoder, wrapper)}
	}
	for _, prefix := range []string{"module.", "_orig_mod.", "features.", "net.", "decoder.", "model.decoder.", "vgg.slice."} {
		files["prefix "+prefix] = [2][]byte{
			pyTorch(t, tensors(w, model.Encoder, prefixed(prefix))), safe(t, tensors(w, model.Decoder, prefixed(prefix)))}
	}
	for name, data := range files {
		dir := t.TempDir()
		var paths []string
		for i, d := range data {
			if d != nil {
				paths = append(paths, fixture.Write(t, filepath.Join(dir, fmt.Sprintf("file %d", i)), d))
			}
		}
		var said bytes.Buffer
		got, err := Import(context.Background(), paths, "", Photos{}, &said)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, c := range got.Layers {
			if !slices.Equal(c.Weight, w.Layers[i].Weight) || !slices.Equal(c.Bias, w.Layers[i].Bias) {
				t.Errorf("%s: layer %s changed", name, c.Name)
			}
		}
		line, _, _ := strings.Cut(said.String(), "\n")
		if !strings.Contains(line, "the encoder of "+dir) || !strings.Contains(line, "the decoder of "+dir) || !strings.Contains(line, "widths 4,8,16,32") {
			t.Errorf("%s: said %q", name, line)
		}
	}
}

// TestImportUpsampling: files of this program say how they upsample, others are of pytorch-AdaIN's kind.
func TestImportUpsampling(t *testing.T) {
	t.Parallel()
	const mixed = "nearest,bilinear,bilinear"
	w, err := Random(fixture.Tiny).WithUpsamplings(mixed)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	own := filepath.Join(dir, "own.safetensors")
	if err := w.Save(own); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string { return fixture.Write(t, filepath.Join(dir, name), data) }
	encoder := write("e.onnx", onnx.Model(w, model.Encoder, "1"))
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{[]string{own}, mixed},
		{[]string{encoder, write("d.onnx", onnx.Model(w, model.Decoder, "1"))}, mixed},
		{[]string{encoder, write("d.pth", pyTorch(t, tensors(w, model.Decoder, short)))}, "nearest,nearest,nearest"},
	} {
		got, err := Import(context.Background(), c.paths, "", Photos{}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if got := got.Upsamplings(); got != c.want {
			t.Errorf("%q: upsampling %s, wanted %s", c.paths, got, c.want)
		}
	}
	wrong := write("wrong.onnx", bytes.Replace(onnx.Model(w, model.Decoder, "1"), []byte(mixed), []byte("nearest,bilinear,bicubic!"), 1))
	if _, err := Import(context.Background(), []string{encoder, wrong}, "", Photos{}, io.Discard); err == nil || !strings.Contains(err.Error(), wrong) || !strings.Contains(err.Error(), "bicubic") {
		t.Errorf("another word: error is %v", err)
	}
}

func TestImportRefusesLayouts(t *testing.T) {
	t.Parallel()
	w := Random(fixture.Tiny)
	decoder := safe(t, tensors(w, model.Decoder, short))
	encoder := tensors(w, model.Encoder, short)
	without := func(name string) []safetensors.Tensor {
		return slices.DeleteFunc(slices.Clone(encoder), func(x safetensors.Tensor) bool { return x.Name == name })
	}
	shaped := slices.Clone(encoder)
	for i, x := range shaped {
		if x.Name == "22.weight" {
			shaped[i] = safetensors.Float32(x.Name, []int{16, 16, 1, 1}, make([]float32, 256))
		}
	}
	normalised := append(slices.Clone(encoder), safetensors.Float32("13.running_mean", []int{8}, make([]float32, 8)))
	caffe := tensors(w, model.Encoder, func(key string) string {
		for _, c := range w.Layers {
			if rest, ok := strings.CutPrefix(key, c.Key()+"."); ok && c.Kernel == 3 {
				return c.Name + "." + rest
			}
		}
		return ""
	})
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"a layer too few":     {safe(t, without("22.weight")), []string{`"29.weight" has shape [32 16 3 3]`, "wanted [16 16 3 3] for layer conv3_4"}},
		"an end too early":    {safe(t, without("29.weight")), []string{"after 9 layers that fit it ends, wanted layer conv4_1 of shape [any 16 3 3]"}},
		"another kernel":      {safe(t, shaped), []string{`"22.weight" has shape [16 16 1 1]`, "wanted [16 16 3 3] for layer conv3_3"}},
		"no bias":             {pyTorch(t, without("12.bias")), []string{`layer "12"`, "no bias", "[8]"}},
		"batch normalisation": {safe(t, normalised), []string{`layer "12"`, "batch normalisation"}},
		"Caffe":               {safe(t, caffe), []string{`"conv1_1"`, "B, G, R"}},
		"no convolutions":     {safe(t, encoder[1:2]), []string{"none of its tensors is a convolution", `"0.bias"`}},
		"damaged safetensors": {safe(t, encoder)[:2000], []string{"cut off"}},
		"damaged ONNX":        {onnx.Model(w, model.Encoder, "1")[:5000], []string{"ONNX", "cut short"}},
	} {
		dir := t.TempDir()
		path := fixture.Write(t, filepath.Join(dir, "the encoder"), c.data)
		_, err := Import(context.Background(), []string{path, fixture.Write(t, filepath.Join(dir, "d"), decoder)}, "", Photos{}, io.Discard)
		for _, want := range append(c.want, path) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, wanted one with %q", name, err, want)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	lua := fixture.Write(t, filepath.Join(dir, "vgg normalised.t7"), []byte("anything"))
	for path, want := range map[string]string{dir: "folder", pipe: "pipe", filepath.Join(dir, "none.pth"): "no such file", lua: "Lua Torch"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, wanted one with %q", path, err, want)
		}
	}
}

func TestOpenWithLittleMemory(t *testing.T) {
	modeltest.LittleMemory(t, func() string {
		path := fixture.Write(t, filepath.Join(t.TempDir(), "large.pth"), nil)
		if err := os.Truncate(path, 1<<30); err != nil { // of holes
			t.Fatal(err)
		}
		return path
	}, func(path string) {
		if _, err := Open(path); !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, wanted one of memory that names the file", err)
		}
	})
}

func TestNatural(t *testing.T) {
	names := []string{"a.2.weight", "a.10.weight", "a.010.x", "a.1", "b", "a", "conv3_4", "conv10_1", "conv3_12"}
	slices.SortFunc(names, natural)
	if got := strings.Join(names, " "); got != "a a.1 a.2.weight a.10.weight a.010.x b conv3_4 conv3_12 conv10_1" {
		t.Errorf("sorted: %s", got)
	}
}
