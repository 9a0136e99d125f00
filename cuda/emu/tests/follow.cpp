// follow.cu against model/smoothing.go and model/motion.go in plain loops.
#include "follow.cu"
#include "picture.h"

namespace {

int within(int v, int n) { return std::min(std::max(v, 0), n - 1); }
int apart(int a, int b) { return std::abs(a - b); }

// What is wanted of a frame.
struct Wanted {
  std::vector<int> changes, still, blended, shown;
};

struct Film {
  test::Picture src, before, kept, dst, last, result;
  int log, cells_w, cells_h, pitch;
  test::Buffer<int4> cells;
  test::Buffer<int2> steps;
  test::Buffer<unsigned char> changes, still;
  test::Buffer<int> continues;

  Film(const test::Shape &shape, int width, int height, int log, bool aligned, int regions = 1)
      : src(shape, width, height, aligned, 1), before(shape, width, height, true, 2), kept(shape, width, height, true, 3),
        dst(shape, width, height, !aligned, 4), last(shape, width, height, true, 5), result(shape, width, height, true, 6), log(log),
        cells_w((width + (1 << log) - 1) >> log), cells_h((height + (1 << log) - 1) >> log), pitch((width + 31) / 32 * 32),
        cells(size_t(cells_w) * cells_h), steps(cells.size()), changes(size_t(pitch) * (height - 1) + width), still(changes.size()),
        continues(size_t(regions)) {
    test::Random random(uint64_t(width) + 7 * log);
    // Soft pictures, so that samples along the motion are trusted here and there.
    for (test::Picture *p : {&src, &before, &dst, &last})
      for (int c = 0; c < 3; c++)
        p->each(c, [&](int y, int x, int) {
          const int noise = random.below(5 * p->unit()), rough = p == &dst ? random.below((1 + 4 * ((x / 12 + y / 8) % 3)) * p->unit()) : 0;
          return p->unit() * (100 + (x + y) % 7 + 2 * c) + noise + rough;
        });
    for (auto &cell : cells) cell = {random.below(900) - 450, random.below(900) - 450, random.below(4) ? 0 : random.below(41), -1};
    for (auto &flag : continues) flag = 1;
  }

  int width() const { return src.frame().width; }
  int height() const { return src.frame().height; }
  int lights() const { return src.yuv() ? 1 : 3; }

  // What lies at a sample of channel c of the values of cells, in units of 2^-fine.
  template <class Value>
  int between(int c, int y, int x, int fine, Value value) const {
    const int down = (1 << log) >> src.half_y(c), across = (1 << log) >> src.half_x(c);
    auto divide = [](int64_t n, int64_t d) { return n >= 0 ? n / d : -((-n + d - 1) / d); };  // rounded down
    const int64_t py = 2 * y + 1 - down, px = 2 * x + 1 - across, cy = divide(py, 2 * down), cx = divide(px, 2 * across);
    const int64_t fy = py - cy * 2 * down, fx = px - cx * 2 * across;
    auto column = [&](int64_t u) {
      auto of = [&](int64_t v) { return int64_t(value(size_t(within(int(v), cells_h)) * cells_w + within(int(u), cells_w))); };
      return divide((2 * down - fy) * of(cy) + fy * of(cy + 1) + down, 2 * down);
    };
    return int(divide((2 * across - fx) * column(cx) + fx * column(cx + 1) + (int64_t(across) << fine), int64_t(2 * across) << fine));
  }

  int edge(const test::Picture &p, int c, int y, int x) const { return p.sample(c, within(y, p.channel_height(c)), within(x, p.channel_width(c))); }

  // The sample of channel c that the motion leads to.
  int along(const test::Picture &p, const std::vector<int4> &cell, int c, int y, int x, bool cubic) const {
    const int px = 16 * x + between(c, y, x, 2 + p.half_x(c), [&](size_t i) { return cell[i].x; });
    const int py = 16 * y + between(c, y, x, 2 + p.half_y(c), [&](size_t i) { return cell[i].y; });
    const int u = px >> 4, v = py >> 4, fx = px & 15, fy = py & 15;
    int64_t sum = 0;
    for (int j = -1; j < 3; j++)
      for (int i = -1; i < 3; i++) {
        const int wy = cubic ? keys(j, fy) : j == 0 ? 16 - fy : j == 1 ? fy : 0, wx = cubic ? keys(i, fx) : i == 0 ? 16 - fx : i == 1 ? fx : 0;
        sum += int64_t(wy) * wx * edge(p, c, v + j, u + i);
      }
    return cubic ? std::min(std::max(int((sum + 2048) >> 12), 0), p.most()) : int((sum + 128) >> 8);
  }
  // Keys' weight of sample i with a = -3/4, in 1/64, rounded as model.CubicWeights says.
  static int keys(int i, int f) {
    auto outer = [](double t) { return -int(std::floor(64 * 0.75 * t * (1 - t) * (1 - t) + 0.5)); };
    const double t = f / 16.0;
    const int first = outer(t), fourth = outer(1 - t), second = 64 - int(std::floor(64 * (2.25 * t * t - 1.25 * t * t * t) + 0.5));
    return i == -1 ? first : i == 2 ? fourth : i == 0 ? second : 64 - first - second - fourth;
  }

  // The largest of values around the pixels of a place of channel c.
  int around(const std::vector<int> &values, int c, int y, int x) const {
    int most = 0;
    for (int j = (y << src.half_y(c)) - 1; j <= (y + 1) << src.half_y(c); j++)
      for (int i = (x << src.half_x(c)) - 1; i <= (x + 1) << src.half_x(c); i++)
        if (j >= 0 && i >= 0 && j < height() && i < width()) most = std::max(most, values[size_t(j) * width() + i]);
    return most;
  }

  static int moved(int now, int was, int w) {
    const int step = apart(now, was);
    int e = (w * step + 128) >> 8;
    if (step > 2) e = std::min(e, step - 1);
    return was > now ? now + e : now - e;
  }

  int blended(const Wanted &w, const std::vector<int4> &cell, int c, int y, int x, int weight) const {
    const int first = src.yuv() && c > 0 ? 1 : 0, end = src.yuv() && c == 0 ? 0 : 2;
    int a = 0;
    for (int k = first; k <= end; k++) a = std::max(a, apart(dst.sample(k, y, x), last.sample(k, y, x)) / src.unit());
    const int d = around(w.changes, c, y, x), e = around(w.still, c, y, x), trust = std::min(std::max(40 - d, 0), 16);
    const int rest = (weight * std::min(std::max(12 - e, 0), 8) * std::min(std::max(128 - a, 0), 32) >> 8) * (16 - trust) >> 4;
    return moved(moved(dst.sample(c, y, x), last.sample(c, y, x), rest), along(last, cell, c, y, x, true), weight * trust >> 4);
  }

  // Of all channels, one after the other.
  template <class Value>
  std::vector<int> all(Value value) const {
    std::vector<int> out;
    for (int c = 0; c < 3; c++)
      for (int y = 0; y < src.channel_height(c); y++)
        for (int x = 0; x < src.channel_width(c); x++) out.push_back(value(c, y, x));
    return out;
  }

  REFERENCE Wanted wanted(int weight) {
    const std::vector<int4> cell(cells.begin(), cells.end());
    Wanted w;
    for (int y = 0; y < height(); y++)
      for (int x = 0; x < width(); x++) {
        int c = 0, s = 0;
        for (int k = 0; k < 3; k++) {
          const int v = y >> src.half_y(k), u = x >> src.half_x(k), now = src.sample(k, v, u);
          c = std::max(c, apart(now, along(before, cell, k, v, u, false)) / src.unit());
          s = std::max(s, apart(now, before.sample(k, v, u)) / src.unit());
        }
        w.changes.push_back(std::min(c + between(0, y, x, 0, [&](size_t i) { return cell[i].z; }), 255));
        w.still.push_back(s);
      }
    w.blended = all([&](int c, int y, int x) { return blended(w, cell, c, y, x, weight); });
    const size_t pixels = size_t(width()) * height();
    auto shown = [&](int c, int y, int x) { return w.blended[c * pixels + size_t(within(y, height())) * width() + within(x, width())]; };
    std::vector<int64_t> own[2], gains;
    for (auto &o : own) o.resize(cells.size());
    for (int c = 0; c < lights(); c++)
      for (int y = 0; y < height(); y++)
        for (int x = 0; x + 1 < width(); x++) {
          const size_t i = size_t(y >> log) * cells_w + (x >> log);
          own[0][i] += apart(dst.sample(c, y, x), dst.sample(c, y, x + 1)) / src.unit(), own[1][i] += apart(shown(c, y, x), shown(c, y, x + 1)) / src.unit();
        }
    for (int i = 0; i < int(cells.size()); i++) {
      int64_t n = 0, b = 0;
      for (int k = 0; k < 9; k++) {
        const int y = i / cells_w + k / 3 - 1, x = i % cells_w + k % 3 - 1;
        if (y >= 0 && x >= 0 && y < cells_h && x < cells_w) n += own[0][size_t(y) * cells_w + x], b += own[1][size_t(y) * cells_w + x];
      }
      gains.push_back(n > b && b > 0 ? std::min<int64_t>(36 * (n - b) / b, 32) : 0);
    }
    size_t i = 0;
    w.shown = all([&](int c, int y, int x) {
      const int b = w.blended[i++];
      if (c >= lights()) return b;
      int detail = 16 * b;
      for (int k = 0; k < 9; k++) detail -= (k == 4 ? 4 : k % 2 ? 2 : 1) * shown(c, y + k / 3 - 1, x + k % 3 - 1);
      const int gain = between(c, y, x, 0, [&](size_t k) { return gains[k]; });
      return std::min(std::max(b + ((detail * gain + 128) >> 8), 0), src.most());
    });
    return w;
  }

  dim3 grid(const char *name, int w, int h) const {
    const emu::Launch l = test::kernel(name).launch;
    return dim3((w + l.tile_w - 1) / l.tile_w * ((h + l.tile_h - 1) / l.tile_h));
  }

  void launch(int weight, int preserve) {
    const unsigned char *c = changes.data(), *s = still.data();
    test::launch("follow_changes", grid("follow_changes", width(), height()), src.frame(), before.frame(), kept.frame(), cells.data(), cells_w,
                 cells_h, log, changes.data(), still.data(), pitch);
    test::launch("follow_blend", grid("follow_blend", width(), height()), dst.frame(), last.frame(), result.frame(), cells.data(), cells_w, cells_h, log,
                 c, s, pitch, static_cast<const int *>(continues.data()), int(continues.size()), weight);
    test::launch("follow_steps", grid("follow_steps", int(cells.size()), 1), dst.frame(), result.frame(), steps.data(), cells_w, cells_h, log);
    test::launch("follow_gains", grid("follow_gains", int(cells.size()), 1), static_cast<const int2 *>(steps.data()), cells.data(), cells_w, cells_h);
    test::launch("follow_show", grid("follow_show", width(), height()), dst.frame(), src.frame(), result.frame(), cells.data(), cells_w, cells_h, log,
                 preserve);
  }

  // Whether a pixel of RGB is that of the frame with the luminance wanted.
  bool recoloured(const Wanted &w, int y, int x) const {
    const float weights[3] = {src.frame().kr, src.frame().kg, src.frame().kb};
    const size_t pixels = size_t(width()) * height();
    double change = 0;
    int least = src.most(), most = 0;
    for (int c = 0; c < 3; c++) {
      const int s = src.sample(c, y, x);
      change += double(weights[c]) * (w.shown[c * pixels + size_t(y) * width() + x] - s);
      least = std::min(least, s), most = std::max(most, s);
    }
    const double limited = std::min(std::max(change, double(-least)), double(src.most() - most));
    for (int c = 0; c < 3; c++)
      if (std::fabs(dst.sample(c, y, x) - src.sample(c, y, x) - limited) > 0.5 + 1e-3) return false;
    return true;
  }
};

void run(Film &f, int weight, int preserve, int in_force) {
  const auto before = f.dst.all(), other = f.result.all(), frame = f.src.all(), was = f.before.all(), last = f.last.all();
  const auto rest = f.dst.rest();
  const Wanted w = f.wanted(in_force);
  f.launch(weight, preserve);
  int changes = 0, still = 0, blended = 0, shown = 0, kept = 0;
  for (int y = 0; y < f.height(); y++)
    for (int x = 0; x < f.width(); x++) {
      changes += f.changes[size_t(y) * f.pitch + x] != w.changes[size_t(y) * f.width() + x];
      still += f.still[size_t(y) * f.pitch + x] != w.still[size_t(y) * f.width() + x];
      if (preserve && !f.src.yuv()) shown += !f.recoloured(w, y, x);
    }
  size_t i = 0;
  f.all([&](int c, int y, int x) {
    blended += f.result.sample(c, y, x) != w.blended[i];
    kept += f.kept.sample(c, y, x) != f.src.sample(c, y, x);
    const int want = preserve && c > 0 ? f.src.sample(c, y, x) : w.shown[i];
    if (!preserve || f.src.yuv()) shown += f.dst.sample(c, y, x) != want;
    i++;
    return 0;
  });
  if (changes + still + blended + shown + kept)
    test::fail("follow %s, weight %d, preserve %d: wrong are %d changes, %d at rest, %d blended, %d shown, %d kept", f.dst.text().c_str(), weight,
               preserve, changes, still, blended, shown, kept);
  CHECK(f.dst.damage(before) == 0 && f.result.damage(other) == 0);
  CHECK(f.dst.rest() == rest && f.result.no_rest() && f.kept.no_rest());
  CHECK(f.dst.stray() == 0 && f.result.stray() == 0 && f.kept.stray() == 0);
  CHECK(f.src.all() == frame && f.before.all() == was && f.last.all() == last);
}

void run(const test::Shape &shape, int width, int height, int log, bool aligned, int weight, int preserve) {
  Film f(shape, width, height, log, aligned);
  run(f, weight, preserve, weight);
}

}  // namespace

TEST(follow_formats) {
  int i = 0;
  for (const test::Shape &shape : test::shapes()) {
    run(shape, 37, 19, 3, i % 3 == 0, i % 4 ? 233 : 243, i % 2);
    run(shape, 21, 11, 4, i % 3 == 1, 200, 1 - i % 2);
    i++;
  }
}

TEST(follow_sizes) {
  const int sizes[][3] = {{1, 1, 3}, {1, 9, 3}, {9, 1, 4}, {2, 2, 3}, {33, 8, 5}, {64, 17, 3}};
  for (const char *name : {"RGB", "BGRA", "NV12", "I422_10"})
    for (const auto &s : sizes) run(test::shape(name), s[0], s[1], s[2], s[0] % 2, 243, 0);
}

// Nothing moves if a region does not go on, or the host says so; the pictures are taken over all the same.
TEST(follow_cut) {
  for (const char *name : {"RGB", "NV12"})
    for (int region : {0, 1}) {
      Film f(test::shape(name), 33, 18, 3, true, 2);
      f.continues[size_t(region)] = 0;
      run(f, 243, region, 0);
    }
  Film f(test::shape("YV12"), 21, 9, 3, false);
  run(f, 0, 0, 0);
}
