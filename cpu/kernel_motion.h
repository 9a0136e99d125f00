// The arithmetic of motion between two frames, and of taking samples along it: model/motion.go. One source, compiled for several
// instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adain {

// What of a patch of 8x8 luminances does not change while it is searched for.
struct MotionPatch {
  int16_t light[64], across[64], down[64];  // 16 times the luminance; differences of the neighbours
  int32_t sum_across, sum_down;
  int64_t xx, xy, yy;
};

// How a place fits: C, and the slopes of it, bx and by.
struct MotionMatch {
  int64_t cost, x, y;
};

struct MotionKernels {
  // Two rows of n luminances become one of (n+1)/2. a and b have another one behind them.
  void (*halve)(const uint8_t *a, const uint8_t *b, int n, uint8_t *out);

  // The patch whose first luminance p is; one more is read on each side.
  void (*patch)(const uint8_t *p, ptrdiff_t pitch, MotionPatch *out);

  // The patch against luminances fx, fy sixteenths behind p; nine are read along each side.
  void (*match)(const MotionPatch *patch, const uint8_t *p, ptrdiff_t pitch, int fx, int fy, MotionMatch *out);

  // n values between those of two rows, f of 2^log from a to b, rounded.
  void (*mix)(const int32_t *a, const int32_t *b, int f, int log, int n, int32_t *out);

  // n values between a[0], in the middle of a cell of 2^log samples, and those behind it, rounded to units of 2^-fine; first is where the first of them lies
  // behind that middle, in half samples. Up to 7 more are written.
  void (*spread)(const int32_t *a, int log, int fine, int first, int n, int32_t *out);

  // c of n pixels is larger by q, at most 255.
  void (*doubt)(uint8_t *c, const int32_t *q, int n);

  // The largest of n bytes.
  uint8_t (*largest)(const uint8_t *p, int n);

  // w of model/motion.go for the same place, from e, a and d.
  void (*weights_in_place)(const uint8_t *e, const uint8_t *a, const uint8_t *d, int n, int weight, uint8_t *w);

  // w of model/motion.go from d.
  void (*weights)(const uint8_t *d, int n, int weight, uint8_t *w);
};

// Of samples of 8 bits (Sample is uint8_t) and of more (uint16_t), deeper by so many.
template <class Sample>
struct FollowKernels {
  // sum[x >> shift] += weight * (p[x] >> deeper).
  void (*light)(const Sample *p, int n, int weight, int shift, int deeper, uint32_t *sum);

  // n samples fx, fy sixteenths of one behind p, bilinear and cubic, the latter limited to 0 to largest. The next multiple of 32 is read and written.
  void (*bilinear)(const Sample *p, ptrdiff_t pitch, int n, int fx, int fy, int largest, Sample *out);
  void (*cubic)(const Sample *p, ptrdiff_t pitch, int n, int fx, int fy, int largest, Sample *out);

  // n samples at places of their own, in sixteenths, in a channel of cols x rows whose edge is repeated. pitch is in samples.
  void (*bilinear_at)(const Sample *channel, ptrdiff_t pitch, int cols, int rows, const int32_t *x, const int32_t *y, int n, int largest, Sample *out);
  void (*cubic_at)(const Sample *channel, ptrdiff_t pitch, int cols, int rows, const int32_t *x, const int32_t *y, int n, int largest, Sample *out);

  // sum += the difference of each of n samples to the next, on the scale of 8 bits.
  void (*steps)(const Sample *p, int n, int deeper, uint16_t *sum);

  // n samples of p and gain sixteenths of what they differ from those around, limited to 0 to largest. One more is read on each side.
  void (*sharpen)(const Sample *above, const Sample *p, const Sample *below, const int32_t *gain, int n, int largest, Sample *out);
};

// The tables for the instruction set of kernel_network.h.
const MotionKernels &motion_kernels();
template <class Sample>
const FollowKernels<Sample> &follow_kernels();

}  // namespace adain
