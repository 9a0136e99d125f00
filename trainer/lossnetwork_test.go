package main

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
)

// loss calls lossNetwork at tiny widths.
func loss(path, photos string) ([]model.Conv, error) {
	var e bytes.Buffer
	c := cli.NewContext(&cli.App{ErrWriter: &e}, nil, nil)
	return lossNetwork(c, path, photos, tiny)
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
	w := randomWeights(tiny)
	encoder := sides(t, w, model.Encoder, same)
	for name, path := range map[string]string{
		"pickle":   write(t, filepath.Join(dir, "vgg_normalised.pth"), encoder["pickle"]),
		"zip":      write(t, filepath.Join(dir, "zip.pth"), encoder["zip"]),
		"prefixed": write(t, filepath.Join(dir, "prefixed.pth"), sides(t, w, model.Encoder, func(n string) string { return "encoder." + n })["zip"]),
		"weights":  tinyWeights(t, dir),
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
		if encoderID(layers) != w.EncoderID() {
			t.Errorf("%s: encoder %s, wanted %s", name, encoderID(layers), w.EncoderID())
		}
	}
}

func TestLossNetworkOfTorchvision(t *testing.T) {
	dir := t.TempDir()
	w := randomWeights(tiny)
	_, w.Layers[0].Weight, _ = imageNetColour("encoder.0.weight")
	_, w.Layers[0].Bias, _ = imageNetColour("encoder.0.bias")
	vgg := write(t, filepath.Join(dir, "vgg19.pth"), sides(t, w, model.Encoder, torchvisionNames)["zip"])
	if _, err := loss(vgg, ""); err == nil || !strings.Contains(err.Error(), "--photos") {
		t.Errorf("without photographs: error is %v", err)
	}
	for i := range 2 {
		writePicture(t, filepath.Join(dir, "photos", fmt.Sprint(i)+".png"), noise(model.RGB, 100, 100, uint64(i)))
	}
	layers, err := loss(vgg, filepath.Join(dir, "photos"))
	if err != nil {
		t.Fatal(err)
	}
	var sums [][]float64
	for i := range 2 {
		means, err := activations(&model.Weights{Layers: layers}, filepath.Join(dir, "photos", fmt.Sprint(i)+".png"))
		if err != nil {
			t.Fatal(err)
		}
		sums = add(sums, means)
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
	w := randomWeights(tiny)
	file := func(name string, w *model.Weights, side model.Side) string {
		return write(t, filepath.Join(dir, name), sides(t, w, side, same)["zip"])
	}
	other := filepath.Join(dir, "lite.safetensors")
	if err := randomWeights(model.Widths{4, 8, 16, 36}).Save(other); err != nil {
		t.Fatal(err)
	}
	photo := filepath.Join(dir, "photo.png")
	writePicture(t, photo, noise(model.RGB, 16, 16, 1))
	decoder := file("decoder.pth", w, model.Decoder)
	wide := file("wide.pth", randomWeights(model.Widths{4, 8, 16, 36}), model.Encoder)
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
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || !strings.HasPrefix(err.Error(), "--vgg: ") {
			t.Errorf("%s: error is %v, wanted one with %q and the path", path, err, want)
		}
	}
}
