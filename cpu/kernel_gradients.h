// The arithmetic of training that oneDNN does not do: gradients through ReLU, pooling, upsampling and statistics, weight
// gradients of narrow layers, Winograd's transform of gradients, Adam. One source, compiled for several instruction sets.
#pragma once

#include <cstddef>

namespace adain {

// All pixels are dense, channels innermost, everything float but Feature, which is a bfloat16 in half precision.
struct Gradients {
  // dst += src.
  void (*add)(const float *src, size_t count, float *dst);

  // dst = relu > 0 ? gradient : 0.
  void (*mask)(const float *gradient, const float *relu, size_t count, float *dst);

  // dst = relu > 0 ? gradient + shift (C) + slope (C) * relu : 0, for pixels of C channels.
  void (*mask_affine)(const float *gradient, const float *relu, size_t pixels, int channels, const float *shift, const float *slope, float *dst);

  // Through ReLU and 2x2 maximum: gradient (cols,C) of a pooled row goes to the first largest of the four values of the rows
  // above and below (2*cols,C) where that is above 0; to_above and to_below are written whole.
  void (*unpool)(const float *gradient, const float *above, const float *below, int cols, int channels, float *to_above, float *to_below);

  // Through upsampling and ReLU: above and below are two rows (2*cols,C) of gradients, relu the upsampled features' upper
  // row (2*cols,C) -> dst (cols,C).
  void (*unrepeat)(const float *above, const float *below, const float *relu, int cols, int channels, float *dst);

  // dst += factor * src.
  void (*add_scaled)(const float *src, float factor, size_t count, float *dst);

  // One row of a bilinear upsampling: near is the row that it lies in, far the row beside it, (cols,C) each -> dst (2*cols,C).
  void (*stretch)(const float *near, const float *far, int cols, int channels, float *dst);

  // Back through the columns of stretch with a repeated edge, and ReLU: gradient (2*cols+2,C) with its border, relu (cols,C) -> dst (cols,C).
  void (*unstretch)(const float *gradient, const float *relu, int cols, int channels, float *dst);

  // sum (C) += the pixels of a row.
  void (*accumulate)(const float *row, size_t pixels, int channels, float *sum);

  // sum (A,B) += over the pixels a[p*a_stride + i] * b[p*b_stride + j], i below A, j below B, a multiple of 4.
  void (*outer)(const float *a, int a_stride, int A, const float *b, int b_stride, int B, size_t pixels, float *sum);

  // The adjoint of Kernels::winograd_out without bias and ReLU: 4x4 gradients, of which rows and cols exist, become 36
  // points (C) of Feature, distance values apart. C is a multiple of 16.
  void (*winograd_spread)(const float *src, int pitch, int rows, int cols, int channels, void *dst, size_t distance);

  // The adjoint of Kernels::winograd_weights: 36 points (O), distance floats apart, become the gradients (O,I,9) of one input's
  // weights, of which dst is the first tap. O is a multiple of 16.
  void (*winograd_gather)(const float *src, size_t distance, int inputs, int outputs, float *dst);

  // One update of count parameters (Kingma & Ba 2015, algorithm 1): rate and the correction of the second moment's root
  // include the division by 1-beta^t. average = decay*average + (1-decay)*parameter follows.
  void (*adam)(const float *gradient, float scale, float rate, float root, float decay, size_t count, float *parameter, float *first, float *second,
               float *average);
};

// The table that fits Kernels' choice. Half is the one whose Feature is a bfloat16.
const Gradients &gradients(bool half = false);

}  // namespace adain
