// Package model is the vocabulary of adainfilter: the network, pictures, statistics, styles, weights and the Engine
// that computes with them. It imports the standard library only; every other package imports it.
//
// The method is adaptive instance normalisation (AdaIN): Huang & Belongie, "Arbitrary Style Transfer in Real-time with
// Adaptive Instance Normalization", ICCV 2017. A VGG-shaped encoder turns the content into features, the features take
// the per-channel mean and standard deviation of the style's features, and a decoder turns them back into a picture.
//
// Legend of shapes, everywhere in this module:
//
//	C channels, H height, W width (pixels)
//	O output channels, I input channels, K kernel size: a convolution's weight is (O,I,K,K), its bias (O)
//	(C,H,W) planar, (H,W,C) interleaved, row-major
package model
