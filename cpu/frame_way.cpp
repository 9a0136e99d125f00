#include "frame_way.h"

#include <bit>
#include <cstring>

#include "engine_memory.h"

namespace adain {

namespace {

int log_of(int side) { return std::bit_width(unsigned(side)) - 1; }

// How far the middle of row y is behind that of the row of cells above, in half samples.
int behind(const Grid &grid, int y) { return (2 * y + 1 - (1 << grid.log_y)) & ((2 << grid.log_y) - 1); }

}  // namespace

Grid::Grid(const adain_cpu_image &form, int c, const Motion &motion)
    : sub_x(adain::sub_x(form, c)), sub_y(adain::sub_y(form, c)), cols(adain::cols(form, c)), rows(adain::rows(form, c)),
      log_x(log_of(motion.side()) - sub_x), log_y(log_of(motion.side()) - sub_y) {}

// Room for rows of width samples. Vectors keep theirs.
void Way::reserve(int width, int cells) {
  x_.resize(std::max(x_.size(), size_t(width) + 8));
  y_.resize(std::max(y_.size(), size_t(width) + 8));
  cells_x_.resize(std::max(cells_x_.size(), size_t(cells) + 2));
  cells_y_.resize(std::max(cells_y_.size(), size_t(cells) + 2));
  runs_.reserve(size_t(cells) + 1);
}

void Way::find(const Grid &grid, const Motion &motion, int y) {
  row_ = y;
  const int cells = motion.cells_across(), side = 1 << grid.log_x;
  const int row = grid.row_above(y), at = behind(grid, y);
  const Motion::Cells above = motion.cells(row), below = motion.cells(row + 1);
  reserve(grid.cols, cells);
  motion_kernels().mix(above.x - 1, below.x - 1, at, grid.log_y + 1, cells + 2, cells_x_.data());
  motion_kernels().mix(above.y - 1, below.y - 1, at, grid.log_y + 1, cells + 2, cells_y_.data());
  runs_.clear();
  for (int cell = 0; cell <= cells; cell++) {
    const int begin = std::max(0, cell * side - side / 2), end = std::min(cell * side + side / 2, grid.cols);
    if (begin < end) add(grid, begin, end, cell);
  }
}

// Samples between the middles of a cell, the first of which is the repeated one, and of the next.
void Way::add(const Grid &grid, int begin, int end, int cell) {
  const int32_t *x = &cells_x_[size_t(cell)], *y = &cells_y_[size_t(cell)];
  const int n = end - begin;
  if (x[0] == x[1] && y[0] == y[1]) {
    const int px = (x[0] + (2 << grid.sub_x)) >> (2 + grid.sub_x), py = (y[0] + (2 << grid.sub_y)) >> (2 + grid.sub_y);
    const int u = begin + (px >> 4), v = row_ + (py >> 4);
    const bool rests = px == 0 && py == 0;
    if (rests || (u >= 1 && v >= 1 && u + n + 2 <= grid.cols && v + 3 <= grid.rows)) {
      Run *last = runs_.empty() ? nullptr : &runs_.back();
      if (last && last->kind != Run::bends && last->x == px && last->y == py)
        last->end = end;
      else
        runs_.push_back({begin, end, rests ? Run::rests : Run::moves, px, py});
      return;
    }
  }
  const int first = 2 * begin + 1 - ((2 * cell - 1) << grid.log_x);
  motion_kernels().spread(x, grid.log_x, 2 + grid.sub_x, first, n, &x_[size_t(begin)]);
  motion_kernels().spread(y, grid.log_x, 2 + grid.sub_y, first, n, &y_[size_t(begin)]);
  for (int i = begin; i < end; i++) {
    x_[size_t(i)] += 16 * i;
    y_[size_t(i)] += 16 * row_;
  }
  if (!runs_.empty() && runs_.back().kind == Run::bends)
    runs_.back().end = end;
  else
    runs_.push_back({begin, end, Run::bends, 0, 0});
}

template <class Sample>
void Way::take(const Picture &from, int c, bool cubic, Sample *out) const {
  const FollowKernels<Sample> &k = follow_kernels<Sample>();
  const ptrdiff_t pitch = ptrdiff_t(from.pitch[c] / sizeof(Sample));
  const int largest = (1 << from.form.depth) - 1;
  for (const Run &run : runs_) {
    const int n = run.end - run.begin;
    if (run.kind == Run::rests) {
      std::memcpy(out + run.begin, from.row<Sample>(c, row_) + run.begin, size_t(n) * sizeof(Sample));
    } else if (run.kind == Run::moves) {
      const Sample *at = from.row<Sample>(c, row_ + (run.y >> 4)) + run.begin + (run.x >> 4);
      (cubic ? k.cubic : k.bilinear)(at, pitch, n, run.x & 15, run.y & 15, largest, out + run.begin);
    } else {
      (cubic ? k.cubic_at : k.bilinear_at)(from.row<Sample>(c, 0), pitch, cols(from.form, c), rows(from.form, c), &x_[size_t(run.begin)],
                                           &y_[size_t(run.begin)], n, largest, out + run.begin);
    }
  }
}

template void Way::take(const Picture &, int, bool, uint8_t *) const;
template void Way::take(const Picture &, int, bool, uint16_t *) const;

const int32_t *spread_row(const Grid &grid, const int32_t *above, const int32_t *below, int y, int cells) {
  auto between = reinterpret_cast<int32_t *>(scratch(Scratch::channels, sizeof(int32_t) * (size_t(cells) + 2 + size_t(grid.cols) + 8)));
  int32_t *out = between + cells + 2;
  motion_kernels().mix(above - 1, below - 1, behind(grid, y), grid.log_y + 1, cells + 2, between);
  motion_kernels().spread(between, grid.log_x, 0, (1 << grid.log_x) + 1, grid.cols, out);
  return out;
}

}  // namespace adain
