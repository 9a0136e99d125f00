// Samples of pictures as the kernels behind the network read and write them. Those of a packed pixel stand in the format's order.
#pragma once
#include "frame.cuh"

__device__ __forceinline__ unsigned char pixel_sample(float v) {
  return (unsigned char)fminf(fmaxf(floorf(v + 0.5f), 0.0f), 255.0f);  // NaN gives 0
}

__device__ __forceinline__ unsigned char *pixel_at(const Frame &f, int y, int x) {
  return f.plane[0] + y * f.stride[0] + (long long)x * pixel_bytes(f.format);
}

// Y' of three samples with the frame's kr, kg and kb, on their scale.
__device__ __forceinline__ float pixel_luma(const Frame &f, float first, float second, float third) {
  const bool blue = blue_first(f.format);
  return f.kr * (blue ? third : first) + f.kg * second + f.kb * (blue ? first : third);
}

// Moves the samples of a pixel by what its luminance changes to become that of the result, all alike, as far as all of them can:
// model.Stylization.PreserveColor of packed formats.
__device__ __forceinline__ void pixel_preserve_color(unsigned char (&v)[3], const Frame &f, float first, float second, float third) {
  const int d = (int)floorf(pixel_luma(f, first - v[0], second - v[1], third - v[2]) + 0.5f);
  const int least = -min(min((int)v[0], (int)v[1]), (int)v[2]), most = 255 - max(max((int)v[0], (int)v[1]), (int)v[2]);
  const int step = min(max(d, least), most);
#pragma unroll
  for (int c = 0; c < 3; c++) v[c] = (unsigned char)(v[c] + step);
}

// Writes a packed pixel; the fourth byte, where there is one, comes from `rest`, a pixel of the same format.
__device__ __forceinline__ void pixel_put(const Frame &f, int y, int x, const unsigned char (&v)[3], const unsigned char *rest) {
  unsigned char *to = pixel_at(f, y, x);
  if (pixel_bytes(f.format) == 3)
    to[0] = v[0], to[1] = v[1], to[2] = v[2];
  else if ((((size_t)f.plane[0] | (size_t)f.stride[0]) & 3) == 0)
    *(unsigned *)to = v[0] | v[1] << 8 | v[2] << 16 | (unsigned)rest[3] << 24;
  else
    to[0] = v[0], to[1] = v[1], to[2] = v[2], to[3] = rest[3];
}

// Where the two samples of a chroma position lie.
struct Chroma {
  unsigned char *cb, *cr;
};

__device__ __forceinline__ Chroma pixel_chroma(const Frame &f, int y, int x) {
  unsigned char *first = f.plane[1] + y * f.stride[1];
  if (f.format == FORMAT_NV12) return {first + 2 * x, first + 2 * x + 1};
  return {first + x, f.plane[2] + y * f.stride[2] + x};
}
