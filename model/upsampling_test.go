package model

import (
	"path/filepath"
	"strings"
	"testing"
)

// The upsamplings stand in the file, and a file that does not name them is one of the first version, byte for byte.
func TestUpsamplings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	plain, err := ParseWeights("file", encode(t, bundle(), nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ words, want, format string }{
		{"nearest", "nearest,nearest,nearest", "adain-1"},
		{"bilinear", "bilinear,bilinear,bilinear", "adain-2"},
		{"nearest,bilinear,bilinear", "nearest,bilinear,bilinear", "adain-2"},
		{"bilinear,nearest,nearest", "bilinear,nearest,nearest", "adain-2"},
	} {
		w, err := plain.WithUpsamplings(c.words)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := LoadWeights(path)
		if err != nil {
			t.Fatal(err)
		}
		said, ok := again.Metadata["upsampling"]
		if again.Upsamplings() != c.want || again.Metadata["format"] != c.format || ok != (c.format == "adain-2") || ok && said != c.want {
			t.Errorf("%s: read %q of format %q, metadata %q", c.words, again.Upsamplings(), again.Metadata["format"], said)
		}
		for i, l := range again.Layers {
			if l.Layer != w.Layers[i].Layer || l.Repeat != (i > 0 && again.Layers[i-1].Upsample == Bilinear) {
				t.Errorf("%s: %s is %+v", c.words, l.Name, l.Layer)
			}
		}
		if back, err := again.WithUpsamplings("nearest"); err != nil || back.Save(path) != nil || again.Upsamplings() != c.want {
			t.Errorf("%s: back to nearest: %v", c.words, err)
		}
		if again, err := LoadWeights(path); err != nil || again.Metadata["format"] != "adain-1" || again.Metadata["upsampling"] != "" {
			t.Errorf("%s: back to nearest: %v", c.words, err)
		}
	}
	for _, words := range []string{"", "cubic", "nearest,bilinear", "bilinear,bilinear,bilinear,bilinear", "nearest,,nearest", "Bilinear"} {
		_, err := ParseWeights("file", encode(t, bundle(), map[string]string{"format": "adain-2", "upsampling": words}))
		if err == nil || !strings.Contains(err.Error(), "upsampling") {
			t.Errorf("metadata say %q: %v", words, err)
		}
	}
}
