// 3x3 convolution, stride 1, for sm_90a: float16 in and out, sums in float, bias and ReLU; optionally a 2x2 max pool with ceil
// mode behind it, or a folded nearest upsampling in front of it.
//
//   x     tensor map of [H+2][W+2][Cin], box {64, tile_w, tile_h + 2 (c128_up: + 1), 1}, 128-byte swizzle, zeros outside
//   w     tensor map of [9][Cout][Cin] (up: [4 phases][4][Cout][Cin]) as {Cin, 9*Cout (16*Cout), 1, 1}, box {64, tile_c, 1, 1},
//         the same swizzle
//   bias  float [Cout]
//   y     [Ho+2][Wo+2][Cout]; Ho x Wo is H x W, pooled (H+1)/2 x (W+1)/2, up 2H x 2W. Written with its halo of one pixel,
//         reflected, or repeated where rep is set; sides of any length >= 1
//   Cin % 64 == 0, Cout % tile_c == 0, and as the table at the end says. Grid: any number of blocks, best one per SM and not more
//   than tiles; block b takes the tiles b, b + blocks, .... With resident weights a multiple of Cout / tile_c, so that a block
//   keeps its channels
//
// Product. M = channels, 64 of them per warpgroup, N = 256 pixels, K = 64 input channels of a tap, from shared memory. So one
// wgmma reads 10 KB in 128 clocks, 80 of the 128 B/clock that shared memory has. Pixels as M would need 96 with N = 128, and
// all 128 with N = 64. A thread holds pixels of two channels: bias is two registers, pooling a maximum of own registers. The
// price is a transpose in the epilogue (stmatrix.trans through a staging buffer, then 16-byte stores).
// Pixels. A box of 16 pixels times rows is one operand, groups of 8 pixels 1024 bytes apart as the swizzle wants it; the rows
// of a tap are an offset of whole 1024 bytes, so a box serves all taps of a column: three boxes per 64 channels instead of
// nine. One box with halo for all nine taps would need operands that start within the swizzle's pattern: selftest90.cu finds
// out whether they work.
// Roles. Warp 8: one thread issues tensor copies into two rings, boxes and weights (one tap of 64 input channels a slot). Warps
// 0-3 and 4-7 multiply. With 64 channels they take tiles in turn, so that one's epilogue hides behind the other's products;
// with 128 they share the boxes, have 64 channels each, and one starts a tap or two behind the other to the same end.
// wait_group 1 after each tap frees what the tap before has read.
// Upsampling. Phase (py, px) of the output reads 2x2 pixels from (y+py-1, x+px-1) on. With 128 channels each phase is a tile.
// c64_up computes all four from the same three boxes with all weights resident, each warpgroup the columns of one parity, both
// row parities at the same time: 60 KB from L2 for 128 pixels, where tiles of one phase would take 136, and 64 of weights.
// Bound, per tile of c128 at Cin = 256 in clocks of an SM: 36864 tensor cores, 34304 L2 at 32 B/clock, 32128 shared memory;
// c64_up is bound by memory. All of this is computed, nothing measured.
// 64 channels to 128 (conv2_1) are two blocks of 64 side by side: both read a box, 24 B/clock from L2 against 12, but sums and
// weights of 128 channels leave room to stage 32 pixels only, whose 16 barriers a tile took a third of the products' time.
// Rejected: a box per tap (1.6 times the tensor cores' time at L2); weights and boxes in one ring (a box would wait for nine
// taps of weights); three boxes with four weights in c128 (weights would hold the producer back, the third box would never be
// under way).
#include "conv90_body.cuh"
#include "launch.cuh"

#define CONV90(name, ...) \
  using name##_shape = Shape<__VA_ARGS__>; \
  extern "C" __global__ void __launch_bounds__(384, 1) \
      name(const __grid_constant__ TMap x, const __grid_constant__ TMap w, const float *bias, __half *y, int H, int W, int Cin, \
           int Cout, int rep) { \
    conv90<name##_shape>({&x, &w, bias, y, H, W, Cin, Cout, rep != 0}); \
  } \
  DESCRIBE(name, name##_shape::cols, name##_shape::rows, name##_shape::channels, name##_shape::threads, name##_shape::smem)

//                       channels rows boxes weights staged
CONV90(conv90_c64,             64,  16,    3,      9,   128, RESIDENT)           // Cin = 64
CONV90(conv90_c64_pool,        64,  16,    3,      9,    64, RESIDENT | POOL)    // Cin = Cout = 64
CONV90(conv90_c128to64,        64,  16,    2,     18,    32, RESIDENT)           // Cin = 128, Cout = 64
CONV90(conv90_c128,           128,  16,    3,      6,    64, PLAIN)
CONV90(conv90_c128_pool,      128,  16,    3,      6,    64, POOL)
CONV90(conv90_c128_small,     128,   8,    3,      6,   128, PLAIN)              // for planes of few tiles
CONV90(conv90_c64_up,          64,   8,    4,     16,    64, RESIDENT | PHASES)  // Cin = Cout = 64
CONV90(conv90_c128_up,        128,  16,    3,      6,    64, UP)
