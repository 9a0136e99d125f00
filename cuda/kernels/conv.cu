// 3x3 convolution, stride 1, for sm_80 and later: float16 in and out, sums in float, bias and ReLU; optionally a 2x2 max pool with ceil
// mode behind it, or a folded upsampling in front of it, nearest (up) or bilinear.
//
//   x     [H+2][W+2][Cin] with its halo
//   w     [9][Cout][Cin]; up: [4 phases][4][Cout][Cin], phase 2*py + px makes the output pixels (2y + py, 2x + px), its tap 2*a + b reads
//         the pixel (y + py - 1 + a, x + px - 1 + b); bilinear: [4 phases][9][Cout][Cin], the taps of all phases are the nine pixels around
//         (y, x)
//   bias  float [Cout]
//   y     [Ho+2][Wo+2][Cout]; Ho x Wo is H x W, pooled (H+1)/2 x (W+1)/2, up and bilinear 2H x 2W. Written with its halo, reflected, or repeated where
//         rep is set; sides of any length >= 1
//   Cin % 16 == 0, Cout % tile_c == 0. Grid: (tiles of the H x W plane, Cout / tile_c, up or bilinear ? 4 : 1)
//
// Product. M = pixels, 16x8 with 128 channels and 16x16 with fewer; N = channels; K = 32 input channels of a tap per step. A warp's 64 x 64
// results read 4 KB of shared memory for 32 mma, 64 of the 128 B/clock that an SM of an A100 has while it multiplies at full rate;
// 64 x 32 would need 96. There are four warps, so that two blocks fit on an SM and fill each other's waits.
// Pixels. A patch with a border serves all taps of its 32 channels: ldmatrix takes rows from any address, so a tap is a shift. The patch
// of the next channels comes in parts during the first steps of this one.
// Weights. A ring of three slots, one step each.
// Epilogue. The results pass through shared memory, so that 16-byte pieces go out, pixels in succession.
// Bound, per tile and 32 input channels in clocks of an A100's SM: n128 and n64 4608 tensor cores, 2660 and 1800 L2 at 32 B/clock. Layers
// of 32 channels and fewer are bound by memory (144 and 72 FLOP/B against 200). All of this is computed, nothing measured.
// Rejected: pixels copied anew for each tap (147 instead of 85 KB from L2 for these 4608 clocks with n128, 184 instead of 58 with n64);
// 256 x 128 results a block (one block on an SM, its barriers and its epilogue in the open); a fourth slot (two blocks of n128 would not
// fit on sm_86 and sm_89); all taps unrolled (576 mma of code).
#include "conv_load.cuh"
#include "launch.cuh"

// What a warp multiplies at once: 64 pixels, 16*n channels, 16 input channels.
template <class S> struct ConvOperands {
  uint32_t a[S::m][4], b[S::n][4];

  // a_at, b_at: where this lane's rows are; half: which 16 of the 32 input channels.
  __device__ __forceinline__ void load(const unsigned char *patch, const unsigned char *weights, int a_at, int b_at, int half) {
#pragma unroll
    for (int i = 0; i < S::m; i++) ldmatrix_x4(a[i], patch + i * (S::pitch * S::row_bytes) + (a_at ^ half * 32));
#pragma unroll
    for (int j = 0; j < S::n; j++) ldmatrix_x4(b[j], weights + j * (16 * S::row_bytes) + (b_at ^ half * 32));
  }
};

template <class S> struct ConvWarp {
  const int lane = threadIdx.x & 31, warp_m = (threadIdx.x >> 5) % S::warps_m, warp_n = (threadIdx.x >> 5) / S::warps_m;
  float sums[S::m][2 * S::n][4];

  __device__ __forceinline__ ConvWarp() {
#pragma unroll
    for (int i = 0; i < S::m; i++)
#pragma unroll
      for (int j = 0; j < 2 * S::n; j++)
#pragma unroll
        for (int k = 0; k < 4; k++) sums[i][j][k] = 0.0f;
  }

  // This lane's part of the operands of a step, for both halves of its input channels.
  __device__ __forceinline__ void load(ConvOperands<S> (&o)[2], const unsigned char *patch, const unsigned char *weights, int dy,
                                       int dx) const {
    const int a_at = swizzled<4>((lane & 15) + dx, lane >> 4);
    const int b_at = swizzled<4>((lane & 7) + (lane >> 4) * 8, lane >> 3 & 1);
    patch += (warp_m * S::m + dy) * (S::pitch * S::row_bytes);
    weights += warp_n * (S::n * 16 * S::row_bytes);
    o[0].load(patch, weights, a_at, b_at, 0);
    o[1].load(patch, weights, a_at, b_at, 1);
  }

  __device__ __forceinline__ void multiply(const ConvOperands<S> &o) {
#pragma unroll
    for (int i = 0; i < S::m; i++)
#pragma unroll
      for (int j = 0; j < 2 * S::n; j++) {
        const uint32_t b[2] = {o.b[j / 2][j % 2 * 2], o.b[j / 2][j % 2 * 2 + 1]};
        mma_m16n8k16(sums[i][j], o.a[i], b);
      }
  }

  // Puts the results into shared memory, [pixel of the tile][channel]. Pixels outside of the plane become 0 where they must not win a
  // maximum: behind ReLU nothing is less.
  __device__ __forceinline__ void stage(unsigned char *smem, const float *bias, int rows, int cols) const {
#pragma unroll
    for (int j = 0; j < 2 * S::n; j++) {
      const int piece = warp_n * 2 * S::n + j;
      const float b0 = bias[piece * 8 + (lane & 3) * 2], b1 = bias[piece * 8 + (lane & 3) * 2 + 1];
#pragma unroll
      for (int i = 0; i < S::m; i++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
          const int y = warp_m * S::m + i, x = (lane >> 2) + h * 8;
          uint32_t v = relu_pair(sums[i][j][h * 2] + b0, sums[i][j][h * 2 + 1] + b1);
          if (S::pool && (y >= rows || x >= cols)) v = 0;
          *(uint32_t *)(smem + swizzled<S::channels / 8>(y * S::cols + x, piece) + (lane & 3) * 4) = v;
        }
    }
  }
};

__device__ __forceinline__ uint32_t conv_max(uint32_t a, uint32_t b) {
  __half2 x, y;
  memcpy(&x, &a, 4);
  memcpy(&y, &b, 4);
  x = __hmax2(x, y);
  memcpy(&a, &x, 4);
  return a;
}

__device__ __forceinline__ uint4 conv_max(uint4 a, uint4 b) {
  return make_uint4(conv_max(a.x, b.x), conv_max(a.y, b.y), conv_max(a.z, b.z), conv_max(a.w, b.w));
}

// 8 channels of a result from the staged tile, pooled if need be.
template <class S> __device__ __forceinline__ uint4 conv_result(const unsigned char *smem, int row, int col, int piece) {
  constexpr int pieces = S::channels / 8;
  if constexpr (S::pool) {
    uint4 v[4];
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = *(const uint4 *)(smem + swizzled<pieces>((row * 2 + i / 2) * S::cols + col * 2 + i % 2, piece));
    return conv_max(conv_max(v[0], v[1]), conv_max(v[2], v[3]));
  } else {
    return *(const uint4 *)(smem + swizzled<pieces>(row * S::cols + col, piece));
  }
}

// Copies the staged tile at (ty, tx) into the plane, pooled or interleaved.
template <class S>
__device__ __forceinline__ void conv_store(const unsigned char *smem, const ConvProblem &p, int ty, int tx, int phase, int channel) {
  constexpr int pieces = S::channels / 8, shrink = S::pool ? 2 : 1, step = S::up ? 2 : 1;
  constexpr int cols = S::cols / shrink, rows = S::rows / shrink;
  const int height = S::up ? 2 * p.H : (p.H + shrink - 1) / shrink, width = S::up ? 2 * p.W : (p.W + shrink - 1) / shrink;
  const HaloPlane out = {p.y, height, width, p.Cout, p.replicate};
  const int y = ty / shrink * step + (phase >> 1), x = tx / shrink * step + (phase & 1);
  const int piece = threadIdx.x % pieces;
  if (out.at_edge(y, x, y + (rows - 1) * step + 1, x + (cols - 1) * step + 1)) {
#pragma unroll 1
    for (int i = threadIdx.x / pieces; i < rows * cols; i += S::threads / pieces)
      out.put(y + i / cols * step, x + i % cols * step, channel + piece * 8, conv_result<S>(smem, i / cols, i % cols, piece));
    return;
  }
#pragma unroll 4
  for (int i = threadIdx.x / pieces; i < rows * cols; i += S::threads / pieces)
    *(uint4 *)out.at(y + i / cols * step, x + i % cols * step, channel + piece * 8) = conv_result<S>(smem, i / cols, i % cols, piece);
}

template <class S> __device__ __forceinline__ void conv(const ConvProblem &p) {
  DYN_SMEM(smem);
  const int across = (p.W + S::cols - 1) / S::cols;
  const int ty = blockIdx.x / across * S::rows, tx = blockIdx.x % across * S::cols;
  const int phase = S::up ? blockIdx.z : 0, channel = blockIdx.y * S::channels;
  const bool windows = S::side == 2;  // each phase has its own four pixels
  ConvLoader<S> loader(smem, p, ty + (windows ? phase >> 1 : 0), tx + (windows ? phase & 1 : 0), phase, channel);
  ConvWarp<S> warp;

#pragma unroll
  for (int part = 0; part < S::parts; part++) loader.patch(0, 0, part);
  for (int i = 0; i < S::slots - 1; i++) {
    loader.step();
    cp_async_commit();
  }

  int slot = 0, buffer = 0;
  for (int c = 0; c < p.Cin; c += 32, buffer ^= 1) {
    for (int tap = 0, dy = 0, dx = 0; tap < S::taps; tap++) {
      cp_async_wait<S::slots - 2>();
      // Everyone's copies for this step have come, and everyone is done with what the next copies overwrite.
      __syncthreads();
      // The operands come while this thread works out addresses. Where the input channels end, their second half may be anything.
      ConvOperands<S> operands[2];
      warp.load(operands, smem + buffer * S::patch_bytes, smem + S::weights_at + slot * S::weight_bytes, dy, dx);
      loader.step();
      if (tap < S::spread && c + 32 < p.Cin)
#pragma unroll
        for (int i = 0; i < S::parts_per_step; i++) loader.patch(buffer ^ 1, c + 32, tap * S::parts_per_step + i);
      cp_async_commit();
      warp.multiply(operands[0]);
      if (c + 16 < p.Cin) warp.multiply(operands[1]);
      slot = slot + 1 == S::slots ? 0 : slot + 1;
      if (++dx == S::side) dx = 0, dy++;
    }
  }

  __syncthreads();
  warp.stage(smem, p.bias + channel, p.H - ty, p.W - tx);
  __syncthreads();
  conv_store<S>(smem, p, ty, tx, phase, channel);
}

#define CONV(name, CHANNELS, KIND, BLOCKS) \
  using name##_shape = ConvShape<CHANNELS, KIND>; \
  extern "C" __global__ void __launch_bounds__(name##_shape::threads, BLOCKS) \
      name(const __half *x, const __half *w, const float *bias, __half *y, int H, int W, int Cin, int Cout, int rep) { \
    conv<name##_shape>({x, w, bias, y, H, W, Cin, Cout, rep != 0}); \
  } \
  DESCRIBE(name, name##_shape::cols, name##_shape::rows, name##_shape::channels, name##_shape::threads, name##_shape::smem)

CONV(conv_n16, 16, CONV_PLAIN, 3)
CONV(conv_n16_pool, 16, CONV_POOL, 3)
CONV(conv_n16_up, 16, CONV_UP, 3)
CONV(conv_n16_bilinear, 16, CONV_BILINEAR, 3)
CONV(conv_n32, 32, CONV_PLAIN, 3)
CONV(conv_n32_pool, 32, CONV_POOL, 3)
CONV(conv_n32_up, 32, CONV_UP, 3)
CONV(conv_n32_bilinear, 32, CONV_BILINEAR, 3)
CONV(conv_n64, 64, CONV_PLAIN, 2)
CONV(conv_n64_pool, 64, CONV_POOL, 2)
CONV(conv_n64_up, 64, CONV_UP, 2)
CONV(conv_n64_bilinear, 64, CONV_BILINEAR, 2)
CONV(conv_n128, 128, CONV_PLAIN, 2)
CONV(conv_n128_pool, 128, CONV_POOL, 2)
CONV(conv_n128_up, 128, CONV_UP, 2)
CONV(conv_n128_bilinear, 128, CONV_BILINEAR, 2)
