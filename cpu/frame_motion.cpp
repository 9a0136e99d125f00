#include "frame_motion.h"

#include <algorithm>
#include <cstdlib>

namespace adain {

namespace {

constexpr int kCell = 4, kUnit = 16;
constexpr int kBorder = 24, kBefore = 16, kBehind = 8;  // of a level; how far a patch may begin in front of it and behind its end
constexpr int kSteps = 4, kFarthest = 64;
constexpr int64_t kFirmness = 1 << 18, kRest = 1 << 17;
constexpr int kRows = 16;                           // of a chunk

// n/d rounded, halves away from zero.
int64_t quotient(int64_t n, int64_t d) { return n < 0 ? -((-2 * n + d) / (2 * d)) : (2 * n + d) / (2 * d); }

}  // namespace

Motion::Level::Level(int cols, int rows)
    : cols(cols), rows(rows), pitch((size_t(cols) + 2 * kBorder + 63) / 64 * 64), memory(allocate(pitch * (size_t(rows) + 2 * kBorder) + 64)) {}

uint8_t *Motion::Level::at(int x, int y) const {
  return reinterpret_cast<uint8_t *>(memory.get()) + size_t(y + kBorder) * pitch + size_t(x + kBorder);
}

void Motion::Level::finish_row(int y) const {
  std::memset(at(-kBorder, y), *at(0, y), kBorder);
  std::memset(at(cols, y), *at(cols - 1, y), kBorder);
  for (int k = 1; k <= kBorder; k++) {
    if (y == 0) std::memcpy(at(-kBorder, -k), at(-kBorder, 0), pitch);
    if (y == rows - 1) std::memcpy(at(-kBorder, y + k), at(-kBorder, y), pitch);
  }
}

Motion::Field::Field(const Level &level)
    : cols(level.cells_across()), rows(level.cells_down()), found(size_t(cols) * rows), settled(found), cost(found.size()) {}

Motion::Vector Motion::Field::at(const std::vector<Vector> &from, int x, int y) const {
  return from[size_t(std::clamp(y, 0, rows - 1)) * cols + std::clamp(x, 0, cols - 1)];
}

Motion::Step::Step(Motion &motion, Work work, int level)
    : motion_(motion), work_(work), level_(level), down_(1, 1) {
  const Level &l = motion.levels_[0][level];
  const int rows = work == Work::light || work == Work::halve ? l.rows : l.cells_down();
  down_ = Division(rows, std::max(1, rows * kCell / kRows));
}

int Motion::Step::chunks() const {
  const bool both = (work_ == Work::search || work_ == Work::settle) && motion_.searched(level_, 1);
  return both ? 2 * down_.count : down_.count;
}

void Motion::Step::run(int chunk, int) {
  const int direction = chunk / down_.count, part = chunk % down_.count;
  if ((work_ == Work::search || work_ == Work::settle) && !motion_.follows()) return;
  for (int y = down_.begin(part); y < down_.begin(part) + down_.size(part); y++) switch (work_) {
      case Work::light: motion_.light(y); break;
      case Work::halve: motion_.halve(level_, y); break;
      case Work::search: motion_.search(level_, direction, y); break;
      case Work::settle: motion_.settle(level_, direction, y); break;
      case Work::check: motion_.check(y); break;
    }
}

Motion::Motion(const adain_cpu_image &form, int shift) : shift_(shift) {
  const int side = 1 << shift;
  for (auto &levels : levels_) {
    levels.emplace_back((form.width + side - 1) / side, (form.height + side - 1) / side);
    while (std::min(levels.back().cols, levels.back().rows) >= 32)
      levels.emplace_back((levels.back().cols + 1) / 2, (levels.back().rows + 1) / 2);
  }
  for (const Level &l : levels_[0])
    for (auto &fields : fields_) fields.emplace_back(l);
  cells_.resize(fields_[0][0].found.size());
  keep_.reserve(levels_[0].size());
  follow_.reserve(2 * levels_[0].size() + 1);
  for (int l = 0; l <= last(); l++) keep_.emplace_back(*this, l == 0 ? Work::light : Work::halve, l);
  for (int l = last(); l >= 0; l--) {
    follow_.emplace_back(*this, Work::search, l);
    follow_.emplace_back(*this, Work::settle, l);
  }
  follow_.emplace_back(*this, Work::check, 0);
}

void Motion::add(std::vector<Stage *> &stages, const Picture &src, bool follows, const Smoothing &before) {
  now_ = 1 - now_;
  src_ = src;
  follows_ = follows;
  before_ = &before;
  for (Step &s : keep_) stages.push_back(&s);
  if (follows)
    for (Step &s : follow_) stages.push_back(&s);
  else
    stages.push_back(&follow_.back());
}

void Motion::light(int y) const {
  const Level &to = levels_[now_][0];
  const adain_cpu_image &form = src_.form;
  const int side = 1 << shift_, begin = y * side, rows = std::min(side, form.height - begin);
  auto sum = reinterpret_cast<uint32_t *>(scratch(Scratch::lines, 4 * size_t(to.cols)));
  std::fill_n(sum, to.cols, 0);
  for (int c = 0; c < (is_rgb(form) ? 3 : 1); c++)
    for (int j = 0; j < rows; j++)
      motion_kernels().light(src_.bytes(c, begin + j), form.width, is_rgb(form) ? 1 + c % 2 : 4, shift_, sum);
  uint8_t *out = to.at(0, y);
  for (int x = 0; x < to.cols; x++) {
    const uint32_t four = 4 * uint32_t(rows) * uint32_t(std::min(side, form.width - x * side));
    out[x] = uint8_t((sum[x] + four / 2) / four);
  }
  to.finish_row(y);
}

void Motion::halve(int level, int y) const {
  const Level &from = levels_[now_][level - 1], &to = levels_[now_][level];
  motion_kernels().halve(from.at(0, 2 * y), from.at(0, 2 * y + 1), from.cols, to.at(0, y));
  to.finish_row(y);
}

// v, but that the patch of a cell begins at most so far outside.
Motion::Vector Motion::limited(const Level &in, int x, int y, Vector v) {
  auto limit = [](int begin, int side, int by) {
    return std::clamp(begin * kUnit + by, -kBefore * kUnit, (side + kBehind) * kUnit) - begin * kUnit;
  };
  return {limit(x, in.cols, v.x), limit(y, in.rows, v.y)};
}

void Motion::match(const Level &in, const MotionPatch &patch, int x, int y, Vector v, MotionMatch *out) {
  const int px = x * kUnit + v.x, py = y * kUnit + v.y;
  motion_kernels().match(&patch, in.at(px >> 4, py >> 4), ptrdiff_t(in.pitch), px & 15, py & 15, out);
}

void Motion::search(int level, int direction, int y) {
  const Level &of = levels_[direction == 0 ? now_ : 1 - now_][level], &in = levels_[direction == 0 ? 1 - now_ : now_][level];
  Field &field = fields_[direction][level];
  const Field *coarse = level < last() ? &fields_[direction][level + 1] : nullptr;
  MotionPatch patch;
  for (int x = 0; x < field.cols; x++) {
    const int px = kCell * x - 2, py = kCell * y - 2;
    motion_kernels().patch(of.at(px, py), ptrdiff_t(of.pitch), &patch);
    Vector best{0, 0};
    MotionMatch least, other;
    match(in, patch, px, py, best, &least);
    const int64_t still = least.cost;
    if (coarse) {
      const int dx = x % 2 ? 1 : -1, dy = y % 2 ? 1 : -1;
      for (const Vector o : {Vector{0, 0}, Vector{dx, 0}, Vector{0, dy}, Vector{dx, dy}}) {
        const Vector c = coarse->at(coarse->settled, x / 2 + o.x, y / 2 + o.y), v = limited(in, px, py, {2 * c.x, 2 * c.y});
        if (v == best) continue;
        match(in, patch, px, py, v, &other);
        if (other.cost < least.cost) least = other, best = v;
      }
    }
    const int64_t xx = patch.xx + kFirmness, yy = patch.yy + kFirmness, determinant = xx * yy - patch.xy * patch.xy;
    for (int k = 0; k < kSteps; k++) {
      const int64_t dx = quotient(2 * (yy * least.x - patch.xy * least.y), determinant);
      const int64_t dy = quotient(2 * (xx * least.y - patch.xy * least.x), determinant);
      const Vector v = limited(in, px, py, {best.x - int(std::clamp<int64_t>(dx, -kFarthest, kFarthest)), best.y - int(std::clamp<int64_t>(dy, -kFarthest, kFarthest))});
      if (v == best) break;
      match(in, patch, px, py, v, &other);
      if (other.cost >= least.cost) break;
      least = other;
      best = v;
    }
    if (still <= 2 * least.cost + kRest) best = {0, 0}, least.cost = still;
    field.found[size_t(y) * field.cols + x] = best;
    field.cost[size_t(y) * field.cols + x] = least.cost;
  }
}

// A cell takes the vector of a neighbour that fits it better.
void Motion::settle(int level, int direction, int y) {
  const Level &of = levels_[direction == 0 ? now_ : 1 - now_][level], &in = levels_[direction == 0 ? 1 - now_ : now_][level];
  Field &field = fields_[direction][level];
  MotionPatch patch;
  for (int x = 0; x < field.cols; x++) {
    const size_t i = size_t(y) * field.cols + x;
    const Vector own = field.found[i];
    Vector best = own;
    int64_t cost = field.cost[i];
    bool ready = false;
    for (const Vector o : {Vector{-1, 0}, Vector{1, 0}, Vector{0, -1}, Vector{0, 1}}) {
      const int px = kCell * x - 2, py = kCell * y - 2;
      const Vector v = limited(in, px, py, field.at(field.found, x + o.x, y + o.y));
      if (v == own || v == best) continue;
      if (!ready) motion_kernels().patch(of.at(px, py), ptrdiff_t(of.pitch), &patch);
      ready = true;
      MotionMatch other;
      match(in, patch, px, py, v, &other);
      if (other.cost < cost) cost = other.cost, best = v;
    }
    field.settled[i] = best;
  }
}

// What a row of cells has found, for the frame; doubtful where the way back leads elsewhere.
void Motion::check(int y) {
  const Field &there = fields_[0][0];
  const int behind = std::min(1, last());
  const Field &back = fields_[1][behind];
  Cell *out = &cells_[size_t(y) * there.cols];
  for (int x = 0; x < there.cols; x++) {
    if (!follows()) {
      out[x] = {0, 0, false};
      continue;
    }
    const Vector v = there.settled[size_t(y) * there.cols + x];
    const int px = kUnit * (kCell * x + 2) + v.x, py = kUnit * (kCell * y + 2) + v.y;
    const Vector u = back.at(back.settled, px >> (6 + behind), py >> (6 + behind));
    const int off = std::abs(v.x + u.x * (1 << behind)) + std::abs(v.y + u.y * (1 << behind));
    out[x] = {v.x * (1 << shift_), v.y * (1 << shift_), off > 16 + (std::abs(v.x) + std::abs(v.y)) / 8};
  }
}

}  // namespace adain
