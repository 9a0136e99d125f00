// The losses of a training step and the gradients that they send back; model.TrainingEngine defines them. Sums are double, in a fixed order.
// Planes are float16 [N][H+2][W+2][C] with halos. Gradients are multiplied by the step's scale, which their factors hold.
#include "launch.cuh"
#include "training.cuh"

// Statistics of several pictures: levels one behind the other, each [pictures][2][C], C channels as in memory.
struct TrainLevels {
  int real[4];

  __device__ __forceinline__ int channels(int level) const { return (real[level] + 15) / 16 * 16; }
  __device__ __forceinline__ size_t at(int level, int pictures, int n) const {
    size_t before = 0;
    for (int i = 0; i < level; i++) before += (size_t)pictures * 2 * channels(i);
    return before + (size_t)n * 2 * channels(level);
  }
};

// Style loss and its gradient, and what AdaIN makes of the content, for each pair. Grid: (N).
//   seen   of the results, N pictures; looks of contents and styles behind them, M pictures; alpha float [N]
//   taps   like seen: shift and slope. With m, d mean and std over P pixels x and wanted ones M, D, the gradient of (m-M)^2 + (d-D)^2 is
//          2(m-M)/P + 2(d-D)(x-m)/(P d)
//   target [N][2][C] of relu4_1: scale and shift of AdaIN mixed with the content
//   loss   double [N]; factor: of gradients; floor: of the balance, < 0 for none
extern "C" __global__ void __launch_bounds__(train_threads)
    train_style(const float *seen, const float *looks, const float *alpha, float *taps, float *target, double *loss, float factor, float floor,
                int N, int M, int H, int W, int c1, int c2, int c3, int c4) {
  const TrainLevels levels = {{c1, c2, c3, c4}};
  const int n = blockIdx.x;
  const double a = alpha[n];
  __shared__ double values[train_threads];
  __shared__ double share;
  double sum = 0;
  for (int level = 0; level < 4; level++) {
    const int C = levels.channels(level);
    const float *content = looks + levels.at(level, M, n), *style = looks + levels.at(level, M, N + n);
    double part = 0;
    for (int c = threadIdx.x; c < C; c += train_threads) {
      const double mean = (double)content[c] - style[c], std = (double)content[C + c] - style[C + c];
      part += mean * mean + std * std;
    }
    sum += part / levels.real[level];
  }
  sum = train_sum(sum, values);
  if (threadIdx.x == 0) share = floor < 0 ? 1 : 1 / (sum + floor);
  __syncthreads();
  sum = 0;
  for (int level = 0; level < 4; level++) {
    const int C = levels.channels(level);
    const float *content = looks + levels.at(level, M, n), *style = looks + levels.at(level, M, N + n);
    const float *now = seen + levels.at(level, N, n);
    float *tap = taps + levels.at(level, N, n);
    const double pixels = (double)(H >> level) * (W >> level), terms = N * (double)levels.real[level];
    for (int c = threadIdx.x; c < C; c += train_threads) {
      const double mean = now[c] - (a * style[c] + (1 - a) * content[c]), std = now[C + c] - (a * style[C + c] + (1 - a) * content[C + c]);
      sum += share * (mean * mean + std * std) / terms;
      const double each = factor * 2 * share / terms, slope = each * std / (pixels * now[C + c]);
      tap[c] = (float)(each * mean / pixels - slope * now[c]);
      tap[C + c] = (float)slope;
      if (level < 3) continue;
      const double scale = (double)style[C + c] / content[C + c];
      target[(size_t)n * 2 * C + c] = (float)(a * scale + (1 - a));
      target[(size_t)n * 2 * C + C + c] = (float)(a * (style[c] - scale * content[c]));
    }
  }
  sum = train_sum(sum, values);
  if (threadIdx.x == 0) loss[n] = sum;
}
DESCRIBE(train_style, 1, 1, 1, train_threads, 0)

// Sums of squares of relu4_1 of the results less AdaIN of that of the contents. partial double [N][gridDim.x]. Grid: (ceil(H*W*C / 8 / 256), N)
extern "C" __global__ void __launch_bounds__(train_threads)
    train_content(const __half *seen, const __half *content, const float *target, double *partial, int H, int W, int C) {
  __shared__ double values[train_threads];
  const int i = blockIdx.x * train_threads + threadIdx.x, channel = i % (C / 8) * 8, at = i / (C / 8), n = blockIdx.y;
  double sum = 0;
  if (at < H * W) {
    float v[8], f[8];
    const float *t = target + (size_t)n * 2 * C + channel;
    train_load(v, train_plane(seen, n, H, W, C), at / W, at % W, W, C, channel);
    train_load(f, train_plane(content, n, H, W, C), at / W, at % W, W, C, channel);
#pragma unroll
    for (int c = 0; c < 8; c++) {
      const float d = v[c] - (t[c] * f[c] + t[C + c]);
      sum += (double)d * d;
    }
  }
  sum = train_sum(sum, values);
  if (threadIdx.x == 0) partial[n * gridDim.x + blockIdx.x] = sum;
}
DESCRIBE(train_content, 1, 1, 8, train_threads, 0)

// What repeats in the stylised results every 8 pixels.
//   results float [N][3][H][W]; phases float [N][3][8][8]: how far the mean of each phase is from that of all
//   partial double [N][3]: the sum of the squares of these. Grid: (3, N)
extern "C" __global__ void __launch_bounds__(64) train_lattice(const float *results, float *phases, double *partial, int H, int W) {
  __shared__ double values[64];
  __shared__ double mean;
  const int phase = threadIdx.x, plane = blockIdx.y * 3 + blockIdx.x;
  const float *from = results + (size_t)plane * H * W;
  double sum = 0;
  for (int y = phase / 8; y < H; y += 8)
    for (int x = phase % 8; x < W; x += 8) sum += from[(size_t)y * W + x];
  sum /= (double)(H / 8) * (W / 8);
  values[phase] = sum;
  __syncthreads();
  if (phase == 0) {
    double all = 0;
    for (int i = 0; i < 64; i++) all += values[i];
    mean = all / 64;
  }
  __syncthreads();
  sum -= mean;
  phases[plane * 64 + phase] = (float)sum;
  values[phase] = sum * sum;
  __syncthreads();
  if (phase == 0) {
    double squares = 0;
    for (int i = 0; i < 64; i++) squares += values[i];
    partial[plane] = squares;
  }
}
DESCRIBE(train_lattice, 1, 1, 1, 64, 0)

// The gradient of all results' samples, g with 16 channels and a halo of zeros, and the sums of squares of consistency and identity.
//   results float [R][3][H][W]: the stylised ones, then from `moved` on those of moved contents, from `same` on D(E(c)); -1: there are none
//   e       gradient of the stylised results as the loss network sees them, times judged; null: none
//   phases  of train_lattice; null: there is no such loss
//   motion  float [N][6], model.Affine of the moved contents; partial double [R][gridDim.x]. Grid: (ceil((H+2)*(W+2) / 256), R)
struct TrainSeeds {
  const float *results, *content;
  const __half *e;
  const float *motion, *phases;
  float judged, identity, consistency, lattice;
  int N, H, W, moved, same;
};

__device__ __forceinline__ float train_result(const TrainSeeds &p, int k, int channel, int y, int x) {
  return p.results[((size_t)(k * 3 + channel) * p.H + y) * p.W + x];
}

// The point of content n that pixel (x,y) of its moved picture shows; false where that lies outside of the outermost pixels.
__device__ __forceinline__ bool train_point(const TrainSeeds &p, int n, int y, int x, double &py, double &px) {
  const float *m = p.motion + 6 * n;
  px = (double)m[0] * x + (double)m[1] * y + m[2], py = (double)m[3] * x + (double)m[4] * y + m[5];
  return px >= 0 && py >= 0 && px <= p.W - 1 && py <= p.H - 1;
}

// What the moved result of n has at (x,y) less what the stylised one has, bilinear, at the point that it shows.
__device__ __forceinline__ void train_difference(float (&d)[3], const TrainSeeds &p, int n, int y, int x, double py, double px) {
  const int top = (int)py, left = (int)px;
  const float down = (float)(py - top), right = (float)(px - left);
  const int below = min(top + 1, p.H - 1), beyond = min(left + 1, p.W - 1);
#pragma unroll
  for (int c = 0; c < 3; c++) {
    const float above = train_result(p, n, c, top, left) * (1 - right) + train_result(p, n, c, top, beyond) * right;
    const float under = train_result(p, n, c, below, left) * (1 - right) + train_result(p, n, c, below, beyond) * right;
    d[c] = train_result(p, p.moved + n, c, y, x) - (above * (1 - down) + under * down);
  }
}

// Takes from a stylised result's gradient at (x,y) the shares that this pixel has in the points of moved pixels. Those lie within 4/3 of a pixel
// of where the inverse map has (x,y), as model.MaxDeformation says; what is more covers rounding.
__device__ __forceinline__ void train_shown(float (&g)[8], const TrainSeeds &p, int n, int y, int x) {
  const float *m = p.motion + 6 * n;
  const float turned = m[0] * m[4] - m[1] * m[3], ox = x - m[2], oy = y - m[5];
  const float mx = (m[4] * ox - m[1] * oy) / turned, my = (m[0] * oy - m[3] * ox) / turned;
  const float reach = 1.34f;
  for (int ny = max((int)ceilf(my - reach), 0); ny <= min((int)floorf(my + reach), p.H - 1); ny++)
    for (int nx = max((int)ceilf(mx - reach), 0); nx <= min((int)floorf(mx + reach), p.W - 1); nx++) {
      double py, px;
      if (!train_point(p, n, ny, nx, py, px)) continue;
      const float right = fabsf((float)(px - x)), down = fabsf((float)(py - y));
      if (right >= 1 || down >= 1) continue;
      float d[3];
      train_difference(d, p, n, ny, nx, py, px);
      for (int c = 0; c < 3; c++) g[c] -= p.consistency * (1 - right) * (1 - down) * d[c];
    }
}

// The gradient of one pixel; returns its squares.
__device__ __forceinline__ double train_seed(float (&g)[8], const TrainSeeds &p, int k, int y, int x) {
  double squares = 0;
  if (p.same >= 0 && k >= p.same) {
    for (int c = 0; c < 3; c++) {
      const float d = train_result(p, k, c, y, x) - p.content[((size_t)((k - p.same) * 3 + c) * p.H + y) * p.W + x];
      squares += (double)d * d;
      g[c] = p.identity * d;
    }
    return squares;
  }
  const bool moved = p.moved >= 0 && k >= p.moved;
  if (!moved && p.e) train_fold(g, train_plane(p.e, k, p.H, p.W, 16), y, x, p.H, p.W, 16, 0, false, p.judged);
  if (!moved && p.phases)
    for (int c = 0; c < 3; c++) g[c] += p.lattice * p.phases[(k * 3 + c) * 64 + y % 8 * 8 + x % 8];
  if (p.moved < 0) return 0;
  if (!moved) {
    train_shown(g, p, k, y, x);
    return 0;
  }
  double py, px;
  if (!train_point(p, k - p.moved, y, x, py, px)) return 0;
  float d[3];
  train_difference(d, p, k - p.moved, y, x, py, px);
  for (int c = 0; c < 3; c++) {
    squares += (double)d[c] * d[c];
    g[c] = p.consistency * d[c];
  }
  return squares;
}

extern "C" __global__ void __launch_bounds__(train_threads)
    train_seeds(const float *results, const float *content, const __half *e, const float *motion, const float *phases, __half *g, double *partial,
                float judged, float identity, float consistency, float lattice, int N, int H, int W, int moved, int same) {
  __shared__ double values[train_threads];
  const int at = blockIdx.x * train_threads + threadIdx.x, k = blockIdx.y;
  double squares = 0;
  if (at < (H + 2) * (W + 2)) {
    const TrainSeeds p = {results, content, e, motion, phases, judged, identity, consistency, lattice, N, H, W, moved, same};
    const int y = at / (W + 2) - 1, x = at % (W + 2) - 1;
    float v[8] = {};
    if (y >= 0 && y < H && x >= 0 && x < W) squares = train_seed(v, p, k, y, x);
    for (int c = 3; c < 8; c++) v[c] = 0;  // the gradient of channels that a picture does not have
    uint4 *to = (uint4 *)(train_plane(g, k, H, W, 16) + (size_t)at * 16);
    to[0] = train_halves(v);
    to[1] = make_uint4(0, 0, 0, 0);
  }
  squares = train_sum(squares, values);
  if (threadIdx.x == 0) partial[k * gridDim.x + blockIdx.x] = squares;
}
DESCRIBE(train_seeds, train_threads, 1, 16, train_threads, 0)

// Back through AdaIN, to a trained encoder. First the sums over a result's pixels, of its gradient and of that times z = (x-mean)/std.
//   x, stats  relu4_1 of contents, styles and moved contents, N each, and mean and std of each, [3N][2][C]
//   e         gradient of the decoder's input with its halo, in the order of results of train_seeds
//   sums      [2N][2][C]: of the stylised and the moved results. Grid: (C / 16, N, moved ? 2 : 1)
extern "C" __global__ void __launch_bounds__(statistics_threads)
    train_adain_sums(const __half *x, const float *stats, const __half *e, float *sums, int N, int H, int W, int C) {
  __shared__ float warps[statistics_threads / 32][statistics_channels];
  const int channel = blockIdx.x * statistics_channels + (threadIdx.x & 1) * 8, k = blockIdx.z * N + blockIdx.y;
  const int picture = blockIdx.z * 2 * N + blockIdx.y;
  const float *mean = stats + (size_t)picture * 2 * C + channel;
  float sum[8] = {}, product[8] = {};
  for (int i = threadIdx.x >> 1; i < H * W; i += statistics_threads / 2) {
    float g[8] = {}, v[8];
    train_fold(g, train_plane(e, k, H, W, C), i / W, i % W, H, W, C, channel, false, 1);
    train_load(v, train_plane(x, picture, H, W, C), i / W, i % W, W, C, channel);
#pragma unroll
    for (int c = 0; c < 8; c++) {
      sum[c] += g[c];
      product[c] += g[c] * ((v[c] - mean[c]) / mean[C + c]);
    }
  }
  statistics_sum(sum, warps);
  statistics_sum(product, warps);
  if (threadIdx.x < 2) {
    float *to = sums + (size_t)k * 2 * C + channel;
#pragma unroll
    for (int c = 0; c < 8; c++) {
      to[c] = sum[c];
      to[C + c] = product[c];
    }
  }
}
DESCRIBE(train_adain_sums, 1 << 30, 1 << 30, statistics_channels, statistics_threads, 0)

// Then the gradient of relu4_1's sums, g like x: with the gradient d of a result, of its picture alpha std_s/std (d - sum/P - z product/P) +
// (1-alpha) d and of a content that of D(E(c)) too; of a style by mean and std, alpha sum/P and alpha product z_s/P, of both results.
// moved and same as in train_seeds; styled 0, or -1 if there are none. Grid: (ceil((H+2)*(W+2)*C / 8 / 256), pictures)
extern "C" __global__ void __launch_bounds__(train_threads)
    train_adain_back(const __half *x, const float *stats, const float *alpha, const __half *e, const float *sums, __half *g, int N, int H, int W,
                     int C, int styled, int moved, int same) {
  const int i = blockIdx.x * train_threads + threadIdx.x, channel = i % (C / 8) * 8, at = i / (C / 8), picture = blockIdx.y;
  if (at >= (H + 2) * (W + 2)) return;
  const int y = at / (W + 2) - 1, px = at % (W + 2) - 1, n = picture % N, group = picture / N;
  float out[8] = {}, v[8], d[8] = {};
  if (y >= 0 && y < H && px >= 0 && px < W) {
    const float *own = stats + (size_t)picture * 2 * C + channel, *style = stats + (size_t)(N + n) * 2 * C + channel;
    const float *first = sums + (size_t)n * 2 * C + channel, *second = sums + (size_t)(N + n) * 2 * C + channel;
    const float *mine = group == 2 ? second : first, share = alpha[n], pixels = (float)H * W;
    train_load(v, train_plane(x, picture, H, W, C), y, px, W, C, channel);
    if (group != 1 && styled >= 0)
      train_fold(d, train_plane(e, group == 2 ? moved + n : n, H, W, C), y, px, H, W, C, channel, false, 1);
#pragma unroll
    for (int c = 0; c < 8; c++) {
      const float z = (v[c] - own[c]) / own[C + c];
      if (group == 1)
        out[c] = share * (first[c] + (moved >= 0 ? second[c] : 0.0f) + z * (first[C + c] + (moved >= 0 ? second[C + c] : 0.0f))) / pixels;
      else if (styled >= 0)
        out[c] = share * style[C + c] / own[C + c] * (d[c] - (mine[c] + z * mine[C + c]) / pixels) + (1 - share) * d[c];
    }
    if (group == 0 && same >= 0) train_fold(out, train_plane(e, same + n, H, W, C), y, px, H, W, C, channel, false, 1);
#pragma unroll
    for (int c = 0; c < 8; c++) out[c] = v[c] > 0 ? out[c] : 0.0f;
  }
  *(uint4 *)(train_plane(g, picture, H, W, C) + (size_t)at * C + channel) = train_halves(out);
}
DESCRIBE(train_adain_back, 1, 1, 8, train_threads, 0)
