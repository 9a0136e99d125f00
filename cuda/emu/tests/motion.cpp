// motion.cu against model/motion.go in plain loops, step by step.
#include "motion.cu"
#include "picture.h"

namespace {

int within(int v, int n) { return std::min(std::max(v, 0), n - 1); }

// Luminances of a level.
struct Light {
  int w, h;
  std::vector<int> at;
  int get(int y, int x) const { return at[size_t(within(y, h)) * w + within(x, w)]; }
};

struct Vector {
  int x, y;
  bool operator==(const Vector &o) const { return x == o.x && y == o.y; }
};

// What is found of a level.
struct Found {
  int w, h;
  std::vector<Vector> at, relaxed;
  std::vector<int64_t> cost;
  Vector get(const std::vector<Vector> &of, int y, int x) const { return of[size_t(within(y, h)) * w + within(x, w)]; }
};

int64_t quotient(int64_t n, int64_t d) { return (n < 0 ? -1 : 1) * ((2 * std::abs(n) + d) / (2 * d)); }

REFERENCE std::vector<Light> levels(const test::Picture &p, int shift) {
  const int side = 1 << shift, w = p.frame().width, h = p.frame().height;
  std::vector<Light> all(1, {(w + side - 1) / side, (h + side - 1) / side, {}});
  for (int i = 0; i < all[0].w * all[0].h; i++) {
    int sum = 0, n = 0;
    for (int y = i / all[0].w * side; y < std::min((i / all[0].w + 1) * side, h); y++)
      for (int x = i % all[0].w * side; x < std::min((i % all[0].w + 1) * side, w); x++, n += 4)
        for (int c = 0; c < 3; c++) sum += p.sample(c, c && p.yuv() ? 0 : y, c && p.yuv() ? 0 : x) / p.unit() * (p.yuv() ? 4 * (c == 0) : 1 + c % 2);
    all[0].at.push_back((2 * sum + n) / (2 * n));
  }
  while (std::min(all.back().w, all.back().h) >= 32) {
    const Light &last = all.back();
    Light next{(last.w + 1) / 2, (last.h + 1) / 2, {}};
    for (int y = 0; y < next.h; y++)
      for (int x = 0; x < next.w; x++)
        next.at.push_back((last.get(2 * y, 2 * x) + last.get(2 * y, 2 * x + 1) + last.get(2 * y + 1, 2 * x) + last.get(2 * y + 1, 2 * x + 1) + 2) / 4);
    all.push_back(next);
  }
  return all;
}

struct Cell {
  const Light &of, &in;
  int x, y;
  int64_t xx = 0, xy = 0, yy = 0, sx = 0, sy = 0;

  REFERENCE Cell(const Light &of, const Light &in, int i) : of(of), in(in), x(i % ((of.w + 3) / 4) * 4 - 2), y(i / ((of.w + 3) / 4) * 4 - 2) {
    for (int k = 0; k < 64; k++) {
      const int gx = across(k), gy = down(k);
      sx += gx, sy += gy, xx += 64 * gx * gx, xy += 64 * gx * gy, yy += 64 * gy * gy;
    }
    xx -= sx * sx, xy -= sx * sy, yy -= sy * sy;
  }
  int across(int k) const { return of.get(y + k / 8, x + k % 8 + 1) - of.get(y + k / 8, x + k % 8 - 1); }
  int down(int k) const { return of.get(y + k / 8 + 1, x + k % 8) - of.get(y + k / 8 - 1, x + k % 8); }

  REFERENCE int64_t cost(Vector v, Vector *step) const {
    int64_t s = 0, ss = 0, rx = 0, ry = 0;
    for (int k = 0; k < 64; k++) {
      const int px = 16 * (x + k % 8) + v.x, py = 16 * (y + k / 8) + v.y, u = px >> 4, w = py >> 4, fx = px & 15, fy = py & 15;
      const int four = (16 - fy) * ((16 - fx) * in.get(w, u) + fx * in.get(w, u + 1)) + fy * ((16 - fx) * in.get(w + 1, u) + fx * in.get(w + 1, u + 1));
      const int r = ((four + 8) >> 4) - 16 * of.get(y + k / 8, x + k % 8);
      s += r, ss += r * r, rx += r * across(k), ry += r * down(k);
    }
    const int64_t bx = 64 * rx - s * sx, by = 64 * ry - s * sy, fx = xx + (1 << 18), fy = yy + (1 << 18), det = fx * fy - xy * xy;
    auto limited = [&](int64_t n) { return int(std::min<int64_t>(std::max<int64_t>(quotient(2 * n, det), -64), 64)); };
    *step = {limited(fy * bx - xy * by), limited(fx * by - xy * bx)};
    return 64 * ss - s * s;
  }
  Vector limited(Vector v) const {
    auto limit = [](int begin, int side, int by) { return std::min(std::max(16 * begin + by, -256), 16 * (side + 8)) - 16 * begin; };
    return {limit(x, in.w, v.x), limit(y, in.h, v.y)};
  }
};

// Takes v where that fits better.
bool better(const Cell &c, Vector v, Vector *best, int64_t *cost, Vector *step) {
  Vector s;
  const int64_t other = c.cost(v, &s);
  if (other >= *cost) return false;
  *best = v, *cost = other, *step = s;
  return true;
}

REFERENCE Found flow(const Light &of, const Light &in, const Found *coarse, bool finest) {
  Found f{(of.w + 3) / 4, (of.h + 3) / 4, {}, {}, {}};
  const int n = f.w * f.h;
  for (int i = 0; i < n; i++) {
    const Cell c(of, in, i);
    const int x = i % f.w, y = i / f.w, dx = x % 2 ? 1 : -1, dy = y % 2 ? 1 : -1;
    Vector best{0, 0}, step;
    int64_t cost = c.cost(best, &step);
    for (int k = 0; coarse && k < 4; k++) {
      const Vector v = coarse->get(coarse->at, y / 2 + (k > 1) * dy, x / 2 + k % 2 * dx);
      better(c, c.limited({2 * v.x, 2 * v.y}), &best, &cost, &step);
    }
    for (int k = 0; k < 4; k++)
      if (!better(c, c.limited({best.x - step.x, best.y - step.y}), &best, &cost, &step)) break;
    f.at.push_back(best), f.cost.push_back(cost);
  }
  const std::vector<Vector> found = f.at;
  for (int i = 0; i < n; i++) {
    const Cell c(of, in, i);
    Vector step;
    for (const Vector o : {Vector{-1, 0}, Vector{1, 0}, Vector{0, -1}, Vector{0, 1}})
      better(c, c.limited(f.get(found, i / f.w + o.y, i % f.w + o.x)), &f.at[i], &f.cost[i], &step);
    f.relaxed.push_back({16 * f.at[i].x, 16 * f.at[i].y});
  }
  for (int pass = 0; pass < 4; pass++) {
    const std::vector<Vector> from = f.relaxed;
    for (int i = 0; i < n; i++) {
      const Cell c(of, in, i);
      int64_t mx = 0, my = 0;
      for (int k = 0; k < 9; k++) {
        const Vector v = f.get(from, i / f.w + k / 3 - 1, i % f.w + k % 3 - 1);
        const int weight = k == 4 ? 0 : k % 2 ? 2 : 1;
        mx += weight * v.x, my += weight * v.y;
      }
      mx = quotient(mx, 12), my = quotient(my, 12);
      const int64_t xx = c.xx >> 12, xy = c.xy >> 12, yy = c.yy >> 12, ex = 16 * f.at[i].x - mx, ey = 16 * f.at[i].y - my;
      const int64_t px = xx * ex + xy * ey, py = xy * ex + yy * ey, d = (xx + 2048) * (yy + 2048) - xy * xy;
      f.relaxed[i] = {int(mx + quotient((yy + 2048) * px - xy * py, d)), int(my + quotient((xx + 2048) * py - xy * px, d))};
    }
  }
  for (int i = 0; i < n; i++) {
    const Cell c(of, in, i);
    Vector step;
    f.at[i] = c.limited({(f.relaxed[i].x + 8) >> 4, (f.relaxed[i].y + 8) >> 4});
    if (!finest) continue;
    f.cost[i] = c.cost(f.at[i], &step);
    const int64_t still = c.cost({0, 0}, &step);
    if (std::abs(f.relaxed[i].x) + std::abs(f.relaxed[i].y) > 128 || 2 * still > 3 * f.cost[i] + (1 << 17)) continue;
    f.at[i] = f.relaxed[i] = {0, 0}, f.cost[i] = still;
  }
  return f;
}

// The cells of a frame: x, y, doubt.
REFERENCE std::vector<int> find(const std::vector<Light> &now, const std::vector<Light> &was, int shift) {
  std::vector<Found> there(now.size()), back(now.size());
  const int last = int(now.size()) - 1, behind = std::min(1, last);
  for (int l = last; l >= 0; l--) {
    there[l] = flow(now[l], was[l], l < last ? &there[l + 1] : nullptr, l == 0);
    if (l >= behind) back[l] = flow(was[l], now[l], l < last ? &back[l + 1] : nullptr, l == 0);
  }
  const Found &f = there[0];
  std::vector<int> doubts, out;
  for (int i = 0; i < f.w * f.h; i++) {
    const Cell c(now[0], was[0], i);
    const Vector v = f.at[i];
    const int px = 16 * (i % f.w * 4 + 2) + v.x, py = 16 * (i / f.w * 4 + 2) + v.y;
    const Vector u = back[behind].get(back[behind].at, py >> (6 + behind), px >> (6 + behind));
    const int off = std::abs(v.x + u.x * (1 << behind)) + std::abs(v.y + u.y * (1 << behind));
    const int64_t doubt = std::max(2 * (off - 8 - (std::abs(v.x) + std::abs(v.y)) / 8), 0) +
                          std::max<int64_t>((f.cost[i] >> 12) / ((c.xx >> 12) + (c.yy >> 12) + 1024) - 8, 0);
    const bool outside = px < 0 || py < 0 || px > 16 * now[0].w || py > 16 * now[0].h;
    doubts.push_back(outside ? 40 : int(std::min<int64_t>(doubt, 40)));
  }
  for (int i = 0; i < f.w * f.h; i++) {
    auto far = [&](int v) { return std::min(std::max((v * (1 << shift) + 2) >> 2, -(1 << 17)), 1 << 17); };
    int most = 0;
    for (int k = 0; k < 25; k++) most = std::max(most, doubts[size_t(within(i / f.w + k / 5 - 2, f.h)) * f.w + within(i % f.w + k % 5 - 2, f.w)]);
    out.insert(out.end(), {far(f.relaxed[i].x), far(f.relaxed[i].y), most, 0});
  }
  return out;
}

// A picture of soft shapes with noise, seen by a camera that has moved, with something in front that moves otherwise, and below what rests.
void draw(test::Picture &p, int moved) {
  test::Random random(uint64_t(moved) + 3);
  for (int c = 0; c < 3; c++)
    p.each(c, [&](int y, int x, int) {
      const bool front = std::abs(x - 3 * p.channel_width(c) / 4 + 2 * moved) < p.channel_width(c) / 8, rests = 5 * y > 4 * p.channel_height(c);
      const double u = rests ? x : front ? x + 40 + 2 * moved : x + 1.3 * moved, v = rests || front ? y : y + 0.6 * moved;
      return int(p.unit() * (120 + 60 * std::sin(u / 3.1) * std::cos(v / 4.3) + 40 * std::sin((u + v) / 11))) + random.below(12 * p.unit());
    });
}

dim3 grid(const char *name, int w, int h, int directions = 1) {
  const emu::Launch l = test::kernel(name).launch;
  return dim3((w + l.tile_w - 1) / l.tile_w * ((h + l.tile_h - 1) / l.tile_h), directions);
}

// The launches that the host makes of a frame, whose levels it leaves as those of the frame before.
struct Search {
  std::vector<int> w, h, at;
  size_t pixels = 0, bytes = 0;
  std::vector<size_t> fields;
  std::unique_ptr<test::Buffer<unsigned char>> now, before, field;

  Search(int width, int height, int shift) {
    w = {(width + (1 << shift) - 1) >> shift}, h = {(height + (1 << shift) - 1) >> shift};
    while (std::min(w.back(), h.back()) >= 32) w.push_back((w.back() + 1) / 2), h.push_back((h.back() + 1) / 2);
    for (size_t l = 0; l < w.size(); l++) {
      at.push_back(int(pixels)), fields.push_back(bytes);
      pixels += size_t(w[l]) * h[l], bytes += 48 * size_t(l == 0 && w.size() > 1 ? 1 : 2) * cells(l);
    }
    pixels = (pixels + 15) / 16 * 16;
    now = std::make_unique<test::Buffer<unsigned char>>(pixels), before = std::make_unique<test::Buffer<unsigned char>>(pixels);
    field = std::make_unique<test::Buffer<unsigned char>>(bytes);
  }
  int cells(size_t l) const { return (w[l] + 3) / 4 * ((h[l] + 3) / 4); }

  void run(const Frame &frame, int shift, int follows, test::Buffer<int4> &out) {
    test::launch("motion_light", grid("motion_light", w[0] * h[0], 1), frame, now->data(), w[0], h[0], shift);
    for (size_t l = 1; l < w.size(); l++)
      test::launch("motion_halve", grid("motion_halve", w[l] * h[l], 1), static_cast<const unsigned char *>(now->data() + at[l - 1]),
                   now->data() + at[l], w[l - 1], h[l - 1]);
    for (size_t l = w.size(); l-- > 0;) {
      const unsigned char *a = now->data() + at[l], *b = before->data() + at[l];
      void *f = field->data() + fields[l], *coarse = l + 1 < w.size() ? field->data() + fields[l + 1] : nullptr;
      const int both = l == 0 && w.size() > 1 ? 1 : 2;
      test::launch("motion_search", grid("motion_search", cells(l), 1, both), a, b, w[l], h[l], f, coarse);
      test::launch("motion_settle", grid("motion_settle", cells(l), 1, both), a, b, w[l], h[l], f);
      test::launch("motion_relax", grid("motion_relax", (w[l] + 3) / 4, (h[l] + 3) / 4, both), w[l], h[l], f);
      if (l == 0) test::launch("motion_rest", grid("motion_rest", cells(l), 1, both), a, b, w[l], h[l], f);
    }
    const int behind = w.size() > 1;
    test::launch("motion_cells", grid("motion_cells", (w[0] + 3) / 4, (h[0] + 3) / 4), w[0], h[0], shift, static_cast<void *>(field->data()),
                 static_cast<void *>(field->data() + fields[behind]), behind, follows, out.data());
    test::launch("motion_keep", grid("motion_keep", int(pixels / 16), 1), reinterpret_cast<const uint4 *>(now->data()),
                 reinterpret_cast<uint4 *>(before->data()), int(pixels / 16));
  }
};

void compare(const char *what, const test::Picture &p, test::Buffer<int4> &got, const std::vector<int> &wanted) {
  int bad = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const int values[4] = {got[i].x, got[i].y, got[i].z, got[i].w};
    for (int k = 0; k < 4; k++) bad += values[k] != wanted[4 * i + k];
  }
  if (bad) test::fail("%s %s: %d values of cells are wrong", what, p.text().c_str(), bad);
}

void run(const test::Shape &shape, int width, int height, int shift, bool aligned) {
  test::Picture first(shape, width, height, aligned, 1), second(shape, width, height, !aligned, 2);
  draw(first, 0), draw(second, 1);
  const auto all = second.all();
  Search search(width, height, shift);
  test::Buffer<int4> cells(size_t(search.cells(0)));
  search.run(first.frame(), shift, 0, cells);
  compare("rest", first, cells, std::vector<int>(4 * cells.size()));
  const auto was = levels(first, shift), now = levels(second, shift);
  search.run(second.frame(), shift, 1, cells);
  compare("motion", second, cells, find(now, was, shift));
  int bad = 0;
  for (size_t l = 0; l < now.size(); l++)
    for (size_t i = 0; i < now[l].at.size(); i++) bad += (*search.before)[search.at[l] + i] != now[l].at[i];
  if (bad) test::fail("motion %s: %d luminances are wrong", second.text().c_str(), bad);
  CHECK(second.all() == all);
}

}  // namespace

TEST(motion_formats) {
  int i = 0;
  for (const test::Shape &shape : test::shapes()) run(shape, 30 + i % 5, 21 - i % 3, 1, i++ % 2);
}

TEST(motion_levels) {
  run(test::shape("RGB"), 181, 150, 1, true);
  run(test::shape("NV12"), 141, 67, 1, false);
}

TEST(motion_sizes) {
  const int sizes[][3] = {{1, 1, 1}, {8, 9, 1}, {9, 8, 2}, {65, 1, 3}, {40, 300, 4}};
  for (const auto &s : sizes) run(test::shape("RGB"), s[0], s[1], s[2], s[0] % 2);
}
