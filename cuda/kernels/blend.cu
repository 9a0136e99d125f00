// The temporal blend of a film's pixels, as model/smoothing.go defines it, in two kernels: blend_changes says how much each pixel of the
// frame differs from that of the frame before, and blend moves the samples of the result towards those before where that is little.
//
//   src        the frame
//   before     the frame before; becomes src. Fourth bytes are left out
//   changes    bytes [H][pitch]: c of each pixel
//   dst        samples of the result; become those that go on downstream. Fourth bytes stay
//   result     the blended result of the frame before; becomes that of this frame, which is dst unless preserve_color is 1
//   continues  int [regions], of smooth.cu: where one is 0, or weight is, there is no frame before and nothing moves
//   weight     model.BlendWeight, 0 to 255
//   preserve_color  1: the colours of src with the luminance of the result, model.Stylization.PreserveColor; kr, kg and kb of packed
//                   formats are BT.601's
//   All pictures are of one format and size; rows begin anywhere, bytes between them stay. Grid of both: tiles of the picture
//
// Exact. Bound by memory: of each of four pictures 1.5 to 4 bytes are read for a pixel, and of three written; changes is a byte.
// A thread has 2x2 pixels, which share chroma in YUV formats, so that it reads what only it writes. It takes the changes around them
// from L1: four bytes a pixel.
// Rejected: one kernel (c of the neighbours is not there yet, and computing it anew needs both frames around each tile while others
// already take the frame over); a picture for the result before it is blended (dst has room for it).
#include "frame.cuh"
#include "launch.cuh"
#include "pixel.cuh"

constexpr int blend_w = 64, blend_h = 16, blend_threads = blend_w * blend_h / 4;

// The first pixel of this thread.
struct BlendPlace {
  int y, x;

  __device__ __forceinline__ BlendPlace(int width) {
    const int tiles = (width + blend_w - 1) / blend_w;
    y = blockIdx.x / tiles * blend_h + threadIdx.x / (blend_w / 2) * 2;
    x = blockIdx.x % tiles * blend_w + threadIdx.x % (blend_w / 2) * 2;
  }
};

__device__ __forceinline__ int blend_apart(int a, int b) { return max(a - b, b - a); }

// Gives `before` the sample of src; returns how far they were apart.
__device__ __forceinline__ int blend_take(unsigned char *before, const unsigned char *src) {
  const int now = *src, was = *before;
  *before = (unsigned char)now;
  return blend_apart(now, was);
}

extern "C" __global__ void __launch_bounds__(blend_threads) blend_changes(Frame src, Frame before, unsigned char *changes, int pitch) {
  const BlendPlace p(src.width);
  if (p.y >= src.height || p.x >= src.width) return;
  const bool yuv = src.format >= FORMAT_NV12;
  int shared = 0;
  if (yuv) {
    const Chroma to = pixel_chroma(before, p.y >> 1, p.x >> 1), from = pixel_chroma(src, p.y >> 1, p.x >> 1);
    shared = blend_take(to.cb, from.cb);
    shared = max(shared, blend_take(to.cr, from.cr));
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int y = p.y + i / 2, x = p.x + i % 2;
    if (y >= src.height || x >= src.width) continue;
    unsigned char *to = pixel_at(before, y, x);
    const unsigned char *from = pixel_at(src, y, x);
    int c = max(shared, blend_take(to, from));
    if (!yuv) {
      c = max(c, blend_take(to + 1, from + 1));
      c = max(c, blend_take(to + 2, from + 2));
    }
    changes[(size_t)y * pitch + x] = (unsigned char)c;
  }
}
DESCRIBE(blend_changes, blend_w, blend_h, 1, blend_threads, 0)

// The largest change around each of this thread's pixels. At the edges a pixel that exists stands for one that does not: it is around
// the same pixels.
__device__ __forceinline__ void blend_moved(int (&d)[4], const unsigned char *changes, int pitch, int height, int width,
                                            const BlendPlace &p) {
  d[0] = d[1] = d[2] = d[3] = 0;
#pragma unroll
  for (int i = -1; i < 3; i++) {
    const unsigned char *row = changes + (size_t)min(max(p.y + i, 0), height - 1) * pitch;
    const int a = __ldg(row + max(p.x - 1, 0)), b = __ldg(row + p.x), c = __ldg(row + min(p.x + 1, width - 1));
    const int middle = max(b, c), left = max(a, middle), right = max(middle, (int)__ldg(row + min(p.x + 2, width - 1)));
    if (i < 2) d[0] = max(d[0], left), d[1] = max(d[1], right);
    if (i >= 0) d[2] = max(d[2], left), d[3] = max(d[3], right);
  }
}

// Moves the N samples `now` of a place towards `was`.
template <int N> __device__ __forceinline__ void blend_samples(unsigned char (&now)[N], const unsigned char (&was)[N], int d, int weight) {
  int a = 0;
#pragma unroll
  for (int c = 0; c < N; c++) a = max(a, blend_apart(now[c], was[c]));
  const int w = (weight * min(max(12 - d, 0), 8) * min(max(48 - a, 0), 32)) >> 8;
#pragma unroll
  for (int c = 0; c < N; c++) {
    const int apart = blend_apart(now[c], was[c]);
    int e = (w * apart + 128) >> 8;
    if (apart > 2) e = min(e, apart - 1);
    now[c] = (unsigned char)(now[c] + (was[c] > now[c] ? e : -e));
  }
}

__device__ __forceinline__ void blend_packed(const Frame &dst, const Frame &src, const Frame &result, int y, int x, int d, int weight,
                                             int preserve_color) {
  unsigned char *to = pixel_at(dst, y, x), *before = pixel_at(result, y, x);
  unsigned char v[3] = {to[0], to[1], to[2]};
  const unsigned char was[3] = {before[0], before[1], before[2]};
  blend_samples(v, was, d, weight);
  before[0] = v[0], before[1] = v[1], before[2] = v[2];
  if (preserve_color) {
    const unsigned char *from = pixel_at(src, y, x);
    v[0] = from[0], v[1] = from[1], v[2] = from[2];
    pixel_preserve_color(v, dst, before[0], before[1], before[2]);
  }
  pixel_put(dst, y, x, v, to);
}

__device__ __forceinline__ void blend_luma(const Frame &dst, const Frame &result, int y, int x, int d, int weight) {
  unsigned char *to = pixel_at(dst, y, x), *before = pixel_at(result, y, x);
  unsigned char v[1] = {*to};
  const unsigned char was[1] = {*before};
  blend_samples(v, was, d, weight);
  *to = *before = v[0];
}

__device__ __forceinline__ void blend_chroma(const Frame &dst, const Frame &src, const Frame &result, int y, int x, int d, int weight,
                                             int preserve_color) {
  const Chroma to = pixel_chroma(dst, y, x), before = pixel_chroma(result, y, x);
  unsigned char v[2] = {*to.cb, *to.cr};
  const unsigned char was[2] = {*before.cb, *before.cr};
  blend_samples(v, was, d, weight);
  *before.cb = v[0], *before.cr = v[1];
  const Chroma from = preserve_color ? pixel_chroma(src, y, x) : before;
  *to.cb = *from.cb, *to.cr = *from.cr;
}

extern "C" __global__ void __launch_bounds__(blend_threads)
    blend(Frame dst, Frame src, Frame result, const unsigned char *changes, int pitch, const int *continues, int regions, int weight,
          int preserve_color) {
  const BlendPlace p(dst.width);
  if (p.y >= dst.height || p.x >= dst.width) return;
  for (int i = 0; i < regions; i++)
    if (!__ldg(continues + i)) weight = 0;
  int d[4];
  blend_moved(d, changes, pitch, dst.height, dst.width, p);
  const bool yuv = dst.format >= FORMAT_NV12;
  int most = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int y = p.y + i / 2, x = p.x + i % 2;
    if (y >= dst.height || x >= dst.width) continue;
    most = max(most, d[i]);
    if (yuv)
      blend_luma(dst, result, y, x, d[i], weight);
    else
      blend_packed(dst, src, result, y, x, d[i], weight, preserve_color);
  }
  if (yuv) blend_chroma(dst, src, result, p.y >> 1, p.x >> 1, most, weight, preserve_color);
}
DESCRIBE(blend, blend_w, blend_h, 1, blend_threads, 0)
