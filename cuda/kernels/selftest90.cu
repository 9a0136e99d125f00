// Do the instructions of hopper.cuh do on this GPU what the emulator takes them to do? Exact, with small integers; one block.
//
//   w       tensor map of float16 [64 rows][64], {64, 64, 1, 1}, box {64, tile_c, 1, 1}, element (row, k) = value(row, k)
//   x       tensor map of float16 [34][10][64], {64, 10, 34, 1}, box {64, tile_w, tile_h + 2, 1}; element k of pixel p, counted
//           along lines of 10, = value(1000 + p, k). Both maps have the 128-byte swizzle
//   value   ((h ^ h >> 15) & 7) - 3 with h = (row * 0x9E3779B1 ^ k * 0x85EBCA77) * 0xC2B2AE3D in 32 bits
//   result  int [48], all of it written:
//     0       90: the kernel came to its end. A copy whose bytes do not arrive ends in a trap, that is, a launch failure
//     1       elements of w's box that are wrong in shared memory
//     2..6    the same of x's boxes: at the origin; over the left and upper edge; over the right and lower edge; over the last
//             channel; beside all of it. What is outside must be zero
//     7       elements of the product m64n256k64 of w and pixels 0..255 that are wrong, as each thread holds them
//     8       halves that relu_pair made wrong or stmatrix.trans stored wrong
//     9       values that a named barrier let a thread read too early
//     10..15  0
//     16..47  no test but a question: may an operand start within the swizzle's pattern of 8 rows? 16 + 8*v + r: how many
//             elements of the product with pixels shifted by r (0..7) are wrong, -1 where it was not tried. v = 0: groups of 8
//             pixels 1024 bytes apart; v = 1: 1280 bytes apart, so that group j begins at pixel 10*j + r; v = 2, 3: the same,
//             with base offset r in the operand. Where v = 1 is all zeros, one box of 10 pixels times rows can serve all nine
//             taps of a convolution.
#include "hopper.cuh"
#include "launch.cuh"

namespace selftest90 {

constexpr int threads = 256, lines = 34, line = 10, pixels = lines * line, columns = 256, first_pixel = 1000, results = 48;
constexpr int box_bytes = pixels * 128, weight_bytes = 64 * 128;

// Offsets in shared memory.
constexpr int weights_at = 0, box_at = weight_bytes, product_at = (box_at + box_bytes + 1023) / 1024 * 1024;
constexpr int scratch_at = product_at + 64 * columns * 4, counts_at = scratch_at + 2048, barrier_at = counts_at + results * 4;
constexpr int smem = barrier_at + 8;

__device__ __forceinline__ int value(int row, int k) {
  const uint32_t h = ((uint32_t)row * 0x9E3779B1u ^ (uint32_t)k * 0x85EBCA77u) * 0xC2B2AE3Du;
  return (int)((h ^ h >> 15) & 7) - 3;
}

// Fills dst with NaN, lets a copy overwrite it and waits for the bytes.
__device__ __forceinline__ void load(unsigned char *dst, int bytes, const TMap *m, unsigned char *bar, int parity, int c, int x,
                                     int y) {
  for (int i = threadIdx.x; i < bytes / 4; i += threads) ((uint32_t *)dst)[i] = 0xffffffffu;
  fence_async_proxy();
  __syncthreads();
  if (threadIdx.x == 0) {
    mbar_expect_tx(bar, bytes);
    tma_load_4d(dst, m, bar, c, x, y, 0);
  }
  mbar_wait(bar, parity);
}

// Element k of a row of a swizzled box.
__device__ __forceinline__ float element(const unsigned char *box, int row, int k) {
  return __half2float(*(const __half *)(box + row * 128 + ((k >> 3 ^ (row & 7)) << 4) + (k & 7) * 2));
}

// x's box at channel c, pixel (y, px).
__device__ __forceinline__ void check_box(const unsigned char *box, int c, int px, int y, int *wrong) {
  int n = 0;
  for (int i = threadIdx.x; i < pixels * 64; i += threads) {
    const int row = i / 64, k = i % 64 + c, at_x = row % line + px, at_y = row / line + y;
    const bool inside = k < 64 && at_x >= 0 && at_x < line && at_y >= 0 && at_y < lines;
    if (element(box, row, i % 64) != (inside ? value(first_pixel + at_y * line + at_x, k) : 0)) n++;
  }
  if (n) atomicAdd(wrong, n);
  __syncthreads();
}

__device__ __forceinline__ void check_weights(const unsigned char *weights, int *wrong) {
  int n = 0;
  for (int i = threadIdx.x; i < 64 * 64; i += threads)
    if (element(weights, i / 64, i % 64) != value(i / 64, i % 64)) n++;
  if (n) atomicAdd(wrong, n);
}

// The product of w with 256 pixels, of which group j of 8 begins at pixel first + j * pitch.
__device__ __forceinline__ void check_product(unsigned char *sm, int first, int pitch, int base_offset, int *wrong) {
  float *product = (float *)(sm + product_at);
  if (threadIdx.x < 128) {
    const uint32_t a = smem_u32(sm + weights_at), b = smem_u32(sm + box_at) + first * 128;
    float d[columns / 2];
#pragma unroll
    for (int i = 0; i < columns / 2; i++) d[i] = 0.0f;
    acc_fence(d);
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < 4; k++)
      wgmma(d, operand(a + k * 32, 1024), operand(b + k * 32, pitch * 128) | (uint64_t)base_offset << 49);
    wgmma_commit();
    wgmma_wait<0>();
    acc_fence(d);
    const int lane = threadIdx.x & 31, m = (threadIdx.x >> 5) * 16 + (lane >> 2), n = (lane & 3) * 2;
#pragma unroll
    for (int i = 0; i < columns / 2; i++) product[(m + (i >> 1 & 1) * 8) * columns + n + (i >> 2) * 8 + (i & 1)] = d[i];
  }
  __syncthreads();
  int bad = 0;
  const int n = threadIdx.x, pixel = first_pixel + first + n / 8 * pitch + n % 8;
  for (int m = 0; m < 64; m++) {
    int want = 0;
    for (int k = 0; k < 64; k++) want += value(m, k) * value(pixel, k);
    if (product[m * columns + n] != want) bad++;
  }
  if (bad) atomicAdd(wrong, bad);
  __syncthreads();
}

// Element (i, c) of matrix m is n = 64*m + 8*i + c, but 0 where n is a multiple of 3, and lies at row c, column i afterwards.
__device__ __forceinline__ void check_stmatrix(unsigned char *scratch, int *wrong) {
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  if (warp < 4) {
    __half *own = (__half *)(scratch + warp * 512);
    uint32_t r[4];
    for (int m = 0; m < 4; m++) {
      const int n = 64 * m + 8 * (lane >> 2) + (lane & 3) * 2;
      r[m] = relu_pair(n % 3 ? n : -n, (n + 1) % 3 ? n + 1 : -n - 1);
    }
    stmatrix_x4_trans(own + lane * 8, r);
    __syncwarp();
    for (int i = 0; i < 8; i++) {
      const int n = 64 * (lane >> 3) + 8 * i + (lane & 7);
      if (__half2float(own[lane * 8 + i]) != (n % 3 ? n : 0)) atomicAdd(wrong, 1);
    }
  }
  __syncthreads();
}

// Two barriers of 128 threads each at the same time, then one of all.
__device__ __forceinline__ void check_barriers(int *scratch, int *wrong) {
  const int group = threadIdx.x >> 7, t = threadIdx.x & 127;
  for (int round = 0; round < 8; round++) {
    scratch[threadIdx.x] = round * 1000 + t;
    named_bar(1 + group, 128);
    const int other = (t + 45) % 128;
    if (scratch[group * 128 + other] != round * 1000 + other) atomicAdd(wrong, 1);
    named_bar(1 + group, 128);
  }
  scratch[threadIdx.x] = threadIdx.x;
  named_bar(3, threads);
  if (scratch[threads - 1 - threadIdx.x] != threads - 1 - (int)threadIdx.x) atomicAdd(wrong, 1);
}

}  // namespace selftest90

extern "C" __global__ void __launch_bounds__(selftest90::threads, 1)
    selftest_90(const __grid_constant__ TMap w, const __grid_constant__ TMap x, int *result) {
  using namespace selftest90;
  DYN_SMEM_SWIZZLED(sm);
  require_swizzle_base(sm);
  int *counts = (int *)(sm + counts_at);
  unsigned char *bar = sm + barrier_at, *box = sm + box_at;
  if (threadIdx.x == 0) {
    mbar_init(bar, 1);
    fence_barrier_init();
  }
  if (threadIdx.x < results) counts[threadIdx.x] = threadIdx.x < 16 ? 0 : -1;
  __syncthreads();
  mbar_wait(bar, 1);  // a fresh barrier lets pass who waits for the phase before

  load(sm + weights_at, weight_bytes, &w, bar, 0, 0, 0, 0);
  check_weights(sm + weights_at, counts + 1);
  const int at[5][3] = {{0, -3, -5}, {0, 4, 7}, {32, 0, 0}, {0, line, lines}, {0, 0, 0}};  // channel, x, y; the last one stays
  for (int i = 0; i < 5; i++) {
    load(box, box_bytes, &x, bar, (i + 1) & 1, at[i][0], at[i][1], at[i][2]);
    check_box(box, at[i][0], at[i][1], at[i][2], counts + 2 + (i + 1) % 5);
  }
  check_product(sm, 0, 8, 0, counts + 7);
  check_stmatrix(sm + scratch_at, counts + 8);
  check_barriers((int *)(sm + scratch_at), counts + 9);
#ifdef CUDA_EMU
  constexpr int variants = 2;  // it knows no base offset
#else
  constexpr int variants = 4;
#endif
  for (int i = 0; i < 8 * variants; i++) {
    const int v = i / 8, r = i % 8;
    if (threadIdx.x == 0) counts[16 + i] = 0;
    __syncthreads();
    check_product(sm, r, v & 1 ? line : 8, v & 2 ? r : 0, counts + 16 + i);
  }
  if (threadIdx.x < results) result[threadIdx.x] = threadIdx.x ? counts[threadIdx.x] : 90;
}
DESCRIBE(selftest_90, selftest90::line, selftest90::lines - 2, 64, selftest90::threads, selftest90::smem)
