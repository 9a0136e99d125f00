// What the trainer's kernels share: batches of planes with halos, 8 channels of a pixel at a time, fixed sums in double.
#pragma once
#include "plane.cuh"
#include "statistics.cuh"

constexpr int train_threads = 256;

enum TrainFollows { TRAIN_NOTHING, TRAIN_POOL, TRAIN_NEAREST, TRAIN_BILINEAR };  // behind a layer's ReLU

// Plane n of a batch [N][H+2][W+2][C].
template <class T> __device__ __forceinline__ T *train_plane(T *batch, int n, int H, int W, int C) {
  return batch + (size_t)n * (H + 2) * (W + 2) * C;
}

__device__ __forceinline__ uint4 train_halves(const float (&v)[8]) {
  __half2 pairs[4];
#pragma unroll
  for (int c = 0; c < 4; c++) pairs[c] = __floats2half2_rn(v[2 * c], v[2 * c + 1]);
  uint4 bits;
  memcpy(&bits, pairs, 16);
  return bits;
}

// 8 channels of pixel (y, x) of a plane, -1 <= y <= H.
__device__ __forceinline__ void train_load(float (&v)[8], const __half *plane, int y, int x, int W, int C, int channel) {
  statistics_values(v, *(const uint4 *)(plane + ((size_t)(y + 1) * (W + 2) + x + 1) * C + channel));
}

// The gradient of pixel (y, x) of an input of H x W whose gradient e has a halo: of the pixel itself and of the halo's that show it.
// Adds it, times weight.
__device__ __forceinline__ void train_fold(float (&sum)[8], const __half *e, int y, int x, int H, int W, int C, int channel, bool replicate,
                                           float weight) {
  const int my = replicate || H == 1 ? 0 : 1, mx = replicate || W == 1 ? 0 : 1;  // index that -1 stands for
  const int rows[3] = {y, y == my ? -1 : y, y == H - 1 - my ? H : y};
  const int cols[3] = {x, x == mx ? -1 : x, x == W - 1 - mx ? W : x};
#pragma unroll
  for (int i = 0; i < 3; i++)
#pragma unroll
    for (int j = 0; j < 3; j++)
      if ((i == 0 || rows[i] != y) && (j == 0 || cols[j] != x)) {
        float v[8];
        train_load(v, e, rows[i], cols[j], W, C, channel);
#pragma unroll
        for (int k = 0; k < 8; k++) sum[k] += weight * v[k];
      }
}

// The sum of the block's values, in a fixed order; thread 0 has it. values: shared memory for train_threads.
__device__ __forceinline__ double train_sum(double v, double *values) {
  __syncthreads();  // the sum before this one has been read
  values[threadIdx.x] = v;
  for (int n = train_threads / 2; n > 0; n /= 2) {
    __syncthreads();
    if ((int)threadIdx.x < n) values[threadIdx.x] += values[threadIdx.x + n];
  }
  return values[threadIdx.x];
}
