// The first layer: a picture of any format to relu1_1. Conversion to R'G'B', reflect padding, 3x3 convolution, bias, ReLU.
//
//   src   W x H pixels, W and H >= 1; rows begin anywhere
//   table of colours, before all else
//   w     float16 [C][32], k = 3*tap + colour (R, G, B), 27..31 are 0; made for R'G'B' * 255, which float16 holds exactly for RGB formats of full range
//   bias  float [C]
//   y     float16 [H+2][W+2][C] with a reflected halo
//   C % 16 == 0. Grid: (tiles, C / tile_c rounded up): a block makes 64 channels, or the rest
//
// Bound by instructions: a warp issues about 1600 for a tile of 16x16 pixels and 64 channels, 0.42 ms of an H100 at 3840x2160, where y, 2*C
// bytes a pixel, takes its memory 0.32.
// The tile's pixels are converted once into shared memory, [row][3*column + colour], where the 9 values of a tap row lie in succession.
// Lanes gather the operands of mma from there: a matrix of K = 32 for each pixel would be written and read again for nothing. The weights
// of 64 channels stay in registers. Results pass through shared memory, warp by warp, to go out in pieces of 16 bytes.
// Rejected: the next layer's loader doing this work, which saves 2*C bytes a pixel twice but ties the two layers together (and has to
// compute border pixels from reflected coordinates); FMA instead of mma (1728 a pixel: 10 times the time of the writes).
#include "first.cuh"
#include "launch.cuh"
#include "plane.cuh"

constexpr int first_tile = 16, first_patch = first_tile + 2, first_pitch = 3 * first_patch;
constexpr int first_threads = 128, first_rows = first_tile / (first_threads / 32);  // rows of a warp
constexpr int first_channels = 64;

// Weights of up to 64 channels as this lane's operands of mma: b[j][half] of channels 8*j.., k 16*half...
__device__ __forceinline__ void first_weights(uint32_t (&b)[8][2][2], const __half *w, int blocks) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int j = 0; j < 8; j++) {
    if (j >= blocks) break;
    const uint32_t *row = (const uint32_t *)(w + (j * 8 + (lane >> 2)) * 32) + (lane & 3);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      b[j][half][0] = __ldg(row + half * 8);
      b[j][half][1] = __ldg(row + half * 8 + 4);
    }
  }
}

extern "C" __global__ void __launch_bounds__(first_threads)
    first(Frame src, Lookup table, const __half *w, const float *bias, __half *y, int C) {
  __shared__ __half patch[first_patch * first_pitch];
  __shared__ uint4 staging[first_threads / 32][first_tile * first_channels / 8];
  const int across = (src.width + first_tile - 1) / first_tile;
  const int ty = blockIdx.x / across * first_tile, tx = blockIdx.x % across * first_tile;
  const int channel = blockIdx.y * first_channels, blocks = min(C - channel, first_channels) / 8;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  frame_with_word(src, [&](auto word) {
    first_convert<decltype(word), first_patch, first_threads>(src, table, patch, ty - 1, tx - 1, threadIdx.x);
  });
  uint32_t b[8][2][2];
  first_weights(b, w + (size_t)channel * 32, blocks);

  // Where this lane's eight values of k lie behind a pixel's first; 27..31 have weights 0 and take any number.
  int offset[8];
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const int k = min((i >> 1) * 8 + (lane & 3) * 2 + (i & 1), 26);
    offset[i] = k / 9 * first_pitch + k % 9;
  }
  const HaloPlane out = {y, src.height, src.width, C, false};
  const bool edge = out.at_edge(ty, tx, ty + first_tile, tx + first_tile);
  unsigned char *staged = (unsigned char *)staging[warp];
  __syncthreads();

  for (int i = 0; i < first_rows; i++) {
    const int row = warp * first_rows + i;
    const __half *left = patch + row * first_pitch + (lane >> 2) * 3, *right = left + 8 * 3;
    uint32_t a[2][4];
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
      for (int k = 0; k < 2; k++) {
        const int low = offset[half * 4 + k * 2], high = offset[half * 4 + k * 2 + 1];
        a[half][k * 2] = first_pair(left[low], left[high]);
        a[half][k * 2 + 1] = first_pair(right[low], right[high]);
      }
#pragma unroll
    for (int j = 0; j < 8; j++) {
      if (j >= blocks) break;
      const float b0 = __ldg(bias + channel + j * 8 + (lane & 3) * 2), b1 = __ldg(bias + channel + j * 8 + (lane & 3) * 2 + 1);
      float d[4] = {b0, b1, b0, b1};
      mma_m16n8k16(d, a[0], b[j][0]);
      mma_m16n8k16(d, a[1], b[j][1]);
      *(uint32_t *)(staged + swizzled<8>(lane >> 2, j) + (lane & 3) * 4) = relu_pair(d[0], d[1]);
      *(uint32_t *)(staged + swizzled<8>((lane >> 2) + 8, j) + (lane & 3) * 4) = relu_pair(d[2], d[3]);
    }
    __syncwarp();
    const int piece = lane & 7;
    if (piece < blocks)
#pragma unroll
      for (int x = lane >> 3; x < first_tile; x += 4) {
        const uint4 v = *(const uint4 *)(staged + swizzled<8>(x, piece));
        if (edge)
          out.put(ty + row, tx + x, channel + piece * 8, v);
        else
          *(uint4 *)out.at(ty + row, tx + x, channel + piece * 8) = v;
      }
    __syncwarp();
  }
}
DESCRIBE(first, first_tile, first_tile, first_channels, first_threads, 0)
