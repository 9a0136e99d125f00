// blend.cu against the definition, in whole numbers.
#include "blend.cu"
#include "picture.h"

namespace {

void copy(test::Picture &to, const test::Picture &from) {
  for (int c = 0; c < 3; c++) to.each(c, [&](int y, int x, int) { return from.sample(c, y, x); });
}

// Changes some samples of a picture, by up to `most` codes of 8 bits.
void move(test::Picture &p, uint64_t seed, int most) {
  test::Random random(seed);
  for (int c = 0; c < 3; c++)
    p.each(c, [&](int, int, int v) { return random.below(6) ? v : v + random.below(2 * most * p.unit() + 1) - most * p.unit(); });
}

int apart(int a, int b) { return std::abs(a - b); }

// The frames, the results, and what is wanted of them.
struct Film {
  test::Picture src, before, dst, result;
  int pitch;
  test::Buffer<unsigned char> changes;
  test::Buffer<int> continues;
  std::vector<int> c, d;

  Film(const test::Shape &shape, int width, int height, bool aligned, int regions = 1)
      : src(shape, width, height, aligned, 1), before(shape, width, height, true, 2), dst(shape, width, height, !aligned, 3),
        result(shape, width, height, true, 4), pitch((width + 31) / 32 * 32), changes(size_t(pitch) * (height - 1) + width),
        continues(regions) {
    copy(before, src);
    move(before, 5, 14);
    copy(result, dst);
    move(result, 6, 60);
    for (auto &flag : continues) flag = 1;
    compare();
  }

  int width() const { return src.frame().width; }
  int height() const { return src.frame().height; }

  REFERENCE void compare() {
    c.assign(size_t(width()) * height(), 0), d = c;
    for (int y = 0; y < height(); y++)
      for (int x = 0; x < width(); x++)
        for (int k = 0; k < 3; k++) {
          const int v = y >> src.half_y(k), u = x >> src.half_x(k);
          int &most = c[size_t(y) * width() + x];
          most = std::max(most, apart(src.sample(k, v, u), before.sample(k, v, u)) / src.unit());
        }
    for (int y = 0; y < height(); y++)
      for (int x = 0; x < width(); x++)
        for (int j = std::max(y - 1, 0); j < std::min(y + 2, height()); j++)
          for (int i = std::max(x - 1, 0); i < std::min(x + 2, width()); i++)
            d[size_t(y) * width() + x] = std::max(d[size_t(y) * width() + x], c[size_t(j) * width() + i]);
  }

  // d of a place of channel k.
  int moved(int k, int y, int x) const {
    const int v = src.half_y(k), u = src.half_x(k);
    int most = 0;
    for (int j = y << v; j < std::min((y + 1) << v, height()); j++)
      for (int i = x << u; i < std::min((x + 1) << u, width()); i++) most = std::max(most, d[size_t(j) * width() + i]);
    return most;
  }

  // B of channel k.
  int blended(int k, int y, int x, int weight) const {
    const int first = src.yuv() && k > 0 ? 1 : 0, last = src.yuv() && k == 0 ? 0 : 2;
    int a = 0;
    for (int i = first; i <= last; i++) a = std::max(a, apart(dst.sample(i, y, x), result.sample(i, y, x)) / src.unit());
    const int w = (weight * std::min(std::max(12 - moved(k, y, x), 0), 8) * std::min(std::max(48 - a, 0), 32)) >> 8;
    const int now = dst.sample(k, y, x), was = result.sample(k, y, x), step = apart(now, was);
    int e = (w * step + 128) >> 8;
    if (step > 2) e = std::min(e, step - 1);
    return was > now ? now + e : now - e;
  }

  // All of them, channel by channel.
  REFERENCE std::vector<int> blend(int weight) const {
    std::vector<int> out;
    for (int k = 0; k < 3; k++)
      for (int y = 0; y < dst.channel_height(k); y++)
        for (int x = 0; x < dst.channel_width(k); x++) out.push_back(blended(k, y, x, weight));
    return out;
  }

  dim3 grid(const char *name) const {
    const emu::Launch l = test::kernel(name).launch;
    return dim3((width() + l.tile_w - 1) / l.tile_w * ((height() + l.tile_h - 1) / l.tile_h));
  }

  void launch(int weight, int preserve) {
    test::launch("blend_changes", grid("blend_changes"), src.frame(), before.frame(), changes.data(), pitch);
    test::launch("blend", grid("blend"), dst.frame(), src.frame(), result.frame(),
                 static_cast<const unsigned char *>(changes.data()), pitch, static_cast<const int *>(continues.data()),
                 int(continues.size()), weight, preserve);
  }
};

bool equal(const test::Picture &a, const test::Picture &b) {
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < a.channel_height(c); y++)
      for (int x = 0; x < a.channel_width(c); x++)
        if (a.sample(c, y, x) != b.sample(c, y, x)) return false;
  return true;
}

// Whether all samples of a packed pixel moved from src by the change of luminance to that of B.
bool kept(const Film &f, int y, int x) {
  const double change = (f.result.luma(y, x) - f.src.luma(y, x)) * f.src.unit();
  int least = f.src.most(), most = 0;
  for (int c = 0; c < 3; c++) least = std::min(least, f.src.sample(c, y, x)), most = std::max(most, f.src.sample(c, y, x));
  const double limited = std::min(std::max(change, double(-least)), double(f.src.most() - most));
  for (int c = 0; c < 3; c++) {
    const int step = f.dst.sample(c, y, x) - f.src.sample(c, y, x);
    if (std::fabs(step - limited) > 0.5 + 1e-3 || step != f.dst.sample(0, y, x) - f.src.sample(0, y, x)) return false;
  }
  return true;
}

void run(Film &f, int weight, int preserve, int in_force) {
  const auto before = f.dst.all(), other = f.result.all(), frame = f.src.all();
  const auto rest = f.dst.rest();
  const std::vector<int> wanted = f.blend(in_force);
  f.launch(weight, preserve);
  int bad = 0;
  size_t i = 0;
  for (int y = 0; y < f.height(); y++)
    for (int x = 0; x < f.width(); x++) bad += f.changes[size_t(y) * f.pitch + x] != f.c[size_t(y) * f.width() + x];
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < f.dst.channel_height(c); y++)
      for (int x = 0; x < f.dst.channel_width(c); x++) {
        bad += f.result.sample(c, y, x) != wanted[i++];
        if (!preserve || (f.dst.yuv() && c == 0)) bad += f.dst.sample(c, y, x) != f.result.sample(c, y, x);
        else if (f.dst.yuv()) bad += f.dst.sample(c, y, x) != f.src.sample(c, y, x);
        else if (c == 0) bad += !kept(f, y, x);
      }
  if (bad) test::fail("blend %s, weight %d, preserve %d: %d samples are wrong", f.dst.text().c_str(), weight, preserve, bad);
  CHECK(equal(f.before, f.src));
  CHECK(f.dst.damage(before) == 0 && f.result.damage(other) == 0);
  CHECK(f.dst.rest() == rest && f.result.no_rest() && f.before.no_rest());
  CHECK(f.dst.stray() == 0 && f.result.stray() == 0 && f.before.stray() == 0);
  CHECK(f.src.all() == frame);
}

void run(const test::Shape &shape, int width, int height, bool aligned, int weight, int preserve) {
  Film f(shape, width, height, aligned);
  run(f, weight, preserve, weight);
}

}  // namespace

TEST(blend_formats) {
  int i = 0;
  for (const test::Shape &shape : test::shapes())
    for (int preserve : {0, 1}) {
      run(shape, 71, 19, i % 3 == 0, i % 4 ? 205 : 243, preserve);
      i++;
    }
}

TEST(blend_sizes) {
  const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 2}, {64, 16}, {65, 17}, {130, 5}};
  for (const char *name : {"RGB", "BGRA", "NV12", "I422_10"})
    for (const auto &s : sizes) run(test::shape(name), s[0], s[1], s[0] % 2, 243, 0);
}

// The frame before is no longer one if a region does not go on, or the host says so; the pictures are taken over all the same.
TEST(blend_cut) {
  for (const char *name : {"RGB", "NV12"})
    for (int region : {0, 1}) {
      Film f(test::shape(name), 33, 18, true, 2);
      f.continues[size_t(region)] = 0;
      run(f, 243, region, 0);
    }
  Film f(test::shape("YV12"), 21, 9, false, 2);
  run(f, 0, 0, 0);
}

// A resting film: after some frames the result is within two levels of what it is now, and never stands still farther off.
TEST(blend_arrives) {
  Film f(test::shape("BGRA"), 20, 10, true);
  copy(f.before, f.src);
  test::Picture now(test::shape("BGRA"), 20, 10, true, 9);
  copy(f.result, now);
  move(f.result, 3, 40);
  for (int i = 0; i < 60; i++) {
    copy(f.dst, now);
    f.launch(243, 0);
  }
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < 10; y++)
      for (int x = 0; x < 20; x++) CHECK(apart(f.dst.sample(c, y, x), now.sample(c, y, x)) <= 2);
}
