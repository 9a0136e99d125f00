package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/model/ref"
	"adainfilter/trainer/network"
)

// python runs a script and returns what it prints. Without the modules the test is skipped. $PYTHON names another interpreter
// than python3.
func python(t *testing.T, modules, script string, args ...string) string {
	t.Helper()
	interpreter := os.Getenv("PYTHON")
	if interpreter == "" {
		interpreter = "python3"
	}
	if out, err := exec.Command(interpreter, "-c", "import "+modules).CombinedOutput(); err != nil {
		t.Skipf("not compared with what others compute: %s cannot import %s (%v: %.200s)", interpreter, modules, err, out)
	}
	var complaints strings.Builder
	command := exec.Command(interpreter, append([]string{"-c", script}, args...)...)
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	return string(out)
}

// dump and undump move float32 values through a file.
func dump(t *testing.T, path string, values []float64) {
	t.Helper()
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	write(t, path, b)
}

func undump(t *testing.T, path string) (values []float32) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for ; len(b) >= 4; b = b[4:] {
		values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return values
}

func exported(t *testing.T, format string) (dir string, w *model.Weights) {
	t.Helper()
	dir = t.TempDir()
	w = network.Random(tiny)
	out, _ := mustRun(t, "export", "--format", format, "--out", filepath.Join(dir, "new/folder"), tinyWeights(t, dir))
	for _, side := range []string{"encoder", "decoder"} {
		if path := filepath.Join(dir, "new/folder", side+"."+format); !strings.Contains(out, path+": "+side) {
			t.Errorf("nothing is said of %s:\n%s", path, out)
		}
	}
	return filepath.Join(dir, "new/folder"), w
}

const runONNX = `
import json, sys, numpy, onnx, onnxruntime
folder, height, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = numpy.fromfile(folder + "/picture.f32", "<f4").reshape(2, 3, height, width)
metadata = {}
for side, name, result in [("encoder", "picture", "features"), ("decoder", "features", "result")]:
    path = f"{folder}/{side}.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    metadata[side] = {p.key: p.value for p in model.metadata_props}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = session.run(None, {name: x})[0]
    x.tofile(f"{folder}/{result}.f32")
json.dump(metadata, sys.stdout)
`

// TestExportONNX runs both graphs in ONNX Runtime, on two pictures of a size that no pooling divides.
func TestExportONNX(t *testing.T) {
	const height, width = 19, 21
	dir, w := exported(t, "onnx")
	pictures := []ref.Features{ref.Read(noise(model.RGB, width, height, 1)), ref.Read(noise(model.RGB, width, height, 2))}
	dump(t, filepath.Join(dir, "picture.f32"), slices.Concat(pictures[0].Data, pictures[1].Data))
	var metadata map[string]map[string]string
	if err := json.Unmarshal([]byte(python(t, "numpy, onnx, onnxruntime", runONNX, dir, fmt.Sprint(height), fmt.Sprint(width))), &metadata); err != nil {
		t.Fatal(err)
	}
	for _, side := range []string{"encoder", "decoder"} {
		if m := metadata[side]; m["network"] != w.Network || m["widths"] != "4,8,16,32" || m["encoder"] != w.EncoderID() || !strings.Contains(m["adain"], "alpha*t") {
			t.Errorf("metadata of the %s are %v", side, m)
		}
	}
	var features, results []float64
	for _, p := range pictures {
		relu4 := ref.Encode(w, p)[3]
		if relu4.H != 3 || relu4.W != 3 {
			t.Fatalf("features are %v", relu4)
		}
		features = append(features, relu4.Data...)
		results = append(results, ref.Decode(w, relu4).Data...)
	}
	// Float32 sums of up to 288 products through 10 and 9 layers.
	modeltest.Close(t, "features", undump(t, filepath.Join(dir, "features.f32")), features, 1e-5)
	modeltest.Close(t, "picture", undump(t, filepath.Join(dir, "result.f32")), results, 1e-5)
}

// TestExportPTH imports what was exported.
func TestExportPTH(t *testing.T) {
	dir, w := exported(t, "pth")
	back := filepath.Join(dir, "back.safetensors")
	mustRun(t, "import", "--name", w.Network, "--out", back, filepath.Join(dir, "encoder.pth"), filepath.Join(dir, "decoder.pth"))
	got, err := model.LoadWeights(back)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range got.Layers {
		want := w.Layers[i]
		if l.Layer != want.Layer || !slices.Equal(l.Weight, want.Weight) || !slices.Equal(l.Bias, want.Bias) {
			t.Errorf("layer %s changed", l.Name)
		}
	}
}

const runTorch = `
import sys, numpy, torch
for side in ["encoder", "decoder"]:
    path = f"{sys.argv[1]}/{side}.pth"
    tensors = torch.load(path, weights_only=True)
    mapped = torch.load(path, weights_only=True, mmap=True)
    assert all(torch.equal(v, mapped[k]) and v.dtype == torch.float32 and v.is_contiguous() for k, v in tensors.items())
    layers = torch.nn.Sequential()
    for k in range(30):
        if f"{k}.weight" in tensors:
            o, i, size, _ = tensors[f"{k}.weight"].shape
            layers.add_module(str(k), torch.nn.Conv2d(i, o, size))
    layers.load_state_dict(tensors)
    numpy.concatenate([p.detach().numpy().ravel() for p in layers.parameters()]).tofile(f"{sys.argv[1]}/{side}.f32")
`

// TestExportToTorch loads what was exported with PyTorch.
func TestExportToTorch(t *testing.T) {
	dir, w := exported(t, "pth")
	python(t, "numpy, torch", runTorch, dir)
	values := map[model.Side][]float32{}
	for _, l := range w.Layers {
		values[l.Side] = append(append(values[l.Side], l.Weight...), l.Bias...)
	}
	for side, want := range values {
		if !slices.Equal(undump(t, filepath.Join(dir, string(side)+".f32")), want) {
			t.Errorf("PyTorch reads another %s", side)
		}
	}
}

func TestExportFloat16(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "half")
	if _, _, err := run("export", "--format", "float16", "--out", out, tinyWeights(t, dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := model.LoadWeights(filepath.Join(out, "weights.safetensors")); err != nil {
		t.Error(err)
	}
}

func TestExportRefuses(t *testing.T) {
	dir := t.TempDir()
	weights := tinyWeights(t, dir)
	file := write(t, filepath.Join(dir, "file"), nil)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{weights}, "--out is missing"},
		{[]string{"--out", filepath.Join(dir, "a.onnx"), weights}, "wanted a folder"},
		{[]string{"--out", filepath.Join(dir, "a"), "--format", "t7", weights}, `--format is "t7"`},
		{[]string{"--out", filepath.Join(dir, "a"), weights, weights}, "2 files were named"},
		{[]string{"--out", filepath.Join(dir, "a"), filepath.Join(dir, "none.safetensors")}, "none.safetensors"},
		{[]string{"--out", file, weights}, "not a directory"},
	} {
		_, _, err := run(append([]string{"export"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error is %v, wanted one with %q", c.args, err, c.want)
		}
	}
	if got := tree(t, dir); got != "file tiny, weights.safetensors" {
		t.Errorf("files are left: %s", got)
	}
}
