// The arithmetic on rows of 8-bit samples around the network: what makes a frame smaller and its result larger, and the temporal
// blend. One source, compiled for several instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adain {

// n is the bytes of a row where nothing else is said. Results that belong to a pixel and not to a sample stand at its first byte;
// the other bytes of it hold anything.
struct SampleKernels {
  // The largest |a-b| over the first `span` (1 to 3) bytes from each byte on -> n-span+1 bytes.
  void (*apart)(const uint8_t *a, const uint8_t *b, int n, int span, uint8_t *out);

  // The maximum of three rows. They and out may overlap only by being the same.
  void (*most)(const uint8_t *a, const uint8_t *b, const uint8_t *c, int n, uint8_t *out);

  // Between n luminances of a row and the chroma samples that cover them, `pixel_bytes` (1 or 2) apart: each to both of its own, and the maximum
  // of both.
  void (*spread)(const uint8_t *chroma, int pixel_bytes, int n, uint8_t *out);
  void (*gather)(const uint8_t *luminance, int pixel_bytes, int n, uint8_t *out);

  // w of model/smoothing.go from d and a, 0 where first is 0 (255 elsewhere).
  void (*weights)(const uint8_t *d, const uint8_t *a, const uint8_t *first, int n, int weight, uint8_t *w);

  // The samples of now move towards those of before by e of model/smoothing.go, and before becomes the same. A pixel's w reaches over
  // `span` (1 to 3) bytes; two bytes in front of w are 0.
  void (*blend)(uint8_t *now, uint8_t *before, const uint8_t *w, int n, int span);

  // sum += weight * src.
  void (*add)(const uint8_t *src, int n, uint32_t weight, uint32_t *sum);

  // A row of sums becomes one of `pixels` pixels: pixel k is the sum of `taps` pixels from begin[k] on, times weight (pixels,taps), in whole
  // numbers; out = floor(scale * (sum + rounding)).
  void (*narrow)(const uint32_t *sums, const int *begin, const double *weight, int taps, int pixels, int pixel_bytes, double rounding, double scale,
                 uint8_t *out);

  // k[0]*p[0] + k[1]*p[1] + k[2]*p[2] of each pixel, p[0] where pixel_bytes is 1.
  void (*luminance)(const uint8_t *p, int pixels, int pixel_bytes, const float *k, float *out);

  // The slope a of model/processing.go before its mean: rows (1 to 5) rows of i and q; scale (cols) is 1 / (how many of 5 columns exist).
  // sums (4,cols+4) is scratch.
  void (*guide_slopes)(const float *const *i, const float *const *q, int rows, int cols, const float *scale, float *sums, float *out);

  // The mean of 5x5, limited to -1 to 1. sums (cols+4) is scratch.
  void (*box)(const float *const *row, int rows, int cols, const float *scale, float *sums, float *out);

  // What of the small result's samples the slope a times the small frame's luminance i does not explain, and a: (pixels,4), samples in
  // their order in memory, or (pixels,2) where pixel_bytes is 1.
  void (*guide_coefficients)(const uint8_t *p, int pixels, int pixel_bytes, const float *a, const float *i, float *out);

  // a + share * (b-a).
  void (*mix)(const float *a, const float *b, float share, size_t n, float *out);
  void (*mix_samples)(const uint8_t *a, const uint8_t *b, float share, size_t n, float *out);

  // A row of the larger result. Pixel x lies between at[x] and at[x]+1 of line. guided makes offset + slope * light of what guide_coefficients
  // wrote and takes the fourth sample of a pixel from src; interpolated makes samples of a line (,pixel_bytes), pixel_bytes being 1 or 2.
  void (*guided)(const float *line, const int *at, const float *share, const float *light, int pixels, int pixel_bytes, const uint8_t *src,
                 uint8_t *out);
  void (*interpolated)(const float *line, const int *at, const float *share, int pixels, int pixel_bytes, uint8_t *out);
};

// The table for the instruction set of kernel_network.h.
const SampleKernels &sample_kernels();

}  // namespace adain
