// The first two layers in one: a picture of any format to relu1_2, pooled, for sm_90a and 64 channels. Arithmetic is that of first.cu and of
// conv90_c64_pool, to the bit; relu1_1, 128 bytes a pixel written and read by the two, never leaves the processor.
//
//   src, table, w1 [64][32], bias1   as first.cu has them
//   w     tensor map of [9][64][64] as conv90.cu has it
//   bias  float [64]
//   y     [(H+1)/2+2][(W+1)/2+2][64] of a picture of H x W, halo reflected
//   Grid: any number of blocks, best one per SM and not more than tiles
//
// Roles. Warps 8 to 11 compute relu1_1 of a tile of 16x16 pixels and a border, 18x18, by mma.sync, half of it into registers, 48 of two
// halves a thread, the rest into shared memory. They store it three times into the ring of boxes, for the taps of each column, by
// stmatrix in the swizzle that wgmma wants, and go on to the next tile while warps 0 to 3 and 4 to 7 multiply in turn as in
// conv90.cu. What they store is ordered before wgmma, which sees memory through another proxy, by a fence in each thread and the
// box's barrier.
// Registers. 168 for everybody: what setmaxnreg would take from the producer it needs.
// Bound, per tile and clocks of an SM: 4608 tensor cores; shared memory 80 B/clock for operands and 24 for boxes, of 128; a warp of
// the producer issues about 1,700 instructions, of 4608 that its scheduler has. A box is free for 3072 clocks before it is
// wanted. All of this is computed, nothing measured.
// Rejected: one box with border for all taps, for which operands must begin within the swizzle's pattern (selftest90.cu asks);
// relu1_1 computed for each column of taps (three times the instructions); 8 rows a tile with six boxes (shared memory 123 of
// 128 B/clock).
#include "conv90_body.cuh"
#include "first.cuh"
#include "launch.cuh"

using FirstShape = Shape<64, 16, 3, 9, 64, RESIDENT | POOL>;

namespace conv90_first_parts {

constexpr int side = 18, patch = side + 2;         // pixels of relu1_1, and of the picture, that a tile needs
constexpr int pixels = side * side, warps = 4, blocks = (pixels + 15) / 16, per_warp = (blocks + warps - 1) / warps;  // of 16 pixels
constexpr int kept = 3;  // of a warp's blocks in registers, the others in shared memory: more of them spilled
static_assert(blocks == warps * (per_warp - 1) + 1, "only warp 0 has a last block");
constexpr int producers = warps * 32, barrier = 3;

// Behind what FirstShape has in shared memory: weights and bias of the first layer, the picture's pixels, the blocks that are
// not kept, and a place for pixels that are not of the box.
constexpr int weights_at = (FirstShape::smem + 127) / 128 * 128, bias_at = weights_at + 64 * 64, patch_at = bias_at + 64 * 4;
constexpr int parked_at = (patch_at + patch * patch * 6 + 127) / 128 * 128, nowhere_at = parked_at + (blocks - warps * kept) * 16 * 128;
constexpr int smem = nowhere_at + producers * 16;
static_assert(smem <= 227 * 1024, "more than a block can have");

struct Picture {
  const Frame &src;
  const Lookup &table;
  const __half *w;
  const float *bias;
};

struct Producer {
  const Shared<FirstShape> &sm;
  const Picture &p;
  const int thread = threadIdx.x - 256;
  uint32_t v[kept][16];  // of block warp + 4 * b: [2 * group of 8 channels + half of the 16 pixels]

  __device__ __forceinline__ int warp() const { return thread >> 5; }
  __device__ __forceinline__ int lane() const { return thread & 31; }

  __device__ __forceinline__ Producer(const Shared<FirstShape> &sm, const Picture &p) : sm(sm), p(p) {}

  // Weights as rows of 64 bytes, pieces swizzled.
  __device__ __forceinline__ void load() const {
    for (int i = thread; i < 64 * 4; i += producers)
      *(uint4 *)(sm.base + weights_at + swizzled<4>(i >> 2, i & 3)) = __ldg((const uint4 *)p.w + i);
    if (thread < 64) ((float *)(sm.base + bias_at))[thread] = __ldg(p.bias + thread);
  }

  __device__ __forceinline__ const __half *pixel(const Tile &t, int i) const {
    i = min(i, pixels - 1);
    const int y = first_reflect(t.y - 1 + i / side, p.src.height) - t.y + 1, x = first_reflect(t.x - 1 + i % side, p.src.width) - t.x + 1;
    return (const __half *)(sm.base + patch_at) + (y * patch + x) * 3;
  }

  // This lane's row of the matrices of a parked block, channels from 16 * j on.
  __device__ __forceinline__ unsigned char *place(int b, int j) const {
    const int slot = (b - kept) * warps + warp();
    const int row = slot * 16 + (lane() >> 3 & 1) * 8 + (lane() & 7), piece = 2 * j + (lane() >> 4);
    return sm.base + parked_at + row * 128 + ((piece ^ lane() & 7) << 4);
  }

  // v, and what is parked, = relu1_1 of the tile.
  __device__ __forceinline__ void compute(const Tile &t) {
    // As in first.cu: where this lane's eight values of k lie behind a pixel's first, a byte each.
    uint32_t offsets[2] = {0, 0};
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int k = min((i >> 1) * 8 + (lane() & 3) * 2 + (i & 1), 26);
      offsets[i >> 2] |= (uint32_t)(k / 9 * (patch * 3) + k % 9) << (i & 3) * 8;
    }
    const auto offset = [&](int i) { return offsets[i >> 2] >> (i & 3) * 8 & 255; };
    const unsigned char *weights = sm.base + weights_at + swizzled<4>(lane() & 7, lane() >> 3);
    const float *bias = (const float *)(sm.base + bias_at) + (lane() & 3) * 2;
#pragma unroll
    for (int b = 0; b < per_warp; b++) {
      const int block = at_hand(warp()) + b * warps;
      if (block >= blocks) break;
      uint32_t pair[2][2];
      const __half *upper = pixel(t, block * 16 + (lane() >> 2)), *lower = pixel(t, block * 16 + 8 + (lane() >> 2));
      uint32_t a[2][4];
#pragma unroll
      for (int half = 0; half < 2; half++)
#pragma unroll
        for (int k = 0; k < 2; k++) {
          const int low = offset(half * 4 + k * 2), high = offset(half * 4 + k * 2 + 1);
          a[half][k * 2] = first_pair(upper[low], upper[high]);
          a[half][k * 2 + 1] = first_pair(lower[low], lower[high]);
        }
#pragma unroll
      for (int j = 0; j < 8; j++) {
        uint32_t w[4];
        ldmatrix_x4(w, weights + j * (8 * 64));
        const float b0 = bias[j * 8], b1 = bias[j * 8 + 1];
        float d[4] = {b0, b1, b0, b1};
        mma_m16n8k16(d, a[0], {w[0], w[1]});
        mma_m16n8k16(d, a[1], {w[2], w[3]});
        uint32_t *to = b < kept ? &v[b < kept ? b : 0][2 * j] : &pair[j & 1][0];
        to[0] = at_hand((int)relu_pair(d[0], d[1]));
        to[1] = at_hand((int)relu_pair(d[2], d[3]));
        __syncwarp();  // an order for the assembler, which else reads all operands first and spills
        if (b >= kept && j & 1) stmatrix_x4(place(b, j / 2), {pair[0][0], pair[0][1], pair[1][0], pair[1][1]});
      }
      at_hand();
    }
  }

  // Stores the columns dx, dx + 1, ..., dx + 15 into a box.
  __device__ __forceinline__ void store(unsigned char *box, int dx) const {
    const int matrix = lane() >> 3;  // 8 pixels from 8 * (matrix & 1) on, 8 channels from 8 * (matrix >> 1) on
#pragma unroll
    for (int b = 0; b < per_warp; b++) {
      const int block = at_hand(warp()) + b * warps;
      if (block >= blocks) break;
      const int i = block * 16 + (matrix & 1) * 8 + (lane() & 7), col = i % side - dx, row = i / side;
      const bool inside = i < pixels && col >= 0 && col < FirstShape::cols;
      unsigned char *at = inside ? box + (row * FirstShape::cols + col) * 128 : sm.base + nowhere_at + thread * 16;
      const int first = inside ? (matrix >> 1 ^ col & 7) << 4 : 0, step = inside ? 32 : 0;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        uint32_t r[4];
        if (b >= kept) ldmatrix_x4(r, place(b, j));
#pragma unroll
        for (int m = 0; m < 4; m++)
          if (b < kept) r[m] = v[b < kept ? b : 0][4 * j + m];
        stmatrix_x4(at + (first ^ j * step), r);
      }
    }
  }

  __device__ __forceinline__ void produce(const Tiles<FirstShape> &tiles, const Problem &problem) {
    load();
    if (thread == 0) {
      tma_prefetch(problem.w);
      for (int slot = 0; slot < 9; slot++) load_weights<FirstShape>(sm, problem, slot, 0, slot % 3 * 3 + slot / 3, 0);
    }
    Ring<FirstShape::boxes> box;
    for (int i = blockIdx.x; i < tiles.count; i += gridDim.x) {
      const Tile t = tiles[i];
      named_bar(barrier, producers);  // everyone is through with the pixels of the tile before
      const Frame &src = *at_hand(&p.src);  // else its numbers are read once, before all tiles, and spill
      const Lookup &table = *at_hand(&p.table);
      frame_with_word(src, [&](auto word) {
        first_convert<decltype(word), patch, producers>(src, table, (__half *)(sm.base + patch_at), t.y - 2, t.x - 2, thread);
      });
      named_bar(barrier, producers);
      compute(t);
#pragma unroll 1
      for (int dx = 0; dx < 3; dx++, box.next()) {
        mbar_wait(sm.box_empty(box.slot), box.parity ^ 1);
        store(sm.box(box.slot), dx);
        fence_async_proxy();
        __syncwarp();
        if (lane() == 0) mbar_arrive(sm.box_full(box.slot));
      }
    }
  }
};

}  // namespace conv90_first_parts

extern "C" __global__ void __launch_bounds__(384, 1)
    conv90_first_pool(const __grid_constant__ Frame src, const __grid_constant__ Lookup table, const __half *w1, const float *bias1, const __grid_constant__ TMap w, const float *bias,
                      __half *y) {
  using namespace conv90_first_parts;
  DYN_SMEM_SWIZZLED(base);
  require_swizzle_base(base);
  const Shared<FirstShape> sm{base};
  const Tiles<FirstShape> tiles(src.height, src.width, 64);
  const Problem problem{nullptr, &w, bias, y, src.height, src.width, 64, 64, false};
  if (threadIdx.x == 0) sm.init_barriers(warps);
  __syncthreads();
  if (threadIdx.x >= 256) {
    const Picture picture{src, table, w1, bias1};
    Producer(sm, picture).produce(tiles, problem);
  } else {
    consume<FirstShape>(sm, tiles, problem);
  }
}
DESCRIBE(conv90_first_pool, FirstShape::cols, FirstShape::rows, FirstShape::channels, FirstShape::threads, conv90_first_parts::smem)
