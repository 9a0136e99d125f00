// The gradient of a 3x3 convolution's weight and bias, for sm_80 and later: float16 operands, sums in float.
//
//   x        [N][H+2][W+2][Cin] with halos, the convolution's input
//   g        [N][H+2][W+2][Cout], the gradient of its sums, with halos of zeros
//   partial  float [splits][9][Cout][Cin], then [splits][Cout] for the bias; train_reduce adds them up
//   Cin and Cout multiples of tile_c. Grid: (Cout / tile_c * Cin / tile_c, 3 rows of taps, splits of `rows` pixels)
//
// weight[tap][o][i] is the sum over all pixels q of the batch, halos too, of g[q][o] * x[q + (dy-1)*(W+2) + dx-1][i]: a product with pixels
// in the middle, whose operands ldmatrix turns. 66 pixels of x serve a row of three taps. The bias is the product of g with ones. Splits
// are added in the same order on every GPU, so results do not depend on chance.
// Four warps, each 32 x 32 x 3 with tiles of 64; per 16 pixels 4 KB of shared memory for 24 mma. Two stages, one barrier a step.
#include "launch.cuh"
#include "plane.cuh"
#include "transposed.cuh"

template <int TILE> struct TrainWgradShape {
  static constexpr int tile = TILE, pieces = TILE / 8, side = TILE > 16 ? 2 : 1, threads = 32 * side * side;
  static constexpr int m = TILE / side / 16, n = m;  // of a warp, in 16 channels
  static constexpr int pixels = 64, g_bytes = pixels * TILE * 2, x_bytes = (pixels + 2) * TILE * 2, stage_bytes = g_bytes + x_bytes;
  static constexpr int smem = 2 * stage_bytes;
};

struct TrainWgrad {
  const __half *x, *g;
  float *partial;
  int N, H, W, Cin, Cout, rows;
  int o, i, dy;     // the block's first channels and its row of taps
  int first, last;  // its pixels
};

template <class S> __device__ __forceinline__ void train_wgrad_load(const TrainWgrad &p, unsigned char *smem, int step) {
  const int at = p.first + step * S::pixels, shift = (p.dy - 1) * (p.W + 2) - 1, piece = threadIdx.x % S::pieces;
  const int all = p.N * (p.H + 2) * (p.W + 2);
  unsigned char *g = smem + step % 2 * S::stage_bytes, *x = g + S::g_bytes;
  for (int k = threadIdx.x / S::pieces; k < S::pixels + 2; k += S::threads / S::pieces) {
    const int from = at + shift + k;
    const bool exists = from >= 0 && from < all;
    cp_async16_zfill(x + swizzled<S::pieces>(k, piece), exists ? p.x + (size_t)from * p.Cin + p.i + piece * 8 : p.x, exists);
    if (k >= S::pixels) break;
    const bool mine = at + k < p.last;
    cp_async16_zfill(g + swizzled<S::pieces>(k, piece), mine ? p.g + (size_t)(at + k) * p.Cout + p.o + piece * 8 : p.g, mine);
  }
  cp_async_commit();
}

template <class S> struct TrainWgradWarp {
  float sums[3][S::m][2 * S::n][4], ones[S::m][4];
  const int lane = threadIdx.x & 31, warp_o = (threadIdx.x >> 5) / S::side * S::m * 2, warp_i = (threadIdx.x >> 5) % S::side * S::n * 2;

  __device__ __forceinline__ TrainWgradWarp() {
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
      for (int k = 0; k < 4; k++) {
        ones[m][k] = 0.0f;
#pragma unroll
        for (int dx = 0; dx < 3; dx++)
#pragma unroll
          for (int n = 0; n < 2 * S::n; n++) sums[dx][m][n][k] = 0.0f;
      }
  }

  __device__ __forceinline__ void multiply(const unsigned char *g, bool bias) {
    const unsigned char *x = g + S::g_bytes;
    const uint32_t one[2] = {0x3c003c00u, 0x3c003c00u};
#pragma unroll 1
    for (int k = 0; k < S::pixels; k += 16) {
      uint32_t a[S::m][4], b[S::n][4];
#pragma unroll
      for (int m = 0; m < S::m; m++) {
        ldmatrix_x4_trans(a[m], g + swizzled<S::pieces>(k + (lane & 7) + (lane >> 4) * 8, warp_o + m * 2 + (lane >> 3 & 1)));
        if (bias) mma_m16n8k16(ones[m], a[m], one);
      }
#pragma unroll
      for (int dx = 0; dx < 3; dx++) {
#pragma unroll
        for (int n = 0; n < S::n; n++)
          ldmatrix_x4_trans(b[n], x + swizzled<S::pieces>(k + dx + (lane & 15), warp_i + n * 2 + (lane >> 4)));
#pragma unroll
        for (int m = 0; m < S::m; m++)
#pragma unroll
          for (int n = 0; n < 2 * S::n; n++) {
            const uint32_t pair[2] = {b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]};
            mma_m16n8k16(sums[dx][m][n], a[m], pair);
          }
      }
    }
  }

  __device__ __forceinline__ void store(const TrainWgrad &p, bool bias) const {
    float *weights = p.partial + ((size_t)blockIdx.z * 9 + p.dy * 3) * p.Cout * p.Cin;
    float *biases = p.partial + (size_t)gridDim.z * 9 * p.Cout * p.Cin + (size_t)blockIdx.z * p.Cout;
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int o = p.o + warp_o * 8 + m * 16 + h * 8 + (lane >> 2);
        if (bias && warp_i == 0 && (lane & 3) == 0) biases[o] = ones[m][h * 2];
#pragma unroll
        for (int dx = 0; dx < 3; dx++)
#pragma unroll
          for (int n = 0; n < 2 * S::n; n++)
            *(float2 *)(weights + ((size_t)dx * p.Cout + o) * p.Cin + p.i + warp_i * 8 + n * 8 + (lane & 3) * 2) =
                make_float2(sums[dx][m][n][h * 2], sums[dx][m][n][h * 2 + 1]);
      }
  }
};

template <class S> __device__ __forceinline__ void train_wgrad(TrainWgrad p) {
  DYN_SMEM(smem);
  const int across = p.Cin / S::tile;
  p.o = blockIdx.x / across * S::tile, p.i = blockIdx.x % across * S::tile, p.dy = blockIdx.y;
  p.first = blockIdx.z * p.rows, p.last = min(p.first + p.rows, p.N * (p.H + 2) * (p.W + 2));
  const bool bias = p.i == 0 && p.dy == 1;
  const int steps = (p.last - p.first + S::pixels - 1) / S::pixels;
  TrainWgradWarp<S> warp;
  if (steps > 0) train_wgrad_load<S>(p, smem, 0);
  for (int step = 0; step < steps; step++) {
    cp_async_wait<0>();
    __syncthreads();  // the stage has come, and the other one has been read
    if (step + 1 < steps) train_wgrad_load<S>(p, smem, step + 1);
    warp.multiply(smem + step % 2 * S::stage_bytes, bias);
  }
  warp.store(p, bias);
}

#define TRAIN_WGRAD(name, TILE) \
  extern "C" __global__ void __launch_bounds__(TrainWgradShape<TILE>::threads) \
      name(const __half *x, const __half *g, float *partial, int N, int H, int W, int Cin, int Cout, int rows) { \
    train_wgrad<TrainWgradShape<TILE>>({x, g, partial, N, H, W, Cin, Cout, rows}); \
  } \
  DESCRIBE(name, TrainWgradShape<TILE>::pixels, 1, TILE, TrainWgradShape<TILE>::threads, TrainWgradShape<TILE>::smem)

TRAIN_WGRAD(train_wgrad_c16, 16)
TRAIN_WGRAD(train_wgrad_c32, 32)
TRAIN_WGRAD(train_wgrad_c64, 64)
