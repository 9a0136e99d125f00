// Shapes of conv.cu's instances, and how pixels and weights come into shared memory.
#pragma once
#include "plane.cuh"
#include "warp.cuh"

enum ConvKind { CONV_PLAIN, CONV_POOL, CONV_UP, CONV_BILINEAR };

template <int CHANNELS, ConvKind KIND> struct ConvShape {
  static constexpr bool pool = KIND == CONV_POOL, up = KIND == CONV_UP || KIND == CONV_BILINEAR;
  static constexpr int channels = CHANNELS;
  static constexpr int threads = 128;
  static constexpr int warps_n = CHANNELS > 64 ? 2 : 1, warps_m = 4 / warps_n;
  static constexpr int m = 4;                        // a warp's blocks of 16 pixels: a row of the tile each
  static constexpr int n = CHANNELS / warps_n / 16;  // and of 16 channels
  static constexpr int cols = 16, rows = m * warps_m;
  static constexpr int side = KIND == CONV_UP ? 2 : 3, taps = side * side;

  static constexpr int row_bytes = 64;  // of a pixel or an output channel in shared memory: 32 input channels
  static constexpr int pitch = 18;      // pixels from one row of the patch to the next; even, see ConvLoader
  static constexpr int patch_pixels = (rows + side - 1) * pitch;
  static constexpr int patch_bytes = patch_pixels * row_bytes;
  static constexpr int parts = (patch_pixels * 4 + threads - 1) / threads;  // of a patch: one 16-byte piece per thread
  static constexpr int weight_bytes = CHANNELS * row_bytes;
  static constexpr int slots = 3;

  // A copy is complete slots - 1 steps after its issue, so the next patch has to be issued in the first `spread` steps of a patch.
  static constexpr int spread = taps - slots + 2;
  static constexpr int parts_per_step = (parts + spread - 1) / spread;

  static constexpr int weights_at = 2 * patch_bytes;
  static constexpr int smem = weights_at + slots * weight_bytes;

  static_assert(rows % 2 == 0 && cols % 2 == 0, "a pooled pixel lies within a tile");
  static_assert(cols + side - 1 <= pitch && pitch % 2 == 0, "see ConvLoader");
  static_assert(channels * rows * cols * 2 <= smem, "the results pass through the same memory");
};

struct ConvProblem {
  const __half *x, *w;
  const float *bias;
  __half *y;
  int H, W, Cin, Cout;
  bool replicate;
};

// Issues the copies of one block. A patch is the pixels that a tile needs for all taps, 32 of their channels. It is swizzled by its
// columns: as the pitch is even, eight pixels in a row lie in all banks wherever they begin, and a tap is a plain shift.
template <class S> struct ConvLoader {
  unsigned char *smem;
  const ConvProblem &p;
  const int row, col;      // of the patch's first pixel in the plane with halo
  const size_t tap_size;   // weights of a tap
  const __half *weights;   // this thread's first piece of the next step's
  int tap = 0, first = 0;  // the next step's tap and first of 32 input channels
  int slot = 0;            // and where its weights go

  __device__ __forceinline__ ConvLoader(unsigned char *smem, const ConvProblem &p, int row, int col, int phase, int channel)
      : smem(smem), p(p), row(row), col(col), tap_size((size_t)p.Cout * p.Cin),
        weights(p.w + phase * S::taps * tap_size + (size_t)(channel + (threadIdx.x >> 2)) * p.Cin + (threadIdx.x & 3) * 8) {}

  // One part of the patch for input channels from c on.
  __device__ __forceinline__ void patch(int buffer, int c, int part) const {
    const int pixel = part * (S::threads / 4) + (threadIdx.x >> 2), piece = threadIdx.x & 3;
    if (pixel >= S::patch_pixels) return;
    const int dy = pixel / S::pitch, dx = pixel % S::pitch;
    const int channel = c + piece * 8;
    const __half *from = p.x + ((size_t)(row + dy) * (p.W + 2) + col + dx) * p.Cin + channel;
    unsigned char *to = smem + buffer * S::patch_bytes + dy * (S::pitch * S::row_bytes) + swizzled<4>(dx, piece);
    const bool exists = row + dy < p.H + 2 && col + dx < p.W + 2 && channel < p.Cin;
    cp_async16_zfill(to, exists ? from : p.x, exists);
  }

  // The weights of the next step, if there is one. What lies behind the last input channel is not copied and not used.
  __device__ __forceinline__ void step() {
    if (first >= p.Cin) return;
    const int piece = threadIdx.x & 3;
    if (first + piece * 8 < p.Cin) {
      unsigned char *to = smem + S::weights_at + slot * S::weight_bytes;
      const __half *from = weights;
#pragma unroll
      for (int i = 0; i < S::channels; i += S::threads / 4, from += S::threads / 4 * p.Cin) {
        int n = i + (threadIdx.x >> 2);
        if (n >= S::channels) break;
        cp_async16(to + swizzled<4>(n, piece), from);
      }
    }
    slot = slot + 1 == S::slots ? 0 : slot + 1;
    weights += tap_size;
    if (++tap == S::taps) {
      tap = 0, first += 32;
      weights += 32 - S::taps * (long long)tap_size;
    }
  }
};
