// What becomes of R'G'B' behind the last layer: samples of a picture of any format. For the kernels that compute that layer.
#pragma once
#include "lookup.cuh"
#include "pixel.cuh"

struct Colour {
  float r, g, b;  // R'G'B' in [0,1]
};

__device__ __forceinline__ float last_row(const float (&m)[4], const Colour &p) { return m[0] * p.r + m[1] * p.g + m[2] * p.b + m[3]; }

// Writes a pixel of a frame that has all samples for each.
template <class Word>
__device__ __forceinline__ void last_pixel(const Frame &dst, const Frame &src, const Colour &p, int y, int x, int preserve_color) {
  const float first = last_row(dst.from_rgb[0], p), second = last_row(dst.from_rgb[1], p), third = last_row(dst.from_rgb[2], p);
  Pixel v = {{pixel_sample(dst, first), pixel_sample(dst, second), pixel_sample(dst, third)}};
  if (preserve_color) {
    const Pixel from = pixel_get<Word>(src, y, x);
    if (dst.yuv) {
      v.v[1] = from.v[1], v.v[2] = from.v[2];
    } else {
      v = from;
      pixel_preserve_color(v, dst, first, second, third);
    }
  }
  pixel_put<Word>(dst, y, x, v, pixel_rest<Word>(src, y, x));
}

// Cb and Cr before they are rounded.
struct LastChroma {
  float cb, cr;
};

__device__ __forceinline__ LastChroma last_chroma_of(const Frame &f, const Colour &p) {
  return {last_row(f.from_rgb[1], p), last_row(f.from_rgb[2], p)};
}

__device__ __forceinline__ void last_add(LastChroma &sum, const LastChroma &p, float share) {
  sum.cb += share * p.cb;
  sum.cr += share * p.cr;
}

// Adds this share of the pixels of row y that the chroma sample at column cx is made of; at(y, x) is a pixel's chroma.
template <class At> __device__ __forceinline__ void last_across(LastChroma &sum, const Frame &f, const At &at, int y, int cx, float share) {
  const int x = 2 * cx, next = min(x + 1, f.width - 1);
  if (f.cosited_x) {
    last_add(sum, at(y, max(x - 1, 0)), 0.25f * share);
    last_add(sum, at(y, x), 0.5f * share);
    last_add(sum, at(y, cx > 0 && cx == ((f.width + 1) >> 1) - 1 ? x : next), 0.25f * share);
  } else {
    last_add(sum, at(y, x), 0.5f * share);
    last_add(sum, at(y, next), 0.5f * share);
  }
}

// Writes the chroma sample at (cy, cx); at(y, x) is the chroma of a pixel of the result. Samples of half rows are made of the pixels of two
// rows out of four from a multiple of 4 on.
template <class Word, class At>
__device__ __forceinline__ void last_chroma(const Frame &dst, const Frame &src, const At &at, int cy, int cx, int preserve_color) {
  if (preserve_color) {
#pragma unroll
    for (int c = 1; c < 3; c++)
      frame_put_sample<Word>(dst, dst.channel[c], cy, cx, frame_sample<Word>(src, src.channel[c], cy, cx));
    return;
  }
  int upper = 2 * cy, lower = min(upper + 1, dst.height - 1);
  float share = 0.5f;  // of the lower
  if (!dst.half_y) {
    upper = lower = cy;
  } else if (dst.interlaced) {
    const int field = cy & 1;
    upper = (cy & ~1) * 2 + field;
    lower = upper + 2 < dst.height ? upper + 2 : upper;
    share = 0.25f + 0.5f * field;
  } else if (dst.cosited_y) {
    lower = upper;
  }
  LastChroma sum = {0, 0};
  last_across(sum, dst, at, upper, cx, 1 - share);
  last_across(sum, dst, at, lower, cx, share);
  frame_put_sample<Word>(dst, dst.channel[1], cy, cx, pixel_sample(dst, sum.cb));
  frame_put_sample<Word>(dst, dst.channel[2], cy, cx, pixel_sample(dst, sum.cr));
}
