// What lies between the trainer's convolutions, forward and back. Planes are float16 [N][H+2][W+2][C] with halos, C % 16 == 0.
// Grid: (ceil(pixels * C / 8 / 256), N), the pixels of what is written, in train_back with its halo; train_picture (ceil(H*W / 256), N).
// Bound by memory.
#include "launch.cuh"
#include "training.cuh"

// A sample times 256. What is not finite becomes NaN, which no layer drops, so that the losses tell of it.
__device__ __forceinline__ float train_sample(float v) { return v * 256 + v * 0; }

// src float [N][3][H][W] in [0,1]; dst its samples times 256, 16 channels of which three are used: float16 has them exactly if they are
// multiples of 2^-11, and the first layer's weights are as much smaller.
extern "C" __global__ void __launch_bounds__(train_threads) train_picture(const float *src, __half *dst, int H, int W) {
  const int at = blockIdx.x * train_threads + threadIdx.x, n = blockIdx.y;
  if (at >= H * W) return;
  const float *from = src + (size_t)n * 3 * H * W + at;
  const float v[8] = {train_sample(from[0]), train_sample(from[H * W]), train_sample(from[2 * H * W])};
  const HaloPlane out = {train_plane(dst, n, H, W, 16), H, W, 16, false};
  out.put(at / W, at % W, 0, train_halves(v));
  out.put(at / W, at % W, 8, make_uint4(0, 0, 0, 0));
}
DESCRIBE(train_picture, train_threads, 1, 16, train_threads, 0)

// The maxima of 2x2 of x, of H x W, both even.
extern "C" __global__ void __launch_bounds__(train_threads) train_pool(const __half *x, __half *y, int H, int W, int C) {
  const int i = blockIdx.x * train_threads + threadIdx.x, channel = i % (C / 8) * 8, at = i / (C / 8), n = blockIdx.y;
  if (at >= H / 2 * (W / 2)) return;
  const int py = at / (W / 2), px = at % (W / 2);
  const __half *from = train_plane(x, n, H, W, C);
  float best[8], v[8];
  train_load(best, from, 2 * py, 2 * px, W, C, channel);
  for (int t = 1; t < 4; t++) {
    train_load(v, from, 2 * py + t / 2, 2 * px + t % 2, W, C, channel);
#pragma unroll
    for (int c = 0; c < 8; c++) best[c] = v[c] > best[c] || v[c] != v[c] ? v[c] : best[c];  // NaN stays
  }
  const HaloPlane out = {train_plane(y, n, H / 2, W / 2, C), H / 2, W / 2, C, false};
  out.put(py, px, channel, train_halves(best));
}
DESCRIBE(train_pool, 1, 1, 8, train_threads, 0)

// Row or column Y of a map twice as long as n: its share in y, 3/4 of Y/2 and 1/4 of the nearer neighbour of that.
__device__ __forceinline__ float train_share(int Y, int y, int n) {
  const int near = min(max(Y / 2 + 2 * (Y % 2) - 1, 0), n - 1);
  return (Y / 2 == y ? 0.75f : 0.0f) + (near == y ? 0.25f : 0.0f);
}

// x of H x W at twice its size, by repeating or bilinear, with a repeated halo, which behind nearest is the reflected one.
extern "C" __global__ void __launch_bounds__(train_threads) train_upsample(const __half *x, __half *y, int H, int W, int C, int bilinear) {
  const int i = blockIdx.x * train_threads + threadIdx.x, channel = i % (C / 8) * 8, at = i / (C / 8), n = blockIdx.y;
  if (at >= 4 * H * W) return;
  const int py = at / (2 * W), px = at % (2 * W);
  const __half *from = train_plane(x, n, H, W, C);
  float sum[8] = {}, v[8];
  for (int t = 0; t < 4; t++) {
    // The four pixels by their nearness; at an edge some are the same.
    const int row = t / 2 ? min(max(py / 2 + 2 * (py % 2) - 1, 0), H - 1) : py / 2;
    const int col = t % 2 ? min(max(px / 2 + 2 * (px % 2) - 1, 0), W - 1) : px / 2;
    const float weight = !bilinear ? (t == 0 ? 1.0f : 0.0f) : (t / 2 ? 0.25f : 0.75f) * (t % 2 ? 0.25f : 0.75f);
    train_load(v, from, row, col, W, C, channel);
#pragma unroll
    for (int c = 0; c < 8; c++) sum[c] += weight * v[c];
  }
  const HaloPlane out = {train_plane(y, n, 2 * H, 2 * W, C), 2 * H, 2 * W, C, true};
  out.put(py, px, channel, train_halves(sum));
}
DESCRIBE(train_upsample, 1, 1, 8, train_threads, 0)

// AdaIN mixed with x: content and style float [N][2][C], mean and std; alpha float [N], or null for x itself.
extern "C" __global__ void __launch_bounds__(train_threads)
    train_adain(const __half *x, const float *content, const float *style, const float *alpha, __half *y, int H, int W, int C) {
  const int i = blockIdx.x * train_threads + threadIdx.x, channel = i % (C / 8) * 8, at = i / (C / 8), n = blockIdx.y;
  if (at >= H * W) return;
  float v[8];
  train_load(v, train_plane(x, n, H, W, C), at / W, at % W, W, C, channel);
  if (alpha) {
    const float *from = content + (size_t)n * 2 * C + channel, *to = style + (size_t)n * 2 * C + channel, share = alpha[n];
#pragma unroll
    for (int c = 0; c < 8; c++) v[c] = share * ((v[c] - from[c]) / from[C + c] * to[C + c] + to[c]) + (1 - share) * v[c];
  }
  const HaloPlane out = {train_plane(y, n, H, W, C), H, W, C, false};
  out.put(at / W, at % W, channel, train_halves(v));
}
DESCRIBE(train_adain, 1, 1, 8, train_threads, 0)

// The gradient of a layer's sums, with a halo of zeros: that of what follows its ReLU, and of the losses that look at it.
struct TrainBack {
  const __half *relu;    // of the layer, H x W
  const __half *e;       // gradient of the next layer's input with its halo, after what follows; null if there is none
  const float *tap;      // [N][2][C]: the style loss adds tap[0] + tap[1] * relu; null if there is none
  const __half *content; // [N] planes like relu and [N][2][C]: the content loss adds weight * (relu - (target[0] * content + target[1]))
  const float *target;
  __half *g;
  float weight;
  int H, W, C, follows;
};

// Which of its 2x2 has the maximum in each channel, the first of equal ones in reading order, as PyTorch has it.
__device__ __forceinline__ void train_winner(bool (&won)[8], const __half *relu, int y, int x, int W, int C, int channel) {
  float best[8], v[8];
  int winner[8] = {};
  train_load(best, relu, y & ~1, x & ~1, W, C, channel);
  for (int t = 1; t < 4; t++) {
    train_load(v, relu, (y & ~1) + t / 2, (x & ~1) + t % 2, W, C, channel);
#pragma unroll
    for (int c = 0; c < 8; c++)
      if (v[c] > best[c]) best[c] = v[c], winner[c] = t;
  }
#pragma unroll
  for (int c = 0; c < 8; c++) won[c] = winner[c] == (y & 1) * 2 + (x & 1);
}

__device__ __forceinline__ void train_from_next(float (&sum)[8], const TrainBack &p, int n, int y, int x, int channel) {
  if (p.follows == TRAIN_NOTHING) {
    train_fold(sum, train_plane(p.e, n, p.H, p.W, p.C), y, x, p.H, p.W, p.C, channel, false, 1);
  } else if (p.follows == TRAIN_POOL) {
    bool won[8];
    train_winner(won, train_plane(p.relu, n, p.H, p.W, p.C), y, x, p.W, p.C, channel);
    const int H = p.H / 2, W = p.W / 2;
    train_fold(sum, train_plane(p.e, n, H, W, p.C), y / 2, x / 2, H, W, p.C, channel, false, 1);
#pragma unroll
    for (int c = 0; c < 8; c++) sum[c] = won[c] ? sum[c] : 0.0f;
  } else {
    const int H = 2 * p.H, W = 2 * p.W;
    const bool bilinear = p.follows == TRAIN_BILINEAR;
    for (int Y = max(2 * y - 1, 0); Y < min(2 * y + 3, H); Y++)
      for (int X = max(2 * x - 1, 0); X < min(2 * x + 3, W); X++) {
        const float weight = bilinear ? train_share(Y, y, p.H) * train_share(X, x, p.W) : Y / 2 == y && X / 2 == x ? 1.0f : 0.0f;
        if (weight > 0) train_fold(sum, train_plane(p.e, n, H, W, p.C), Y, X, H, W, p.C, channel, true, weight);
      }
  }
}

extern "C" __global__ void __launch_bounds__(train_threads)
    train_back(const __half *relu, const __half *e, const float *tap, const __half *content, const float *target, __half *g, float weight, int H,
               int W, int C, int follows) {
  const int i = blockIdx.x * train_threads + threadIdx.x, channel = i % (C / 8) * 8, at = i / (C / 8), n = blockIdx.y;
  if (at >= (H + 2) * (W + 2)) return;
  const int y = at / (W + 2) - 1, x = at % (W + 2) - 1;
  uint4 *to = (uint4 *)(train_plane(g, n, H, W, C) + (size_t)at * C + channel);
  if (y < 0 || y >= H || x < 0 || x >= W) {
    *to = make_uint4(0, 0, 0, 0);
    return;
  }
  const TrainBack p = {relu, e, tap, content, target, g, weight, H, W, C, follows};
  float sum[8] = {}, v[8];
  if (e) train_from_next(sum, p, n, y, x, channel);
  train_load(v, train_plane(relu, n, H, W, C), y, x, W, C, channel);
  if (tap) {
    const float *t = tap + (size_t)n * 2 * C + channel;
#pragma unroll
    for (int c = 0; c < 8; c++) sum[c] += t[c] + t[C + c] * v[c];
  }
  if (content) {
    float f[8];
    const float *t = target + (size_t)n * 2 * C + channel;
    train_load(f, train_plane(content, n, H, W, C), y, x, W, C, channel);
#pragma unroll
    for (int c = 0; c < 8; c++) sum[c] += weight * (v[c] - (t[c] * f[c] + t[C + c]));
  }
#pragma unroll
  for (int c = 0; c < 8; c++) sum[c] = v[c] > 0 ? sum[c] : 0.0f;
  *to = train_halves(sum);
}
DESCRIBE(train_back, 1, 1, 8, train_threads, 0)
