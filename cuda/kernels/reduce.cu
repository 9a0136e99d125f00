// The small frame that the network sees where model.Stylization.ProcessingSize asks for one: each sample is the mean of the part of the
// frame that it covers, as model/processing.go defines it, plane by plane.
//
//   dst   m x m' pixels, of the format of src and no larger on either side. Its fourth bytes are not written
//   src   n x n' pixels, n and n' up to 2^24; rows of both begin anywhere
//   Grid: (tiles of dst, 3): the planes; blocks of planes that a format lacks, and of tiles that a plane of chroma lacks, end at once
//
// Exact: samples are weighted by whole numbers, in units of 1/m sample, 32 bits for the sum of a row and 64 for all. The quotient comes from
// a float division, whose result is at most one off, and a product that says so.
//
// Bound by memory: 1.5 to 4 bytes are read for each pixel of src, and less written. A thread makes a pixel of a plane with all its channels
// from bytes; neighbours in a warp read neighbouring bytes, so that L1 has what several of them want.
// Rejected: rows first and columns next (a plane between them to write and read for sums that overlap by one sample in n/m); words
// instead of bytes (windows begin anywhere); a division of 64 bits (a hundred instructions).
#include "frame.cuh"
#include "launch.cuh"

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

__device__ __forceinline__ unsigned char reduce_quotient(Whole n, Whole d) {
  const unsigned q = (unsigned)((float)n / (float)d);
  const Whole whole = q * d;
  return (unsigned char)(n < whole ? q - 1 : n - whole >= d ? q + 1 : q);
}

// CHANNELS samples, of pixels of BYTES bytes each.
template <int CHANNELS, int BYTES>
__device__ __forceinline__ void reduce_pixel(unsigned char *to, const unsigned char *from, long long stride, const ReduceSpan &down,
                                             const ReduceSpan &across) {
  Whole sum[CHANNELS] = {};
  from += down.first * stride + (long long)across.first * BYTES;
  unsigned height = min(down.head, down.n);
  for (unsigned rows = down.n; rows > 0; from += stride) {
    unsigned row[CHANNELS] = {}, width = min(across.head, across.n);
    const unsigned char *p = from;
    for (unsigned columns = across.n; columns > 0; p += BYTES) {
#pragma unroll
      for (int c = 0; c < CHANNELS; c++) row[c] += width * __ldg(p + c);
      columns -= width;
      width = min(across.m, columns);
    }
#pragma unroll
    for (int c = 0; c < CHANNELS; c++) sum[c] += (Whole)height * row[c];
    rows -= height;
    height = min(down.m, rows);
  }
  const Whole all = (Whole)down.n * across.n;
#pragma unroll
  for (int c = 0; c < CHANNELS; c++) to[c] = reduce_quotient(2 * sum[c] + all, 2 * all);
}

extern "C" __global__ void __launch_bounds__(reduce_threads) reduce(Frame dst, Frame src) {
  const int plane = blockIdx.y, half = plane > 0, format = dst.format;
  if (plane > (format == FORMAT_I420 ? 2 : format == FORMAT_NV12 ? 1 : 0)) return;
  const int tiles = (dst.width + reduce_w - 1) / reduce_w;
  const int x = blockIdx.x % tiles * reduce_w + threadIdx.x % reduce_w, y = blockIdx.x / tiles * reduce_h + threadIdx.x / reduce_w;
  const int width = (dst.width + half) >> half, height = (dst.height + half) >> half;
  if (x >= width || y >= height) return;
  const ReduceSpan down(y, height, (src.height + half) >> half), across(x, width, (src.width + half) >> half);
  // Not plane[plane]: arguments that are indexed go to local memory first.
  const unsigned char *from = plane == 0 ? src.plane[0] : plane == 1 ? src.plane[1] : src.plane[2];
  const long long stride = plane == 0 ? src.stride[0] : plane == 1 ? src.stride[1] : src.stride[2];
  unsigned char *to = plane == 0 ? dst.plane[0] : plane == 1 ? dst.plane[1] : dst.plane[2];
  to += y * (plane == 0 ? dst.stride[0] : plane == 1 ? dst.stride[1] : dst.stride[2]);
  if (format <= FORMAT_BGR)
    reduce_pixel<3, 3>(to + 3LL * x, from, stride, down, across);
  else if (format < FORMAT_NV12)
    reduce_pixel<3, 4>(to + 4LL * x, from, stride, down, across);
  else if (format == FORMAT_NV12 && half)
    reduce_pixel<2, 2>(to + 2LL * x, from, stride, down, across);
  else
    reduce_pixel<1, 1>(to + x, from, stride, down, across);
}
DESCRIBE(reduce, reduce_w, reduce_h, 1, reduce_threads, 0)
