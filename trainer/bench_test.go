package main

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"adainfilter/trainer/bench"
	"adainfilter/trainer/network"
)

func TestBench(t *testing.T) {
	weights := tinyWeights(t, t.TempDir())
	for _, extra := range [][]string{nil, {"--json"}} {
		out, _ := mustRun(t, append([]string{"bench", "--weights", weights, "--size", "33x17", "--runs", "3", "--precision", "float32"}, extra...)...)
		if extra != nil {
			// One line that is JSON from its beginning to its end.
			var r bench.Result
			if err := json.Unmarshal([]byte(out), &r); err != nil || strings.Count(out, "\n") != 1 || !(r.MedianMS > 0) || r.Width != 33 || r.Runs != 3 {
				t.Errorf("%v, JSON is\n%s", err, out)
			}
			continue
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		last := strings.Fields(lines[len(lines)-1])
		if len(last) != 2 || last[0] != "ms_per_frame" {
			t.Fatalf("the last line is %q", last)
		}
		if ms, err := strconv.ParseFloat(last[1], 64); err != nil || !(ms > 0) {
			t.Errorf("%q is no time", last[1])
		}
	}
}

// TestBenchLayers has a line for each pair of layers that are computed together, and the peak; the engine may be one that was taken for want of a GPU.
func TestBenchLayers(t *testing.T) {
	weights := tinyWeights(t, t.TempDir())
	for _, device := range []string{"auto", "cpu"} {
		args := []string{"bench", "--weights", weights, "--size", "48x32", "--runs", "2", "--layers", "--device", device}
		out, _ := mustRun(t, append(args, "--json")...)
		var r bench.Layers
		if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Layers) != 17 || !(r.Peak > 0) || r.Layers[0].Layers != "conv1_1, conv1_2" {
			t.Errorf("%s: %v, JSON is\n%s", device, err, out)
		}
		if out, _ := mustRun(t, args...); strings.Count(out, "\n") != 19 || !strings.Contains(out, "mirror1_2, mirror1_1") {
			t.Errorf("%s: the table is\n%s", device, out)
		}
	}
}

// TestBenchRefuses lets the network overflow: no time may be printed for a wrong picture.
func TestBenchRefuses(t *testing.T) {
	w := network.Random(tiny)
	for i := range w.Layers[3].Weight {
		w.Layers[3].Weight[i] *= 1e30
		w.Layers[5].Weight[i%len(w.Layers[5].Weight)] *= 1e30
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Save(path); err != nil {
		t.Fatal(err)
	}
	args := []string{"bench", "--weights", path, "--size", "16x16", "--runs", "1", "--precision", "float32"}
	out, _, err := run(args...)
	if err == nil || !strings.Contains(err.Error(), "result is wrong") || strings.Contains(out, "ms_per_frame") {
		t.Errorf("error is %v, output %q", err, out)
	}
	if _, _, err := run(append(args, "--tune", "--device", "cpu")...); err == nil || !strings.Contains(err.Error(), "wanted bfloat16") {
		t.Errorf("--tune in float32: error is %v", err)
	}
	// Said before the first frame, which may take minutes.
	if _, _, err := run(append(args, "--kernels", "--device", "cpu")...); err == nil || !strings.Contains(err.Error(), "--kernels wants an engine on a GPU") {
		t.Errorf("--kernels on a CPU: error is %v", err)
	}
}
