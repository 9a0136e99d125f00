// Pixels of frames that have all samples for each: RGB and 4:4:4.
#pragma once
#include "frame.cuh"

struct Pixel {
  int v[3];
};

template <class Word> __device__ __forceinline__ Pixel pixel_get(const Frame &f, int y, int x) {
  Pixel p;
  const unsigned word = sizeof(Word) == 4 ? frame_word<Word>(f, frame_at(f.channel[0], y, x)) : 0;
#pragma unroll
  for (int c = 0; c < 3; c++)
    p.v[c] = sizeof(Word) == 4 ? word >> f.channel[c].shift & f.most : frame_sample<Word>(f, f.channel[c], y, x);
  return p;
}

// What is copied of a pixel, for pixel_put.
template <class Word> __device__ __forceinline__ unsigned pixel_rest(const Frame &f, int y, int x) {
  return sizeof(Word) == 4 ? frame_word<Word>(f, frame_at(f.channel[0], y, x)) & f.rest : 0;
}

template <class Word> __device__ __forceinline__ void pixel_put(const Frame &f, int y, int x, const Pixel &p, unsigned rest) {
#pragma unroll
  for (int c = 0; c < 3; c++) {
    if (sizeof(Word) == 4)
      rest |= (unsigned)p.v[c] << f.channel[c].shift;
    else
      frame_put_sample<Word>(f, f.channel[c], y, x, p.v[c]);
  }
  if (sizeof(Word) == 4) frame_put_word<Word>(f, frame_at(f.channel[0], y, x), rest);
}

// Rounded half up and limited; NaN gives 0.
__device__ __forceinline__ int pixel_sample(const Frame &f, float v) {
  return (int)fminf(fmaxf(floorf(v + 0.5f), 0.0f), (float)f.most);
}

// Y' of three samples R, G and B, on their scale.
__device__ __forceinline__ float pixel_luma(const Frame &f, float r, float g, float b) { return f.kr * r + f.kg * g + f.kb * b; }

// Moves the samples of a pixel by what its luminance changes to become that of the result, all alike, as far as all of them can:
// model.Stylization.PreserveColor of RGB.
__device__ __forceinline__ void pixel_preserve_color(Pixel &p, const Frame &f, float r, float g, float b) {
  const int d = (int)floorf(pixel_luma(f, r - p.v[0], g - p.v[1], b - p.v[2]) + 0.5f);
  const int least = -min(min(p.v[0], p.v[1]), p.v[2]), most = f.most - max(max(p.v[0], p.v[1]), p.v[2]);
  const int step = min(max(d, least), most);
#pragma unroll
  for (int c = 0; c < 3; c++) p.v[c] += step;
}
