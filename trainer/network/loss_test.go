package network

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/fixture"
)

// loss calls Loss at tiny widths.
func loss(path, photos string) ([]model.Conv, error) {
	return Loss(context.Background(), path, fixture.Tiny, Photos{Folder: photos, Short: 48, Side: 32}, io.Discard)
}

// torchvision's vgg19 numbers its modules without padding layers and without the colour layer: our index by theirs.
var torchvisionIndex = map[string]string{
	"2": "0", "5": "2", "9": "5", "12": "7", "16": "10", "19": "12", "22": "14", "25": "16", "29": "19",
}

// torchvisionNames are the names of an encoder's tensors in torchvision's files.
func torchvisionNames(n string) string {
	index, rest, _ := strings.Cut(n, ".")
	if torchvisionIndex[index] == "" {
		return ""
	}
	return "features." + torchvisionIndex[index] + "." + rest
}

func TestLossNetwork(t *testing.T) {
	dir := t.TempDir()
	w := Random(fixture.Tiny)
	encoder := fixture.PyTorch(t, w, model.Encoder, fixture.Same)
	for name, path := range map[string]string{
		"pickle":   fixture.Write(t, filepath.Join(dir, "vgg_normalised.pth"), encoder["pickle"]),
		"zip":      fixture.Write(t, filepath.Join(dir, "zip.pth"), encoder["zip"]),
		"prefixed": fixture.Write(t, filepath.Join(dir, "prefixed.pth"), fixture.PyTorch(t, w, model.Encoder, func(n string) string { return "encoder." + n })["zip"]),
		"weights":  saved(t, dir, w),
	} {
		layers, err := loss(path, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(layers) != 10 {
			t.Fatalf("%s: %d layers, wanted 10", name, len(layers))
		}
		for i, l := range layers {
			if want := w.Layers[i]; l.Layer != want.Layer || !slices.Equal(l.Weight, want.Weight) || !slices.Equal(l.Bias, want.Bias) {
				t.Errorf("%s: layer %s is not that of the file", name, want.Name)
			}
		}
		if EncoderID(layers) != w.EncoderID() {
			t.Errorf("%s: encoder %s, wanted %s", name, EncoderID(layers), w.EncoderID())
		}
	}
}

func TestLossNetworkOfTorchvision(t *testing.T) {
	dir := t.TempDir()
	w := Random(fixture.Tiny)
	_, w.Layers[0].Weight, _ = imageNetColour("encoder.0.weight")
	_, w.Layers[0].Bias, _ = imageNetColour("encoder.0.bias")
	vgg := fixture.Write(t, filepath.Join(dir, "vgg19.pth"), fixture.PyTorch(t, w, model.Encoder, torchvisionNames)["zip"])
	if _, err := loss(vgg, ""); err == nil || !strings.Contains(err.Error(), "--photos") {
		t.Errorf("without photographs: error is %v", err)
	}
	for i := range 2 {
		fixture.WritePicture(t, filepath.Join(dir, "photos", fmt.Sprint(i)+".png"), fixture.Noise(model.RGB, 100, 100, uint64(i)))
	}
	layers, err := loss(vgg, filepath.Join(dir, "photos"))
	if err != nil {
		t.Fatal(err)
	}
	var sums [][]float64
	for i := range 2 {
		photo, err := Photos{Short: 48, Side: 32}.middle(filepath.Join(dir, "photos", fmt.Sprint(i)+".png"))
		if err != nil {
			t.Fatal(err)
		}
		sums = add(sums, activations(&model.Weights{Layers: layers}, photo))
	}
	for l, layer := range sums {
		for k, sum := range layer {
			// The scales are rounded to float32, as often as there are layers.
			if mean := sum / 2; !(math.Abs(mean-1) < 1e-5) && mean != 0 {
				t.Errorf("filter %d of %s has mean activation %v, wanted 1", k, layers[l].Name, mean)
			}
		}
	}
}

func TestLossNetworkRefuses(t *testing.T) {
	dir := t.TempDir()
	w := Random(fixture.Tiny)
	file := func(name string, w *model.Weights, side model.Side) string {
		return fixture.Write(t, filepath.Join(dir, name), fixture.PyTorch(t, w, side, fixture.Same)["zip"])
	}
	other := filepath.Join(dir, "lite.safetensors")
	if err := Random(model.Widths{4, 8, 16, 36}).Save(other); err != nil {
		t.Fatal(err)
	}
	photo := filepath.Join(dir, "photo.png")
	fixture.WritePicture(t, photo, fixture.Noise(model.RGB, 16, 16, 1))
	decoder := file("decoder.pth", w, model.Decoder)
	wide := file("wide.pth", Random(model.Widths{4, 8, 16, 36}), model.Encoder)
	w.Layers[4].Bias[1] = float32(math.Inf(1))
	for path, want := range map[string]string{
		decoder:                                "decoder",
		other:                                  "widths 4,8,16,36, wanted VGG-19 with widths 4,8,16,32",
		wide:                                   "shape [36 16 3 3], wanted [32 16 3 3]",
		photo:                                  "PNG",
		filepath.Join(dir, "none.pth"):         "no such file",
		dir:                                    "folder",
		file("infinite.pth", w, model.Encoder): "infinity",
	} {
		_, err := loss(path, "")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, wanted one with %q and the path", path, err, want)
		}
	}
}

// saved writes a weights file.
func saved(t *testing.T, dir string, w *model.Weights) string {
	t.Helper()
	path := filepath.Join(dir, "tiny, weights.safetensors")
	if err := w.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}
