// Statistics of the content that follow a film's frames slowly, as model/smoothing.go and model.StatsDistance define it, once per frame.
//
//   content        float [regions][2][C]: mean and standard deviation of this frame's content; become those in force
//   previous       double [regions][2][C]: those in force at the frame before; become those in force
//   before         float [regions][2][C]: those of the content of the frame before, as they were; become those of this frame
//   continues      int [regions]: becomes 1 where a region goes on from the frame before, else 0, whatever smoothing is
//   smoothing      s, 0 <= s < 1, of p*previous + (1-p)*content, where p = model.StatsShare. With 0 content stays as it is
//   cut            a region whose two contents are farther apart keeps its own, as it does where a NaN is in the distance
//   channels       at most C: what the distance is the mean over. The others only fill up
//   discontinuity  1: there is no frame before, and what lies there is not read
//   Grid: (regions)
//
// A region that is empty goes on where the others do, as it must: regions_merge gives it the same 0 and 1 each time, which are 0 apart.
//
// Bound by nothing but the launch: 32 KB for 512 channels. Double precision, as a float stands still where s is close to 1; each sum has a
// fixed order. Rejected: a part of statistics_merge, whose blocks would have to wait for each other's share of the distance; one flag for
// all regions, whose blocks would have to agree on it.
#include "launch.cuh"

constexpr int smooth_threads = 256;

// model.StatsDistance, the same in all threads, when all of them have read.
template <class Value> __device__ __forceinline__ double smooth_distance(const float *a, const Value *b, int C, int channels, double *sums) {
  double sum = 0;
  for (int c = threadIdx.x; c < channels; c += smooth_threads) {
    const double std_a = a[C + c], std_b = b[C + c];
    sum += (fabs((double)a[c] - b[c]) + fabs(std_a - std_b)) / (std_a + std_b + 0.1);
  }
  __syncthreads();  // others may still read the sum of the distance before
  sums[threadIdx.x] = sum;
  for (int n = smooth_threads / 2; n > 0; n /= 2) {
    __syncthreads();
    if ((int)threadIdx.x < n) sums[threadIdx.x] += sums[threadIdx.x + n];
  }
  __syncthreads();
  return sums[0] / channels;
}

extern "C" __global__ void __launch_bounds__(smooth_threads)
    smooth(float *content, double *previous, float *before, int *continues, float smoothing, float cut, int C, int channels,
           int discontinuity) {
  __shared__ double sums[smooth_threads];
  content += (size_t)blockIdx.x * 2 * C;
  previous += (size_t)blockIdx.x * 2 * C;
  before += (size_t)blockIdx.x * 2 * C;
  const bool continued = !discontinuity && smooth_distance(content, before, C, channels, sums) <= cut;
  double s = smoothing;
  if (continued && s > 0) {
    const double lag = smooth_distance(content, previous, C, channels, sums), most = cut / 4.0;
    if (lag > most) s *= most / lag;  // model.StatsShare
  }
  for (int i = threadIdx.x; i < 2 * C; i += smooth_threads) {
    const float now = content[i];
    const double in_force = continued && s > 0 ? s * previous[i] + (1 - s) * now : now;
    previous[i] = in_force;
    content[i] = (float)in_force;
    before[i] = now;
  }
  if (threadIdx.x == 0) continues[blockIdx.x] = continued;
}
DESCRIBE(smooth, 1, 1, 1, smooth_threads, 0)
