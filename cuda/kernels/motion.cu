// Where the cells of a frame were in the frame before: the search, the relaxation and the doubts of model/motion.go, in whole numbers as they
// stand there. In the order of launches:
//
//   motion_light   level 0 of a frame: src becomes width x height luminances, smaller by 2^shift. Grid: (tiles of pixels)
//   motion_halve   a level, width x height, becomes the next. Grid: (tiles of the next's pixels)
//   From the last level to the first, with both directions where the grid has two rows: 0 is from the frame to the one before, 1 the way back
//   motion_search  cells find their vectors, beginning with those of the level behind; coarse is 0 where there is none. Grid: (tiles of cells, directions)
//   motion_settle  a cell takes a neighbour's vector that fits better. Grid as before
//   motion_relax   all passes of relaxing. Grid: (tiles of 16x16 cells, directions)
//   motion_rest    on level 0: costs of what was found, and slow cells rest. Grid: (tiles of cells, directions)
//   Then, with the fields of level 0 and of the level whose way back counts, which may be the same
//   motion_cells   int4 [cells of level 0] {x, y, doubt, 0}: 64ths of a pixel of the frame; 0 without follows. Grid: (tiles of 16x16 cells)
//   motion_keep    the levels become those of the frame before, so many pieces of 16 bytes. Grid: (tiles of pieces)
//
// Levels are bytes [H][W], each behind the one before. A field has 48 bytes for each cell of its level and direction: struct Field.
// Bound by latency: a level has few cells, and each compares 15 patches of 64 pixels, one after the other. Eight lanes share a cell, a row of the
// patch each, which stays in registers. No branch depends on what is found, so that whole warps exchange sums; a comparison too many changes
// nothing, as only a smaller cost is taken.
// Rejected: a thread for each cell (an eighth of the warps, each eight times as long); patches in shared memory (rows are read once); one kernel
// for all small levels (blocks would have to wait for each other).
#include "launch.cuh"
#include "pixel.cuh"

constexpr int motion_threads = 128, motion_lanes = 8, motion_cells_w = motion_threads / motion_lanes;
constexpr int motion_tile = 16, motion_passes = 4, motion_loaded = motion_tile + 2 * motion_passes, motion_relaxing = motion_loaded * motion_loaded;
constexpr int motion_doubt_around = 2, motion_doubts = motion_tile + 2 * motion_doubt_around;
// Of model/motion.go.
constexpr int motion_step = 64, motion_steps = 4, motion_smooth = 2048, motion_slow = 128, motion_farthest = 1 << 17, motion_doubt = 40;
constexpr long long motion_firmness = 1 << 18, motion_at_rest = 1 << 17;

typedef long long Whole;

// n/d rounded, halves away from zero.
__device__ __forceinline__ Whole motion_quotient(Whole n, Whole d) { return n < 0 ? -((-2 * n + d) / (2 * d)) : (2 * n + d) / (2 * d); }

__device__ __forceinline__ int motion_limit(int v, int least, int most) { return min(max(v, least), most); }

struct Level {
  const unsigned char *first;
  int width, height;

  // Beyond the edge that of the edge.
  __device__ __forceinline__ int at(int y, int x) const {
    return __ldg(first + (size_t)motion_limit(y, 0, height - 1) * width + motion_limit(x, 0, width - 1));
  }
};

// What is known of the cells of a level in one direction. Vectors are in sixteenths of the level's pixels, relaxed in 256ths.
struct Field {
  int width, height;
  int4 *slopes;  // xx, xy, yy >> 12 of the patch, and on level 0 whether the cell rests
  Whole *cost;
  int2 *found, *settled, *relaxed;  // found becomes what relaxing made of it, and settled on level 0 what is left of that

  __device__ __forceinline__ Field(void *base, int level_width, int level_height, int direction)
      : width((level_width + 3) / 4), height((level_height + 3) / 4) {
    const size_t n = (size_t)width * height;
    slopes = (int4 *)((char *)base + direction * 48 * n);
    cost = (Whole *)(slopes + n);
    found = (int2 *)(cost + n), settled = found + n, relaxed = settled + n;
  }

  __device__ __forceinline__ int index(int y, int x) const { return motion_limit(y, 0, height - 1) * width + motion_limit(x, 0, width - 1); }
};

template <class Word> __device__ __forceinline__ int motion_four(const Frame &f, int y, int x) {
  const int deeper = f.depth - 8;
  if (f.yuv) return 4 * (frame_sample<Word>(f, f.channel[0], y, x) >> deeper);
  const Pixel p = pixel_get<Word>(f, y, x);
  return (p.v[0] >> deeper) + 2 * (p.v[1] >> deeper) + (p.v[2] >> deeper);
}

extern "C" __global__ void __launch_bounds__(motion_threads) motion_light(Frame src, unsigned char *level, int width, int height, int shift) {
  const int i = blockIdx.x * motion_threads + threadIdx.x;
  if (i >= width * height) return;
  const int y = i / width << shift, x = i % width << shift;
  const int rows = min(1 << shift, src.height - y), columns = min(1 << shift, src.width - x);
  int sum = 0;
  frame_with_word(src, [&](auto word) {
    for (int v = 0; v < rows; v++)
      for (int u = 0; u < columns; u++) sum += motion_four<decltype(word)>(src, y + v, x + u);
  });
  const int four = 4 * rows * columns;
  level[i] = (unsigned char)((2 * sum + four) / (2 * four));
}
DESCRIBE(motion_light, motion_threads, 1, 1, motion_threads, 0)

extern "C" __global__ void __launch_bounds__(motion_threads) motion_halve(const unsigned char *level, unsigned char *next, int width, int height) {
  const int across = (width + 1) / 2, i = blockIdx.x * motion_threads + threadIdx.x;
  if (i >= across * ((height + 1) / 2)) return;
  const Level from{level, width, height};
  const int y = i / across * 2, x = i % across * 2;
  next[i] = (unsigned char)((from.at(y, x) + from.at(y, x + 1) + from.at(y + 1, x) + from.at(y + 1, x + 1) + 2) >> 2);
}
DESCRIBE(motion_halve, motion_threads, 1, 1, motion_threads, 0)

// Sums over the lanes of a cell, the same in all of them.
__device__ __forceinline__ int motion_sum(int v) {
#pragma unroll
  for (int lanes = motion_lanes / 2; lanes > 0; lanes /= 2) v += __shfl_xor_sync(0xffffffffu, v, lanes);
  return v;
}

// How a vector fits: C, and the slopes of it, bx and by.
struct Match {
  Whole cost, x, y;
};

// The patch of 8x8 luminances around a cell, of which a lane has a row.
struct Patch {
  int x, y, row;  // the first pixel of the patch
  int light[8], across[8], down[8];
  int sum_x, sum_y;
  Whole xx, xy, yy;

  __device__ __forceinline__ Patch(const Level &of, int cell_y, int cell_x) : x(4 * cell_x - 2), y(4 * cell_y - 2), row(threadIdx.x % motion_lanes) {
    int squares_x = 0, squares_y = 0, products = 0;
    sum_x = sum_y = 0;
    int left = of.at(y + row, x - 1), here = of.at(y + row, x);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      const int right = of.at(y + row, x + k + 1);
      light[k] = 16 * here, across[k] = right - left, down[k] = of.at(y + row + 1, x + k) - of.at(y + row - 1, x + k);
      left = here, here = right;
      sum_x += across[k], sum_y += down[k];
      squares_x += across[k] * across[k], products += across[k] * down[k], squares_y += down[k] * down[k];
    }
    sum_x = motion_sum(sum_x), sum_y = motion_sum(sum_y);
    xx = 64 * (Whole)motion_sum(squares_x) - (Whole)sum_x * sum_x;
    xy = 64 * (Whole)motion_sum(products) - (Whole)sum_x * sum_y;
    yy = 64 * (Whole)motion_sum(squares_y) - (Whole)sum_y * sum_y;
  }

  __device__ __forceinline__ Match match(const Level &in, int2 v) const {
    const int px = 16 * x + v.x, py = 16 * y + v.y, fx = px & 15, fy = py & 15, u = px >> 4, w = (py >> 4) + row;
    int sum = 0, squares = 0, sx = 0, sy = 0;
    int above = in.at(w, u), below = in.at(w + 1, u);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      const int next_above = in.at(w, u + k + 1), next_below = in.at(w + 1, u + k + 1);
      const int top = (16 - fx) * above + fx * next_above, bottom = (16 - fx) * below + fx * next_below;
      const int r = (((16 - fy) * top + fy * bottom + 8) >> 4) - light[k];
      above = next_above, below = next_below;
      sum += r, squares += r * r, sx += r * across[k], sy += r * down[k];
    }
    sum = motion_sum(sum), squares = motion_sum(squares), sx = motion_sum(sx), sy = motion_sum(sy);
    return {64 * (Whole)squares - (Whole)sum * sum, 64 * (Whole)sx - (Whole)sum * sum_x, 64 * (Whole)sy - (Whole)sum * sum_y};
  }

  // A vector that does not lead far out of a level.
  __device__ __forceinline__ int2 limited(const Level &in, int2 v) const {
    return make_int2(motion_limit(16 * x + v.x, -16 * 16, 16 * (in.width + 8)) - 16 * x,
                     motion_limit(16 * y + v.y, -16 * 16, 16 * (in.height + 8)) - 16 * y);
  }

  __device__ __forceinline__ int2 step(const Match &m) const {
    const Whole firm_x = xx + motion_firmness, firm_y = yy + motion_firmness, determinant = firm_x * firm_y - xy * xy;
    const Whole dx = motion_quotient(2 * (firm_y * m.x - xy * m.y), determinant), dy = motion_quotient(2 * (firm_x * m.y - xy * m.x), determinant);
    return make_int2((int)min(max(dx, (Whole)-motion_step), (Whole)motion_step), (int)min(max(dy, (Whole)-motion_step), (Whole)motion_step));
  }
};

// The two levels of a direction, and the cell of this lane; where there is none, the last one, whose result nobody stores.
struct Place {
  Level of, in;
  int i, y, x;
  bool stores;

  __device__ __forceinline__ Place(const unsigned char *now, const unsigned char *before, int width, int height) {
    const bool back = blockIdx.y == 1;
    of = {back ? before : now, width, height}, in = {back ? now : before, width, height};
    const int cells_w = (width + 3) / 4, cells = cells_w * ((height + 3) / 4);
    const int cell = blockIdx.x * motion_cells_w + threadIdx.x / motion_lanes;
    stores = cell < cells && threadIdx.x % motion_lanes == 0;
    i = min(cell, cells - 1), y = i / cells_w, x = i % cells_w;
  }
};

extern "C" __global__ void __launch_bounds__(motion_threads)
    motion_search(const unsigned char *now, const unsigned char *before, int width, int height, void *field, void *coarse) {
  const Place p(now, before, width, height);
  const Field f(field, width, height, blockIdx.y), behind(coarse ? coarse : field, (width + 1) / 2, (height + 1) / 2, blockIdx.y);
  const Patch patch(p.of, p.y, p.x);
  int2 best = make_int2(0, 0);
  Match least = patch.match(p.in, best);
#pragma unroll 1
  for (int k = 0; coarse && k < 4; k++) {
    const int2 c = behind.found[behind.index(p.y / 2 + (k / 2) * (2 * (p.y % 2) - 1), p.x / 2 + (k % 2) * (2 * (p.x % 2) - 1))];
    const int2 v = patch.limited(p.in, make_int2(2 * c.x, 2 * c.y));
    const Match m = patch.match(p.in, v);
    if (m.cost < least.cost) least = m, best = v;
  }
#pragma unroll 1
  for (int k = 0; k < motion_steps; k++) {
    const int2 step = patch.step(least), v = patch.limited(p.in, make_int2(best.x - step.x, best.y - step.y));
    const Match m = patch.match(p.in, v);
    if (m.cost < least.cost) least = m, best = v;
  }
  if (!p.stores) return;
  f.found[p.i] = best, f.cost[p.i] = least.cost;
  f.slopes[p.i] = make_int4((int)(patch.xx >> 12), (int)(patch.xy >> 12), (int)(patch.yy >> 12), 0);
}
DESCRIBE(motion_search, motion_cells_w, 1, 1, motion_threads, 0)

extern "C" __global__ void __launch_bounds__(motion_threads)
    motion_settle(const unsigned char *now, const unsigned char *before, int width, int height, void *field) {
  const Place p(now, before, width, height);
  const Field f(field, width, height, blockIdx.y);
  const Patch patch(p.of, p.y, p.x);
  int2 best = f.found[p.i];
  Whole cost = f.cost[p.i];
#pragma unroll 1
  for (int k = 0; k < 4; k++) {  // left, right, above, below
    const int by = 2 * (k % 2) - 1;
    const int2 v = patch.limited(p.in, f.found[f.index(p.y + (k < 2 ? 0 : by), p.x + (k < 2 ? by : 0))]);
    const Match m = patch.match(p.in, v);
    if (m.cost < cost) cost = m.cost, best = v;
  }
  if (p.stores) f.settled[p.i] = best;
}
DESCRIBE(motion_settle, motion_cells_w, 1, 1, motion_threads, 0)

// What a cell's own vector and the mean of those around agree upon.
__device__ __forceinline__ int2 motion_agreed(const int4 &slopes, int2 own, int2 mean) {
  const Whole ex = own.x - mean.x, ey = own.y - mean.y;
  const Whole px = slopes.x * ex + slopes.y * ey, py = slopes.y * ex + slopes.z * ey;
  const Whole xx = slopes.x + motion_smooth, xy = slopes.y, yy = slopes.z + motion_smooth, determinant = xx * yy - xy * xy;
  return make_int2(mean.x + (int)motion_quotient(yy * px - xy * py, determinant), mean.y + (int)motion_quotient(xx * py - xy * px, determinant));
}

// A thread has a cell of the tile or of those around it, as far as passes reach; what it makes of a cell near the edge of that is wrong, but wanted
// by none of the tile.
extern "C" __global__ void __launch_bounds__(motion_relaxing) motion_relax(int width, int height, void *field) {
  __shared__ int2 vectors[2][motion_relaxing];
  const Field f(field, width, height, blockIdx.y);
  const int tiles = (f.width + motion_tile - 1) / motion_tile, row = threadIdx.x / motion_loaded, column = threadIdx.x % motion_loaded;
  const int top = blockIdx.x / tiles * motion_tile - motion_passes, left = blockIdx.x % tiles * motion_tile - motion_passes;
  const int y = top + row, x = left + column, i = f.index(y, x);
  const int2 settled = f.settled[i], own = make_int2(16 * settled.x, 16 * settled.y);
  const int4 slopes = f.slopes[i];
  int2 now = own;
#pragma unroll 1
  for (int pass = 0; pass < motion_passes; pass++) {
    int2 *from = vectors[pass % 2];
    from[threadIdx.x] = now;
    __syncthreads();
    int sx = 0, sy = 0;
#pragma unroll
    for (int k = 0; k < 9; k++) {
      const int v = motion_limit(motion_limit(y + k / 3 - 1, 0, f.height - 1) - top, 0, motion_loaded - 1);
      const int u = motion_limit(motion_limit(x + k % 3 - 1, 0, f.width - 1) - left, 0, motion_loaded - 1);
      const int weight = k == 4 ? 0 : k % 2 ? 2 : 1;
      const int2 c = from[v * motion_loaded + u];
      sx += weight * c.x, sy += weight * c.y;
    }
    now = motion_agreed(slopes, own, make_int2((int)motion_quotient(sx, 12), (int)motion_quotient(sy, 12)));
  }
  const int inside_y = row - motion_passes, inside_x = column - motion_passes;
  if (inside_y < 0 || inside_x < 0 || inside_y >= motion_tile || inside_x >= motion_tile || y >= f.height || x >= f.width) return;
  f.relaxed[i] = now;
  const int px = 16 * (4 * x - 2), py = 16 * (4 * y - 2);  // Patch::limited
  f.found[i] = make_int2(motion_limit(px + ((now.x + 8) >> 4), -16 * 16, 16 * (width + 8)) - px,
                         motion_limit(py + ((now.y + 8) >> 4), -16 * 16, 16 * (height + 8)) - py);
}
DESCRIBE(motion_relax, motion_tile, motion_tile, 1, motion_relaxing, 0)

extern "C" __global__ void __launch_bounds__(motion_threads)
    motion_rest(const unsigned char *now, const unsigned char *before, int width, int height, void *field) {
  const Place p(now, before, width, height);
  const Field f(field, width, height, blockIdx.y);
  const Patch patch(p.of, p.y, p.x);
  const int2 r = f.relaxed[p.i];
  const Whole moving = patch.match(p.in, f.found[p.i]).cost, still = patch.match(p.in, make_int2(0, 0)).cost;
  const bool rests = abs(r.x) + abs(r.y) <= motion_slow && 2 * still <= 3 * moving + motion_at_rest;
  if (!p.stores) return;
  f.settled[p.i] = rests ? make_int2(0, 0) : f.found[p.i];
  f.slopes[p.i].w = rests;
  f.cost[p.i] = rests ? still : moving;
}
DESCRIBE(motion_rest, motion_cells_w, 1, 1, motion_threads, 0)

// Whether the way back leads elsewhere, or a cell looks another. Levels of the way back are smaller by 2^behind.
__device__ __forceinline__ int motion_doubt_of(const Field &f, const Field &back, int width, int height, int behind, int y, int x) {
  const int i = y * f.width + x;
  const int2 v = f.settled[i];
  const int px = 16 * (4 * x + 2) + v.x, py = 16 * (4 * y + 2) + v.y;
  if (px < 0 || py < 0 || px > 16 * width || py > 16 * height) return motion_doubt;
  const int2 u = (behind ? back.found : back.settled)[back.index(py >> (6 + behind), px >> (6 + behind))];
  const int off = abs(v.x + u.x * (1 << behind)) + abs(v.y + u.y * (1 << behind));
  const int astray = max(2 * (off - 8 - (abs(v.x) + abs(v.y)) / 8), 0);
  const int4 slopes = f.slopes[i];
  const Whole unlike = max((f.cost[i] >> 12) / (slopes.x + slopes.z + 1024) - 8, (Whole)0);
  return (int)min(astray + unlike, (Whole)motion_doubt);
}

extern "C" __global__ void __launch_bounds__(motion_tile * motion_tile)
    motion_cells(int width, int height, int shift, void *field, void *field_back, int behind, int follows, int4 *cells) {
  __shared__ int doubts[motion_doubts * motion_doubts];
  const Field f(field, width, height, 0), back(field_back, (width + behind) >> behind, (height + behind) >> behind, 1);
  const int tiles = (f.width + motion_tile - 1) / motion_tile;
  const int top = blockIdx.x / tiles * motion_tile, left = blockIdx.x % tiles * motion_tile;
  for (int k = threadIdx.x; k < motion_doubts * motion_doubts; k += motion_tile * motion_tile) {
    const int y = top + k / motion_doubts - motion_doubt_around, x = left + k % motion_doubts - motion_doubt_around;
    const bool exists = y >= 0 && x >= 0 && y < f.height && x < f.width;
    doubts[k] = follows && exists ? motion_doubt_of(f, back, width, height, behind, y, x) : 0;
  }
  __syncthreads();
  const int row = threadIdx.x / motion_tile, column = threadIdx.x % motion_tile, y = top + row, x = left + column;
  if (y >= f.height || x >= f.width) return;
  int most = 0;
  for (int k = 0; k < 25; k++) most = max(most, doubts[(row + k / 5) * motion_doubts + column + k % 5]);
  const int i = y * f.width + x;
  const int2 r = follows && !f.slopes[i].w ? f.relaxed[i] : make_int2(0, 0);
  cells[i] = make_int4(motion_limit((r.x * (1 << shift) + 2) >> 2, -motion_farthest, motion_farthest),
                       motion_limit((r.y * (1 << shift) + 2) >> 2, -motion_farthest, motion_farthest), most, 0);
}
DESCRIBE(motion_cells, motion_tile, motion_tile, 1, motion_tile * motion_tile, 0)

extern "C" __global__ void __launch_bounds__(motion_threads) motion_keep(const uint4 *now, uint4 *before, int pieces) {
  const int i = blockIdx.x * motion_threads + threadIdx.x;
  if (i < pieces) before[i] = now[i];
}
DESCRIBE(motion_keep, motion_threads, 1, 1, motion_threads, 0)
