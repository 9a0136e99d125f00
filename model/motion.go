package model

import "math"

// What Stylization.Motion does: the temporal blend of smoothing.go takes the pixels of the frame before from where the content was then.
// All of it is whole numbers; >> rounds down, quotients are rounded, halves away from zero. It goes on where that blend does, and where the
// frame before did not have Motion nothing is taken to move.
//
// Search, after the dense inverse search of Kroeger, Timofte, Dai & Van Gool 2016. L is four times the luminance, Y or (first sample + 2
// second + third) / 4 of a pixel, samples >> D. Level 0 holds the rounded means of squares of 2^MotionShift pixels, as many of them as
// exist; each further level that of 2x2 of the one before, whose edge is repeated, as long as its short side is 32 or more. Around each
// cell of 4x4 of a level lies a patch T of 8x8, with gx and gy the differences of its pixels' neighbours. A vector v, in sixteenths of a
// level's pixel, says where the cell was. With r = ((bilinear of the level before, in 1/256) + 8 >> 4) - 16 T,
//
//	cost C(v) = 64 sum(r^2) - sum(r)^2, so that a change of light alone costs nothing
//	step from v: -2 (H+F)^-1 b, each part limited to MotionStep, where b = 64 sum(g r) - sum(g) sum(r)
//	and H = 64 sum(g g') - sum(g) sum(g'), F has MotionFirmness on its diagonal
//
// From the last level to the first: v is the best of 0 and of twice the vectors of the four nearest cells of the level behind, in the order
// itself, beside, above or below, diagonal; then up to MotionSteps steps, as long as C falls. Afterwards each cell takes the vector of its
// neighbour, left, right, above, below, whose C is less. A vector is limited so that its patch begins at most 16 pixels before the level
// and 8 behind its end.
//
// Relaxing. Where a patch says little of its vector, or of one direction of it, the cells around say more (the smoothness of Horn & Schunck
// 1981, on cells). In 256ths of a level's pixel, f begins as 16 v and becomes MotionRelaxed times, everywhere at once, with m the mean of
// the eight around, of which those beside, above and below count twice and edges are repeated,
//
//	f = m + (H' + MotionSmooth)^-1 H' (16 v - m), H' = H >> 12
//
// Then v = (f + 8) >> 4, limited as before. On level 0 both become 0 where |f.x| + |f.y| <= MotionSlow and 2 C(0) <= 3 C(v) + MotionRest,
// since noise fits better between pixels. A cell of the frame, of S = 4 * 2^MotionShift pixels, was f * 2^MotionShift + 2 >> 2 in 64ths of
// a pixel away, at most MotionFarthest each way. Of each cell, with u, in sixteenths of level 0, the vector that the same search, from the
// frame before to this one and on the levels from 1 on, finds in the cell that the middle of this one, moved by v, lies in,
//
//	doubt  max(2 (|v.x+u.x| + |v.y+u.y| - 8 - (|v.x|+|v.y|)/8), 0) + max((C(v) >> 12) / (H'.xx + H'.yy + 1024) - 8, 0),
//	       MotionDoubt at most, and that where the middle leads out of the level; then the largest of the 5x5 cells
//	       around, since strokes reach beyond what moves
//
// Between the middles of cells vectors, doubts and the gains below are interpolated, beyond the outermost ones repeated: first down,
// rounded, then across. A channel with subsampled chroma has cells of fewer samples and goes its share of the way, so that each sample has
// a place in sixteenths of one, all rounded.
//
// Pixels. I' and B' of smoothing.go are those at these places: of I' bilinear, of B'
// by the cubic of Keys 1981 with a = -3/4, in 1/64 each way (CubicWeights); beyond the edge that is repeated. There
//
//	change  c is larger by the doubt, and 255 at most; d is its largest around, as there
//	trust   t = clamp(40-d, 0, 16)
//	weight  w = (MotionWeight(s) * t) >> 4, and a does not count
//
// since where the content is found again the result may differ: that is what boils. What is left of trust is for the same place: before, N
// moves towards B' there, as in smoothing.go, with
//
//	weight  w = (MotionWeight(s) * clamp(12-e, 0, 8) * clamp(128-a, 0, 32) >> 8) * (16-t) >> 4
//	        where e is the d of smoothing.go, nothing moving
//
// Sharpness. B is what the next frame follows. Averages lose what does not come again, so the samples that have luminance, Y or R, G and B,
// are shown as
//
//	B + ((16 B - binomial 3x3 of B) * G + 128 >> 8), limited to the format's codes
//	where G = clamp(MotionGain * (n-b) / b, 0, 32) in the middle of a cell
//
// n and b are the sums over the nine cells around, as far as they exist, of the absolute differences of N and of B to the pixel on the
// right, >> D. G is 0 where b is, and where n-b is negative; this quotient is rounded down. Binomial weights are 1, 2, 1 each way; beyond
// the edge that is repeated.
const (
	MotionFirmness = 1 << 18
	MotionStep     = 64
	MotionSteps    = 4
	MotionRelaxed  = 4
	MotionSmooth   = 2048
	MotionSlow     = 128
	MotionRest     = 1 << 17
	MotionFarthest = 1 << 17
	MotionDoubt    = 40
	MotionGain     = 36
)

// MotionShift is the power of two by which level 0 is smaller than a frame of frameWidth x frameHeight that the network sees as width x
// height: at least 1, so that it has at most half of the network's sides.
func MotionShift(frameWidth, frameHeight, width, height int) int {
	shift := 1
	for shift < maxMotionShift && min(width, height)<<shift <= min(frameWidth, frameHeight) {
		shift++
	}
	return shift
}

// maxMotionShift keeps what engines compute within 32 bits.
const maxMotionShift = 8

// MotionWeight is BlendWeight where pixels follow the motion: what is left of the frame itself is half as much there.
func MotionWeight(s float32) int { return BlendWeight(float32(MotionShare(float64(s)))) }

// MotionShare is the share that a pixel keeps then, 1-(1-s)^1.5: 0.91 of 0.8. What is found again may be held longer than what only rests.
func MotionShare(s float64) float64 { return 1 - (1-s)*math.Sqrt(1-s) }

// CubicWeights are those of the four samples around a place f sixteenths behind the second, in 1/64.
func CubicWeights(f int) [4]int {
	a, d := -((3*f*(16-f)*(16-f) + 128) >> 8), -((3*f*f*(16-f) + 128) >> 8)
	b := 64 - ((2304*f*f - 80*f*f*f + 2048) >> 12)
	return [4]int{a, b, 64 - a - b - d, d}
}
