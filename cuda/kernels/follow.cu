// The pixels of a film that follow its motion, as model/smoothing.go and model/motion.go define it, in the order of launches:
//
//   follow_changes  c of each pixel of src to before, along the motion and with its doubts, and at the same place; kept becomes src
//   follow_blend    result becomes dst, moved towards before at the same place and then along the motion
//   follow_steps    int2 [cells]: the differences of each cell's pixels to the right, of dst and of result
//   follow_gains    G of each cell goes into w of cells
//   follow_show     dst becomes result with the sharpness that G gives back, and with the colours of src where preserve_color is 1
//
//   src        the frame; before and kept are the engine's own
//   cells      int4 [cells_h][cells_w], of motion.cu: x, y, doubt, G; squares of 2^log pixels
//   changes, still  bytes [H][pitch]
//   dst        samples of the result; become those that go on downstream. Alpha and padding stay
//   before, result  the blended results of the frame before and of this one; alpha and padding of result become 0, as those of kept
//   continues  int [regions], of smooth.cu: where one is 0, or weight is, nothing moves
//   weight     model.MotionWeight
//   All pictures are of one format and size; rows begin anywhere, bytes between them stay. Grid of all: tiles of the picture, or of cells.
//
// Exact. Bound by memory: of each of two pictures some 1.5 to 8 bytes a pixel are read around a place, which neighbours share in L1; the
// cubic takes 16 samples of a channel. A thread has a pixel; the first of those that share chroma has that, too.
// Rejected: samples along the motion kept as a picture (more to write and read than to compute); steps by the threads of a pixel, added up in memory
// (the order of sums would be the GPU's, and cells of 8x8 pixels are two rounds of a warp).
#include "follow.cuh"
#include "launch.cuh"

constexpr int follow_warps = follow_threads / 32;
constexpr int follow_gain = 36, follow_most_gain = 32;  // of model/motion.go

// Channels of src at a position: how far those before are away, there and along the motion; kept takes them over.
template <class Word, int FIRST, int COUNT>
__device__ __forceinline__ int2 follow_compare(const Frame &src, const Frame &before, const Frame &kept, const Between &at, int y, int x, bool keeps) {
  typedef Samples<Word, FIRST, COUNT> All;
  const int half_x = All::own_grid ? src.half_x : 0, half_y = All::own_grid ? src.half_y : 0;
  All now, there, here;
  now.get(src, y, x);
  here.get(before, y, x);
  there.bilinear(before, 16 * y + at.y(half_y), 16 * x + at.x(half_x));
  if (keeps) now.put(kept, y, x, 0);
  return make_int2(now.apart(there, src.depth - 8), now.apart(here, src.depth - 8));
}

template <class Word>
__device__ __forceinline__ void follow_change(const Frame &src, const Frame &before, const Frame &kept, const Cells &cells, unsigned char *changes,
                                              unsigned char *still, int pitch) {
  const FollowPixel p(src.width);
  if (!p.exists(src)) return;
  const Between at(cells, p.y, p.x, 0, 0);
  int2 c;
  if (sizeof(Word) != 4 && src.half_x) {
    c = follow_compare<Word, 0, 1>(src, before, kept, at, p.y, p.x, true);
    const int y = p.y >> src.half_y, x = p.x >> src.half_x;
    const int2 chroma = follow_compare<Word, 1, 2>(src, before, kept, Between(cells, y, x, src.half_y, src.half_x), y, x, p.first(src));
    c = make_int2(max(c.x, chroma.x), max(c.y, chroma.y));
  } else {
    c = follow_compare<Word, 0, 3>(src, before, kept, at, p.y, p.x, true);
  }
  const size_t i = (size_t)p.y * pitch + p.x;
  changes[i] = (unsigned char)min(c.x + at.doubt(), 255);
  still[i] = (unsigned char)c.y;
}

extern "C" __global__ void __launch_bounds__(follow_threads)
    follow_changes(Frame src, Frame before, Frame kept, int4 *cells, int cells_w, int cells_h, int log, unsigned char *changes, unsigned char *still,
                   int pitch) {
  const Cells all{cells, cells_w, cells_h, log};
  frame_with_word(src, [&](auto word) { follow_change<decltype(word)>(src, before, kept, all, changes, still, pitch); });
}
DESCRIBE(follow_changes, follow_w, follow_h, 1, follow_threads, 0)

// The largest of the bytes around pixels y0..y1, x0..x1. At the edges a pixel that exists stands for one that does not: it is around the same.
__device__ __forceinline__ int follow_moved(const unsigned char *bytes, int pitch, const Frame &f, int y, int x, int rows, int columns) {
  int most = 0;
  for (int v = max(y - 1, 0); v <= min(y + rows, f.height - 1); v++)
    for (int u = max(x - 1, 0); u <= min(x + columns, f.width - 1); u++) most = max(most, (int)__ldg(bytes + (size_t)v * pitch + u));
  return most;
}

// Channels of a result at a position, of changes d and e.
template <class Word, int FIRST, int COUNT>
__device__ __forceinline__ Samples<Word, FIRST, COUNT> follow_blended(const Frame &dst, const Frame &before, const Between &at, int y, int x, int d, int e,
                                                                      int weight) {
  typedef Samples<Word, FIRST, COUNT> All;
  const int half_x = All::own_grid ? dst.half_x : 0, half_y = All::own_grid ? dst.half_y : 0;
  const int trust = follow_limit(40 - d, 0, 16);
  All v, was;
  v.get(dst, y, x);
  was.get(before, y, x);
  const int rest = (weight * follow_limit(12 - e, 0, 8) * follow_limit(128 - v.apart(was, dst.depth - 8), 0, 32)) >> 8;
  v.move(was, (rest * (16 - trust)) >> 4);
  was.cubic(before, 16 * y + at.y(half_y), 16 * x + at.x(half_x));
  v.move(was, (weight * trust) >> 4);
  return v;
}

template <class Word>
__device__ __forceinline__ void follow_pixel(const Frame &dst, const Frame &before, const Frame &result, const Cells &cells, const unsigned char *changes,
                                             const unsigned char *still, int pitch, int weight) {
  const FollowPixel p(dst.width);
  if (!p.exists(dst)) return;
  const Between at(cells, p.y, p.x, 0, 0);
  const int d = follow_moved(changes, pitch, dst, p.y, p.x, 1, 1), e = follow_moved(still, pitch, dst, p.y, p.x, 1, 1);
  if (!dst.yuv) {
    follow_blended<Word, 0, 3>(dst, before, at, p.y, p.x, d, e, weight).put(result, p.y, p.x, 0);
    return;
  }
  if (sizeof(Word) == 4 || !dst.half_x) {  // a pixel's samples may share a word
    const auto light = follow_blended<Word, 0, 1>(dst, before, at, p.y, p.x, d, e, weight);
    const auto chroma = follow_blended<Word, 1, 2>(dst, before, at, p.y, p.x, d, e, weight);
    pixel_put<Word>(result, p.y, p.x, {{light.v[0], chroma.v[0], chroma.v[1]}}, 0);
    return;
  }
  follow_blended<Word, 0, 1>(dst, before, at, p.y, p.x, d, e, weight).put(result, p.y, p.x, 0);
  if (!p.first(dst)) return;
  const int y = p.y >> dst.half_y, x = p.x >> dst.half_x, rows = 1 << dst.half_y, columns = 1 << dst.half_x;
  follow_blended<Word, 1, 2>(dst, before, Between(cells, y, x, dst.half_y, dst.half_x), y, x, follow_moved(changes, pitch, dst, p.y, p.x, rows, columns),
                             follow_moved(still, pitch, dst, p.y, p.x, rows, columns), weight)
      .put(result, y, x, 0);
}

extern "C" __global__ void __launch_bounds__(follow_threads)
    follow_blend(Frame dst, Frame before, Frame result, int4 *cells, int cells_w, int cells_h, int log, const unsigned char *changes,
                 const unsigned char *still, int pitch, const int *continues, int regions, int weight) {
  for (int i = 0; i < regions; i++)
    if (!__ldg(continues + i)) weight = 0;
  const Cells all{cells, cells_w, cells_h, log};
  frame_with_word(dst, [&](auto word) { follow_pixel<decltype(word)>(dst, before, result, all, changes, still, pitch, weight); });
}
DESCRIBE(follow_blend, follow_w, follow_h, 1, follow_threads, 0)

// The differences of channels that have luminance to the pixel on the right, in codes of 8 bits.
template <class Word> __device__ __forceinline__ int follow_step(const Frame &f, int y, int x) {
  const int deeper = f.depth - 8;
  if (f.yuv) return follow_apart(frame_sample<Word>(f, f.channel[0], y, x), frame_sample<Word>(f, f.channel[0], y, x + 1)) >> deeper;
  const Pixel a = pixel_get<Word>(f, y, x), b = pixel_get<Word>(f, y, x + 1);
  int sum = 0;
#pragma unroll
  for (int c = 0; c < 3; c++) sum += follow_apart(a.v[c], b.v[c]) >> deeper;
  return sum;
}

// A warp has a cell.
extern "C" __global__ void __launch_bounds__(follow_threads) follow_steps(Frame dst, Frame result, int2 *steps, int cells_w, int cells_h, int log) {
  const int i = blockIdx.x * follow_warps + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (i >= cells_w * cells_h) return;
  const int top = i / cells_w << log, left = i % cells_w << log;
  int plain = 0, blended = 0;
  frame_with_word(dst, [&](auto word) {
    for (int k = lane; k < 1 << (2 * log); k += 32) {
      const int y = top + (k >> log), x = left + (k & ((1 << log) - 1));
      if (y >= dst.height || x + 1 >= dst.width) continue;
      plain += follow_step<decltype(word)>(dst, y, x), blended += follow_step<decltype(word)>(result, y, x);
    }
  });
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    plain += __shfl_xor_sync(0xffffffffu, plain, lanes);
    blended += __shfl_xor_sync(0xffffffffu, blended, lanes);
  }
  if (lane == 0) steps[i] = make_int2(plain, blended);
}
DESCRIBE(follow_steps, follow_warps, 1, 1, follow_threads, 0)

extern "C" __global__ void __launch_bounds__(follow_threads) follow_gains(const int2 *steps, int4 *cells, int cells_w, int cells_h) {
  const int i = blockIdx.x * follow_threads + threadIdx.x, y = i / cells_w, x = i % cells_w;
  if (y >= cells_h) return;
  long long plain = 0, blended = 0;
  for (int v = max(y - 1, 0); v < min(y + 2, cells_h); v++)
    for (int u = max(x - 1, 0); u < min(x + 2, cells_w); u++) plain += steps[v * cells_w + u].x, blended += steps[v * cells_w + u].y;
  const bool less = plain > blended && blended > 0;
  cells[i].w = less ? (int)min(follow_gain * (plain - blended) / blended, (long long)follow_most_gain) : 0;
}
DESCRIBE(follow_gains, follow_threads, 1, 1, follow_threads, 0)

// Channels of the result at a pixel with gain sixteenths of what they differ from those around.
template <class Word, int COUNT>
__device__ __forceinline__ Samples<Word, 0, COUNT> follow_sharp(const Frame &result, int y, int x, int gain) {
  Samples<Word, 0, COUNT> v, around;
  int detail[COUNT] = {};
  v.get(result, y, x);
#pragma unroll
  for (int k = 0; k < 9; k++) {
    const int weight = k == 4 ? 0 : k % 2 ? 2 : 1;
    around.edge(result, y + k / 3 - 1, x + k % 3 - 1);
#pragma unroll
    for (int c = 0; c < COUNT; c++) detail[c] += weight * (v.v[c] - around.v[c]);
  }
#pragma unroll
  for (int c = 0; c < COUNT; c++) v.v[c] = follow_limit(v.v[c] + ((detail[c] * gain + 128) >> 8), 0, result.most);
  return v;
}

template <class Word>
__device__ __forceinline__ void follow_put(const Frame &dst, const Frame &src, const Frame &result, const Cells &cells, int preserve_color) {
  const FollowPixel p(dst.width);
  if (!p.exists(dst)) return;
  const int gain = Between(cells, p.y, p.x, 0, 0).gain();
  if (!dst.yuv) {
    const auto made = follow_sharp<Word, 3>(result, p.y, p.x, gain);
    Pixel v = {{made.v[0], made.v[1], made.v[2]}};
    if (preserve_color) {
      v = pixel_get<Word>(src, p.y, p.x);
      pixel_preserve_color(v, dst, (float)made.v[0], (float)made.v[1], (float)made.v[2]);
    }
    pixel_put<Word>(dst, p.y, p.x, v, pixel_rest<Word>(dst, p.y, p.x));
    return;
  }
  const auto light = follow_sharp<Word, 1>(result, p.y, p.x, gain);
  if (sizeof(Word) == 4 || !dst.half_x) {
    Pixel v = preserve_color ? pixel_get<Word>(src, p.y, p.x) : pixel_get<Word>(result, p.y, p.x);
    v.v[0] = light.v[0];
    pixel_put<Word>(dst, p.y, p.x, v, pixel_rest<Word>(dst, p.y, p.x));
    return;
  }
  light.put(dst, p.y, p.x, 0);
  if (!p.first(dst)) return;
  Samples<Word, 1, 2> chroma;
  const int y = p.y >> dst.half_y, x = p.x >> dst.half_x;
  if (preserve_color)
    chroma.get(src, y, x);
  else
    chroma.get(result, y, x);
  chroma.put(dst, y, x, 0);
}

extern "C" __global__ void __launch_bounds__(follow_threads)
    follow_show(Frame dst, Frame src, Frame result, int4 *cells, int cells_w, int cells_h, int log, int preserve_color) {
  const Cells all{cells, cells_w, cells_h, log};
  frame_with_word(dst, [&](auto word) { follow_put<decltype(word)>(dst, src, result, all, preserve_color); });
}
DESCRIBE(follow_show, follow_w, follow_h, 1, follow_threads, 0)
