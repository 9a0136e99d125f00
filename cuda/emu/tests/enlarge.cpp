// enlarge.cu against the definition in double precision.
#include "enlarge.cu"
#include "picture.h"

#include <functional>

namespace {

typedef std::function<double(int y, int x)> Field;

// A picture whose neighbours are alike, with an edge and some noise: coefficients of both signs, some beyond their limits.
void shade(test::Picture &p, uint64_t seed, double contrast) {
  test::Random random(seed);
  for (int c = 0; c < 3; c++)
    p.each(c, [&](int y, int x, int) {
      const double edge = (x * 3 + y * 2) / 20 % 2 ? 50 : -50, wave = 60 * std::sin(0.3 * x + 0.2 * y * (c + 1) + double(seed));
      return int((128 + contrast * (edge + wave + random.uniform(-8, 8))) * p.unit());
    });
}

struct Scene {
  test::Picture small, made, frame, dst;
  test::Buffer<float> coefficients;
  std::vector<double> a;  // wanted

  Scene(const test::Shape &shape, int width, int height, int w, int h, bool aligned)
      : small(shape, w, h, true, 1), made(shape, w, h, true, 2), frame(shape, width, height, aligned, 3),
        dst(shape, width, height, !aligned, 4), coefficients(size_t(w) * h * (small.yuv() ? 2 : 4)) {
    shade(small, 1, 1);
    shade(made, 1 + unsigned(width) % 3, height % 2 ? 1.5 : -0.7);
    shade(frame, 1, 1);
  }

  int width() const { return small.frame().width; }
  int height() const { return small.frame().height; }

  REFERENCE std::vector<double> box(const Field &f) const {
    std::vector<double> out;
    for (int y = 0; y < height(); y++)
      for (int x = 0; x < width(); x++) {
        double sum = 0, n = 0;
        for (int j = std::max(y - 2, 0); j < std::min(y + 3, height()); j++)
          for (int i = std::max(x - 2, 0); i < std::min(x + 3, width()); i++) sum += f(j, i), n++;
        out.push_back(sum / n);
      }
    return out;
  }

  REFERENCE void fit() {
    const auto i = [&](int y, int x) { return small.luma(y, x); };
    const auto q = [&](int y, int x) { return made.luma(y, x); };
    const std::vector<double> mi = box(i), mq = box(q), mii = box([&](int y, int x) { return i(y, x) * i(y, x); });
    const std::vector<double> miq = box([&](int y, int x) { return i(y, x) * q(y, x); });
    std::vector<double> raw(mi.size());
    for (size_t k = 0; k < raw.size(); k++) raw[k] = (miq[k] - mi[k] * mq[k]) / (mii[k] - mi[k] * mi[k] + 65);
    a = box([&](int y, int x) { return raw[size_t(y) * width() + x]; });
    for (auto &v : a) v = std::min(std::max(v, -1.0), 1.0);
  }

  double slope(int y, int x) const { return a[size_t(y) * width() + x]; }
};

// f at pixel (y,x) of H x W, bilinear.
REFERENCE double up(const Field &f, int y, int x, int H, int W, int h, int w) {
  const double py = std::min(std::max((y + 0.5) * h / H - 0.5, 0.0), h - 1.0);
  const double px = std::min(std::max((x + 0.5) * w / W - 0.5, 0.0), w - 1.0);
  const int y0 = int(py), x0 = int(px), y1 = std::min(y0 + 1, h - 1), x1 = std::min(x0 + 1, w - 1);
  const double sy = py - y0, sx = px - x0;
  return (1 - sy) * ((1 - sx) * f(y0, x0) + sx * f(y0, x1)) + sy * ((1 - sx) * f(y1, x0) + sx * f(y1, x1));
}

// What sample c of the frame's place is before it is rounded.
double wanted(const Scene &s, int c, int y, int x) {
  const bool lit = c == 0 || !s.dst.yuv();
  const int H = s.dst.channel_height(c), W = s.dst.channel_width(c), h = s.small.channel_height(c), w = s.small.channel_width(c);
  const auto slope = [&](int v, int u) { return lit ? s.slope(v, u) : 0; };
  const auto offset = [&](int v, int u) { return double(s.made.sample(c, v, u)) / s.made.unit() - (lit ? slope(v, u) * s.small.luma(v, u) : 0); };
  return s.dst.unit() * (up(offset, y, x, H, W, h, w) + (lit ? up(slope, y, x, H, W, h, w) * s.frame.luma(y, x) : 0));
}

double limited(const Scene &s, double v) { return std::min(std::max(v, 0.0), double(s.dst.most())); }

// Float may be on the other side of a half.
bool rounded(const Scene &s, int got, double v) { return std::fabs(got - limited(s, v)) <= 0.5 + 2e-3 * s.dst.unit(); }

// With preserve_color: the frame's samples, all moved by the change of luminance to that of the rounded result, as far as all can.
// One level is left to those who round the result on the other side.
int wrong_kept(const Scene &s, int y, int x) {
  const Frame &f = s.frame.frame();
  double made[3], luma = 0;
  int least = s.dst.most(), most = 0;
  for (int c = 0; c < 3; c++) made[c] = std::floor(limited(s, wanted(s, c, y, x)) + 0.5);
  for (int c = 0; c < 3; c++) luma += (c == 0 ? f.kr : c == 1 ? f.kg : f.kb) * made[c];
  for (int c = 0; c < 3; c++) least = std::min(least, s.frame.sample(c, y, x)), most = std::max(most, s.frame.sample(c, y, x));
  const double change = std::min(std::max(luma - s.frame.luma(y, x) * s.dst.unit(), double(-least)), double(s.dst.most() - most));
  int bad = 0;
  for (int c = 0; c < 3; c++) {
    const int step = s.dst.sample(c, y, x) - s.frame.sample(c, y, x);
    bad += std::fabs(step - change) > 1.5 + 2e-3 * s.dst.unit() || step != s.dst.sample(0, y, x) - s.frame.sample(0, y, x);
  }
  return bad;
}

void launch(Scene &s, int preserve) {
  const Frame &small = s.small.frame(), &dst = s.dst.frame();
  const emu::Launch a = test::kernel("enlarge_fit").launch, b = test::kernel("enlarge").launch;
  const auto tiles = [](const Frame &f, const emu::Launch &l) {
    return (f.width + l.tile_w - 1) / l.tile_w * ((f.height + l.tile_h - 1) / l.tile_h);
  };
  test::launch("enlarge_fit", dim3(tiles(small, a)), small, s.made.frame(), s.coefficients.data());
  test::launch("enlarge", dim3(tiles(dst, b), 2), dst, s.frame.frame(), s.made.frame(), static_cast<const float *>(s.coefficients.data()),
               preserve);
}

void run(const test::Shape &shape, int width, int height, int w, int h, bool aligned, int preserve) {
  Scene s(shape, width, height, w, h, aligned);
  s.fit();
  const auto before = s.dst.all(), frame = s.frame.all();
  launch(s, preserve);
  int bad = 0;
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < s.dst.channel_height(c); y++)
      for (int x = 0; x < s.dst.channel_width(c); x++) {
        const int got = s.dst.sample(c, y, x);
        if (!preserve || (c == 0 && s.dst.yuv())) bad += !rounded(s, got, wanted(s, c, y, x));
        else if (s.dst.yuv()) bad += got != s.frame.sample(c, y, x);
        else if (c == 0) bad += wrong_kept(s, y, x);
      }
  if (bad) test::fail("enlarge %s -> %s, preserve %d: %d samples are wrong", s.small.text().c_str(), s.dst.text().c_str(), preserve, bad);
  CHECK(s.dst.damage(before) == 0 && s.dst.stray() == 0);
  CHECK(s.dst.rest() == s.frame.rest());
  CHECK(s.frame.all() == frame);
}

}  // namespace

TEST(enlarge_formats) {
  int i = 0;
  for (const test::Shape &shape : test::shapes())
    for (int preserve : {0, 1}) run(shape, 53, 37, 35, 19, i++ % 3 == 0, preserve);
}

TEST(enlarge_sizes) {
  const int sizes[][4] = {{1, 1, 1, 1}, {9, 9, 8, 8}, {17, 3, 1, 1}, {5, 31, 2, 30}, {64, 16, 64, 16}, {100, 9, 41, 5}};
  for (const char *name : {"RGB", "NV12", "I422_10"})
    for (const auto &s : sizes) run(test::shape(name), s[0], s[1], s[2], s[3], s[2] % 2, 0);
}

// A result that is the frame is enlarged to the frame where that has contrast; here the coefficients are at their limit.
TEST(enlarge_fit) {
  Scene s(test::shape("YV12"), 40, 24, 20, 12, true);
  shade(s.made, 1, 5);
  s.fit();
  launch(s, 0);
  int limit = 0;
  for (size_t k = 0; k < s.a.size(); k++) {
    limit += s.a[k] == 1;
    CHECK(std::fabs(s.coefficients[2 * k] - s.a[k]) < 1e-5);
  }
  CHECK(limit > 10);
}
