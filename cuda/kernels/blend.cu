// The temporal blend of a film's pixels, as model/smoothing.go defines it, in two kernels: blend_changes says how much each pixel of the
// frame differs from that of the frame before, and blend moves the samples of the result towards those before where that is little.
//
//   src        the frame
//   before     the frame before; becomes src, but for alpha and padding, which become 0
//   changes    bytes [H][pitch]: c of each pixel
//   dst        samples of the result; become those that go on downstream. Alpha and padding stay
//   result     the blended result of the frame before; becomes that of this frame, which is dst unless preserve_color is 1. Its alpha and padding
//              become 0
//   continues  int [regions], of smooth.cu: where one is 0, or weight is, there is no frame before and nothing moves
//   weight     model.BlendWeight, 0 to 255
//   preserve_color  1: the colours of src with the luminance of the result, model.Stylization.PreserveColor; kr, kg and kb of RGB
//                   formats are BT.601's
//   All pictures are of one format and size; rows begin anywhere, bytes between them stay. Grid of both: tiles of the picture
//
// Exact. Bound by memory: of each of four pictures 1.5 to 8 bytes are read for a pixel, and of three written; changes is a byte.
// A thread has 2x2 pixels, among which chroma is shared where it is at all, so that it reads what only it writes. It takes the changes around them
// from L1: four bytes a pixel.
// Rejected: one kernel (c of the neighbours is not there yet, and computing it anew needs both frames around each tile while others
// already take the frame over); a picture for the result before it is blended (dst has room for it).
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

  // Whether pixel i of 2x2 does.
  __device__ __forceinline__ bool exists(int i, const Frame &f) const { return y + i / 2 < f.height && x + i % 2 < f.width; }
};

__device__ __forceinline__ int blend_apart(int a, int b) { return max(a - b, b - a); }

// Whether the chroma sample that covers pixel i of this thread has none of its pixels before it.
__device__ __forceinline__ bool blend_first(const Frame &f, int i) { return !(f.half_y && i / 2) && !(f.half_x && i % 2); }

// Gives each of this thread's pixels the largest value of those that share its chroma sample.
__device__ __forceinline__ void blend_share(int (&v)[4], const Frame &f) {
  if (f.half_x) v[0] = v[1] = max(v[0], v[1]), v[2] = v[3] = max(v[2], v[3]);
  if (f.half_y) v[0] = v[2] = max(v[0], v[2]), v[1] = v[3] = max(v[1], v[3]);
}

// Gives channels FIRST and on of `before`, COUNT of them, the samples of src at a position; returns how far they were apart.
template <class Word, int FIRST, int COUNT>
__device__ __forceinline__ int blend_take(const Frame &before, const Frame &src, int y, int x) {
  int c = 0;
#pragma unroll
  for (int k = FIRST; k < FIRST + COUNT; k++) {
    const int now = frame_sample<Word>(src, src.channel[k], y, x);
    c = max(c, blend_apart(now, frame_sample<Word>(before, before.channel[k], y, x)));
    frame_put_sample<Word>(before, before.channel[k], y, x, now);
  }
  return c;
}

template <class Word>
__device__ __forceinline__ void blend_compare(const Frame &src, const Frame &before, unsigned char *changes, int pitch) {
  const BlendPlace p(src.width);
  const bool shared = sizeof(Word) != 4 && src.half_x;
  int c[4] = {};
#pragma unroll
  for (int i = 0; i < 4; i++)
    if (shared && blend_first(src, i) && p.exists(i, src))
      c[i] = blend_take<Word, 1, 2>(before, src, (p.y + i / 2) >> src.half_y, (p.x + i % 2) >> 1);
  if (shared) blend_share(c, src);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (!p.exists(i, src)) continue;
    const int y = p.y + i / 2, x = p.x + i % 2;
    if (shared) {
      c[i] = max(c[i], blend_take<Word, 0, 1>(before, src, y, x));
    } else {
      const Pixel now = pixel_get<Word>(src, y, x), was = pixel_get<Word>(before, y, x);
      c[i] = max(max(blend_apart(now.v[0], was.v[0]), blend_apart(now.v[1], was.v[1])), blend_apart(now.v[2], was.v[2]));
      pixel_put<Word>(before, y, x, now, 0);
    }
    changes[(size_t)y * pitch + x] = (unsigned char)(c[i] >> (src.depth - 8));
  }
}

extern "C" __global__ void __launch_bounds__(blend_threads) blend_changes(Frame src, Frame before, unsigned char *changes, int pitch) {
  frame_with_word(src, [&](auto word) { blend_compare<decltype(word)>(src, before, changes, pitch); });
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

// Moves the N samples `now` of a position, which have more bits than 8 by deeper, towards `was`.
template <int N>
__device__ __forceinline__ void blend_samples(int (&now)[N], const int (&was)[N], int d, int weight, int deeper) {
  int a = 0;
#pragma unroll
  for (int c = 0; c < N; c++) a = max(a, blend_apart(now[c], was[c]) >> deeper);
  const int w = (weight * min(max(12 - d, 0), 8) * min(max(48 - a, 0), 32)) >> 8;
#pragma unroll
  for (int c = 0; c < N; c++) {
    const int apart = blend_apart(now[c], was[c]);
    int e = (w * apart + 128) >> 8;
    if (apart > 2) e = min(e, apart - 1);
    now[c] += was[c] > now[c] ? e : -e;
  }
}

// Blends a pixel of a frame that has all samples for each.
template <class Word>
__device__ __forceinline__ void blend_pixel(const Frame &dst, const Frame &src, const Frame &result, int y, int x, int d, int weight,
                                            int preserve_color) {
  Pixel v = pixel_get<Word>(dst, y, x);
  const Pixel was = pixel_get<Word>(result, y, x);
  const int deeper = dst.depth - 8;
  if (dst.yuv) {
    int light[1] = {v.v[0]}, chroma[2] = {v.v[1], v.v[2]};
    blend_samples(light, {was.v[0]}, d, weight, deeper);
    blend_samples(chroma, {was.v[1], was.v[2]}, d, weight, deeper);
    v = {{light[0], chroma[0], chroma[1]}};
  } else {
    blend_samples(v.v, was.v, d, weight, deeper);
  }
  pixel_put<Word>(result, y, x, v, 0);
  if (preserve_color) {
    const Pixel made = v, from = pixel_get<Word>(src, y, x);
    v = from;
    if (dst.yuv)
      v.v[0] = made.v[0];
    else
      pixel_preserve_color(v, dst, (float)made.v[0], (float)made.v[1], (float)made.v[2]);
  }
  pixel_put<Word>(dst, y, x, v, pixel_rest<Word>(dst, y, x));
}

template <class Word>
__device__ __forceinline__ void blend_luma(const Frame &dst, const Frame &result, int y, int x, int d, int weight) {
  int v[1] = {frame_sample<Word>(dst, dst.channel[0], y, x)};
  blend_samples(v, {frame_sample<Word>(result, result.channel[0], y, x)}, d, weight, dst.depth - 8);
  frame_put_sample<Word>(dst, dst.channel[0], y, x, v[0]);
  frame_put_sample<Word>(result, result.channel[0], y, x, v[0]);
}

template <class Word>
__device__ __forceinline__ void blend_chroma(const Frame &dst, const Frame &src, const Frame &result, int y, int x, int d, int weight,
                                             int preserve_color) {
  int v[2], was[2];
#pragma unroll
  for (int c = 0; c < 2; c++) {
    v[c] = frame_sample<Word>(dst, dst.channel[c + 1], y, x);
    was[c] = frame_sample<Word>(result, result.channel[c + 1], y, x);
  }
  blend_samples(v, was, d, weight, dst.depth - 8);
#pragma unroll
  for (int c = 0; c < 2; c++) {
    frame_put_sample<Word>(result, result.channel[c + 1], y, x, v[c]);
    frame_put_sample<Word>(dst, dst.channel[c + 1], y, x, preserve_color ? frame_sample<Word>(src, src.channel[c + 1], y, x) : v[c]);
  }
}

template <class Word>
__device__ __forceinline__ void blend_block(const Frame &dst, const Frame &src, const Frame &result, const unsigned char *changes,
                                            int pitch, int weight, int preserve_color) {
  const BlendPlace p(dst.width);
  if (p.y >= dst.height || p.x >= dst.width) return;
  int d[4];
  blend_moved(d, changes, pitch, dst.height, dst.width, p);
  const bool shared = sizeof(Word) != 4 && dst.half_x;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int y = p.y + i / 2, x = p.x + i % 2;
    if (!p.exists(i, dst))
      d[i] = 0;
    else if (shared)
      blend_luma<Word>(dst, result, y, x, d[i], weight);
    else
      blend_pixel<Word>(dst, src, result, y, x, d[i], weight, preserve_color);
  }
  if (!shared) return;
  blend_share(d, dst);
#pragma unroll
  for (int i = 0; i < 4; i++)
    if (blend_first(dst, i) && p.exists(i, dst))
      blend_chroma<Word>(dst, src, result, (p.y + i / 2) >> dst.half_y, (p.x + i % 2) >> 1, d[i], weight, preserve_color);
}

extern "C" __global__ void __launch_bounds__(blend_threads)
    blend(Frame dst, Frame src, Frame result, const unsigned char *changes, int pitch, const int *continues, int regions, int weight,
          int preserve_color) {
  for (int i = 0; i < regions; i++)
    if (!__ldg(continues + i)) weight = 0;
  frame_with_word(dst, [&](auto word) { blend_block<decltype(word)>(dst, src, result, changes, pitch, weight, preserve_color); });
}
DESCRIBE(blend, blend_w, blend_h, 1, blend_threads, 0)
