// reduce.cu against sums over all samples of the frame, in whole numbers.
#include "reduce.cu"
#include "picture.h"

namespace {

// How much of sample i of n lies inside of sample k of m, in units of 1/m.
int64_t overlap(int64_t k, int64_t i, int64_t n, int64_t m) {
  return std::max<int64_t>(0, std::min((k + 1) * n, (i + 1) * m) - std::max(k * n, i * m));
}

// Counts samples of channel c that are not exactly what the definition says.
REFERENCE int wrong(const test::Picture &dst, const test::Picture &src, int c) {
  const int nx = src.channel_width(c), ny = src.channel_height(c), mx = dst.channel_width(c), my = dst.channel_height(c);
  int bad = 0;
  for (int y = 0; y < my; y++)
    for (int x = 0; x < mx; x++) {
      int64_t sum = 0;
      for (int j = 0; j < ny; j++) {
        const int64_t weight = overlap(y, j, ny, my);
        for (int i = 0; weight && i < nx; i++) sum += weight * overlap(x, i, nx, mx) * src.sample(c, j, i);
      }
      const int64_t all = int64_t(nx) * ny;
      bad += dst.sample(c, y, x) != (2 * sum + all) / (2 * all);
    }
  return bad;
}

void launch(const test::Picture &dst, const test::Picture &src) {
  const Frame &f = dst.frame();
  const emu::Launch l = test::kernel("reduce").launch;
  const int tiles = (f.width + l.tile_w - 1) / l.tile_w * ((f.height + l.tile_h - 1) / l.tile_h);
  test::launch("reduce", dim3(tiles, 2), f, src.frame());
}

void run(const test::Shape &shape, int width, int height, int w, int h, bool aligned) {
  test::Picture src(shape, width, height, aligned, 1), dst(shape, w, h, !aligned, 2);
  const auto before = dst.all(), frame = src.all();
  launch(dst, src);
  int bad = 0;
  for (int c = 0; c < 3; c++) bad += wrong(dst, src, c);
  if (bad) test::fail("reduce %s -> %s: %d samples are wrong", src.text().c_str(), dst.text().c_str(), bad);
  CHECK(dst.damage(before) == 0 && dst.stray() == 0 && dst.no_rest());
  CHECK(src.all() == frame);
}

}  // namespace

TEST(reduce_formats) {
  for (const test::Shape &shape : test::shapes()) {
    run(shape, 67, 41, 35, 19, false);
    run(shape, 80, 24, 40, 12, true);
  }
}

TEST(reduce_sizes) {
  const int sizes[][4] = {{1, 1, 1, 1}, {9, 8, 9, 8}, {9, 9, 8, 8}, {17, 3, 1, 1}, {3, 31, 2, 30}, {65, 9, 33, 9}, {300, 11, 7, 3}};
  for (const char *name : {"RGB", "BGRA", "NV12", "YV12", "I422_10"})
    for (const auto &s : sizes) run(test::shape(name), s[0], s[1], s[2], s[3], s[2] % 2);
}

// All samples are the same, the largest and others: sums are as large as they get, beyond 32 bits for a row of deep ones, and the mean is
// that value.
TEST(reduce_even) {
  const int sizes[][4] = {{1001, 13, 37, 8}, {70001, 1, 2, 1}};
  for (const char *name : {"BGRA", "Y444_16"})
    for (const auto &s : sizes)
      for (int share : {0, 1, 127, 255}) {
        test::Picture src(test::shape(name), s[0], s[1], true, 1), dst(test::shape(name), s[2], s[3], true, 2);
        const int value = src.most() / 255 * share;
        for (int c = 0; c < 3; c++) src.each(c, [&](int, int, int) { return value; });
        launch(dst, src);
        for (int c = 0; c < 3; c++)
          for (int y = 0; y < s[3]; y++)
            for (int x = 0; x < s[2]; x++) CHECK(dst.sample(c, y, x) == value);
      }
}

// Sums beyond 32 bits, and quotients at the border between two samples, where float alone would take the wrong one.
TEST(reduce_quotients) {
  test::Random random(3);
  for (int i = 0; i < 100000; i++) {
    const Whole d = (Whole(random.bits()) << 17 | random.bits()) % ((Whole(1) << 46) - 1) + 1, q = unsigned(random.below(i % 2 ? 256 : 65536));
    for (Whole rest : {Whole(0), d - 1, d / 2})
      if (Whole(reduce_quotient(q * d + rest, d)) != q) return test::fail("%llu / %llu is not %llu", q * d + rest, d, q);
  }
}
