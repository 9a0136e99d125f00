// Package score is the arithmetic of `adain eval`: measures of pictures and of what a loss network sees of them.
// documents/scores.md has the definitions with their sources. Images are RGB in host memory, two of a measure have the same
// size; all sums are float64 in a fixed order.
package score
