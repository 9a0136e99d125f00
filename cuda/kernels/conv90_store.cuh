// What follows the sums of a tile in conv90.cu: bias, ReLU, pooling, and the way into the output plane and its halo.
#pragma once
#include "conv90_shape.cuh"
#include "plane.cuh"

// The place of a tile's results in the output plane: pixel (i, j) of them is (y + i * step, x + j * step).
template <class S> struct Place {
  static constexpr int step = S::up ? 2 : 1, rows = S::rows / (S::pool ? 2 : 1), cols = S::cols / (S::pool ? 2 : 1);
  int y, x;

  __device__ __forceinline__ explicit Place(const Tile &t)
      : y(S::pool ? t.y / 2 : t.y * step + (t.phase >> 1)), x(S::pool ? t.x / 2 : t.x * step + (t.phase & 1)) {}

  __device__ __forceinline__ bool inside(const HaloPlane &out) const {
    return !out.at_edge(y, x, y + (rows - 1) * step + 1, x + (cols - 1) * step + 1);
  }
};

// Sums of pixels that do not exist must not win the maximum.
template <class S> __device__ __forceinline__ void mask(float (&d)[S::sums], const Tile &t, int H, int W) {
  if (t.y + S::rows <= H && t.x + S::cols <= W) return;
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int i = 0; i < S::sums; i++) {
    const int pixel = i / 4 * 8 + (i & 1), row = pixel / S::cols, col = pixel % S::cols + (lane & 3) * 2;
    if (t.y + row >= H || t.x + col >= W) d[i] = -3.4e38f;
  }
}

// Results group * 8 + {0..7} (or, pooled, the row `group` of 8 results), channels 8 * half + {0..7} of this warp: two of each
// thread.
template <class S>
__device__ __forceinline__ uint32_t pair(const float (&d)[S::sums], int group, int half, const float (&bias)[2]) {
  float a, b;
  if (S::pool) {
    // Groups 4g, 4g+1 are the upper row's 16 pixels, 4g+2, 4g+3 the lower row's.
    const float *p = d + group * 16 + half * 2;
    a = fmaxf(fmaxf(p[0], p[1]), fmaxf(p[8], p[9]));
    b = fmaxf(fmaxf(p[4], p[5]), fmaxf(p[12], p[13]));
  } else {
    a = d[group * 4 + half * 2];
    b = d[group * 4 + half * 2 + 1];
  }
  return relu_pair(a + bias[half], b + bias[half]);
}

// Turns STAGED results from [channel][pixel] in registers to [pixel][channel] in the staging buffer: 128-byte rows whose
// 16-byte pieces are swizzled, so that neither side has bank conflicts.
template <class S>
__device__ __forceinline__ void stage(const float (&d)[S::sums], unsigned char *staging, int first, const float (&bias)[2]) {
  const int warp = threadIdx.x >> 5 & 3, matrix = threadIdx.x >> 3 & 3, i = threadIdx.x & 7;
  const int result = S::pool ? (i & 1) * 4 + (i >> 1) : i;  // a thread's two pooled results are 4 apart
  const int row = (matrix >> 1) * 8 + result, piece = warp * 2 + (matrix & 1);
  unsigned char *p = staging + row * 128 + ((piece ^ (row & 7)) << 4);
#pragma unroll
  for (int g = 0; g < S::staged / 8; g += 2) {
    uint32_t r[4];
#pragma unroll
    for (int m = 0; m < 4; m++) r[m] = pair<S>(d, first / 8 + g + (m >> 1), m & 1, bias);
    stmatrix_x4_trans(p + g * 8 * 128, r);
  }
}

// Copies the staged results, of which the first lies in row `first` of the place, into the plane: 16 bytes a thread, 16 results
// at a time.
template <class S>
__device__ __forceinline__ void copy_out(const unsigned char *staging, const HaloPlane &out, const Place<S> &place, bool inside,
                                         int first, int channel) {
  constexpr int cols = Place<S>::cols, step = Place<S>::step, rows = 16 / cols;  // at a time
  const int tid = threadIdx.x & 127, pixel = tid >> 3, piece = tid & 7;
  const int row = place.y + (first + pixel / cols) * step, col = place.x + pixel % cols * step;
  const unsigned char *from = staging + pixel * 128 + ((piece ^ (pixel & 7)) << 4);
  __half *to = out.at(row, col, channel + piece * 8);
  const size_t pitch = (size_t)(out.W + 2) * out.C * rows * step;
  if (inside) {
#pragma unroll
    for (int i = 0; i < S::staged / 16; i++) *(uint4 *)(to + i * pitch) = *(const uint4 *)(from + i * 16 * 128);
    return;
  }
#pragma unroll 1
  for (int i = 0; i < S::staged / 16; i++) {
    const int r = row + i * rows * step;
    out.put(r, col, channel + piece * 8, *(const uint4 *)(from + i * 16 * 128));
  }
}

// Writes a warpgroup's tile: 64 channels from `channel` on. bias: of this thread's channels lane/4 and lane/4 + 8 of its warp's
// 16.
template <class S>
__device__ __forceinline__ void store(const float (&d)[S::sums], unsigned char *staging, const HaloPlane &out, const Tile &t,
                                      int channel, const float (&bias)[2]) {
  const int barrier = 1 + (threadIdx.x >> 7);
  const Place<S> place(t);
  const bool inside = place.inside(out);
  constexpr int results = S::pixels / (S::pool ? 4 : 1);
#pragma unroll
  for (int done = 0; done < results; done += S::staged) {
    named_bar(barrier, 128);  // everyone's copies of the pass before have left the buffer
    stage<S>(d, staging, done, bias);
    named_bar(barrier, 128);
    copy_out<S>(staging, out, place, inside, done / Place<S>::cols, channel);
  }
}
