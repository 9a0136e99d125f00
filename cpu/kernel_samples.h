// The arithmetic on rows of samples: between a format's words and channels, between channels and R'G'B', what makes a frame smaller and its
// result larger, and the temporal blend. One source, compiled for several instruction sets, for samples of 8 bits (Sample is uint8_t) and
// of more (uint16_t).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine.h"

namespace adain {

template <class Sample>
struct SumOf {
  typedef uint32_t T;
};
template <>
struct SumOf<uint16_t> {
  typedef uint64_t T;
};

// n is the samples of a row; "shift" brings samples to 8 bits, "unit" is one code of 8 bits in them.
template <class Sample>
struct SampleKernels {
  typedef typename SumOf<Sample>::T Sum;

  // The samples of a channel from a row of its plane.
  void (*unpack)(const uint8_t *row, const adain_cpu_channel &channel, int n, Sample *out);
  // And into one, in which bits that several channels share a word of must be zero.
  void (*pack)(const Sample *src, const adain_cpu_channel &channel, int n, uint8_t *row);
  void (*copy)(const uint8_t *src, const adain_cpu_channel &channel, int n, uint8_t *row);

  // Samples as floats, and a + share * (b-a) of two rows of them.
  void (*widen)(const Sample *src, int n, float *out);
  void (*mix_samples)(const Sample *a, const Sample *b, float share, int n, float *out);

  // A channel's part of R'G'B': matrix is a row of Conversion.FromRGB, the result rounded half up and limited to 0..max.
  void (*write)(const float *r, const float *g, const float *b, const float *matrix, float max, int n, Sample *out);
  // floats likewise.
  void (*round)(const float *src, float max, int n, Sample *out);
  // All three samples of a pixel, those of content, move by what its luminance changes, as far as all of them can. scale and offset are what
  // R'G'B' are in samples.
  void (*preserve)(const float *r, const float *g, const float *b, float scale, float offset, const float *luminance, float max,
                   const Sample *const *content, int n, Sample *const *out);

  // The largest |a-b|, as 8 bits.
  void (*apart)(const Sample *a, const Sample *b, int n, int shift, uint8_t *out);

  // The samples of now move towards those of before by e of model/smoothing.go, and before becomes the same.
  void (*blend)(Sample *now, Sample *before, const uint8_t *w, int n);

  // sum += weight * src.
  void (*add)(const Sample *src, int n, uint32_t weight, Sum *sum);

  // A row of sums becomes one of n samples: sample k is the sum of `taps` from begin[k] on, times weight (n,taps), in whole
  // numbers; out = floor(scale * (sum + rounding)).
  void (*narrow)(const Sum *sums, const int *begin, const double *weight, int taps, int n, double rounding, double scale, Sample *out);

  // k[0]*p[0] + k[1]*p[1] + k[2]*p[2] of three channels, k[0]*p[0] where there is one.
  void (*luminance)(const Sample *const *p, int channels, int n, const float *k, float *out);

  // What of the small result's samples, divided by unit, the slope a times the small frame's luminance i does not explain.
  void (*offsets)(const Sample *p, int n, float unit, const float *a, const float *i, float *out);

  // A row of the larger result. Sample x lies between at[x] and at[x]+1 of line. guided makes (offset + slope * light) * unit of two lines,
  // interpolated makes samples of a line of them.
  void (*guided)(const float *offset, const float *slope, const int *at, const float *share, const float *light, int n, float unit, float max,
                 Sample *out);
  void (*interpolated)(const float *line, const int *at, const float *share, int n, float max, Sample *out);
};

// What does not depend on the samples.
struct RowKernels {
  // n values of pixels from chroma samples, the first pixel being the first of a sample's: see model/ref/chroma.go. c[-1] and the one behind
  // the last must exist. edge is how many pixels there are to the picture's right end.
  void (*spread_chroma)(const float *c, int sub, int cosited, int n, int edge, float *out);

  // n chroma samples from values of pixels; three values before p and behind the last must exist. A weight for each of seven pixels, of
  // which the fourth is the sample's first.
  void (*gather_chroma)(const float *p, const float *weight, int sub, int n, float *out);

  // sum += weight * src, or =.
  void (*scaled)(const uint16_t *src, float weight, int add, int n, float *sum);

  // clamp(matrix * s) to [0,1] of up to three channels; matrix (3,4).
  void (*colour)(const float *const *s, int channels, const float *matrix, int n, float *r, float *g, float *b);

  // The maximum of three rows. They and out may overlap only by being the same.
  void (*most)(const uint8_t *a, const uint8_t *b, const uint8_t *c, int n, uint8_t *out);

  // Between n pixels of a row and the chroma samples that cover 2^sub of them: each to all of its own, and the maximum of them.
  void (*spread)(const uint8_t *chroma, int sub, int n, uint8_t *out);
  void (*gather)(const uint8_t *pixels, int sub, int n, uint8_t *out);

  // w of model/smoothing.go from d and a.
  void (*weights)(const uint8_t *d, const uint8_t *a, int n, int weight, uint8_t *w);

  // The slope a of model/processing.go before its mean: rows (1 to 5) rows of i and q; scale (cols) is 1 / (how many of 5 columns exist).
  // sums (4,cols+4) is scratch.
  void (*guide_slopes)(const float *const *i, const float *const *q, int rows, int cols, const float *scale, float *sums, float *out);

  // The mean of 5x5, limited to -1 to 1. sums (cols+4) is scratch.
  void (*box)(const float *const *row, int rows, int cols, const float *scale, float *sums, float *out);

  // a + share * (b-a).
  void (*mix)(const float *a, const float *b, float share, size_t n, float *out);
};

// The tables for the instruction set of kernel_network.h.
template <class Sample>
const SampleKernels<Sample> &sample_kernels();
const RowKernels &row_kernels();

}  // namespace adain
