// statistics.cu against sums in double precision.
#include "statistics.cu"
#include "test.h"

#include <string>
#include <vector>

namespace {

void measure(test::Buffer<__half> &x, test::Buffer<float> &stats, int H, int W, int C) {
  const emu::Launch part = test::kernel("statistics_partial").launch, merge = test::kernel("statistics_merge").launch;
  const int bands = (H + part.tile_h - 1) / part.tile_h;
  test::Buffer<float> partial(size_t(bands) * 2 * C);
  test::launch("statistics_partial", dim3(bands, C / part.tile_c), static_cast<const __half *>(x.data()), partial.data(), H, W, C);
  test::launch("statistics_merge", dim3((C + merge.tile_c - 1) / merge.tile_c), static_cast<const float *>(partial.data()), stats.data(),
               H, W, C);
}

// Channels have values around `middle` that differ by up to `width`. The halo is NaN and must not count.
void run(int H, int W, int C, float middle, float width) {
  test::Random random(H * 100 + W + C);
  test::Buffer<__half> x(size_t(H + 2) * (W + 2) * C);
  std::vector<double> sum(C), square(C);
  std::vector<float> wanted(2 * C);
  for (int pass = 0; pass < 2; pass++)
    for (int py = 0; py < H; py++)
      for (int px = 0; px < W; px++)
        for (int c = 0; c < C; c++) {
          __half &h = x[(size_t(py + 1) * (W + 2) + px + 1) * C + c];
          if (pass == 0) {
            h = __float2half_rn(middle + c + (c + 1) * random.uniform(-width, width) / C);
            sum[c] += __half2float(h);
          } else {
            const double d = __half2float(h) - sum[c] / (double(H) * W);
            square[c] += d * d;
          }
        }
  for (int c = 0; c < C; c++) {
    wanted[c] = float(sum[c] / (double(H) * W));
    wanted[C + c] = float(std::sqrt(square[c] / (double(H) * W) + 1e-5));
  }
  test::Buffer<float> stats(2 * C), again(2 * C);
  measure(x, stats, H, W, C);
  measure(x, again, H, W, C);
  const std::string what = "statistics " + std::to_string(H) + "x" + std::to_string(W) + "x" + std::to_string(C);
  test::near((what + " mean").c_str(), stats.data(), wanted.data(), C, 1e-6, 1e-6);
  test::near((what + " std").c_str(), stats.data() + C, wanted.data() + C, C, 1e-6, 2e-5);
  if (std::memcmp(stats.data(), again.data(), stats.bytes()) != 0) test::fail("%s: a second run gives other results", what.c_str());
}

}  // namespace

TEST(statistics_sizes) {
  const int planes[][2] = {{1, 1}, {1, 9}, {2, 2}, {3, 2}, {8, 8}, {9, 7}, {17, 33}, {24, 40}, {33, 50}};
  for (const auto &plane : planes) run(plane[0], plane[1], 16, 0, 2);
}

TEST(statistics_widths) {
  for (int C : {32, 48, 80, 128}) run(19, 21, C, 1, 3);
}

// The squares of these values differ in digits that float does not have.
TEST(statistics_large_mean) { run(33, 50, 16, 1000, 4); }

// Pictures of a batch have statistics as if each were alone.
TEST(statistics_batch) {
  const int H = 17, W = 9, C = 32, N = 3, bands = 3, plane = (H + 2) * (W + 2) * C;
  test::Random random(5);
  test::Buffer<__half> x(size_t(N) * plane);
  test::Buffer<float> partial(size_t(N) * bands * 2 * C), stats(size_t(N) * 2 * C), alone(2 * C);
  for (auto &v : x) v = __float2half_rn(random.uniform(-1, 2));
  test::launch("statistics_partial", dim3(bands, C / 16, N), static_cast<const __half *>(x.data()), partial.data(), H, W, C);
  test::launch("statistics_merge", dim3(1, 1, N), static_cast<const float *>(partial.data()), stats.data(), H, W, C);
  for (int n = 0; n < N; n++) {
    test::Buffer<__half> one(plane);
    std::memcpy(one.data(), x.data() + size_t(n) * plane, one.bytes());
    measure(one, alone, H, W, C);
    CHECK(std::memcmp(alone.data(), stats.data() + size_t(n) * 2 * C, alone.bytes()) == 0);
  }
}

TEST(statistics_constant) {
  test::Buffer<__half> x(12 * 7 * 16);
  test::Buffer<float> stats(32);
  for (auto &v : x) v = __float2half_rn(3.25f);
  measure(x, stats, 10, 5, 16);
  for (int c = 0; c < 16; c++) {
    CHECK(stats[c] == 3.25f);
    CHECK(stats[16 + c] == sqrtf(1e-5f));
  }
}
