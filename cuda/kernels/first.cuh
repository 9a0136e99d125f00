// Pixels of a picture of any format as R'G'B' in shared memory, for the kernels that compute the first layer.
#pragma once
#include "lookup.cuh"
#include "pixel.cuh"
#include "warp.cuh"

struct FirstPixel {
  float r, g, b;  // R'G'B' * 255
};

__device__ __forceinline__ float first_row(const float (&m)[4], float a, float b, float c) {
  return 255 * __saturatef(m[0] * a + m[1] * b + m[2] * c + m[3]);
}

__device__ __forceinline__ FirstPixel first_colour(const Frame &f, float a, float b, float c) {
  return {first_row(f.to_rgb[0], a, b, c), first_row(f.to_rgb[1], a, b, c), first_row(f.to_rgb[2], a, b, c)};
}

// The chroma samples that a pixel lies between, along one side: `own`, and `beside` with this share.
struct FirstBetween {
  int own, beside;
  float share;
};

__device__ __forceinline__ FirstBetween first_across(const Frame &f, int x) {
  const int k = x >> 1, last = ((f.width + 1) >> 1) - 1;
  if (f.cosited_x) return {k, min(k + 1, last), (x & 1) * 0.5f};
  return {k, min(max(k - 1 + 2 * (x & 1), 0), last), 0.25f};
}

__device__ __forceinline__ FirstBetween first_down(const Frame &f, int y) {
  if (!f.half_y) return {y, y, 0.0f};
  const int k = y >> 1, n = (f.height + 1) >> 1;
  if (f.interlaced) {
    const int field = y & 1, last = ((n - field + 1) >> 1) - 1;
    const int own = min(k >> 1, last), beside = min(max((k >> 1) - 1 + 2 * (k & 1), 0), last);
    return {2 * own + field, 2 * beside + field, (k & 1) == field ? 0.125f : 0.375f};
  }
  if (f.cosited_y) return {k, k, 0.0f};
  return {k, min(max(k - 1 + 2 * (y & 1), 0), n - 1), 0.25f};
}

// Cb or Cr at a pixel.
template <class Word>
__device__ __forceinline__ float first_chroma(const Frame &f, const Channel &channel, const FirstBetween &down, const FirstBetween &across) {
  const float a = (float)frame_sample<Word>(f, channel, down.own, across.own);
  const float b = (float)frame_sample<Word>(f, channel, down.own, across.beside);
  const float c = (float)frame_sample<Word>(f, channel, down.beside, across.own);
  const float d = (float)frame_sample<Word>(f, channel, down.beside, across.beside);
  const float left = a + across.share * (b - a), right = c + across.share * (d - c);
  return left + down.share * (right - left);
}

template <class Word> __device__ __forceinline__ FirstPixel first_pixel(const Frame &f, int y, int x) {
  if (sizeof(Word) == 4 || !f.half_x) {
    const Pixel p = pixel_get<Word>(f, y, x);
    return first_colour(f, (float)p.v[0], (float)p.v[1], (float)p.v[2]);
  }
  const FirstBetween down = first_down(f, y), across = first_across(f, x);
  return first_colour(f, (float)frame_sample<Word>(f, f.channel[0], y, x), first_chroma<Word>(f, f.channel[1], down, across),
                      first_chroma<Word>(f, f.channel[2], down, across));
}

// The pixel that stands at place i, -1..n, of a side of n; what lies farther out is not used and may be any pixel.
__device__ __forceinline__ int first_reflect(int i, int n) {
  i = i < 0 ? -i : min(i, n);
  if (i == n) i = n - 2;
  return n == 1 ? 0 : i;
}

// Converts the SIDE x SIDE pixels from (top, left) on, which the picture reflects, to [row][3 * column + colour] in shared memory, with the
// threads `thread`, thread + THREADS, ....
template <class Word, int SIDE, int THREADS>
__device__ __forceinline__ void first_convert(const Frame &f, const Lookup &table, __half *patch, int top, int left, int thread) {
  for (int i = thread; i < SIDE * SIDE; i += THREADS) {
    const int row = i / SIDE, col = i % SIDE;
    const int y = first_reflect(top + row, f.height), x = first_reflect(left + col, f.width);
    FirstPixel p = first_pixel<Word>(f, y, x);
    if (table.values) {
      p = {p.r / 255, p.g / 255, p.b / 255};
      lookup(table, p.r, p.g, p.b);
      p = {p.r * 255, p.g * 255, p.b * 255};
    }
    __half *to = patch + (row * SIDE + col) * 3;
    to[0] = __float2half_rn(p.r);
    to[1] = __float2half_rn(p.g);
    to[2] = __float2half_rn(p.b);
  }
}

__device__ __forceinline__ uint32_t first_pair(__half low, __half high) {
  return __half_as_ushort(low) | (uint32_t)__half_as_ushort(high) << 16;
}
