// The last two layers in one, for 16 channels: 3x3 convolution behind a folded nearest upsampling, bias, ReLU, and the last layer. Arithmetic is that
// of conv_n16_up and last.cu but for the order of sums; the plane between them, 32 bytes a pixel written and read, never leaves the processor.
//
//   x      float16 [H+2][W+2][16] with its halo, repeated
//   w1     float16 [4 phases][4][16][16], as conv.cu has it
//   bias1  float [16]
//   w, bias, dst, src, table, preserve_color  as last.cu has them, dst of at most 2W x 2H pixels
//   rows   of a block, a multiple of 4
//   Grid: ceil(width / tile_w) * ceil(height / rows), strips side by side first
//
// Walk and edges: last_strip.cuh. A warp has 16 pairs side by side. What mma gives, pixels by channels, is what it takes as left operand, so
// that features pass from one layer to the next in registers; pixels come straight from memory, each row once for two steps.
// Bound by instructions: about 800 of a warp for 64 pixels, half of them for the picture's samples; `last` alone has 2000. All of this is computed,
// nothing measured.
// Rejected: weights of the first product in registers (64 more, for 16 instructions); all sums through shared memory (27 values a pixel instead
// of 6).
#include "last_strip.cuh"
#include "launch.cuh"

namespace last_up_parts {

struct Block {
  __device__ __forceinline__ void operator()() const { __syncthreads(); }
};

// The pairs' pixels in a row of the plane, for both columns of the window: [column][operand a of mma]. As the order of channels within a product is
// free, a lane takes four in succession.
__device__ __forceinline__ void load(uint32_t (&a)[2][4], const __half *x, int H, int W, int row, int column) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int h = 0; h < 2; h++)
#pragma unroll
    for (int b = 0; b < 2; b++) {
      const int col = column + h * 8 + b;
      uint2 v = make_uint2(0, 0);
      if (row <= H + 1 && col >= 0 && col <= W + 1) v = __ldg((const uint2 *)(x + ((size_t)row * (W + 2) + col) * 16) + (lane & 3));
      a[b][h] = v.x;
      a[b][2 + h] = v.y;
    }
}

// Operands b of the last layer's weights for row dy of taps: of 8 columns j, for the pair's column q.
struct LastWeights {
  uint32_t b[2][2][2];  // [j][q]

  __device__ __forceinline__ LastWeights(const __half *w, int dy) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int j = 0; j < 2; j++)
#pragma unroll
      for (int q = 0; q < 2; q++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const int column = j * 8 + (lane >> 2), c = (lane & 3) * 2 + i * 8;
          b[j][q][i] = __half_as_ushort(strip_weight(w, 16, dy, q, column, c)) |
                       (uint32_t)__half_as_ushort(strip_weight(w, 16, dy, q, column, c + 1)) << 16;
        }
  }

  __device__ __forceinline__ explicit LastWeights(const uint4 (&memory)[2]) {
#pragma unroll
    for (int j = 0; j < 2; j++) {
      b[j][0][0] = memory[j].x, b[j][0][1] = memory[j].y;
      b[j][1][0] = memory[j].z, b[j][1][1] = memory[j].w;
    }
  }

  // Adds what a row of the plane gives to the row of the picture that sees it as this row of taps.
  __device__ __forceinline__ void add(float (&sums)[2][4], const uint32_t (&f)[2][1][4]) const {
#pragma unroll
    for (int j = 0; j < 2; j++)
#pragma unroll
      for (int q = 0; q < 2; q++) mma_m16n8k16(sums[j], f[q][0], b[j][q]);
  }
};

__device__ __forceinline__ void clear(float (&sums)[2][4]) {
#pragma unroll
  for (int j = 0; j < 2; j++)
#pragma unroll
    for (int i = 0; i < 4; i++) sums[j][i] = 0.0f;
}

}  // namespace last_up_parts

extern "C" __global__ void __launch_bounds__(strip_threads, 4)
    last_up_n16(const __half *x, const __half *w1, const float *bias1, const __half *w, const float *bias, const __grid_constant__ Frame dst,
                const __grid_constant__ Frame src, const __grid_constant__ Lookup table, int H, int W, int rows, int preserve_color) {
  using namespace last_up_parts;
  __shared__ StripMemory memory;
  __shared__ uint4 weights[16][32];  // of a phase's tap: operands b of a lane
  __shared__ uint4 upper[32][2];     // LastWeights of the row of taps that registers are missing for
  __shared__ float biases[16];
  const int across = (dst.width + strip_own - 1) / strip_own, lane = threadIdx.x & 31;
  const Strip strip(dst, blockIdx.x % across, blockIdx.x / across * rows, rows);
  if (strip.first >= dst.width) return;
  for (int i = threadIdx.x; i < 16 * 32; i += strip_threads) {
    const uint2 *from = (const uint2 *)(w1 + (i >> 5) * 256 + (i >> 2 & 7) * 16) + (i & 3);
    const uint2 low = __ldg(from), high = __ldg(from + 8 * 4);
    weights[i >> 5][i & 31] = make_uint4(low.x, low.y, high.x, high.y);
  }
  if (threadIdx.x < 16) biases[threadIdx.x] = __ldg(bias1 + threadIdx.x);
  const LastWeights middle(w, 1), lower(w, 2);
  if (threadIdx.x < 32) {
    const LastWeights first(w, 0);
#pragma unroll
    for (int j = 0; j < 2; j++) upper[lane][j] = make_uint4(first.b[j][0][0], first.b[j][0][1], first.b[j][1][0], first.b[j][1][1]);
  }
  const StripPicture picture{dst, src, table, bias, preserve_color};
  const StripEnd<Block> end{picture, memory, strip, H, W, (int)threadIdx.x, {}};
  const int column = strip.pair + end.pair_of_lane();
  __syncthreads();

  int y = strip.top / 2;
  uint32_t in[2][2][4];
  float sums[2][2][4];  // of the rows 2y-2 and 2y-1
  clear(sums[0]);
  clear(sums[1]);
  load(in[0], x, H, W, y, column);
  load(in[1], x, H, W, y + 1, column);
#pragma unroll 1
  for (int step = 0; step < strip.steps; step++, y++) {
    uint32_t f[2][2][1][4];
#pragma unroll
    for (int row = 0; row < 2; row++)
#pragma unroll
      for (int q = 0; q < 2; q++) {
        float d[2][4];
#pragma unroll
        for (int j = 0; j < 2; j++)
#pragma unroll
          for (int i = 0; i < 4; i++) d[j][i] = biases[j * 8 + (lane & 3) * 2 + (i & 1)];
#pragma unroll
        for (int tap = 0; tap < 4; tap++) {
          const uint4 v = weights[(3 - 2 * row - q) * 4 + tap][lane];
          mma_m16n8k16(d[0], in[tap >> 1][tap & 1], {v.x, v.y});
          mma_m16n8k16(d[1], in[tap >> 1][tap & 1], {v.z, v.w});
        }
        const bool exists = 2 * y - 1 + row >= 0 && 2 * y - 1 + row < 2 * H;
#pragma unroll
        for (int i = 0; i < 4; i++) f[row][q][0][i] = exists ? relu_pair(d[i >> 1][(i & 1) * 2], d[i >> 1][(i & 1) * 2 + 1]) : 0;
      }
#pragma unroll
    for (int b = 0; b < 2; b++)
#pragma unroll
      for (int i = 0; i < 4; i++) in[0][b][i] = in[1][b][i];
    load(in[1], x, H, W, y + 2, column);  // comes while the rows are finished
    end.reflect_columns(f);
    lower.add(sums[0], f[0]);
    if (y == 1) LastWeights(upper[lane]).add(sums[0], f[0]);
    middle.add(sums[1], f[0]);
    lower.add(sums[1], f[1]);
    if (step > 0) {
      end.put(0, sums[0]);
      end.put(1, sums[1]);
      end.finish(2 * y - 2);
    }
    clear(sums[0]);
    clear(sums[1]);
    const LastWeights first(upper[lane]);
    first.add(sums[0], f[0]);
    middle.add(sums[0], f[1]);
    first.add(sums[1], f[1]);
    if (y == H - 1) lower.add(sums[1], f[1]);
  }
}
DESCRIBE(last_up_n16, strip_own, 4, 3, strip_threads, 0)
