package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
	"adainfilter/trainer/quantization"
)

// TestQuantize calibrates a network, which then stylises in integers and did not before.
func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	weights, out := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "q.safetensors")
	if err := modeltest.RandomWeights(1, modeltest.Widths).Save(weights); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join("..", "documents", "photos.jpg")
	stylize := []string{"stylize", "--device", "cpu", "--precision", "int8", "--content", picture, "--size", "48", "--style", picture, "--out", filepath.Join(dir, "out.png"), "--weights"}
	if _, _, err := run(append(stylize, weights)...); err == nil || !strings.Contains(err.Error(), "adain quantize") {
		t.Errorf("before: error %v, wanted one that names adain quantize", err)
	}
	quantize := []string{"quantize", "--content", picture, "--style", picture, "--size", "32", weights}
	said, progress := mustRun(t, append(quantize, out)...)
	if !strings.Contains(progress, "dB of float32") || !strings.Contains(said, out) {
		t.Errorf("printed %q and %q, wanted how close it comes and the file", said, progress)
	}
	mustRun(t, append(stylize, out)...)
	w, err := model.LoadWeights(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Int8) != quantization.Steps(w) || w.Metadata[quantization.Key] == "" {
		t.Errorf("the file has %d layers, metadata %v", len(w.Int8), w.Metadata)
	}
	if said, _ := mustRun(t, "inspect", out); !strings.Contains(said, fmt.Sprintf("steps of %d layers", len(w.Int8))) {
		t.Errorf("inspect prints %q, wanted that the file is calibrated", said)
	}
	again := filepath.Join(dir, "again.safetensors")
	mustRun(t, append(quantize, again)...)
	if got, err := model.LoadWeights(again); err != nil || !slices.Equal(got.Int8["conv3_2"].Steps, w.Int8["conv3_2"].Steps) {
		t.Errorf("another run gives other steps, error %v", err)
	}
	for want, args := range map[string][]string{
		"wanted two":      {"--content", picture, "--style", picture, weights},
		"both needed":     {weights, out},
		"ends in":         {"--content", picture, "--style", picture, weights, dir},
		"--size is 20":    {"--content", picture, "--style", picture, "--size", "20", weights, out},
		"--pictures is 0": {"--content", picture, "--style", picture, "--pictures", "0", weights, out},
	} {
		if _, _, err := run(append([]string{"quantize"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, wanted %s", args, err, want)
		}
	}
}
