// Sizes of an instance of conv90.cu, where its parts lie in shared memory, which tiles there are, and how rings are counted.
#pragma once
#include "hopper.cuh"

// Folded upsampling comes in two kinds: with UP a tile is of one phase, with PHASES of all four.
enum Options { PLAIN = 0, RESIDENT = 1, POOL = 2, UP = 4, PHASES = 8 };

// CHANNELS (64 or 128) of COLS = 16 times ROWS pixels are a tile; BOXES and WEIGHTS are the slots of the two rings; STAGED
// pixels of the result pass through shared memory at a time.
template <int CHANNELS, int ROWS, int BOXES, int WEIGHTS, int STAGED, int OPTIONS> struct Shape {
  static constexpr bool resident = (OPTIONS & RESIDENT) != 0;  // all weights stay in shared memory
  static constexpr bool pool = (OPTIONS & POOL) != 0;
  static constexpr bool up = (OPTIONS & (UP | PHASES)) != 0;
  static constexpr bool all_phases = (OPTIONS & PHASES) != 0;
  // Warpgroups take tiles in turn. Else they share them: each has half of the channels, or all_phases, the odd or the even
  // columns.
  static constexpr bool alternate = CHANNELS == 64 && !all_phases;
  static constexpr int channels = CHANNELS, cols = 16, rows = ROWS, pixels = cols * rows;
  static constexpr int boxes = BOXES, weights = WEIGHTS, staged = STAGED;
  static constexpr int side = up && !all_phases ? 2 : 3;    // of the pixels that a tile's pixel reads
  static constexpr int phases = up && !all_phases ? 4 : 1;  // tiles that differ in their phase only
  static constexpr int sums = pixels / 2;                   // a thread's accumulators for 64 channels
  static constexpr int threads = 384;
  static constexpr int warps_per_tile = alternate ? 4 : 8;
  // Taps that warpgroup 0 is ahead where both work on one tile: that long one multiplies alone while the other stores its
  // results. More would leave the producer no slots to fill in advance.
  static constexpr int lead = boxes > 2 ? 2 : 1;

  static constexpr int row_bytes = cols * 128;              // 64 channels of a pixel are 128 bytes, the width of the swizzle
  static constexpr int box_bytes = row_bytes * (rows + side - 1);
  static constexpr int weight_bytes = channels * 128;
  static constexpr int staging_bytes = staged * 128;
  static constexpr int weights_at = boxes * box_bytes;
  static constexpr int staging_at = weights_at + weights * weight_bytes;
  static constexpr int barriers_at = staging_at + 2 * staging_bytes;
  static constexpr int barriers = 2 * boxes + 2 * weights + 2;
  static constexpr int smem = barriers_at + 8 * barriers;

  static_assert(CHANNELS == 64 || CHANNELS == 128, "a warpgroup computes 64 channels");
  static_assert(!all_phases || (CHANNELS == 64 && WEIGHTS == 16 && resident), "the weights of all phases are resident");
  static_assert(row_bytes % 1024 == 0 && weight_bytes % 1024 == 0, "the swizzle repeats every 1024 bytes");
  static_assert(pixels / (pool ? 4 : 1) % staged == 0 && staged % 16 == 0, "a pass stages whole rows of 16 pixels");
  static_assert(smem <= 227 * 1024, "more than a block can have");
};

// The parts of dynamic shared memory. A barrier "full" ends a phase when a slot's bytes have come, "empty" when its readers are
// done.
template <class S> struct Shared {
  unsigned char *base;

  __device__ __forceinline__ unsigned char *box(int slot) const { return base + slot * S::box_bytes; }
  __device__ __forceinline__ unsigned char *weight(int slot) const { return base + S::weights_at + slot * S::weight_bytes; }
  __device__ __forceinline__ unsigned char *staging(int group) const { return base + S::staging_at + group * S::staging_bytes; }
  __device__ __forceinline__ unsigned char *barrier(int i) const { return base + S::barriers_at + 8 * i; }
  __device__ __forceinline__ unsigned char *box_full(int slot) const { return barrier(slot); }
  __device__ __forceinline__ unsigned char *box_empty(int slot) const { return barrier(S::boxes + slot); }
  __device__ __forceinline__ unsigned char *weight_full(int slot) const { return barrier(2 * S::boxes + slot); }
  __device__ __forceinline__ unsigned char *weight_empty(int slot) const { return barrier(2 * S::boxes + S::weights + slot); }
  __device__ __forceinline__ unsigned char *turn(int group) const { return barrier(2 * S::boxes + 2 * S::weights + group); }

  // producers: who arrives when a box is full.
  __device__ __forceinline__ void init_barriers(int producers = 1) const {
    for (int i = 0; i < S::boxes; i++) {
      mbar_init(box_full(i), producers);
      mbar_init(box_empty(i), S::warps_per_tile);
    }
    for (int i = 0; i < S::weights; i++) {
      mbar_init(weight_full(i), 1);
      mbar_init(weight_empty(i), S::warps_per_tile);
    }
    for (int group = 0; group < 2; group++) mbar_init(turn(group), 4);
    fence_barrier_init();
  }
};

// A place in a ring of N slots: who fills waits for "empty" with parity ^ 1, which the first round passes; who reads waits for
// "full" with parity.
template <int N> struct Ring {
  int slot = 0, parity = 0;

  __device__ __forceinline__ void next() {
    if (++slot == N) slot = 0, parity ^= 1;
  }
  __device__ __forceinline__ void skip(int n) {
    slot += n;
    parity ^= slot / N & 1;
    slot %= N;
  }
};

struct Tile {
  int y, x;     // of its first pixel in the input plane
  int channel;  // the first of its output channels
  int phase;    // 2 * (odd output row) + (odd output column)
};

// Tiles are counted channels and phases first, then along x: blocks that run at the same time find each other's boxes in L2.
template <class S> struct Tiles {
  int across, per_place, count;

  __device__ __forceinline__ Tiles(int H, int W, int Cout)
      : across((W + S::cols - 1) / S::cols),
        per_place(Cout / S::channels * S::phases),
        count(across * ((H + S::rows - 1) / S::rows) * per_place) {}

  __device__ __forceinline__ Tile operator[](int i) const {
    const int place = i / per_place, rest = i % per_place;
    return {place / across * S::rows, place % across * S::cols, rest / S::phases * S::channels, rest % S::phases};
  }
};
