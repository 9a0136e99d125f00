package network

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/trainer/fixture"
)

// TestImportTorchvision imports a network under torchvision's names and checks what normalising promises: on the photographs
// each filter's mean activation is 1, and the features are those of before but for their scale.
func TestImportTorchvision(t *testing.T) {
	w := Random(fixture.Tiny)
	// The colour layer is not part of torchvision's file; the import adds ImageNet's.
	_, w.Layers[0].Weight, _ = imageNetColour("encoder.0.weight")
	_, w.Layers[0].Bias, _ = imageNetColour("encoder.0.bias")
	dir := t.TempDir()
	vgg := fixture.Write(t, filepath.Join(dir, "vgg19.pth"), fixture.PyTorch(t, w, model.Encoder, torchvisionNames)["pickle"])
	decoder := fixture.Write(t, filepath.Join(dir, "d.pth"), fixture.PyTorch(t, w, model.Decoder, fixture.Same)["pickle"])
	photos := Photos{Folder: filepath.Join(dir, "photos"), Short: 64, Side: 48}
	var said bytes.Buffer
	plain, err := Import(context.Background(), []string{vgg, decoder}, "", Photos{}, &said)
	if err != nil || plain.EncoderID() != w.EncoderID() || !strings.Contains(said.String(), "--photos") || !strings.Contains(said.String(), "ImageNet") {
		t.Errorf("without photographs: %v, %q", err, said.String())
	}
	for i := range 3 {
		fixture.WritePicture(t, filepath.Join(dir, "photos", fmt.Sprintf("%d.png", i)), fixture.Noise(model.RGB, 140+7*i, 131, uint64(i)))
	}
	fixture.Write(t, filepath.Join(dir, "photos", "broken.png"), []byte("x"))
	var progress bytes.Buffer
	got, err := Import(context.Background(), []string{vgg, decoder}, "", photos, &progress)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "broken.png") {
		t.Errorf("nothing is said of the broken file:\n%s", progress.String())
	}
	means := make([][]float64, 10)
	for i := range 3 {
		photo, err := photos.middle(filepath.Join(dir, "photos", fmt.Sprintf("%d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		m := activations(got, photo)
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
	x := ref.Read(fixture.Noise(model.RGB, 40, 32, 9))
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
