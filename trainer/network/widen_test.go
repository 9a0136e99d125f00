package network

import (
	"math"
	"slices"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
	"adainfilter/trainer/fixture"
)

// TestWiden: a widened network computes what the narrow one does, and its new filters answer.
func TestWiden(t *testing.T) {
	t.Parallel()
	narrow, err := Random(fixture.Small).WithUpsamplings("nearest,bilinear,nearest")
	if err != nil {
		t.Fatal(err)
	}
	content, style := ref.Read(fixture.Noise(model.RGB, 37, 26, 9)), ref.Read(fixture.Noise(model.RGB, 24, 32, 5))
	result := func(w *model.Weights) ref.Features {
		return ref.Stylize(w, content, ref.Statistics(ref.Encode(w, style)[3]), 0.7)
	}
	want := result(narrow)
	narrow.Int8 = map[string]model.Int8Layer{"conv1_2": {}}
	for _, more := range []model.Widths{{}, {0, 0, 0, 8}, {4, 0, 8, 0}, {4, 4, 4, 4}} {
		widths := narrow.Widths
		for i := range widths {
			widths[i] += more[i]
		}
		wide, err := Widen(narrow, widths, 3)
		if err != nil {
			t.Fatal(err)
		}
		if wide.Int8 != nil || narrow.Int8 == nil {
			t.Errorf("widths %v: steps for integers are %v, the narrow network's %v", widths, wide.Int8, narrow.Int8)
		}
		if wide.Upsamplings() != narrow.Upsamplings() || narrow.Layers[9].Out != narrow.Widths[3] {
			t.Errorf("widths %v upsample by %s, wanted %s", widths, wide.Upsamplings(), narrow.Upsamplings())
		}
		// What is more are products with zeros; only the statistics of the style pass through float32.
		for i, got := range result(wide).Data {
			if !(math.Abs(got-want.Data[i]) <= 1e-5) {
				t.Fatalf("widths %v: sample %d is %v, wanted %v", widths, i, got, want.Data[i])
			}
		}
		for level, x := range ref.Encode(wide, content) {
			answer, added := 0, widths[level]-narrow.Widths[level]
			for _, m := range ref.Statistics(x).Mean[narrow.Widths[level]:] {
				if m > 0 {
					answer++
				}
			}
			if answer < added/2 {
				t.Errorf("widths %v: of %d new filters of relu%d_1 %d answer", widths, added, level+1, answer)
			}
		}
	}
	first := narrow.Layers[2] // reads conv1_1
	calibrated, err := narrow.WithInt8(map[string]model.Int8Layer{first.Name: {Steps: slices.Repeat([]float32{1}, first.In), Shift: make([]float32, first.Out)}})
	if err != nil {
		t.Fatal(err)
	}
	if wide, err := Widen(calibrated, narrow.Widths, 3); err != nil || wide.Int8 != nil || calibrated.Int8 == nil {
		t.Errorf("a widened network keeps steps for 8 bits that were chosen for a narrower one, error %v", err)
	}
	small := narrow.Widths
	small[2] -= 4
	if _, err := Widen(narrow, small, 3); err == nil || !strings.Contains(err.Error(), "none may be smaller") {
		t.Errorf("smaller widths give %v", err)
	}
}
