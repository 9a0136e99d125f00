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
//     10, 11  as 7 for m64n64k64 and m64n128k64 with pixels 0..63 and 0..127
//     12      elements wrong of two groups of wgmma, of which the first is read when wait_group lets one be unfinished
//     13..15  0
//     16..47  no test but a question: may an operand start within the swizzle's pattern of 8 rows? 16 + 8*v + r: how many
//             elements of the product with pixels shifted by r (0..7) are wrong, -1 where it was not tried. v = 0: groups of 8
//             pixels 1024 bytes apart; v = 1: 1280 bytes apart, so that group j begins at pixel 10*j + r; v = 2, 3: the same,
//             with base offset r in the operand. Where v = 1 is all zeros, one box of 10 pixels times rows can serve all nine
//             taps of a convolution.
//
// selftest_90_roles does as conv90.cu does: a warp of a warpgroup that has given registers away fills a ring of two boxes and one of
// weights by tensor copies, two warpgroups that have taken them multiply, and release what the group of wgmma before has read. D is the
// sum of products of w with the pixels 0..255 of boxes that begin in the lines 0, 3, 6, ....
//   result  int [2]: 90, and how many elements of D are wrong, of both warpgroups
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

// Adds the product of w with N pixels, of which group j of 8 begins at pixel first + j * pitch.
template <int R>
__device__ __forceinline__ void multiply(float (&d)[R], unsigned char *weights, unsigned char *box, int first, int pitch, int base_offset) {
  const uint32_t a = smem_u32(weights), b = smem_u32(box) + first * 128;
  acc_fence(d);
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < 4; k++)
    wgmma(d, operand(a + k * 32, 1024), operand(b + k * 32, pitch * 128) | (uint64_t)base_offset << 49);
  wgmma_commit();
  acc_fence(d);
}

template <int R> __device__ __forceinline__ void clear(float (&d)[R]) {
#pragma unroll
  for (int i = 0; i < R; i++) d[i] = 0.0f;
}

// How many elements of a thread are not the sum of products with the pixels that `pixel` names for a column.
template <int R, class F> __device__ __forceinline__ int wrong_sums(const float (&d)[R], int boxes, F pixel) {
  const int lane = threadIdx.x & 31, m = (threadIdx.x >> 5 & 3) * 16 + (lane >> 2), n = (lane & 3) * 2;
  int bad = 0;
#pragma unroll
  for (int i = 0; i < R; i++) {
    int want = 0;
    for (int box = 0; box < boxes; box++)
      for (int k = 0; k < 64; k++) want += value(m + (i >> 1 & 1) * 8, k) * value(pixel(n + (i >> 2) * 8 + (i & 1), box), k);
    bad += d[i] != want;
  }
  return bad;
}

// The product with 2 * R pixels.
template <int R> __device__ __forceinline__ void check_narrow(unsigned char *sm, int *wrong) {
  if (threadIdx.x < 128) {
    float d[R];
    clear(d);
    multiply(d, sm + weights_at, sm + box_at, 0, 8, 0);
    wgmma_wait<0>();
    acc_fence(d);
    const int bad = wrong_sums(d, 1, [](int n, int) { return first_pixel + n; });
    if (bad) atomicAdd(wrong, bad);
  }
  __syncthreads();
}

// Two groups, pixels 0..63 and 64..127.
__device__ __forceinline__ void check_groups(unsigned char *sm, int *wrong) {
  if (threadIdx.x < 128) {
    float d[2][32];
    clear(d[0]);
    clear(d[1]);
    acc_fence(d[0]);
    multiply(d[0], sm + weights_at, sm + box_at, 0, 8, 0);
    multiply(d[1], sm + weights_at, sm + box_at, 64, 8, 0);
    wgmma_wait<1>();
    acc_fence(d[0]);
    float first[32];
#pragma unroll
    for (int i = 0; i < 32; i++) first[i] = d[0][i];
    wgmma_wait<0>();
    acc_fence(d[1]);
    const int bad = wrong_sums(first, 1, [](int n, int) { return first_pixel + n; }) +
                    wrong_sums(d[1], 1, [](int n, int) { return first_pixel + 64 + n; });
    if (bad) atomicAdd(wrong, bad);
  }
  __syncthreads();
}

// The product of w with 256 pixels, through shared memory so that any thread can compare any element.
__device__ __forceinline__ void check_product(unsigned char *sm, int first, int pitch, int base_offset, int *wrong) {
  float *product = (float *)(sm + product_at);
  if (threadIdx.x < 128) {
    float d[columns / 2];
    clear(d);
    multiply(d, sm + weights_at, sm + box_at, first, pitch, base_offset);
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
  check_narrow<32>(sm, counts + 10);
  check_narrow<64>(sm, counts + 11);
  check_groups(sm, counts + 12);
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

namespace selftest90 {

// Shared memory of selftest_90_roles: two boxes, two slots of weights, four barriers and those that the other side arrives at.
constexpr int roles_threads = 384, rounds = 5, apart = 3, slots = 2, slot_bytes = (box_bytes + 1023) / 1024 * 1024;
constexpr int role_weights_at = slots * slot_bytes, role_barriers_at = role_weights_at + slots * weight_bytes;
constexpr int roles_smem = role_barriers_at + 4 * slots * 8;

struct Roles {
  unsigned char *sm;

  __device__ __forceinline__ unsigned char *box(int slot) const { return sm + slot * slot_bytes; }
  __device__ __forceinline__ unsigned char *weights(int slot) const { return sm + role_weights_at + slot * weight_bytes; }
  __device__ __forceinline__ unsigned char *barrier(int kind, int slot) const { return sm + role_barriers_at + 8 * (kind * slots + slot); }
  __device__ __forceinline__ unsigned char *box_full(int slot) const { return barrier(0, slot); }
  __device__ __forceinline__ unsigned char *weights_full(int slot) const { return barrier(1, slot); }
  __device__ __forceinline__ unsigned char *empty(int slot) const { return barrier(2, slot); }

  __device__ __forceinline__ void produce(const TMap *w, const TMap *x) const {
    for (int i = 0; i < rounds; i++) {
      const int slot = i % slots;
      mbar_wait(empty(slot), i / slots & 1 ^ 1);
      mbar_expect_tx(box_full(slot), box_bytes);
      tma_load_4d(box(slot), x, box_full(slot), 0, 0, i * apart, 0);
      mbar_expect_tx(weights_full(slot), weight_bytes);
      tma_load_4d(weights(slot), w, weights_full(slot), 0, 0, 0, 0);
    }
  }

  __device__ __forceinline__ void consume(int *wrong) const {
    float d[columns / 2];
    clear(d);
    for (int i = 0; i < rounds; i++) {
      const int slot = i % slots;
      mbar_wait(box_full(slot), i / slots & 1);
      mbar_wait(weights_full(slot), i / slots & 1);
      multiply(d, weights(slot), box(slot), 0, 8, 0);
      wgmma_wait<1>();
      if (i > 0 && (threadIdx.x & 31) == 0) mbar_arrive(empty((i - 1) % slots));
    }
    wgmma_wait<0>();
    acc_fence(d);
    // Lines behind the last one are zeros.
    int bad = 0;
    const int lane = threadIdx.x & 31, m = (threadIdx.x >> 5 & 3) * 16 + (lane >> 2), column = (lane & 3) * 2;
#pragma unroll 1
    for (int n = 0; n < columns / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int want = 0;
        const int pixel = n * 8 + column + (i & 1);
        for (int round = 0; round < rounds; round++)
          for (int k = 0; k < 64 && pixel / line + round * apart < lines; k++)
            want += value(m + (i >> 1) * 8, k) * value(first_pixel + pixel + round * apart * line, k);
        float got = 0;
#pragma unroll
        for (int j = 0; j < columns / 8; j++)
          if (j == n) got = d[j * 4 + i];
        bad += got != want;
      }
    if (bad) atomicAdd(wrong, bad);
  }
};

}  // namespace selftest90

extern "C" __global__ void __launch_bounds__(selftest90::roles_threads, 1)
    selftest_90_roles(const __grid_constant__ TMap w, const __grid_constant__ TMap x, int *result) {
  using namespace selftest90;
  DYN_SMEM_SWIZZLED(sm);
  require_swizzle_base(sm);
  const Roles roles{sm};
  if (threadIdx.x == 0) {
    for (int slot = 0; slot < slots; slot++) {
      mbar_init(roles.box_full(slot), 1);
      mbar_init(roles.weights_full(slot), 1);
      mbar_init(roles.empty(slot), 8);
    }
    fence_barrier_init();
    result[0] = 90;
    result[1] = 0;
  }
  __syncthreads();
  if (threadIdx.x >= 256) {
    reg_dec<40>();
    if (threadIdx.x == 256) roles.produce(&w, &x);
  } else {
    reg_inc<232>();
    roles.consume(result + 1);
  }
}
DESCRIBE(selftest_90_roles, selftest90::line, selftest90::lines - 2, 64, selftest90::roles_threads, selftest90::roles_smem)
