// Package float16 rounds numbers to IEEE 754 binary16 and back, for files and GPUs.
package float16

import "math"

// Value is the value of an IEEE 754 binary16 number; every one is exact in float32.
func Value(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero and subnormal: fraction * 2^-24
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinity, NaN with its payload
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// Round rounds to the nearest IEEE 754 binary16 number, ties to even. What is too large becomes an infinity, a NaN
// stays a NaN.
func Round(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	a := bits & 0x7fffffff
	switch {
	case a > 255<<23: // NaN
		return sign | 0x7e00
	case a >= 0x477ff000: // 65520, half way from the largest number to the next
		return sign | 0x7c00
	case a < (127-14)<<23: // subnormal: a multiple of 2^-24, and RoundToEven is exact here
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(a))*(1<<24)))
	}
	a -= (127 - 15) << 23
	return sign | uint16((a+0x0fff+a>>13&1)>>13)
}
