package model

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestMix(t *testing.T) {
	a := Stats{[]float32{1, 2}, []float32{4, 0}}
	b := Stats{[]float32{3, -2}, []float32{0, 8}}
	for _, c := range []struct {
		name    string
		stats   []Stats
		weights []float64
		want    Stats
		says    string // part of the error
	}{
		{"one", []Stats{a}, nil, a, ""},
		{"equal", []Stats{a, b}, nil, Stats{[]float32{2, 0}, []float32{2, 4}}, ""},
		{"normalised", []Stats{a, b}, []float64{3, 1}, Stats{[]float32{1.5, 1}, []float32{3, 2}}, ""},
		{"one weight 0", []Stats{a, b}, []float64{0, 7}, b, ""},
		{"tiny weights", []Stats{a, b}, []float64{1e-300, 1e-300}, Stats{[]float32{2, 0}, []float32{2, 4}}, ""},
		{"no style", nil, nil, Stats{}, "no style"},
		{"too few weights", []Stats{a, b}, []float64{1}, Stats{}, "1 values for 2 styles"},
		{"negative", []Stats{a, b}, []float64{2, -1}, Stats{}, "value 2 is -1"},
		{"NaN", []Stats{a, b}, []float64{math.NaN(), 1}, Stats{}, "value 1 is NaN"},
		{"infinite", []Stats{a, b}, []float64{1, math.Inf(1)}, Stats{}, "value 2"},
		{"sum overflows", []Stats{a, b}, []float64{1e308, 1e308}, Stats{}, "sum to"},
		{"all 0", []Stats{a, b}, []float64{0, 0}, Stats{}, "sum to 0"},
		{"lengths", []Stats{a, {[]float32{1}, []float32{1}}}, nil, Stats{}, "2 and 1 channels"},
	} {
		got, err := Mix(c.stats, c.weights)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, wanted %q", c.name, err, c.says)
		} else if err == nil && (!slices.Equal(got.Mean, c.want.Mean) || !slices.Equal(got.Std, c.want.Std)) {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}

func TestClone(t *testing.T) {
	a := Stats{[]float32{1}, []float32{2}}
	b := a.Clone()
	b.Mean[0], b.Std[0] = 5, 6
	if a.Mean[0] != 1 || a.Std[0] != 2 {
		t.Errorf("a clone shares memory: %v", a)
	}
}
