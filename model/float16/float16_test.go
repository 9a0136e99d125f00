package float16

import (
	"math"
	"testing"
)

func TestFloat16(t *testing.T) {
	for _, c := range []struct {
		bits  uint16
		value float64
	}{
		{0, 0}, {1, 1. / (1 << 24)}, {0x03ff, 1023. / (1 << 24)}, {0x0400, 1. / (1 << 14)}, {0x3c00, 1}, {0x3c01, 1 + 1./1024},
		{0xc000, -2}, {0x7bff, 65504}, {0x7c00, math.Inf(1)}, {0xfc00, math.Inf(-1)}, {0x3555, 0.333251953125},
	} {
		if got := float64(Value(c.bits)); got != c.value {
			t.Errorf("%#04x is %g, wanted %g", c.bits, got, c.value)
		}
	}
	for _, c := range []struct {
		value float32
		bits  uint16
	}{
		{1 + 1./2048, 0x3c00}, // tie, down to the even one
		{1 + 3./2048, 0x3c02}, // tie, up to the even one
		{1 + 1./2048 + 1./8192, 0x3c01},
		{65519.99, 0x7bff}, {65520, 0x7c00}, {1e30, 0x7c00}, {-1e30, 0xfc00},
		{1. / (1 << 25), 0}, {3. / (1 << 25), 2}, {-1. / (1 << 26), 0x8000},
		{1. / (1 << 14) * (1 - 1./4096), 0x0400}, // the largest subnormal rounds up to a normal number
		{float32(math.Inf(1)), 0x7c00}, {float32(math.Copysign(0, -1)), 0x8000},
	} {
		if got := Round(c.value); got != c.bits {
			t.Errorf("%g becomes %#04x, wanted %#04x", c.value, got, c.bits)
		}
	}
	for h := range 1 << 16 {
		v := Value(uint16(h))
		if got := Round(v); got != uint16(h) && v == v {
			t.Fatalf("%#04x is %g and becomes %#04x", h, v, got)
		} else if v != v && Value(got) == Value(got) {
			t.Fatalf("the NaN %#04x becomes %#04x", h, got)
		}
	}
}
