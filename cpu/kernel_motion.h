// The arithmetic of motion between two frames, and of taking pixels along it: model/motion.go. One source, compiled for several
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
  // sum[x >> shift] += weight * p[x].
  void (*light)(const uint8_t *p, int n, int weight, int shift, uint32_t *sum);

  // Two rows of n luminances become one of (n+1)/2. a and b have another one behind them.
  void (*halve)(const uint8_t *a, const uint8_t *b, int n, uint8_t *out);

  // The patch whose first luminance p is; one more is read on each side.
  void (*patch)(const uint8_t *p, ptrdiff_t pitch, MotionPatch *out);

  // The patch against luminances fx, fy sixteenths behind p; nine are read along each side.
  void (*match)(const MotionPatch *patch, const uint8_t *p, ptrdiff_t pitch, int fx, int fy, MotionMatch *out);

  // n samples fx, fy sixteenths of a pixel behind p, bilinear and cubic. The next multiple of 32 is read and written.
  void (*bilinear)(const uint8_t *p, ptrdiff_t pitch, int n, int fx, int fy, uint8_t *out);
  void (*cubic)(const uint8_t *p, ptrdiff_t pitch, int n, int fx, int fy, uint8_t *out);

  // n bytes become 24 more, at most 255.
  void (*doubt)(uint8_t *c, int n);

  // w of model/motion.go from d.
  void (*weights)(const uint8_t *d, int n, int weight, uint8_t *w);

  // sum += the difference of each of n samples to the next.
  void (*steps)(const uint8_t *p, int n, uint16_t *sum);

  // n samples of p and gain sixteenths of what they differ from those around. One more is read on each side.
  void (*sharpen)(const uint8_t *above, const uint8_t *p, const uint8_t *below, int n, int gain, uint8_t *out);
};

// The table for the instruction set of kernel_network.h.
const MotionKernels &motion_kernels();

}  // namespace adain
