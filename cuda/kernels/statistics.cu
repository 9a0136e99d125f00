// Mean and standard deviation of each channel of a plane, in two kernels: parts for bands of rows, and what they make together.
//
//   x        float16 [H+2][W+2][C] with its halo, which does not count; H, W >= 1, C % 16 == 0
//   partial  float [bands][2][C]: mean and M2, the sum of squared deviations from it, of each band of 8 rows
//   stats    float [2][C]: mean and sqrt(M2 / (H*W) + 1e-5)
//   Grid: statistics_partial (bands, C / tile_c, pictures), statistics_merge (C / tile_c rounded up, 1, pictures), all of them one behind
//   the other, those of pictures after those of bands
//
// Bound by memory: 2 bytes a value, one FLOP each. A band is read twice, for its mean and for the deviations, the second time from L2; the
// difference of the sum of squares and the squared mean would lose the digits of channels whose mean is large against their deviation.
// All sums have a fixed order, so results do not depend on the GPU or on chance: no atomics.
// Rejected: sums in the epilogue of the layer before (another instance of each convolution for 2 % of the traffic); one kernel whose
// last block merges (needs a counter that somebody clears).
#include "launch.cuh"
#include "statistics.cuh"

extern "C" __global__ void __launch_bounds__(statistics_threads)
    statistics_partial(const __half *x, float *partial, int H, int W, int C) {
  __shared__ float warps[statistics_threads / 32][statistics_channels];
  x += (size_t)blockIdx.z * (H + 2) * (W + 2) * C;
  const int y0 = blockIdx.x * statistics_rows, pixels = min(statistics_rows, H - y0) * W;
  const int channel = blockIdx.y * statistics_channels + (threadIdx.x & 1) * 8;
  const __half *band = x + ((size_t)(y0 + 1) * (W + 2) + 1) * C + channel;
  float mean[8] = {}, m2[8] = {}, v[8];
#pragma unroll 4
  for (int i = threadIdx.x >> 1; i < pixels; i += statistics_threads / 2) {
    statistics_values(v, __ldg((const uint4 *)(band + ((size_t)(i / W) * (W + 2) + i % W) * C)));
#pragma unroll
    for (int c = 0; c < 8; c++) mean[c] += v[c];
  }
  statistics_sum(mean, warps);
#pragma unroll
  for (int c = 0; c < 8; c++) mean[c] /= pixels;
#pragma unroll 4
  for (int i = threadIdx.x >> 1; i < pixels; i += statistics_threads / 2) {
    statistics_values(v, __ldg((const uint4 *)(band + ((size_t)(i / W) * (W + 2) + i % W) * C)));
#pragma unroll
    for (int c = 0; c < 8; c++) m2[c] += (v[c] - mean[c]) * (v[c] - mean[c]);
  }
  statistics_sum(m2, warps);
  if (threadIdx.x < 2) {
    float *to = partial + ((size_t)blockIdx.z * gridDim.x + blockIdx.x) * 2 * C + channel;
#pragma unroll
    for (int c = 0; c < 8; c++) {
      to[c] = mean[c];
      to[C + c] = m2[c];
    }
  }
}
DESCRIBE(statistics_partial, 1 << 30, statistics_rows, statistics_channels, statistics_threads, 0)  // a band has all columns

// T. F. Chan, G. H. Golub, R. J. LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.
extern "C" __global__ void __launch_bounds__(64) statistics_merge(const float *partial, float *stats, int H, int W, int C) {
  const int c = blockIdx.x * 64 + threadIdx.x;
  if (c >= C) return;
  partial += (size_t)blockIdx.z * ((H + statistics_rows - 1) / statistics_rows) * 2 * C;
  stats += (size_t)blockIdx.z * 2 * C;
  float mean = 0, m2 = 0, count = 0;
#pragma unroll 8
  for (int y = 0; y < H; y += statistics_rows) {
    const float *band = partial + (size_t)(y / statistics_rows) * 2 * C + c;
    const float more = (float)min(statistics_rows, H - y) * W, d = band[0] - mean, share = more / (count + more);
    mean += d * share;
    m2 += band[C] + d * d * count * share;
    count += more;
  }
  stats[c] = mean;
  stats[C + c] = sqrtf(m2 / count + 1e-5f);
}
DESCRIBE(statistics_merge, 1 << 30, statistics_rows, 64, 64, 0)
