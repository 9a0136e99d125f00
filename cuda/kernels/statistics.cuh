// What the kernels share that go through a plane in bands of rows, 16 channels a block: threads of the same parity have the same 8 channels.
#pragma once
#include "warp.cuh"

constexpr int statistics_rows = 8, statistics_channels = 16, statistics_threads = 256;

// The sums of the block's values, N for each thread, over the threads with the same channels. v becomes the total.
template <int N>
__device__ __forceinline__ void statistics_sum(float (&v)[N], float (*warps)[statistics_channels]) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
  for (int c = 0; c < N; c++)
#pragma unroll
    for (int lanes = 16; lanes > 1; lanes /= 2) v[c] += __shfl_xor_sync(0xffffffffu, v[c], lanes);
  __syncthreads();  // the sums before these have been read
  if (lane < 2)
#pragma unroll
    for (int c = 0; c < N; c++) warps[warp][lane * 8 + c] = v[c];
  __syncthreads();
#pragma unroll
  for (int c = 0; c < N; c++) {
    v[c] = 0;
#pragma unroll
    for (int i = 0; i < statistics_threads / 32; i++) v[c] += warps[i][(lane & 1) * 8 + c];
  }
}

// 8 channels of a pixel.
__device__ __forceinline__ void statistics_values(float (&v)[8], const uint4 bits) {
  __half2 pairs[4];
  memcpy(pairs, &bits, 16);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float2 p = __half22float2(pairs[i]);
    v[2 * i] = p.x;
    v[2 * i + 1] = p.y;
  }
}
