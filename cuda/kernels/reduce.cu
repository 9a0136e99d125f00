// The small frame that the network sees where model.Stylization.ProcessingSize asks for one: each sample is the mean of the part of the
// frame that it covers, as model/processing.go defines it, channel by channel.
//
//   dst   m x m' pixels, of the format of src and no larger on either side. Its alpha or padding becomes 0
//   src   n x n' pixels, n and n' up to 2^24; rows of both begin anywhere
//   Grid: (tiles of dst, 2): the second are chroma positions where pixels share chroma; other blocks of them end at once
//
// Exact: samples are weighted by whole numbers, in units of 1/m sample; a row of samples of 8 bits sums to 32 bits, all else to 64. The
// quotient comes from a float division, whose result is at most one off, and a product that says so.
//
// Bound by memory: 1.5 to 8 bytes are read for each pixel of src, and less written. A thread makes a pixel with all its channels, or two of
// chroma; neighbours in a warp read neighbouring words, so that L1 has what several of them want.
// Rejected: rows first and columns next (a plane between them to write and read for sums that overlap by one sample in n/m); larger words
// (windows begin anywhere); a division of 64 bits (a hundred instructions).
#include "launch.cuh"
#include "pixel.cuh"

constexpr int reduce_w = 32, reduce_h = 8, reduce_threads = reduce_w * reduce_h;

typedef unsigned long long Whole;

// What sample k of m covers of n: the weights are `head` or less for the sample `first`, then m, and what is left up to n for the last.
struct ReduceSpan {
  int first;
  unsigned head, m, n;

  __device__ __forceinline__ ReduceSpan(int k, int m, int n) : m(m), n(n) {
    const Whole start = (Whole)k * n;
    first = (int)(start / m);
    head = m - (unsigned)(start - (Whole)first * m);
  }
};

__device__ __forceinline__ int reduce_quotient(Whole n, Whole d) {
  const unsigned q = (unsigned)((float)n / (float)d);
  const Whole whole = q * d;
  return (int)(n < whole ? q - 1 : n - whole >= d ? q + 1 : q);
}

// The sum of a row of samples of 8 bits, or of more.
template <class Word> struct ReduceRow { typedef Whole Sum; };
template <> struct ReduceRow<unsigned char> { typedef unsigned Sum; };

// Adds the samples of COUNT channels from FIRST on, times weight, to row.
template <class Word, int FIRST, int COUNT, class Sum>
__device__ __forceinline__ void reduce_add(Sum (&row)[COUNT], const Frame &f, int y, int x, unsigned weight) {
  if (COUNT == 3) {
    const Pixel p = pixel_get<Word>(f, y, x);
#pragma unroll
    for (int c = 0; c < COUNT; c++) row[c] += (Sum)weight * p.v[c];
  } else {
#pragma unroll
    for (int c = 0; c < COUNT; c++) row[c] += (Sum)weight * frame_sample<Word>(f, f.channel[FIRST + c], y, x);
  }
}

// Makes the samples of COUNT channels from FIRST on.
template <class Word, int FIRST, int COUNT>
__device__ __forceinline__ void reduce_samples(const Frame &dst, const Frame &src, int y, int x, const ReduceSpan &down,
                                               const ReduceSpan &across) {
  Whole sum[COUNT] = {};
  unsigned height = min(down.head, down.n);
  int v = down.first;
  for (unsigned rows = down.n; rows > 0; v++) {
    typename ReduceRow<Word>::Sum row[COUNT] = {};
    unsigned width = min(across.head, across.n);
    int u = across.first;
    for (unsigned columns = across.n; columns > 0; u++) {
      reduce_add<Word, FIRST, COUNT>(row, src, v, u, width);
      columns -= width;
      width = min(across.m, columns);
    }
#pragma unroll
    for (int c = 0; c < COUNT; c++) sum[c] += (Whole)height * row[c];
    rows -= height;
    height = min(down.m, rows);
  }
  const Whole all = (Whole)down.n * across.n;
  Pixel made;
#pragma unroll
  for (int c = 0; c < COUNT; c++) made.v[c] = reduce_quotient(2 * sum[c] + all, 2 * all);
  if (COUNT == 3) {
    pixel_put<Word>(dst, y, x, made, 0);
  } else {
#pragma unroll
    for (int c = 0; c < COUNT; c++) frame_put_sample<Word>(dst, dst.channel[FIRST + c], y, x, made.v[c]);
  }
}

template <class Word> __device__ __forceinline__ void reduce_block(const Frame &dst, const Frame &src) {
  const bool shared = sizeof(Word) != 4 && dst.half_x;
  if (blockIdx.y == 1 && !shared) return;
  const int half_x = blockIdx.y, half_y = dst.half_y && blockIdx.y;
  const int tiles = (dst.width + reduce_w - 1) / reduce_w;
  const int x = blockIdx.x % tiles * reduce_w + threadIdx.x % reduce_w, y = blockIdx.x / tiles * reduce_h + threadIdx.x / reduce_w;
  const int width = (dst.width + half_x) >> half_x, height = (dst.height + half_y) >> half_y;
  if (x >= width || y >= height) return;
  const ReduceSpan down(y, height, (src.height + half_y) >> half_y), across(x, width, (src.width + half_x) >> half_x);
  if (!shared)
    reduce_samples<Word, 0, 3>(dst, src, y, x, down, across);
  else if (blockIdx.y == 0)
    reduce_samples<Word, 0, 1>(dst, src, y, x, down, across);
  else
    reduce_samples<Word, 1, 2>(dst, src, y, x, down, across);
}

extern "C" __global__ void __launch_bounds__(reduce_threads) reduce(Frame dst, Frame src) {
  frame_with_word(dst, [&](auto word) { reduce_block<decltype(word)>(dst, src); });
}
DESCRIBE(reduce, reduce_w, reduce_h, 1, reduce_threads, 0)
