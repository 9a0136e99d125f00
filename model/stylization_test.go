package model

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestShares(t *testing.T) {
	bytes := func(n int, value func(i int) uint8) []uint8 {
		v := make([]uint8, n)
		for i := range v {
			v[i] = value(i)
		}
		return v
	}
	column := func(width, first int) func(i int) uint8 { // white from column first on
		return func(i int) uint8 { return uint8(255 * min(1, i%width/first)) }
	}
	for _, c := range []struct {
		name                    string
		mask                    Mask
		frameWidth, frameHeight int
		want                    []float32
	}{
		{"white", Mask{Width: 3, Height: 2, White: bytes(6, func(int) uint8 { return 255 })}, 17, 9, []float32{1, 1, 1, 1, 1, 1}},
		{"black", Mask{Width: 1, Height: 1, White: []uint8{0}}, 9, 8, []float32{0, 0}},
		{"grey", Mask{Width: 1, Height: 1, White: []uint8{51}}, 8, 8, []float32{0.2}},
		{"the frame's size", Mask{Width: 16, Height: 8, White: bytes(128, column(16, 6))}, 16, 8, []float32{0.25, 1}},
		{"blocks that the edge cuts", Mask{Width: 10, Height: 9, White: bytes(90, column(10, 9))}, 10, 9, []float32{0, 0.5, 0, 0.5}},
		{"enlarged", Mask{Width: 2, Height: 2, White: []uint8{255, 0, 0, 255}}, 16, 16, []float32{1, 0, 0, 1}},
		{"enlarged by no whole number", Mask{Width: 3, Height: 1, White: []uint8{0, 255, 0}}, 8, 8, []float32{0.25}}, // columns 3 and 4
		// Pixel i of the frame has its centre in pixel 2*i+1 of the mask.
		{"reduced", Mask{Width: 16, Height: 16, White: bytes(256, func(i int) uint8 { return uint8(i % 2 * (i / 16 % 2) * 255) })}, 8, 8, []float32{1}},
	} {
		out := slices.Repeat([]float32{-1}, len(c.want)+1)
		c.mask.Shares(c.frameWidth, c.frameHeight, out)
		if !slices.Equal(out[:len(c.want)], c.want) || out[len(c.want)] != -1 {
			t.Errorf("%s: %v, wanted %v", c.name, out, c.want)
		}
	}
}

func TestSameRegions(t *testing.T) {
	white := make([]uint8, 16)
	a := &Mask{Width: 4, Height: 4, White: white}
	for _, c := range []struct {
		name string
		a, b *Mask
		want bool
	}{
		{"none", nil, nil, true},
		{"one", a, nil, false},
		{"the other", nil, a, false},
		{"itself", a, a, true},
		{"same samples in memory", a, &Mask{Width: 4, Height: 4, White: white, Second: Stats{Mean: []float32{1}}}, true},
		{"equal samples", a, &Mask{Width: 4, Height: 4, White: slices.Clone(white)}, false},
		{"other sides", a, &Mask{Width: 8, Height: 2, White: white}, false},
	} {
		if got := c.a.SameRegions(c.b); got != c.want {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}

func TestStatsDistance(t *testing.T) {
	a := Stats{[]float32{1, 2, 0, 5}, []float32{1, 3, 0.5, 1}}
	b := Stats{[]float32{1, 4, 1, 5}, []float32{2, 1, 0.5, 9}}
	want := ((0+1)/3.1 + (2+2)/4.1 + 1/1.1 + (0+8)/10.1) / 4
	for _, c := range []struct {
		name     string
		now, was Stats
		want     float64
	}{{"itself", a, a, 0}, {"two", a, b, want}, {"turned", b, a, want}} {
		if got := StatsDistance(c.now, c.was); !(math.Abs(got-c.want) <= 1e-12) {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}

// What is kept of a lag is s of it up to a quarter of a cut, and then stays.
func TestStatsShare(t *testing.T) {
	for _, c := range []struct{ s, lag, cut, want float64 }{
		{0.8, 0, 0.4, 0.8}, {0.8, 0.1, 0.4, 0.8}, {0.8, 0.2, 0.4, 0.4}, {0.5, 1, 0.4, 0.05}, {0, 3, 0.4, 0},
	} {
		if got := StatsShare(c.s, c.lag, c.cut); !(math.Abs(got-c.want) <= 1e-15) {
			t.Errorf("share %v, lag %v, cut %v: %v, wanted %v", c.s, c.lag, c.cut, got, c.want)
		}
	}
}

// The sentences are for users; that every engine refuses them is for modeltest.
func TestCheckStylization(t *testing.T) {
	good := Stats{[]float32{1}, []float32{1}}
	nan := float32(math.NaN())
	for _, c := range []struct {
		stylization *Stylization
		says        string
	}{
		{&Stylization{Style: good, Alpha: 1, Smoothing: 0.99, Mask: &Mask{Width: 1, Height: 2, White: []uint8{0, 0}, Second: good}}, ""},
		{nil, "there is none"},
		{&Stylization{Style: good, Alpha: nan}, "alpha is NaN"},
		{&Stylization{Style: good, Smoothing: 1}, "smoothing is 1, wanted 0 or more and below 1"},
		{&Stylization{Style: good, Smoothing: nan}, "smoothing is NaN"},
		{&Stylization{Style: good, ProcessingSize: 7}, "processing size is 7, wanted 0 (the frame's) or at least 8"},
		{&Stylization{Style: good, ProcessingSize: -8}, "processing size is -8"},
		{&Stylization{Style: good, ProcessingSize: 8}, ""},
		{&Stylization{}, "0 means"},
		{&Stylization{Style: good, Mask: &Mask{}}, "mask: size 0x0"},
		{&Stylization{Style: good, Mask: &Mask{Width: 2, Height: 2, White: make([]uint8, 3)}}, "mask: 3 samples for 2x2 pixels, wanted 4"},
		{&Stylization{Style: good, Mask: &Mask{Width: 1, Height: 1, White: make([]uint8, 1)}}, "mask: second style: style statistics have 0"},
	} {
		if err := c.stylization.check(1); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, wanted %q", c.stylization, err, c.says)
		}
	}
}
