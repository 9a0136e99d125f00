// Statistics of the content that follow a film's frames slowly, as model.Look.Smoothing and model.StatsDistance define it, once per frame.
//
//   stats     float [regions][2][C]: mean and standard deviation > 0 of this frame's content; become those in force
//   previous  double [regions][2][C]: those in force at the frame before; become those in force
//   share     s of s*previous + (1-s)*stats, 0 <= s < 1. With 0 stats stay as they are
//   cut       a region whose distance is above it keeps its stats, as it does where a NaN is in the distance
//   channels  at most C: what the distance is the mean over. The others only fill up
//   fresh     1: there is no previous, and what lies there is not read
//   Grid: (regions)
//
// Bound by nothing but the launch: 20 KB for 512 channels. Double precision, as a float stands still where s is close to 1; each sum has a
// fixed order. Rejected: a part of statistics_merge, whose blocks would have to wait for each other's share of the distance.
#include "launch.cuh"

constexpr int smooth_threads = 256;

// model.StatsDistance, the same in all threads.
__device__ __forceinline__ double smooth_distance(const float *stats, const double *previous, int C, int channels, double *sums) {
  double sum = 0;
  for (int c = threadIdx.x; c < channels; c += smooth_threads) sum += fabs(stats[c] - previous[c]) / (stats[C + c] + previous[C + c]);
  sums[threadIdx.x] = sum;
  for (int n = smooth_threads / 2; n > 0; n /= 2) {
#ifndef BUG_NO_SYNC
    __syncthreads();
#endif
    if ((int)threadIdx.x < n) sums[threadIdx.x] += sums[threadIdx.x + n];
  }
  __syncthreads();
  return sums[0] / channels;
}

extern "C" __global__ void __launch_bounds__(smooth_threads)
    smooth(float *stats, double *previous, float share, float cut, int C, int channels, int fresh) {
  __shared__ double sums[smooth_threads];
  stats += (size_t)blockIdx.x * 2 * C;
  previous += (size_t)blockIdx.x * 2 * C;
  const bool goes_on = !fresh && share > 0 && smooth_distance(stats, previous, C, channels, sums) <= cut;
  const double s = share;
  for (int i = threadIdx.x; i < 2 * C; i += smooth_threads) {
    const double in_force = goes_on ? s * previous[i] + (1 - s) * stats[i] : stats[i];
    previous[i] = in_force;
    stats[i] = (float)in_force;
  }
}
DESCRIBE(smooth, 1, 1, 1, smooth_threads, 0)
