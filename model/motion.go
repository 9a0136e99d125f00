package model

// What Stylization.Motion does: the temporal blend of smoothing.go takes the pixels of the frame before from where the content was then. All of it is
// whole numbers; >> rounds down. It goes on where that blend does, and where the frame before did not have Motion nothing is taken to move. Formats
// of more than 8 bits ignore it.
//
// Motion, after the dense inverse search of Kroeger, Timofte, Dai & Van Gool 2016. L is four times the luminance, Y or (first sample + 2 second + third) / 4 of
// a pixel. Level 0 holds the rounded means of squares of 2^MotionShift pixels, as many of them as exist; each further level that of 2x2 of the one before, whose edge is
// repeated, as long as its short side is 32 or more. Around each cell of 4x4 of a level lies a patch T of 8x8, with gx and gy the differences of its pixels' neighbours.
// A vector v, in sixteenths of a level's pixel, says where the cell was. With r = ((bilinear of the level before, in 1/256) + 8 >> 4) - 16 T,
//
//	cost C(v) = 64 sum(r^2) - sum(r)^2, so that a change of light alone costs nothing
//	step from v: -2 H^-1 b, each part rounded, halves away from zero, and limited to MotionStep, where b = 64 sum(g r) - sum(g) sum(r)
//	and H = 64 sum(g g') - sum(g) sum(g') + MotionFirmness on its diagonal
//
// From the last level to the first: v is the best of 0 and of twice the vectors of the four nearest cells of the level behind, in the order itself, beside, above or below,
// diagonal; then up to MotionSteps steps, as long as C falls; then 0 where C(0) <= 2 C(v) + MotionRest, as noise fits better between pixels. Afterwards each cell takes the vector of its neighbour, left, right, above, below,
// whose C is less. A vector is limited so that its patch begins at most 16 pixels before the level and 8 behind its end.
//
// A cell is doubtful if what the same search finds from the frame before to this one, on the levels from 1 on, does not lead back: with u
// the vector there of the cell that v leads to, in sixteenths of level 0, |v.x+u.x| + |v.y+u.y| > 16 + (|v.x|+|v.y|)/8.
//
// Pixels. I' and B' of smoothing.go are those at v * 2^MotionShift sixteenths of a pixel, half of that in chroma planes of half the size: of I' bilinear, of B'
// by the cubic of Keys 1981 with a = -3/4, in 1/64 each way (CubicWeights); beyond the edge that is repeated. There
//
//	change  c is larger by 24 in doubtful cells, and 255 at most
//	weight  w = (BlendWeight(s) * clamp(40-d, 0, 16)) >> 4, and a does not count
//
// since where the content is found again the result may differ: that is what boils.
//
// Sharpness. B is what the next frame follows. Averages lose what does not come again, so the samples that have luminance, Y or R, G and B, are shown as
//
//	B + ((16 B - binomial 3x3 of B) * G + 128 >> 8), limited to 0 to 255, where G = clamp(64 * (n-b) / b, 0, 32)
//
// n and b are the sums over the nine cells around, as far as they exist, of the absolute differences of N and of B to the pixel on the right. G is 0 where b is, and where n-b is
// negative; the quotient is rounded down. Binomial weights are 1, 2, 1 each way; beyond the edge that is repeated.
const (
	MotionFirmness = 1 << 18
	MotionStep     = 64
	MotionSteps    = 4
	MotionRest     = 1 << 17
)

// Follows says whether pixels of a format follow the motion.
func (s *Stylization) Follows(f Format) bool { return s.Motion && f.Layout().Depth == 8 }

// MotionShift is the power of two by which level 0 is smaller than a frame of frameWidth x frameHeight that the network sees as width x height: at least 1, so that it has
// at most half of the network's sides.
func MotionShift(frameWidth, frameHeight, width, height int) int {
	shift := 1
	for min(width, height)<<shift <= min(frameWidth, frameHeight) {
		shift++
	}
	return shift
}

// CubicWeights are those of the four samples around a place f sixteenths behind the second, in 1/64.
func CubicWeights(f int) [4]int {
	a, d := -((3*f*(16-f)*(16-f) + 128) >> 8), -((3*f*f*(16-f) + 128) >> 8)
	b := 64 - ((2304*f*f - 80*f*f*f + 2048) >> 12)
	return [4]int{a, b, 64 - a - b - d, d}
}
