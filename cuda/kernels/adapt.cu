// AdaIN with alpha, put into the weights of the layer behind it, once per frame: a*x + b for channel Cin of x becomes
//
//   a = alpha * std_s/std_c + 1-alpha,  b = t - a * mean_c  with  t = alpha * mean_s + (1-alpha) * mean_c
//   w_out[tap][o][i] = w[tap][o][i] * a[i],  bias_out[o] = bias[o] + sum over tap and i of w[tap][o][i] * t[i] - w_out[tap][o][i] * mean_c[i]
//
//   w               float [9][Cout][Cin], w_out float16 of the same layout
//   bias, bias_out  float [Cout]
//   content, style  float [2][Cin], mean and standard deviation, which is > 0
//   Cin % 2 == 0. Grid: (Cout)
//
// This is exact at the border too: reflecting commutes with the affine map. Products beyond float16 become its largest number. The bias
// takes back what the rounded weights make of the mean, so that their rounding meets deviations from it only: a channel may have a mean
// hundreds of times its deviation.
// Bound by memory: 54 bytes for each channel pair, 7 MB for 512 -> 256, which is nothing beside the planes.
// Rejected: the map applied to the plane (reads and writes it once more) or while it is loaded (every tap again, and not by cp.async).
#include "launch.cuh"
#include "warp.cuh"

constexpr int adapt_threads = 256;

__device__ __forceinline__ __half adapt_half(float v) { return __float2half_rn(fminf(fmaxf(v, -65504.0f), 65504.0f)); }

extern "C" __global__ void __launch_bounds__(adapt_threads)
    adapt(const float *w, const float *bias, const float *content, const float *style, float alpha, __half *w_out, float *bias_out, int Cin,
          int Cout) {
  __shared__ float warps[adapt_threads / 32];
  const int o = blockIdx.x;
  float sum = 0;
  for (int i = threadIdx.x * 2; i < Cin; i += adapt_threads * 2) {
    float scale[2], mean[2], target[2];
#pragma unroll
    for (int k = 0; k < 2; k++) {
      scale[k] = alpha * (style[Cin + i + k] / content[Cin + i + k]) + (1 - alpha);
      mean[k] = content[i + k];
      target[k] = alpha * style[i + k] + (1 - alpha) * mean[k];
    }
#pragma unroll
    for (int tap = 0; tap < 9; tap++) {
      const size_t at = ((size_t)tap * Cout + o) * Cin + i;
      const float2 v = __ldg((const float2 *)(w + at));
      const __half2 rounded = __halves2half2(adapt_half(v.x * scale[0]), adapt_half(v.y * scale[1]));
      *(__half2 *)(w_out + at) = rounded;
      const float2 used = __half22float2(rounded);
      sum += v.x * target[0] - used.x * mean[0] + v.y * target[1] - used.y * mean[1];
    }
  }
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, lanes);
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = bias[o];
    for (int i = 0; i < adapt_threads / 32; i++) total += warps[i];
    bias_out[o] = total;
  }
}
DESCRIBE(adapt, 1, 1, 1, adapt_threads, 0)
