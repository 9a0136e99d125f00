package main

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"adainfilter/trainer/network"
)

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
	w := network.Random(tiny)
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
