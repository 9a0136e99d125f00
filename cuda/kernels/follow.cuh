// What pixels that follow the motion need: values of cells between their middles, and samples around a place.
#pragma once
#include "pixel.cuh"

constexpr int follow_w = 32, follow_h = 8, follow_threads = follow_w * follow_h;

__device__ __forceinline__ int follow_limit(int v, int least, int most) { return min(max(v, least), most); }
__device__ __forceinline__ int follow_apart(int a, int b) { return max(a - b, b - a); }

// The pixel of this thread.
struct FollowPixel {
  int y, x;

  __device__ __forceinline__ FollowPixel(int width) {
    const int tiles = (width + follow_w - 1) / follow_w;
    y = blockIdx.x / tiles * follow_h + threadIdx.x / follow_w, x = blockIdx.x % tiles * follow_w + threadIdx.x % follow_w;
  }
  __device__ __forceinline__ bool exists(const Frame &f) const { return y < f.height && x < f.width; }
  // Whether it is the first of those that share a chroma sample.
  __device__ __forceinline__ bool first(const Frame &f) const { return !(f.half_y && y % 2) && !(f.half_x && x % 2); }
};

struct Cells {
  int4 *at;
  int width, height, log;
};

// Values of cells at a sample: between the middles of four of them, and beyond the outermost ones theirs.
struct Between {
  int4 corner[4];  // above, above on the right, below, below on the right
  int log_x, log_y, fx, fy;

  __device__ __forceinline__ Between(const Cells &cells, int y, int x, int half_y, int half_x) {
    const int down = 1 << (cells.log - half_y), across = 1 << (cells.log - half_x);
    log_y = cells.log - half_y + 1, log_x = cells.log - half_x + 1;
    const int py = 2 * y + 1 - down, px = 2 * x + 1 - across, cy = py >> log_y, cx = px >> log_x;
    fy = py & (2 * down - 1), fx = px & (2 * across - 1);
#pragma unroll
    for (int k = 0; k < 4; k++)
      corner[k] = cells.at[follow_limit(cy + k / 2, 0, cells.height - 1) * cells.width + follow_limit(cx + k % 2, 0, cells.width - 1)];
  }

  __device__ __forceinline__ int mix(int a, int b, int c, int d, int fine) const {
    const int down = 1 << (log_y - 1), across = 1 << (log_x - 1);
    const int left = ((2 * down - fy) * a + fy * c + down) >> log_y, right = ((2 * down - fy) * b + fy * d + down) >> log_y;
    return ((2 * across - fx) * left + fx * right + (across << fine)) >> (log_x + fine);
  }
  // In sixteenths of a sample.
  __device__ __forceinline__ int x(int half) const { return mix(corner[0].x, corner[1].x, corner[2].x, corner[3].x, 2 + half); }
  __device__ __forceinline__ int y(int half) const { return mix(corner[0].y, corner[1].y, corner[2].y, corner[3].y, 2 + half); }
  __device__ __forceinline__ int doubt() const { return mix(corner[0].z, corner[1].z, corner[2].z, corner[3].z, 0); }
  __device__ __forceinline__ int gain() const { return mix(corner[0].w, corner[1].w, corner[2].w, corner[3].w, 0); }
};

// COUNT channels from FIRST on of a frame: all of a pixel's, its luminance, or its chroma.
template <class Word, int FIRST, int COUNT> struct Samples {
  static constexpr bool own_grid = FIRST > 0;
  int v[COUNT];

  static __device__ __forceinline__ int width(const Frame &f) { return own_grid ? (f.width + f.half_x) >> f.half_x : f.width; }
  static __device__ __forceinline__ int height(const Frame &f) { return own_grid ? (f.height + f.half_y) >> f.half_y : f.height; }

  __device__ __forceinline__ void get(const Frame &f, int y, int x) {
    if constexpr (COUNT == 3) {
      const Pixel p = pixel_get<Word>(f, y, x);
#pragma unroll
      for (int c = 0; c < COUNT; c++) v[c] = p.v[c];
    } else {
#pragma unroll
      for (int c = 0; c < COUNT; c++) v[c] = frame_sample<Word>(f, f.channel[FIRST + c], y, x);
    }
  }
  // Beyond the edge that of the edge.
  __device__ __forceinline__ void edge(const Frame &f, int y, int x) { get(f, follow_limit(y, 0, height(f) - 1), follow_limit(x, 0, width(f) - 1)); }

  __device__ __forceinline__ void put(const Frame &f, int y, int x, unsigned rest) const {
    if constexpr (COUNT == 3) {
      pixel_put<Word>(f, y, x, {{v[0], v[1], v[2]}}, rest);
    } else {
#pragma unroll
      for (int c = 0; c < COUNT; c++) frame_put_sample<Word>(f, f.channel[FIRST + c], y, x, v[c]);
    }
  }

  // The largest difference, in codes of 8 bits.
  __device__ __forceinline__ int apart(const Samples &other, int deeper) const {
    int most = 0;
#pragma unroll
    for (int c = 0; c < COUNT; c++) most = max(most, follow_apart(v[c], other.v[c]) >> deeper);
    return most;
  }

  // Those at a place in sixteenths.
  __device__ __forceinline__ void bilinear(const Frame &f, int y, int x) {
    const int fy = y & 15, fx = x & 15;
    Samples at;
    int sum[COUNT] = {};
#pragma unroll
    for (int k = 0; k < 4; k++) {
      at.edge(f, (y >> 4) + k / 2, (x >> 4) + k % 2);
#pragma unroll
      for (int c = 0; c < COUNT; c++) sum[c] += (k / 2 ? fy : 16 - fy) * (k % 2 ? fx : 16 - fx) * at.v[c];
    }
#pragma unroll
    for (int c = 0; c < COUNT; c++) v[c] = (sum[c] + 128) >> 8;
  }
  __device__ __forceinline__ void cubic(const Frame &f, int y, int x);

  // Moves towards others by w/256 of the way, as a temporal blend does.
  __device__ __forceinline__ void move(const Samples &to, int w) {
#pragma unroll
    for (int c = 0; c < COUNT; c++) {
      const int apart = follow_apart(v[c], to.v[c]);
      int e = (w * apart + 128) >> 8;
      if (apart > 2) e = min(e, apart - 1);
      v[c] += to.v[c] > v[c] ? e : -e;
    }
  }
};

// model.CubicWeights.
__device__ __forceinline__ void follow_weights(int f, int (&w)[4]) {
  w[0] = -((3 * f * (16 - f) * (16 - f) + 128) >> 8), w[3] = -((3 * f * f * (16 - f) + 128) >> 8);
  w[1] = 64 - ((2304 * f * f - 80 * f * f * f + 2048) >> 12);
  w[2] = 64 - w[0] - w[1] - w[3];
}

template <class Word, int FIRST, int COUNT> __device__ __forceinline__ void Samples<Word, FIRST, COUNT>::cubic(const Frame &f, int y, int x) {
  int down[4], across[4], sum[COUNT] = {};
  follow_weights(y & 15, down);
  follow_weights(x & 15, across);
  Samples at;
#pragma unroll
  for (int k = 0; k < 16; k++) {
    at.edge(f, (y >> 4) + k / 4 - 1, (x >> 4) + k % 4 - 1);
#pragma unroll
    for (int c = 0; c < COUNT; c++) sum[c] += down[k / 4] * across[k % 4] * at.v[c];
  }
#pragma unroll
  for (int c = 0; c < COUNT; c++) v[c] = follow_limit((sum[c] + 2048) >> 12, 0, f.most);
}
