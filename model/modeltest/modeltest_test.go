package modeltest

import (
	"math"
	"slices"
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// TestReference runs the cases that say something of the reference itself: the others would compare it with itself.
func TestReference(t *testing.T) {
	t.Parallel()
	for _, c := range Cases(ref.Open, Float32) {
		if slices.Contains([]string{"determinism", "two engines", "refusals"}, c.Name) {
			if err := c.Check(); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	}
}

// The foldings and float32 sums of a fast engine stay within the tolerance.
func TestFoldedFloat32(t *testing.T) {
	t.Parallel()
	Run(t, openVariant(func(*variant) {}), Float32)
}

func TestBFloat16(t *testing.T) {
	t.Parallel()
	Run(t, openVariant(func(v *variant) { v.round = bfloat16 }), Half)
}

func TestClose(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name      string
		got, want []float32
		ok        bool
	}{
		{"equal", []float32{1, -2}, []float32{1, -2}, true},
		{"within", []float32{1.01, -2}, []float32{1, -2}, true},
		{"beyond", []float32{1.03, -2}, []float32{1, -2}, false},
		{"zeros", []float32{0, 0}, []float32{0, 0}, true},
		{"zero wanted", []float32{0, 1e-9}, []float32{0, 0}, false},
		{"NaN found", []float32{1, nan}, []float32{1, -2}, false},
		{"NaN first", []float32{nan, -2}, []float32{1, -2}, false},
		{"NaN wanted", []float32{1, -2}, []float32{nan, -2}, false},
		{"NaN both", []float32{nan}, []float32{nan}, false},
		{"infinity found", []float32{inf}, []float32{1}, false},
		{"infinity wanted", []float32{1, 5}, []float32{inf, 5}, false},
		{"infinity both", []float32{inf}, []float32{inf}, false},
		{"lengths", []float32{1}, []float32{1, 2}, false},
		{"empty", nil, nil, true},
	} {
		if err := CheckClose(c.name, c.got, c.want, 0.01); (err == nil) != c.ok {
			t.Errorf("%s: %v, wanted ok %v", c.name, err, c.ok)
		}
	}
}

// Random weights have to give results that are mostly inside [0,1] and not flat, or comparing bytes would say nothing.
func TestRandomWeights(t *testing.T) {
	for _, widths := range []model.Widths{Widths, model.Lite} {
		w := RandomWeights(1, widths)
		m := model.NewImage(model.RGB, 40, 40)
		Fill(m, 1)
		y := ref.Stylize(w, ref.Read(m), RandomStats(1, widths[3]), 1)
		inside := 0
		for _, v := range y.Data {
			if v > 0 && v < 1 {
				inside++
			}
		}
		std := ref.Statistics(y).Std
		t.Logf("widths %v: std of the channels %v", widths, std)
		if share := float64(inside) / float64(len(y.Data)); !(share > 0.7) || !(min(std[0], std[1], std[2]) > 0.03) {
			t.Errorf("widths %v: %.2f of the results are inside [0,1], wanted 0.7; std of the channels %v, wanted 0.03", widths, share, std)
		}
	}
}
