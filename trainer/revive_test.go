package main

import (
	"path/filepath"
	"testing"

	"adainfilter/model"
)

// A filter that never answers is drawn anew, the others stay as they are.
func TestReviveSilent(t *testing.T) {
	dir := t.TempDir()
	trainingFiles(t, dir)
	w := randomWeights(model.Widths{4, 4, 4, 8})
	o := &trainOptions{content: filepath.Join(dir, "contents"), seed: 1}
	photos, err := somePhotos(o.content, slimPhotos)
	if err != nil {
		t.Fatal(err)
	}
	silence := func(layer, filter int) { w.Layers[layer].Bias[filter] = -1e6 }
	// The random network may have silent filters itself.
	if _, err := reviveSilent(quiet(), o, w); err != nil {
		t.Fatal(err)
	}
	silence(2, 1)
	silence(9, 5) // relu4_1, whose reader is the decoder
	before := append([]float32(nil), w.Layers[2].Weight[:4*9]...)
	if n, err := reviveSilent(quiet(), o, w); n < 2 || err != nil {
		t.Fatalf("revived %d filters, error %v, wanted the two and those that hung on them", n, err)
	}
	means, err := meanActivations(quiet(), w, photos, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Layer 2 got its mean before later layers were looked at; nothing changes it afterwards.
	if m := means[2][1]; !(m > 0.999 && m < 1.001) {
		t.Errorf("the filter has mean activation %v, wanted 1", m)
	}
	if m := means[9][5]; !(m > 0.999 && m < 1.001) {
		t.Errorf("the filter of relu4_1 has mean activation %v, wanted 1", m)
	}
	for i, v := range before {
		if w.Layers[2].Weight[i] != v {
			t.Fatalf("filter 1 of layer 2 changed at %d", i)
		}
	}
}
