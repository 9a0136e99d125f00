// A frame in two regions, model.Mask: mean and standard deviation of each channel of a plane in each region, in two kernels as those of
// statistics.cu, and AdaIN with alpha of every pixel by its shares, after which the decoder's first layer has its own weights.
//
//   shares   float [H][W], m of the first region, 0 to 1; 1-m is that of the second
//   x        float16 [H+2][W+2][C] with its halo, which is not read; C % 16 == 0. regions_apply writes it anew, the reflected halo too:
//            alpha * (m*A1(x) + (1-m)*A2(x)) + (1-alpha)*x,  A(x) = (x - mean_c) * std_s/std_c + mean_s
//   partial  float [2][bands][3][C]: mean, sum of m (x-mean)^2, sum of m, of each band of 8 rows
//   content  float [2][2][C]: mean and sqrt(sum(m (x-mean)^2) / sum(m) + 1e-5) of each region; 0 and 1 where sum(m) is 0
//   style    float [2][2][C]: mean and standard deviation for each region
//   Grid: regions_partial (bands, C / tile_c, 2), regions_merge (C / tile_c rounded up, 2), regions_apply (bands, C / tile_c)
//
// Bound by memory: 8 bytes a value are read for the statistics, mostly from L2, 2 read and 2 written for AdaIN. All sums have a fixed order.
// Results beyond float16 become its largest number.
// Rejected: both regions in one pass of regions_partial (twice the registers, for what L2 gives); scale and shift as in adapt.cu (x*a + b
// cancels where a channel's mean is large against its deviation); another plane for the result (each value is read and written by one thread).
#include "launch.cuh"
#include "plane.cuh"
#include "statistics.cuh"

__device__ __forceinline__ float regions_share(const float *shares, int pixel, int region) {
  const float m = __ldg(shares + pixel);
  return region ? 1 - m : m;
}

extern "C" __global__ void __launch_bounds__(statistics_threads)
    regions_partial(const __half *x, const float *shares, float *partial, int H, int W, int C) {
  __shared__ float warps[statistics_threads / 32][statistics_channels];
  const int y0 = blockIdx.x * statistics_rows, pixels = min(statistics_rows, H - y0) * W, region = blockIdx.z;
  const int channel = blockIdx.y * statistics_channels + (threadIdx.x & 1) * 8;
  const __half *band = x + ((size_t)(y0 + 1) * (W + 2) + 1) * C + channel;
  shares += (size_t)y0 * W;
  float weight[1] = {}, mean[8] = {}, m2[8] = {}, v[8];
#pragma unroll 4
  for (int i = threadIdx.x >> 1; i < pixels; i += statistics_threads / 2) {
    const float m = regions_share(shares, i, region);
    statistics_values(v, __ldg((const uint4 *)(band + ((size_t)(i / W) * (W + 2) + i % W) * C)));
    weight[0] += m;
#pragma unroll
    for (int c = 0; c < 8; c++) mean[c] += m * v[c];
  }
  statistics_sum(weight, warps);
  statistics_sum(mean, warps);
#pragma unroll
  for (int c = 0; c < 8; c++) mean[c] = weight[0] > 0 ? mean[c] / weight[0] : 0.0f;
#pragma unroll 4
  for (int i = threadIdx.x >> 1; i < pixels; i += statistics_threads / 2) {
    const float m = regions_share(shares, i, region);
    statistics_values(v, __ldg((const uint4 *)(band + ((size_t)(i / W) * (W + 2) + i % W) * C)));
#pragma unroll
    for (int c = 0; c < 8; c++) m2[c] += m * ((v[c] - mean[c]) * (v[c] - mean[c]));
  }
  statistics_sum(m2, warps);
  if (threadIdx.x < 2) {
    float *to = partial + ((size_t)region * gridDim.x + blockIdx.x) * 3 * C + channel;
#pragma unroll
    for (int c = 0; c < 8; c++) {
      to[c] = mean[c];
      to[C + c] = m2[c];
      to[2 * C + c] = weight[0];
    }
  }
}
DESCRIBE(regions_partial, 1 << 30, statistics_rows, statistics_channels, statistics_threads, 0)  // a band has all columns

// As statistics_merge, with sums of shares in place of numbers of pixels.
extern "C" __global__ void __launch_bounds__(64) regions_merge(const float *partial, float *content, int H, int C) {
  const int c = blockIdx.x * 64 + threadIdx.x, region = blockIdx.y, bands = (H + statistics_rows - 1) / statistics_rows;
  if (c >= C) return;
  float mean = 0, m2 = 0, count = 0;
#pragma unroll 4
  for (int i = 0; i < bands; i++) {
    const float *band = partial + ((size_t)region * bands + i) * 3 * C + c;
    const float more = band[2 * C], d = band[0] - mean, share = more > 0 ? more / (count + more) : 0.0f;
    mean += d * share;
    m2 += band[C] + d * d * count * share;
    count += more;
  }
  content += (size_t)region * 2 * C + c;
  content[0] = mean;
  content[C] = count > 0 ? sqrtf(m2 / count + 1e-5f) : 1.0f;
}
DESCRIBE(regions_merge, 1 << 30, statistics_rows, 64, 64, 0)

// AdaIN of one channel in both regions.
struct RegionsMap {
  float mean[2], scale[2], target[2];

  __device__ __forceinline__ void load(const float *content, const float *style, int C) {
#pragma unroll
    for (int r = 0; r < 2; r++, content += 2 * C, style += 2 * C) {
      mean[r] = content[0];
      scale[r] = style[C] / content[C];
      target[r] = style[0];
    }
  }

  __device__ __forceinline__ float operator()(float v, float m) const {
    return m * ((v - mean[0]) * scale[0] + target[0]) + (1 - m) * ((v - mean[1]) * scale[1] + target[1]);
  }
};

__device__ __forceinline__ __half regions_half(float v) { return __float2half_rn(fminf(fmaxf(v, -65504.0f), 65504.0f)); }

extern "C" __global__ void __launch_bounds__(statistics_threads)
    regions_apply(__half *x, const float *shares, const float *content, const float *style, float alpha, int H, int W, int C) {
  const int y0 = blockIdx.x * statistics_rows, pixels = min(statistics_rows, H - y0) * W;
  const int channel = blockIdx.y * statistics_channels + (threadIdx.x & 1) * 8;
  RegionsMap maps[8];
#pragma unroll
  for (int c = 0; c < 8; c++) maps[c].load(content + channel + c, style + channel + c, C);
  const HaloPlane plane{x, H, W, C, false};
  for (int i = threadIdx.x >> 1; i < pixels; i += statistics_threads / 2) {
    const int y = y0 + i / W, px = i % W;
    const float m = __ldg(shares + (size_t)y * W + px);
    float v[8];
    statistics_values(v, *(const uint4 *)plane.at(y, px, channel));
    __half2 pairs[4];
#pragma unroll
    for (int c = 0; c < 8; c++) v[c] = alpha * maps[c](v[c], m) + (1 - alpha) * v[c];
#pragma unroll
    for (int c = 0; c < 4; c++) pairs[c] = __halves2half2(regions_half(v[2 * c]), regions_half(v[2 * c + 1]));
    uint4 bits;
    memcpy(&bits, pairs, 16);
    plane.put(y, px, channel, bits);
  }
}
DESCRIBE(regions_apply, 1 << 30, statistics_rows, statistics_channels, statistics_threads, 0)
