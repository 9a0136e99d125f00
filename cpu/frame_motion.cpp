#include "frame_motion.h"

#include <algorithm>
#include <cstdlib>

namespace adain {

namespace {

constexpr int kCell = 4, kUnit = 16;
constexpr int kBorder = 24, kBefore = 16, kBehind = 8;  // of a level; how far a patch may begin in front of it and behind its end
constexpr int kSteps = 4, kFarthest = 64;
constexpr int64_t kFirmness = 1 << 18, kRest = 1 << 17;
constexpr int kRelaxed = 4, kSmooth = 2048, kSlow = 128, kFarthestCell = 1 << 17, kDoubt = 40;
constexpr int kRows = 16;                           // of a chunk
constexpr int kFlat = 1024;                         // of slopes, below which noise is more
constexpr int kSmall = 300, kMedium = 1200;         // cells, of levels that are not divided

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

void Motion::Working::resize(size_t cells) {
  for (auto *v : {&settled, &relaxed[0], &relaxed[1]}) v->resize(cells);
  cost.resize(cells);
  slopes.resize(cells);
}

Motion::Vector Motion::Field::at(const std::vector<Vector> &from, int x, int y) const {
  return from[size_t(std::clamp(y, 0, rows - 1)) * cols + std::clamp(x, 0, cols - 1)];
}

Motion::Step::Step(Motion &motion, Work work, int level, int pass)
    : motion_(motion), work_(work), level_(level), pass_(pass), down_(1, 1) {
  const Level &l = motion.levels_[0][level];
  const int rows = work == Work::light || work == Work::halve ? l.rows : l.cells_down();
  down_ = Division(rows, undivided() ? 1 : std::max(1, rows * kCell / kRows));
}

int Motion::Step::chunks() const { return both() && motion_.searched(level_, 1) ? 2 * down_.count : down_.count; }

void Motion::Step::run(int chunk, int) {
  const int direction = chunk / down_.count, part = chunk % down_.count, begin = down_.begin(part), end = begin + down_.size(part);
  if (both() && !motion_.follows()) return;
  auto rows = [&](auto work) {
    for (int y = begin; y < end; y++) work(y);
  };
  auto search = [&](int y) { motion_.search(level_, direction, y); };
  auto settle = [&](int y) { motion_.settle(level_, direction, y); };
  switch (work_) {
    case Work::light: rows([&](int y) { motion_.light(y); }); break;
    case Work::halve: rows([&](int y) { motion_.halve(level_, y); }); break;
    case Work::search: rows(search); break;
    case Work::settle: rows(settle); break;
    case Work::relax: rows([&](int y) { motion_.relax(level_, direction, pass_, y); }); break;
    case Work::relax_all: motion_.relax_all(level_, direction); break;
    case Work::check: rows([&](int y) { motion_.check(y); }); break;
    case Work::whole:
      rows(search);
      rows(settle);
      motion_.relax_all(level_, direction);
  }
}

// The steps of a level.
void Motion::add_level(int level) {
  const int cells = levels_[0][level].cells_across() * levels_[0][level].cells_down();
  if (cells <= kSmall) {
    follow_.emplace_back(*this, Work::whole, level);
    return;
  }
  follow_.emplace_back(*this, Work::search, level);
  follow_.emplace_back(*this, Work::settle, level);
  if (cells <= kMedium) follow_.emplace_back(*this, Work::relax_all, level);
  for (int pass = 0; cells > kMedium && pass < kRelaxed; pass++) follow_.emplace_back(*this, Work::relax, level, pass);
}

Motion::Motion(const adain_cpu_image &form, int shift) : shift_(shift) {
  const int side = 1 << shift;
  for (auto &levels : levels_) {
    levels.emplace_back((form.width + side - 1) / side, (form.height + side - 1) / side);
    while (std::min(levels.back().cols, levels.back().rows) >= 32)
      levels.emplace_back((levels.back().cols + 1) / 2, (levels.back().rows + 1) / 2);
  }
  for (int direction = 0; direction < 2; direction++)
    for (int l = 0; l <= last(); l++) {
      const bool used = searched(l, direction);
      fields_[direction].emplace_back(used ? levels_[0][l].cells_across() : 0, used ? levels_[0][l].cells_down() : 0);
      if (used && working_[direction].cost.empty()) working_[direction].resize(fields_[direction][l].last.size());
    }
  for (auto &values : cells_) values.resize(size_t(cells_across() + 2) * cells_down());
  keep_.reserve(levels_[0].size());
  follow_.reserve((2 + kRelaxed) * levels_[0].size() + 1);
  for (int l = 0; l <= last(); l++) keep_.emplace_back(*this, l == 0 ? Work::light : Work::halve, l);
  for (int l = last(); l >= 0; l--) add_level(l);
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
  with_samples(form, [&](auto sample) {
    typedef decltype(sample) Sample;
    for (int c = 0; c < (is_rgb(form) ? 3 : 1); c++)
      for (int j = 0; j < rows; j++)
        follow_kernels<Sample>().light(src_.row<Sample>(c, begin + j), form.width, is_rgb(form) ? 1 + c % 2 : 4, shift_, form.depth - 8, sum);
  });
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
  const Field &field = fields_[direction][level];
  Working &working = working_[direction];
  const Field *coarse = level < last() ? &fields_[direction][level + 1] : nullptr;
  MotionPatch patch;
  for (int x = 0; x < field.cols; x++) {
    const int px = kCell * x - 2, py = kCell * y - 2;
    motion_kernels().patch(of.at(px, py), ptrdiff_t(of.pitch), &patch);
    Vector best{0, 0};
    MotionMatch least, other;
    match(in, patch, px, py, best, &least);
    working.slopes[size_t(y) * field.cols + x] = {int32_t(patch.xx >> 12), int32_t(patch.xy >> 12), int32_t(patch.yy >> 12)};
    if (coarse && least.cost > 0) {
      const int dx = x % 2 ? 1 : -1, dy = y % 2 ? 1 : -1;
      for (const Vector o : {Vector{0, 0}, Vector{dx, 0}, Vector{0, dy}, Vector{dx, dy}}) {
        const Vector c = coarse->at(coarse->last, x / 2 + o.x, y / 2 + o.y), v = limited(in, px, py, {2 * c.x, 2 * c.y});
        if (v == best) continue;
        match(in, patch, px, py, v, &other);
        if (other.cost < least.cost) least = other, best = v;
      }
    }
    const int64_t xx = patch.xx + kFirmness, yy = patch.yy + kFirmness, determinant = xx * yy - patch.xy * patch.xy;
    for (int k = 0; k < kSteps && least.cost > 0; k++) {
      const int64_t dx = quotient(2 * (yy * least.x - patch.xy * least.y), determinant);
      const int64_t dy = quotient(2 * (xx * least.y - patch.xy * least.x), determinant);
      const Vector v = limited(in, px, py, {best.x - int(std::clamp<int64_t>(dx, -kFarthest, kFarthest)), best.y - int(std::clamp<int64_t>(dy, -kFarthest, kFarthest))});
      if (v == best) break;
      match(in, patch, px, py, v, &other);
      if (other.cost >= least.cost) break;
      least = other;
      best = v;
    }
    working.found()[size_t(y) * field.cols + x] = best;
    working.cost[size_t(y) * field.cols + x] = least.cost;
  }
}

// A cell takes the vector of a neighbour that fits it better.
void Motion::settle(int level, int direction, int y) {
  const Level &of = levels_[direction == 0 ? now_ : 1 - now_][level], &in = levels_[direction == 0 ? 1 - now_ : now_][level];
  Field &field = fields_[direction][level];
  Working &working = working_[direction];
  MotionPatch patch;
  for (int x = 0; x < field.cols; x++) {
    const size_t i = size_t(y) * field.cols + x;
    const Vector own = working.found()[i];
    Vector best = own;
    int64_t cost = working.cost[i];
    bool ready = false;
    for (const Vector o : {Vector{-1, 0}, Vector{1, 0}, Vector{0, -1}, Vector{0, 1}}) {
      if (cost == 0) break;
      const int px = kCell * x - 2, py = kCell * y - 2;
      const Vector v = limited(in, px, py, field.at(working.found(), x + o.x, y + o.y));
      if (v == own || v == best) continue;
      if (!ready) motion_kernels().patch(of.at(px, py), ptrdiff_t(of.pitch), &patch);
      ready = true;
      MotionMatch other;
      match(in, patch, px, py, v, &other);
      if (other.cost < cost) cost = other.cost, best = v;
    }
    working.settled[i] = best;
    working.cost[i] = cost;
    working.relaxed[1][i] = {best.x * kUnit, best.y * kUnit};
  }
}

// One pass of vectors towards those around, the more the less their patches say.
void Motion::relax(int level, int direction, int pass, int y) {
  Field &field = fields_[direction][level];
  Working &working = working_[direction];
  const std::vector<Vector> &from = working.relaxed[1 - pass % 2];
  for (int x = 0; x < field.cols; x++) {
    const size_t i = size_t(y) * field.cols + x;
    int64_t sx = 0, sy = 0;
    for (int k = 0; k < 9; k++) {
      const int u = k % 3 - 1, v = k / 3 - 1, weight = u != 0 && v != 0 ? 1 : k == 4 ? 0 : 2;
      const Vector c = field.at(from, x + u, y + v);
      sx += weight * c.x;
      sy += weight * c.y;
    }
    const Vector mean{int(quotient(sx, 12)), int(quotient(sy, 12))};
    const int64_t ex = working.settled[i].x * kUnit - mean.x, ey = working.settled[i].y * kUnit - mean.y;
    Vector &to = working.relaxed[pass % 2][i];
    to = mean;
    if (ex == 0 && ey == 0) continue;
    const Slopes &s = working.slopes[i];
    const int64_t px = s.xx * ex + s.xy * ey, py = s.xy * ex + s.yy * ey, xx = s.xx + kSmooth, yy = s.yy + kSmooth;
    const int64_t determinant = xx * yy - int64_t(s.xy) * s.xy;
    to.x += int(quotient(yy * px - s.xy * py, determinant));
    to.y += int(quotient(xx * py - s.xy * px, determinant));
  }
  if (pass == kRelaxed - 1) limit(level, direction, y);
}

// All passes over a level.
void Motion::relax_all(int level, int direction) {
  for (int pass = 0; pass < kRelaxed; pass++)
    for (int y = 0; y < fields_[direction][level].rows; y++) relax(level, direction, pass, y);
}

// Vectors in sixteenths of what relaxing made; on level 0 slow ones rest.
void Motion::limit(int level, int direction, int y) {
  const Level &of = levels_[direction == 0 ? now_ : 1 - now_][level], &in = levels_[direction == 0 ? 1 - now_ : now_][level];
  Field &field = fields_[direction][level];
  Working &working = working_[direction];
  MotionPatch patch;
  for (int x = 0; x < field.cols; x++) {
    const size_t i = size_t(y) * field.cols + x;
    const int px = kCell * x - 2, py = kCell * y - 2;
    Vector &r = working.relaxed[(kRelaxed - 1) % 2][i], &v = field.last[i];
    v = limited(in, px, py, {(r.x + kUnit / 2) >> 4, (r.y + kUnit / 2) >> 4});
    if (level > 0 || (working.cost[i] == 0 && r == Vector{0, 0} && working.settled[i] == r)) continue;
    MotionMatch moving;
    motion_kernels().patch(of.at(px, py), ptrdiff_t(of.pitch), &patch);
    match(in, patch, px, py, v, &moving);
    working.cost[i] = moving.cost;
    if (std::abs(r.x) + std::abs(r.y) > kSlow || r == Vector{0, 0}) continue;
    MotionMatch still;
    match(in, patch, px, py, {0, 0}, &still);
    if (2 * still.cost <= 3 * moving.cost + kRest) r = v = {0, 0}, working.cost[i] = still.cost;
  }
}

// Whether the way back leads elsewhere, or a cell looks another.
int Motion::doubt(int x, int y) const {
  const Field &there = fields_[0][0];
  const int behind = std::min(1, last());
  const Field &back = fields_[1][behind];
  const Level &level = levels_[now_][0];
  const size_t i = size_t(y) * there.cols + x;
  const Vector v = there.last[i];
  const int px = kUnit * (kCell * x + 2) + v.x, py = kUnit * (kCell * y + 2) + v.y;
  if (px < 0 || py < 0 || px > kUnit * level.cols || py > kUnit * level.rows) return kDoubt;
  const Vector u = back.at(back.last, px >> (6 + behind), py >> (6 + behind));
  const int off = std::abs(v.x + u.x * (1 << behind)) + std::abs(v.y + u.y * (1 << behind));
  const int astray = std::max(2 * (off - 8 - (std::abs(v.x) + std::abs(v.y)) / 8), 0);
  const Slopes &s = working_[0].slopes[i];
  const int64_t unlike = std::max<int64_t>((working_[0].cost[i] >> 12) / (s.xx + s.yy + kFlat) - 8, 0);
  return int(std::min<int64_t>(astray + unlike, kDoubt));
}

// What a row of cells has found, for the frame.
void Motion::check(int y) {
  const Field &there = fields_[0][0];
  const int across = there.cols;
  int32_t *out[3];
  for (int k = 0; k < 3; k++) out[k] = &cells_[k][size_t(y) * (across + 2) + 1];
  for (int x = 0; x < across; x++) {
    if (!follows()) {
      for (int32_t *values : out) values[x] = 0;
      continue;
    }
    const Vector r = working_[0].relaxed[(kRelaxed - 1) % 2][size_t(y) * across + x];
    out[0][x] = std::clamp((r.x * (1 << shift_) + 2) >> 2, -kFarthestCell, kFarthestCell);
    out[1][x] = std::clamp((r.y * (1 << shift_) + 2) >> 2, -kFarthestCell, kFarthestCell);
  }
  if (follows()) spread_doubt(y, out[2]);
  for (int32_t *values : out) values[-1] = values[0], values[across] = values[across - 1];
}

// The largest doubt of the cells of a row and of those around.
void Motion::spread_doubt(int y, int32_t *out) const {
  const int across = fields_[0][0].cols, first = std::max(y - 2, 0), end = std::min(y + 3, fields_[0][0].rows);
  int32_t columns[5] = {};  // the largest of the last ones
  for (int x = 0; x < across + 2; x++) {
    int32_t &now = columns[x % 5] = 0;
    for (int k = first; x < across && k < end; k++) now = std::max(now, int32_t(doubt(x, k)));
    if (x > 1) out[x - 2] = *std::max_element(columns, columns + 5);
  }
}

Motion::Cells Motion::cells(int row) const {
  const size_t at = size_t(std::clamp(row, 0, cells_down() - 1)) * (cells_across() + 2) + 1;
  return {&cells_[0][at], &cells_[1][at], &cells_[2][at]};
}

}  // namespace adain
