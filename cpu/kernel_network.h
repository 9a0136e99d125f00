// The arithmetic that oneDNN does not do, or not as well: the first and the last convolution, pooling, statistics and the
// affine map of AdaIN. One source, compiled for several instruction sets, chosen once per process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adain {

// What maps between layers hold.
enum class Number { float32, bfloat16, uint8 };
inline size_t bytes(Number n) { return n == Number::float32 ? 4 : n == Number::bfloat16 ? 2 : 1; }

// Feature is float, in half precision a bfloat16 in 16 bits, or a byte: the integer nearest to a value that has been divided by its channel's
// step before. Results of oneDNN are float until they are stored. All pixels are dense, channels innermost.
struct Kernels {
  // conv1_1, the colour layer folded in: rgb (3,rows+2,cols+2), weight (27,C) with rows in the order input channel, ky, kx,
  // bias (C) -> Feature (rows,cols,C) after ReLU.
  void (*first)(const float *rgb, int rows, int cols, int channels, const float *weight, const float *bias, void *dst);

  // count floats -> Feature.
  void (*store)(const float *src, size_t count, void *dst);

  // 2x2 maximum of two rows of cols pixels (below is above where the row stands alone); an odd last column stands alone.
  // -> Feature (ceil(cols/2),C).
  void (*pool)(const float *above, const float *below, int cols, int channels, void *dst);

  // One result row of a folded upsampling. position (cols or more,4,C) is the row's first position, at its first phase; the phase to the
  // right of it, of the same pixel, lies right floats further -> Feature (2*cols,C).
  void (*interleave)(const float *position, int right, int cols, int channels, void *dst);

  // src (pixels,C) * scale (C) + shift (C) -> Feature.
  void (*affine)(const float *src, size_t pixels, int channels, const float *scale, const float *shift, void *dst);

  // The same with a map for each of two regions, scale (2,C) and shift (2,C), of which a pixel takes the mean by its share (pixels), 0 to 1,
  // of the first -> Feature.
  void (*affine_regions)(const float *src, size_t pixels, int channels, const float *share, const float *scale, const float *shift, void *dst);

  // One tile into Winograd's domain: 6x6 samples of src, pitch pixels to a row, of which rows and cols exist (the others
  // count as 0) -> 36 points (C) of Feature, distance values apart. C is a multiple of 16.
  void (*winograd_in)(const float *src, int pitch, int rows, int cols, int channels, void *dst, size_t distance);

  // The weights of one input, weight (O,I,kernel,kernel) at that input's first tap, kernel being 3 or 2, into Winograd's domain -> 36 points (O) of Feature, distance
  // values apart. O is a multiple of 16.
  void (*winograd_weights)(const float *weight, int kernel, int inputs, int outputs, void *dst, size_t distance);

  // One tile back: 36 points (C), distance floats apart, plus bias (C), perhaps ReLU -> side x side results of dst, 4 of kernel 3 or 5 of 2, pitch pixels to a row, of
  // which rows and cols exist.
  void (*winograd_out)(const float *src, size_t distance, const float *bias, bool relu, int channels, int side, int rows, int cols, int pitch,
                       float *dst);

  // input (tiles,I) of Feature times weight (I,O), or of bfloat16 (I/2,O,2) with pairs of neighbours in I -> result (tiles,O). I is even,
  // O a multiple of 16. Null where the processor does not multiply Feature.
  void (*product)(const void *input, int tiles, int inputs, const void *weight, int outputs, float *result);

  // Mean (C) and sum of squared distances from it (C) of a row of cols pixels.
  void (*moments)(const float *row, int cols, int channels, float *mean, float *distances);

  // The same where each pixel counts by its weight (cols), at least 0; returns the sum of the weights. All 0 where that is 0.
  float (*weighted_moments)(const float *row, const float *weight, int cols, int channels, float *mean, float *distances);

  // The last convolution, read straight from the positions of the folded upsampling before it: (rows/2+1+even,pitch,4,C), pitch positions
  // to a row. The first one's lower right phase is row and column -1 of the picture; even is 0 where row and column 0 are a phase of it
  // too (windows of 2x2 pixels), 1 where they are one of the next (kernel 3). weight (3,9,C), bias (3) -> rgb (3,rows,stride). cols is
  // a multiple of 4.
  void (*last)(const float *positions, int pitch, int even, int channels, const float *weight, const float *bias, int rows, int cols, int stride,
               float *rgb);
};

// Mean (C) and sqrt(biased variance + 1e-5) (C) from the moments (rows,2,C) of rows of cols pixels, merged in their order, so that
// the number of threads does not show (Chan, Golub & LeVeque 1983, equation 2.1). merged (2,C) is scratch.
void merge_moments(const float *moments, int rows, int cols, int channels, double *merged, float *mean, float *std);

// The same for rows that count by their weights (rows). False, and nothing written, where all are 0.
bool merge_weighted_moments(const float *moments, const float *weights, int rows, int channels, double *merged, float *mean, float *std);

// The best table for this processor. Half is the one whose Feature is a bfloat16.
const Kernels &kernels(bool half);
const Kernels &kernels(Number feature);
const char *kernels_name();

// Replaces the choice by name, for tests: false where the processor lacks the instructions.
bool use_kernels(const char *name);

}  // namespace adain
