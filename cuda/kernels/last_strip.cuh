// The last layer behind an upsampled one, as far as kernels that compute both have it in common: 3x3 convolution to R'G'B' of features that
// never leave the processor, and the samples of the picture.
//
// Pairs. Behind a folded nearest upsampling the rows 2y-1 and 2y of the plane are made of the rows y-1 and y of the one before it, and so are
// columns: with pairs that begin at odd places one window of 2x2 pixels gives four pixels of the plane, `phase` 2*py + px of the weights
// that conv.cu has, row 2y-1 with py = 1. A strip is 64 pairs side by side, 128 columns, and a group of four warps walks down it.
// Sums. A product of a pair's features with 16 columns of weights is what they add to a row of the picture: 0-5 to the pair's own two
// pixels, 8-10 to the pixel on its left, 11-13 to the one on its right. What the rows 2y and 2y+1 have so far stays in registers until
// row 2y+2 has come.
// Edges. Column -1 is column 1, column 2W is column 2W-2: features are copied between threads. Row 1 adds to row 0 what row -1 would, row
// 2H-2 adds to row 2H-1 what row 2H would; those two are 0.
#pragma once
#include "at_hand.cuh"
#include "last.cuh"
#include "warp.cuh"

constexpr int strip_pairs = 64, strip_threads = 128;
constexpr int strip_columns = 2 * strip_pairs - 2;  // that have both neighbours
constexpr int strip_own = strip_columns - 2;        // of them, where chroma wants one more on the left
constexpr int strip_values = 12;                    // that a pair adds to a row

// Weight of a pair's column q and feature c, in row dy of taps, for one of the 16 columns of a product; w [32][C] as last.cu has it.
__device__ __forceinline__ __half strip_weight(const __half *w, int C, int dy, int q, int column, int c) {
  const int place = (column & 7) / 3, colour = (column & 7) % 3;
  const int to = column < 8 ? place - 1 : place ? 1 : -2;  // the pixel's column, from the second of the pair on
  const int dx = q - to;
  if (place > 1 || dx < 0 || dx > 2) return __float2half_rn(0);
  return w[(size_t)((dy * 3 + dx) * 3 + colour) * C + c];
}

struct StripMemory {
  float values[2][strip_pairs * strip_values];  // of two rows
  LastChroma chroma[4][strip_columns];          // of four rows from a multiple of 4 on
};

struct StripPicture {
  const Frame &dst, &src;
  const Lookup &table;
  const float *bias;
  int preserve_color;
};

// Where a strip lies. Its first column is 2 * pair, and the pair before that one is there for its neighbour's sake.
struct Strip {
  int pair, first, own;  // columns first to first + own - 1 are its own
  int top, steps;        // rows 2*y-2 and 2*y-1 of the picture are done behind step y = top/2 + 1, ..., top/2 + steps - 1

  // Rows `top` to top + rows - 1, of multiples of 4.
  __device__ __forceinline__ Strip(const Frame &dst, int column, int top, int rows) : top(top) {
    const bool narrow = dst.half_x && dst.cosited_x;
    own = narrow ? strip_own : strip_columns;
    first = column * own;
    pair = first / 2 - (narrow ? 1 : 0);
    steps = (min(rows, dst.height - top) + 3) / 4 * 2 + 1;
  }
};

// SYNC is a barrier of the group, whose threads are `thread` = 0 to 127. H x W is the plane in front of the upsampling.
template <class Sync> struct StripEnd {
  const StripPicture &p;
  StripMemory &memory;
  const Strip &strip;
  int H, W, thread;
  Sync sync;

  // This lane has the pairs g and g + 8 of its warp's 16.
  __device__ __forceinline__ int pair_of_lane() const { return (thread >> 5) * 16 + (thread >> 2 & 7); }

  // f[row of the pair][column of the pair][16 channels each][operand a of mma_m16n8k16]: what lies beside the plane.
  template <int K> __device__ __forceinline__ void reflect_columns(uint32_t (&f)[2][2][K][4]) const {
    const int left = -strip.pair, right = W - strip.pair;  // pairs whose first or second column does not exist
    if (left < 0 && right >= strip_pairs) return;
    uint32_t *exchange = (uint32_t *)memory.values + (thread & 3);
    static_assert(2 * 2 * K * 2 * 4 * 4 <= sizeof(memory.values), "features of two pairs");
#pragma unroll
    for (int store = 1; store >= 0; store--) {
#pragma unroll
      for (int q = 0; q < 2; q++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
          if (pair_of_lane() + h * 8 != (q ? right - store : left + store)) continue;
#pragma unroll
          for (int row = 0; row < 2; row++)
#pragma unroll
            for (int k = 0; k < K; k++)
#pragma unroll
              for (int i = 0; i < 2; i++) {
                uint32_t *at = exchange + (((q * 2 + row) * K + k) * 2 + i) * 4;
                if (store)
                  *at = f[row][q][k][h + 2 * i];
                else
                  f[row][q][k][h + 2 * i] = *at;
              }
        }
      sync();
    }
  }

  // Sums of one row of the plane, sums[8 columns each] as mma has its results, for whoever adds them up.
  __device__ __forceinline__ void put(int row, const float (&sums)[2][4]) const {
    const int t = thread & 3;
    if (t == 3) return;
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int j = 0; j < 2; j++) {
        float *to = memory.values[row] + (pair_of_lane() + h * 8) * strip_values + j * 6 + t * 2;
        to[0] = sums[j][2 * h];
        to[1] = sums[j][2 * h + 1];
      }
  }

  // Column 2 * pair + thread, which is the second of its pair if even.
  __device__ __forceinline__ Colour colour(const StripPicture &p, int row) const {
    const int odd = thread & 1, own = (thread + odd) >> 1;
    const float *a = memory.values[row] + own * strip_values + (odd ? 0 : 3), *b = a + (odd ? -strip_values + 9 : strip_values + 3);
    Colour c = {__saturatef(p.bias[0] + a[0] + b[0]), __saturatef(p.bias[1] + a[1] + b[1]), __saturatef(p.bias[2] + a[2] + b[2])};
    lookup(p.table, c.r, c.g, c.b);
    return c;
  }

  template <class Word> __device__ __forceinline__ void write(const StripPicture &p, const Colour &c, int y, int x) const {
    const Frame &dst = p.dst;
    const bool exists = x >= strip.first && x < strip.first + strip.own && x < dst.width && y < dst.height;
    if (sizeof(Word) == 4 || !dst.half_x) {
      if (exists) last_pixel<Word>(dst, p.src, c, y, x, p.preserve_color);
      return;
    }
    if (exists) frame_put_sample<Word>(dst, dst.channel[0], y, x, pixel_sample(dst, last_row(dst.from_rgb[0], c)));
    memory.chroma[y & 3][thread] = last_chroma_of(dst, c);
  }

  // The chroma of four rows from y on.
  template <class Word> __device__ __forceinline__ void write_chroma(const StripPicture &p, int y) const {
    const Frame &dst = p.dst;
    const auto at = [&](int row, int x) { return memory.chroma[row & 3][x - 2 * strip.pair]; };
    for (int i = thread; i < 4 >> dst.half_y << 6; i += strip_threads) {
      const int cy = (y >> dst.half_y) + (i >> 6), cx = strip.first / 2 + (i & 63);
      if ((i & 63) < strip.own / 2 && cy < (dst.height + dst.half_y) >> dst.half_y && cx < (dst.width + 1) >> 1)
        last_chroma<Word>(dst, p.src, at, cy, cx, p.preserve_color);
    }
  }

  // The picture, whose numbers are read where they are wanted: read once for all steps they would be too many for the registers.
  __device__ __forceinline__ StripPicture picture() const { return {*at_hand(&p.dst), *at_hand(&p.src), *at_hand(&p.table), p.bias, p.preserve_color}; }

  // Writes rows y and y + 1, y even, whose sums have been put. All threads of the group call it; then the sums may be put again.
  __device__ __forceinline__ void finish(int y) const {
    sync();
    if (thread < strip_columns) {
#pragma unroll 1
      for (int row = 0; row < 2; row++) {
        const StripPicture now = picture();
        const Colour c = colour(now, row);
        frame_with_word(now.dst, [&](auto word) { write<decltype(word)>(now, c, y + row, 2 * strip.pair + thread); });
      }
    }
    sync();
    if (!p.dst.half_x || !(y & 2)) return;
    const StripPicture now = picture();
    frame_with_word(now.dst, [&](auto word) {
      if constexpr (sizeof(word) < 4) write_chroma<decltype(word)>(now, y - 2);
    });
  }
};
