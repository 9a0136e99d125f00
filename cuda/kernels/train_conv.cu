// 3x3 convolution of a batch for training, both ways, for sm_80 and later: float16 in and out, sums in float.
//
//   x     [N][H+2][W+2][Cin] with halos; on the way back the gradient of a convolution's sums, with halos of zeros
//   w     [9][Cout][Cin]; on the way back turned, [8 - tap][Cin][Cout] of the layer
//   bias  float [Cout]; not read on the way back
//   y     by kind: TRAIN_REFLECTED and TRAIN_REPEATED [N][H+2][W+2][Cout] after ReLU, with the halo that the next layer wants;
//         TRAIN_GRADIENT the same shape, the gradient of the layer's input with its halo, whose pixels stand for others inside;
//         TRAIN_PICTURE float [N][3][H][W], no ReLU, the first three channels
//   Cin % 16 == 0, Cout % tile_c == 0. Grid: (ceil(N*(H+2)*(W+2) / tile_w), Cout / tile_c)
//
// All pixels of the batch, halos too, are one list: a tap is a shift in it, (dy-1)*(W+2) + dx-1, whatever the plane's shape, and 256
// successive pixels are a tile. What a forward convolution computes at the halo is not stored. On the way back the gradient's halo of zeros
// serves the rows before and behind as well, so the halo of the result, which has to be added to the pixels that it shows, comes along for
// 3 to 13 % more products, without a kernel of its own.
//
// A step is 32 input channels of a row of taps: 258 pixels serve three taps. Four warps, each 64 pixels x all channels of the tile; per
// 16 input channels 4 KB of shared memory for 32 mma with n64. Two stages, one barrier a step.
// Rejected: tiles of W x H as in conv.cu (at 34 x 34 pixels 2.2 times the products); a kernel for the halo alone.
#include "launch.cuh"
#include "plane.cuh"

enum TrainKind { TRAIN_REFLECTED, TRAIN_REPEATED, TRAIN_GRADIENT, TRAIN_PICTURE };

struct TrainConv {
  const __half *x, *w;
  const float *bias;
  void *y;
  int N, H, W, Cin, Cout, kind;
};

template <int CHANNELS> struct TrainConvShape {
  static constexpr int threads = 128, pixels = 256, channels = CHANNELS;
  static constexpr int row_bytes = 64;  // of a pixel or an output channel in shared memory: 32 input channels
  static constexpr int x_bytes = (pixels + 2) * row_bytes, w_bytes = 3 * CHANNELS * row_bytes, stage_bytes = x_bytes + w_bytes;
  static constexpr int smem = 2 * stage_bytes;
  static constexpr int n = CHANNELS / 16;
  static_assert(pixels * CHANNELS * 2 <= smem, "the results pass through the same memory");
};

// Orders the copies of step `step` into its stage.
template <class S> __device__ __forceinline__ void train_conv_load(const TrainConv &p, unsigned char *smem, int step) {
  const int first = step / 3 * 32, dy = step % 3, piece = threadIdx.x & 3, channel = first + piece * 8;
  const int pixels = p.N * (p.H + 2) * (p.W + 2), start = blockIdx.x * S::pixels + (dy - 1) * (p.W + 2) - 1;
  unsigned char *x = smem + step % 2 * S::stage_bytes, *w = x + S::x_bytes;
  for (int i = threadIdx.x >> 2; i < S::pixels + 2; i += S::threads / 4) {
    const bool exists = start + i >= 0 && start + i < pixels && channel < p.Cin;
    cp_async16_zfill(x + swizzled<4>(i, piece), exists ? p.x + (size_t)(start + i) * p.Cin + channel : p.x, exists);
  }
  for (int i = threadIdx.x >> 2; i < 3 * S::channels; i += S::threads / 4) {
    const int row = (dy * 3 + i / S::channels) * p.Cout + blockIdx.y * S::channels + i % S::channels;
    const bool exists = channel < p.Cin;
    cp_async16_zfill(w + swizzled<4>(i, piece), exists ? p.w + (size_t)row * p.Cin + channel : p.w, exists);
  }
  cp_async_commit();
}

// Multiplies one stage; halves: how many 16 of its 32 input channels there are.
template <class S> __device__ __forceinline__ void train_conv_multiply(float (&sums)[4][2 * S::n][4], const unsigned char *x, int halves) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const unsigned char *w = x + S::x_bytes;
#pragma unroll 1
  for (int dx = 0; dx < 3; dx++)
#pragma unroll 1
    for (int half = 0; half < halves; half++) {
      uint32_t a[4][4], b[S::n][4];
#pragma unroll
      for (int i = 0; i < 4; i++) ldmatrix_x4(a[i], x + swizzled<4>(warp * 64 + i * 16 + (lane & 15) + dx, half * 2 + (lane >> 4)));
#pragma unroll
      for (int j = 0; j < S::n; j++)
        ldmatrix_x4(b[j], w + swizzled<4>(dx * S::channels + j * 16 + (lane & 7) + (lane >> 4) * 8, half * 2 + (lane >> 3 & 1)));
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 2 * S::n; j++) {
          const uint32_t pair[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
          mma_m16n8k16(sums[i][j], a[i], pair);
        }
    }
}

// A pixel of the list.
struct TrainPixel {
  int n, y, x;  // without halo
  bool inside;

  __device__ __forceinline__ TrainPixel(int at, const TrainConv &p) {
    const int plane = (p.H + 2) * (p.W + 2);
    n = at / plane, y = at % plane / (p.W + 2) - 1, x = at % (p.W + 2) - 1;
    inside = n < p.N && y >= 0 && y < p.H && x >= 0 && x < p.W;
  }
};

// The first three channels, as they are.
template <class S> __device__ __forceinline__ void train_conv_picture(const float (&sums)[4][2 * S::n][4], const TrainConv &p) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, channel = (lane & 3) * 2;
  for (int i = 0; i < 8; i++) {
    const TrainPixel at(blockIdx.x * S::pixels + warp * 64 + i * 8 + (lane >> 2), p);
    if (!at.inside || channel > 2) continue;
    float *to = (float *)p.y + ((size_t)(at.n * 3 + channel) * p.H + at.y) * p.W + at.x;
    to[0] = sums[i / 2][0][i % 2 * 2] + p.bias[channel];
    if (channel == 0) to[p.H * p.W] = sums[i / 2][0][i % 2 * 2 + 1] + p.bias[1];
  }
}

template <class S> __device__ __forceinline__ void train_conv_stage(float (&sums)[4][2 * S::n][4], const TrainConv &p, unsigned char *smem) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const bool back = p.kind == TRAIN_GRADIENT;
#pragma unroll
  for (int j = 0; j < 2 * S::n; j++) {
    const int channel = blockIdx.y * S::channels + j * 8 + (lane & 3) * 2;
    const float b0 = back ? 0.0f : p.bias[channel], b1 = back ? 0.0f : p.bias[channel + 1];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const float v0 = sums[i / 2][j][i % 2 * 2] + b0, v1 = sums[i / 2][j][i % 2 * 2 + 1] + b1;
      const __half2 plain = __floats2half2_rn(v0, v1);
      uint32_t bits = relu_pair(v0, v1);
      if (back) memcpy(&bits, &plain, 4);
      *(uint32_t *)(smem + swizzled<S::channels / 8>(warp * 64 + i * 8 + (lane >> 2), j) + (lane & 3) * 4) = bits;
    }
  }
}

template <class S> __device__ __forceinline__ void train_conv_store(const TrainConv &p, const unsigned char *smem) {
  constexpr int pieces = S::channels / 8;
  const int plane = (p.H + 2) * (p.W + 2), channel = blockIdx.y * S::channels + threadIdx.x % pieces * 8;
  for (int i = threadIdx.x / pieces; i < S::pixels; i += S::threads / pieces) {
    const uint4 v = *(const uint4 *)(smem + swizzled<pieces>(i, threadIdx.x % pieces));
    const int at = blockIdx.x * S::pixels + i;
    if (p.kind == TRAIN_GRADIENT) {
      if (at < p.N * plane) *(uint4 *)((__half *)p.y + (size_t)at * p.Cout + channel) = v;
      continue;
    }
    const TrainPixel pixel(at, p);
    if (!pixel.inside) continue;
    const HaloPlane out = {(__half *)p.y + (size_t)pixel.n * plane * p.Cout, p.H, p.W, p.Cout, p.kind == TRAIN_REPEATED};
    out.put(pixel.y, pixel.x, channel, v);
  }
}

template <class S> __device__ __forceinline__ void train_conv(const TrainConv &p) {
  DYN_SMEM(smem);
  float sums[4][2 * S::n][4];
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 2 * S::n; j++)
#pragma unroll
      for (int k = 0; k < 4; k++) sums[i][j][k] = 0.0f;
  const int steps = (p.Cin + 31) / 32 * 3;
  const bool some = (int)(blockIdx.x * S::pixels + (threadIdx.x >> 5) * 64) < p.N * (p.H + 2) * (p.W + 2);  // of this warp's pixels exist
  train_conv_load<S>(p, smem, 0);
  for (int step = 0; step < steps; step++) {
    cp_async_wait<0>();
    __syncthreads();  // the stage has come, and the other one has been read
    if (step + 1 < steps) train_conv_load<S>(p, smem, step + 1);
    if (some) train_conv_multiply<S>(sums, smem + step % 2 * S::stage_bytes, min(2, (p.Cin - step / 3 * 32) / 16));
  }
  if (p.kind == TRAIN_PICTURE) {
    train_conv_picture<S>(sums, p);
    return;
  }
  __syncthreads();
  train_conv_stage<S>(sums, p, smem);
  __syncthreads();
  train_conv_store<S>(p, smem);
}

#define TRAIN_CONV(name, CHANNELS, BLOCKS) \
  extern "C" __global__ void __launch_bounds__(128, BLOCKS) \
      name(const __half *x, const __half *w, const float *bias, void *y, int N, int H, int W, int Cin, int Cout, int kind) { \
    train_conv<TrainConvShape<CHANNELS>>({x, w, bias, y, N, H, W, Cin, Cout, kind}); \
  } \
  DESCRIBE(name, TrainConvShape<CHANNELS>::pixels, 1, CHANNELS, 128, TrainConvShape<CHANNELS>::smem)

TRAIN_CONV(train_conv_n16, 16, 2)
TRAIN_CONV(train_conv_n32, 32, 2)
TRAIN_CONV(train_conv_n64, 64, 2)
