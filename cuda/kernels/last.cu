// The last layer: 3x3 convolution to R'G'B', no ReLU, clamped to [0,1] and converted to the samples of the output picture.
//
//   x     float16 [H+2][W+2][C] with its halo, C % 16 == 0
//   w     float16 [32][C], row 3*tap + colour (R, G, B), rows 27..31 are 0
//   bias  float [3]
//   dst   at most W x H pixels, of any format; gets the plane's upper left corner. Rows begin anywhere; bytes between them stay
//   src   the input picture, of the same format and size; gives alpha and padding bytes. May be the same memory as dst
//   table of colours, behind the network and before all else
//   preserve_color  1: the colours of src with the luminance of the result, model.Stylization.PreserveColor; kr, kg and kb of packed
//                   formats are BT.601's
//   Grid: tiles of dst
//
// Samples are rounded half up; chroma is that of the mean of the clamped pixels that it covers and that exist, or with
// preserve_color that of src.
//
// Bound by memory: 2*C bytes are read a pixel, and 54*C FLOP done (26 FLOP/B with C = 64).
// Scatter: each pixel of the tile and its border is multiplied once, [pixel][C] * [C][27], and the 27 values go to shared memory; then each
// output adds those of its 9 neighbours that are meant for it, in the order of the taps. Operands come straight from global memory: the
// order of channels within a product is free, so a lane takes 8 channels in succession (16 bytes) and the weights are taken likewise.
// Rejected: gathering, 9 products with 3 of 8 columns used (each pixel passes through ldmatrix 9 times); products in float16 in shared
// memory (half the memory, but sums of 27 roundings are off by a fifth of a sample's step); wider tiles (two blocks would not fit on
// an SM of sm_86, and the border comes from L2 anyway).
#include "frame.cuh"
#include "launch.cuh"
#include "lookup.cuh"
#include "pixel.cuh"
#include "warp.cuh"

constexpr int last_w = 32, last_h = 8, last_threads = 256;
constexpr int last_pitch = last_w + 2, last_pixels = last_pitch * (last_h + 2);
constexpr int last_blocks = (last_pixels + 15) / 16;  // of 16 pixels
constexpr int last_sums = 27;  // of a pixel, and as the number is odd, those of 32 pixels lie in all banks

struct Colour {
  float r, g, b;  // R'G'B' in [0,1]
};

// Multiplies the pixels `from`, two blocks of 16, with all weights: d[block][8 columns each].
__device__ __forceinline__ void last_multiply(float (&d)[2][4][4], const __half *const (&from)[4], const __half *w, int C) {
  const int lane = threadIdx.x & 31;
  int c = 0;
  for (; c + 32 <= C; c += 32) {
    const int at = c + (lane & 3) * 8;
    uint4 x[4], v[4];
#pragma unroll
    for (int i = 0; i < 4; i++) x[i] = from[i] ? __ldg((const uint4 *)(from[i] + at)) : make_uint4(0, 0, 0, 0);
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = __ldg((const uint4 *)(w + (size_t)(j * 8 + (lane >> 2)) * C + at));
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
      for (int j = 0; j < 4; j++) {
        mma_m16n8k16(d[i][j], {x[2 * i].x, x[2 * i + 1].x, x[2 * i].y, x[2 * i + 1].y}, {v[j].x, v[j].y});
        mma_m16n8k16(d[i][j], {x[2 * i].z, x[2 * i + 1].z, x[2 * i].w, x[2 * i + 1].w}, {v[j].z, v[j].w});
      }
  }
  if (c == C) return;
  const int at = c + (lane & 3) * 4;
  uint2 x[4];
#pragma unroll
  for (int i = 0; i < 4; i++) x[i] = from[i] ? __ldg((const uint2 *)(from[i] + at)) : make_uint2(0, 0);
#pragma unroll
  for (int j = 0; j < 4; j++) {
    const uint2 v = __ldg((const uint2 *)(w + (size_t)(j * 8 + (lane >> 2)) * C + at));
#pragma unroll
    for (int i = 0; i < 2; i++) mma_m16n8k16(d[i][j], {x[2 * i].x, x[2 * i + 1].x, x[2 * i].y, x[2 * i + 1].y}, {v.x, v.y});
  }
}

// The 27 values of every pixel of the tile at (ty, tx) and its border; of pixels outside of the plane they mean nothing.
__device__ __forceinline__ void last_scatter(float *sums, const __half *x, const __half *w, int ty, int tx, int H, int W, int C) {
  const int lane = threadIdx.x & 31;
  for (int block = threadIdx.x / 32 * 2; block < last_blocks; block += last_threads / 32 * 2) {
    const __half *from[4];  // rows lane/4 and lane/4 + 8 of both blocks
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int pixel = block * 16 + i * 8 + (lane >> 2), row = ty + pixel / last_pitch, col = tx + pixel % last_pitch;
      const bool exists = pixel < last_pixels && row < H + 2 && col < W + 2;
      from[i] = exists ? x + ((size_t)row * (W + 2) + col) * C : nullptr;
    }
    float d[2][4][4] = {};
    last_multiply(d, from, w, C);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int pixel = block * 16 + i * 8 + (lane >> 2);
      if (pixel >= last_pixels) break;
#pragma unroll
      for (int j = 0; j < 4; j++)
#pragma unroll
        for (int k = 0; k < 2; k++) {
          const int column = j * 8 + (lane & 3) * 2 + k;
          if (column < last_sums) sums[pixel * last_sums + column] = d[i / 2][j][i % 2 * 2 + k];
        }
    }
  }
}

__device__ __forceinline__ Colour last_gather(const float *sums, const float *bias, int y, int x) {
  float v[3] = {bias[0], bias[1], bias[2]};
#pragma unroll
  for (int tap = 0; tap < 9; tap++) {
    const float *from = sums + ((y + tap / 3) * last_pitch + x + tap % 3) * last_sums + tap * 3;
#pragma unroll
    for (int c = 0; c < 3; c++) v[c] += from[c];
  }
  return {__saturatef(v[0]), __saturatef(v[1]), __saturatef(v[2])};
}

__device__ __forceinline__ float last_luma(const Frame &f, const Colour &p) { return f.kr * p.r + f.kg * p.g + f.kb * p.b; }

__device__ __forceinline__ void last_packed(const Frame &dst, const Frame &src, const Colour &p, int y, int x, int preserve_color) {
  const bool blue = blue_first(dst.format);
  const unsigned char *from = pixel_at(src, y, x);
  const float first = 255 * (blue ? p.b : p.r), second = 255 * p.g, third = 255 * (blue ? p.r : p.b);
  unsigned char v[3];
  if (preserve_color) {
    v[0] = from[0], v[1] = from[1], v[2] = from[2];
    pixel_preserve_color(v, dst, first, second, third);
  } else {
    v[0] = pixel_sample(first), v[1] = pixel_sample(second), v[2] = pixel_sample(third);
  }
  pixel_put(dst, y, x, v, from);
}

// The sum of the values of the 2x2 pixels that share chroma with this lane's.
__device__ __forceinline__ float last_sum4(float v) {
  v += __shfl_xor_sync(0xffffffffu, v, 1);
  return v + __shfl_xor_sync(0xffffffffu, v, 16);
}

// All lanes of a warp call this; exists says whether the lane's pixel is one of the picture.
__device__ __forceinline__ void last_yuv(const Frame &dst, const Frame &src, const Colour &p, int y, int x, bool exists,
                                         int preserve_color) {
  if (exists) dst.plane[0][y * dst.stride[0] + x] = pixel_sample(last_luma(dst, p) / dst.scale_y + dst.offset_y);
  const Colour sum = {last_sum4(exists ? p.r : 0.0f), last_sum4(exists ? p.g : 0.0f), last_sum4(exists ? p.b : 0.0f)};
  if (!exists || ((x | y) & 1)) return;
  const Chroma to = pixel_chroma(dst, y >> 1, x >> 1);
  if (preserve_color) {
    const Chroma from = pixel_chroma(src, y >> 1, x >> 1);
    *to.cb = *from.cb, *to.cr = *from.cr;
    return;
  }
  const float share = (x + 1 < dst.width ? 0.5f : 1.0f) * (y + 1 < dst.height ? 0.5f : 1.0f);
  const Colour mean = {sum.r * share, sum.g * share, sum.b * share};
  const float l = last_luma(dst, mean);
  *to.cb = pixel_sample((mean.b - l) / dst.bu / dst.scale_c + 128);
  *to.cr = pixel_sample((mean.r - l) / dst.rv / dst.scale_c + 128);
}

extern "C" __global__ void __launch_bounds__(last_threads, 2)
    last(const __half *x, const __half *w, const float *bias, Frame dst, Frame src, Lookup table, int H, int W, int C,
         int preserve_color) {
  __shared__ float sums[last_pixels * last_sums];
  const int across = (dst.width + last_w - 1) / last_w;
  const int ty = blockIdx.x / across * last_h, tx = blockIdx.x % across * last_w;
  last_scatter(sums, x, w, ty, tx, H, W, C);
  __syncthreads();
  // A warp takes 16 x 2 pixels, so that those which share chroma are its lanes.
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  const int row = warp / 2 * 2 + lane / 16, col = warp % 2 * 16 + lane % 16;
  Colour p = last_gather(sums, bias, row, col);
  lookup(table, p.r, p.g, p.b);
  const bool exists = ty + row < dst.height && tx + col < dst.width;
  if (dst.format >= FORMAT_NV12)
    last_yuv(dst, src, p, ty + row, tx + col, exists, preserve_color);
  else if (exists)
    last_packed(dst, src, p, ty + row, tx + col, preserve_color);
}
DESCRIBE(last, last_w, last_h, 3, last_threads, 0)
