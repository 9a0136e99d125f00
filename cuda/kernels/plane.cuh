// The plane that a kernel fills: float16 [H+2][W+2][C], H x W pixels of C channels with a halo of one pixel around them, which the next
// convolution reads in place of what lies outside.
#pragma once
#include "warp.cuh"

struct HaloPlane {
  __half *data;
  int H, W, C;
  bool replicate;  // the halo repeats the outermost pixels; else it reflects: -1 is 1, H is H-2, or 0 on a side of one pixel

  __device__ __forceinline__ __half *at(int y, int x, int channel) const {
    return data + ((size_t)(y + 1) * (W + 2) + x + 1) * C + channel;
  }

  // Whether the halo copies a pixel of rows y0..y1-1 and columns x0..x1-1, or some of them do not exist. Most tiles answer no and can
  // store without asking again.
  __device__ __forceinline__ bool at_edge(int y0, int x0, int y1, int x1) const { return y0 < 2 || x0 < 2 || y1 > H - 2 || x1 > W - 2; }

  // Writes 8 channels of a pixel that may not exist, and of the halo's pixels that copy it.
  __device__ __forceinline__ void put(int y, int x, int channel, uint4 v) const {
    if (y >= H || x >= W) return;
    const int my = replicate || H == 1 ? 0 : 1, mx = replicate || W == 1 ? 0 : 1;  // index that -1 stands for
    const int rows[3] = {y, y == my ? -1 : y, y == H - 1 - my ? H : y};
    const int cols[3] = {x, x == mx ? -1 : x, x == W - 1 - mx ? W : x};
#pragma unroll
    for (int i = 0; i < 3; i++)
#pragma unroll
      for (int j = 0; j < 3; j++)
        if ((i == 0 || rows[i] != y) && (j == 0 || cols[j] != x)) *(uint4 *)at(rows[i], cols[j], channel) = v;
  }
};

// Byte offset of a 16-byte piece in a matrix in shared memory whose rows have PIECES of them (2, 4, 8, ...). The pieces of a row are
// exchanged so that one piece of any eight rows in succession lies in all 32 banks: neither ldmatrix nor a warp that writes results of
// eight pixels has to wait for banks.
template <int PIECES> __device__ __forceinline__ int swizzled(int row, int piece) {
  constexpr int rows_per_line = PIECES < 8 ? 8 / PIECES : 1, mask = PIECES < 8 ? PIECES - 1 : 7;
  return (row * PIECES + (piece ^ (row / rows_per_line & mask))) * 16;
}
