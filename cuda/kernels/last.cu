// The last layer: 3x3 convolution to R'G'B', no ReLU, clamped to [0,1] and converted to the samples of the output picture.
//
//   x     float16 [H+2][W+2][C] with its halo, C % 16 == 0
//   w     float16 [32][C], row 3*tap + colour (R, G, B), rows 27..31 are 0
//   bias  float [3]
//   dst   at most W x H pixels, of any format; gets the plane's upper left corner. Rows begin anywhere; bytes between them stay
//   src   the input picture, of the same format and size; gives alpha and padding bytes. May be the same memory as dst
//   table of colours, behind the network and before all else
//   preserve_color  1: the colours of src with the luminance of the result, model.Stylization.PreserveColor; kr, kg and kb of RGB
//                   formats are BT.601's
//   Grid: tiles of dst
//
// Samples are rounded half up; chroma is that of the clamped pixels that model/ref/chroma.go names, with their shares, or with preserve_color
// that of src. Cosited chroma takes the pixel to the left of those that share it: a tile computes one column more there.
//
// Bound by instructions: about 1600 of a warp for a tile, 0.46 ms of an H100 at 3840x2160 with C = 64, where x, 2*C bytes a pixel, takes its
// memory 0.32.
// Scatter: each pixel of the tile and its border is multiplied once, [pixel][C] * [C][27], and the 27 values go to shared memory; then each
// output adds those of its 9 neighbours that are meant for it, in the order of the taps. Operands come straight from global memory: the
// order of channels within a product is free, so a lane takes 8 channels in succession (16 bytes) and the weights are taken likewise.
// Rejected: gathering, 9 products with 3 of 8 columns used (each pixel passes through ldmatrix 9 times); products in float16 in shared
// memory (half the memory, but sums of 27 roundings are off by a fifth of a sample's step); wider tiles (two blocks would not fit on
// an SM of sm_86, and the border comes from L2 anyway).
#include "last.cuh"
#include "launch.cuh"
#include "warp.cuh"

constexpr int last_w = 32, last_h = 8, last_threads = 256;
constexpr int last_left = 1;  // columns of the tile on its left that belong to another
constexpr int last_pitch = last_w + last_left + 2, last_pixels = last_pitch * (last_h + 2);
constexpr int last_blocks = (last_pixels + 15) / 16;  // of 16 pixels
constexpr int last_sums = 27;  // of a pixel, and as the number is odd, those of 32 pixels lie in all banks

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
      const int pixel = block * 16 + i * 8 + (lane >> 2), row = ty + pixel / last_pitch, col = tx - last_left + pixel % last_pitch;
      const bool exists = pixel < last_pixels && row < H + 2 && col >= 0 && col < W + 2;
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

// The pixel at (y, x) of the tile, x from -last_left on.
__device__ __forceinline__ Colour last_gather(const float *sums, const float *bias, int y, int x) {
  float v[3] = {bias[0], bias[1], bias[2]};
#pragma unroll
  for (int tap = 0; tap < 9; tap++) {
    const float *from = sums + ((y + tap / 3) * last_pitch + x + last_left + tap % 3) * last_sums + tap * 3;
#pragma unroll
    for (int c = 0; c < 3; c++) v[c] += from[c];
  }
  return {__saturatef(v[0]), __saturatef(v[1]), __saturatef(v[2])};
}

// A tile's pixels with those on its left, for chroma.
constexpr int last_colours = last_w + last_left;

// Writes the tile at (ty, tx), of which this thread has pixel p.
template <class Word>
__device__ __forceinline__ void last_write(const Frame &dst, const Frame &src, const Lookup &table, float *sums, const float *bias,
                                           const Colour &p, int ty, int tx, int preserve_color) {
  const int row = threadIdx.x / last_w, col = threadIdx.x % last_w;
  const bool exists = ty + row < dst.height && tx + col < dst.width;
  if (sizeof(Word) == 4 || !dst.half_x) {
    if (exists) last_pixel<Word>(dst, src, p, ty + row, tx + col, preserve_color);
    return;
  }
  if (exists) frame_put_sample<Word>(dst, dst.channel[0], ty + row, tx + col, pixel_sample(dst, last_row(dst.from_rgb[0], p)));
  Colour left = p;
  if (col == 0 && tx > 0) {
    left = last_gather(sums, bias, row, -1);
    lookup(table, left.r, left.g, left.b);
  }
  __syncthreads();
  LastChroma *chroma = (LastChroma *)sums;
  chroma[row * last_colours + last_left + col] = last_chroma_of(dst, p);
  if (col == 0) chroma[row * last_colours] = last_chroma_of(dst, left);
  __syncthreads();
  const int cy = threadIdx.x / (last_w / 2), cx = tx / 2 + threadIdx.x % (last_w / 2), top = ty >> dst.half_y;
  if (cy >= last_h >> dst.half_y || top + cy >= (dst.height + dst.half_y) >> dst.half_y || cx >= (dst.width + 1) / 2) return;
  const auto at = [&](int y, int x) { return chroma[(y - ty) * last_colours + x - tx + last_left]; };
  last_chroma<Word>(dst, src, at, top + cy, cx, preserve_color);
}

extern "C" __global__ void __launch_bounds__(last_threads, 2)
    last(const __half *x, const __half *w, const float *bias, Frame dst, Frame src, Lookup table, int H, int W, int C,
         int preserve_color) {
  __shared__ float sums[last_pixels * last_sums];
  const int across = (dst.width + last_w - 1) / last_w;
  const int ty = blockIdx.x / across * last_h, tx = blockIdx.x % across * last_w;
  last_scatter(sums, x, w, ty, tx, H, W, C);
  __syncthreads();
  const int row = threadIdx.x / last_w, col = threadIdx.x % last_w;
  Colour p = last_gather(sums, bias, row, col);
  lookup(table, p.r, p.g, p.b);
  frame_with_word(dst, [&](auto word) { last_write<decltype(word)>(dst, src, table, sums, bias, p, ty, tx, preserve_color); });
}
DESCRIBE(last, last_w, last_h, 3, last_threads, 0)
