// regions.cu against sums in double precision.
#include "regions.cu"
#include "test.h"

#include <string>
#include <vector>

namespace {

struct Scene {
  int H, W, C;
  test::Buffer<__half> x;
  test::Buffer<float> shares, content, style;

  // Channels have values around `middle` and more; a pixel's share is 0, 1, or between. The halo is NaN.
  Scene(int H, int W, int C, float middle)
      : H(H), W(W), C(C), x(size_t(H + 2) * (W + 2) * C), shares(size_t(H) * W), content(4 * C), style(4 * C) {
    test::Random random(H * 100 + W + C);
    for (int y = 0; y < H; y++)
      for (int px = 0; px < W; px++)
        for (int c = 0; c < C; c++) at(y, px, c) = __float2half_rn(middle + c + random.uniform(-3, 3));
    for (auto &m : shares) m = std::min(std::max(random.uniform(-0.5f, 1.5f), 0.0f), 1.0f);
    for (auto &v : style) v = random.uniform(0.2f, 3);
  }

  __half &at(int y, int px, int c) { return x[(size_t(y + 1) * (W + 2) + px + 1) * C + c]; }
  double share(int pixel, int region) { return region ? 1 - double(shares[pixel]) : double(shares[pixel]); }
  std::string text() const { return std::to_string(H) + "x" + std::to_string(W) + "x" + std::to_string(C); }

  void measure() {
    const emu::Launch part = test::kernel("regions_partial").launch, merge = test::kernel("regions_merge").launch;
    const int bands = (H + part.tile_h - 1) / part.tile_h;
    test::Buffer<float> partial(size_t(2) * bands * 3 * C);
    test::launch("regions_partial", dim3(bands, C / part.tile_c, 2), static_cast<const __half *>(x.data()),
                 static_cast<const float *>(shares.data()), partial.data(), H, W, C);
    test::launch("regions_merge", dim3((C + merge.tile_c - 1) / merge.tile_c, 2), static_cast<const float *>(partial.data()), content.data(), H,
                 C);
  }

  void apply(float alpha) {
    const emu::Launch l = test::kernel("regions_apply").launch;
    test::launch("regions_apply", dim3((H + l.tile_h - 1) / l.tile_h, C / l.tile_c), x.data(), static_cast<const float *>(shares.data()),
                 static_cast<const float *>(content.data()), static_cast<const float *>(style.data()), alpha, H, W, C);
  }

  // [2][2][C], 0 and 1 where a region is empty.
  std::vector<float> statistics() {
    std::vector<float> wanted;
    for (int region = 0; region < 2; region++) {
      double n = 0;
      std::vector<double> mean(C), square(C);
      for (int i = 0; i < H * W; i++) n += share(i, region);
      for (int i = 0; i < H * W; i++)
        for (int c = 0; c < C; c++) mean[c] += n > 0 ? share(i, region) * double(__half2float(at(i / W, i % W, c))) / n : 0;
      for (int i = 0; i < H * W; i++)
        for (int c = 0; c < C; c++) square[c] += share(i, region) * std::pow(__half2float(at(i / W, i % W, c)) - mean[c], 2);
      wanted.insert(wanted.end(), mean.begin(), mean.end());
      for (int c = 0; c < C; c++) wanted.push_back(n > 0 ? float(std::sqrt(square[c] / n + 1e-5)) : 1);
    }
    return wanted;
  }
};

void check_statistics(Scene &s) {
  s.measure();
  const std::vector<float> wanted = s.statistics(), once(s.content.begin(), s.content.end());
  for (int i = 0; i < 4; i++)
    test::near(("regions " + s.text() + (i % 2 ? " std" : " mean")).c_str(), &s.content[i * s.C], &wanted[i * s.C], s.C, 1e-6, i % 2 ? 2e-5 : 2e-6);
  s.measure();
  if (std::memcmp(once.data(), s.content.data(), s.content.bytes()) != 0) test::fail("%s: a second run gives other results", s.text().c_str());
}

int reflect(int i, int n) { return n == 1 ? 0 : i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; }

void check_apply(Scene &s, float alpha) {
  std::vector<float> wanted(s.x.size());
  for (int y = -1; y <= s.H; y++)
    for (int px = -1; px <= s.W; px++)
      for (int c = 0; c < s.C; c++) {
        const int from = reflect(y, s.H) * s.W + reflect(px, s.W);
        const double v = __half2float(s.at(from / s.W, from % s.W, c));
        double t = 0;
        for (int r = 0; r < 2; r++) {
          const float *mean = &s.content[r * 2 * s.C + c], *target = &s.style[r * 2 * s.C + c];
          t += s.share(from, r) * ((v - mean[0]) / mean[s.C] * target[s.C] + target[0]);
        }
        wanted[(size_t(y + 1) * (s.W + 2) + px + 1) * s.C + c] = float(alpha * t + (1 - double(alpha)) * v);
      }
  s.apply(alpha);
  test::near(("regions applied " + s.text()).c_str(), s.x.data(), wanted.data(), wanted.size(), 1e-5, 0x1p-11 + 1e-5);
}

void run(int H, int W, int C, float alpha) {
  Scene s(H, W, C, 0);
  check_statistics(s);
  check_apply(s, alpha);
}

}  // namespace

TEST(regions_sizes) {
  const int planes[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 2}, {8, 8}, {9, 7}, {17, 33}, {33, 50}};
  for (const auto &plane : planes) run(plane[0], plane[1], 16, 0.7f);
}

TEST(regions_widths) {
  for (int C : {32, 48, 80}) run(10, 11, C, 1);
}

// Bands without a share of a region come first, in the middle and last, and a region may have next to nothing, or nothing.
TEST(regions_bands) {
  for (int full : {0, 1, 2}) {
    Scene s(26, 9, 16, 0);
    for (int i = 0; i < 26 * 9; i++) s.shares[i] = i / 72 == full ? 1 : 0;
    check_statistics(s);
    check_apply(s, 0.5f);
  }
  for (float value : {0.0f, 1.0f}) {
    Scene s(18, 9, 16, 0);
    for (auto &m : s.shares) m = value;
    check_statistics(s);
    check_apply(s, 1);
    for (auto &v : s.x) CHECK(std::isfinite(__half2float(v)));
    s.shares[40] = value ? 1 - 0x1p-14f : 0x1p-14f;
    check_statistics(s);
    check_apply(s, 1);
  }
}

// The squares of these values differ in digits that float does not have.
TEST(regions_large_mean) {
  Scene s(33, 30, 16, 1000);
  check_statistics(s);
  check_apply(s, 1);
}

// With alpha 0 nothing changes but the halo.
TEST(regions_none) {
  Scene s(5, 6, 16, 0);
  s.measure();
  const std::vector<__half> before(s.x.begin(), s.x.end());
  s.apply(0);
  for (int y = 0; y < 5; y++)
    for (int px = 0; px < 6; px++)
      for (int c = 0; c < 16; c++) CHECK(__half2float(s.at(y, px, c)) == __half2float(before[(size_t(y + 1) * 8 + px + 1) * 16 + c]));
}

// A flat content under a style of high contrast must not become infinite.
TEST(regions_large) {
  Scene s(2, 3, 16, 0);
  for (int r = 0; r < 2; r++)
    for (int c = 0; c < 16; c++) s.content[r * 32 + c] = 0, s.content[r * 32 + 16 + c] = 1e-8f;
  s.apply(1);
  for (auto &v : s.x) CHECK(std::fabs(__half2float(v)) <= 65504);
}
