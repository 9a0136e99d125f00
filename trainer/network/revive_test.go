package network

import (
	"context"
	"testing"

	"adainfilter/trainer/fixture"
)

// A filter that never answers is drawn anew, the others stay as they are.
func TestRevive(t *testing.T) {
	t.Parallel()
	p := photographs(t)
	w := Random(fixture.Small)
	photos, err := p.some(alivePhotos)
	if err != nil {
		t.Fatal(err)
	}
	silence := func(layer, filter int) { w.Layers[layer].Bias[filter] = -1e6 }
	// The random network may have silent filters itself.
	if _, err := Revive(context.Background(), w, p, 1); err != nil {
		t.Fatal(err)
	}
	silence(2, 1)
	silence(9, 5) // relu4_1, whose reader is the decoder
	before := append([]float32(nil), w.Layers[2].Weight[:4*9]...)
	if n, err := Revive(context.Background(), w, p, 1); n < 2 || err != nil {
		t.Fatalf("revived %d filters, error %v, wanted the two and those that hung on them", n, err)
	}
	means, err := p.meanActivations(context.Background(), w, photos, nil)
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
