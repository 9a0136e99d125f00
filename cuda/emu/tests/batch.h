// Batches of planes with halos as the trainer's kernels take them, [N][H+2][W+2][C], and plain access to their values.
#pragma once
#include <vector>

#include "test.h"

struct Batch {
  const int N, H, W, C;
  test::Buffer<__half> values;

  Batch(int N, int H, int W, int C) : N(N), H(H), W(W), C(C), values(size_t(N) * (H + 2) * (W + 2) * C) {}
  // -1 <= y <= H and so on
  __half &at(int n, int y, int x, int c) { return values[((size_t(n) * (H + 2) + y + 1) * (W + 2) + x + 1) * C + c]; }
  float operator()(int n, int y, int x, int c) { return __half2float(at(n, y, x, c)); }
  const __half *data() { return values.data(); }

  // Random values everywhere, the halo too.
  Batch &random(uint64_t seed, float low = -1, float high = 1) {
    test::Random random(seed);
    for (auto &v : values) v = __float2half_rn(random.uniform(low, high));
    return *this;
  }
  Batch &clear_halo() {
    each_of_halo([&](int n, int y, int x) {
      for (int c = 0; c < C; c++) at(n, y, x, c) = __float2half_rn(0);
    });
    return *this;
  }
  template <class Do>
  void each_of_halo(Do &&what) {
    for (int n = 0; n < N; n++)
      for (int y = -1; y <= H; y++)
        for (int x = -1; x <= W; x++)
          if (y < 0 || y == H || x < 0 || x == W) what(n, y, x);
  }
  // Which pixel the halo shows.
  static int source(int i, int n, bool repeated) {
    if (i >= 0 && i < n) return i;
    if (repeated || n == 1) return i < 0 ? 0 : n - 1;
    return i < 0 ? 1 : n - 2;
  }
  // Fails unless the inside is what wanted(n, y, x, c) says and the halo shows it.
  template <class Wanted>
  void check(const char *what, bool repeated, double absolute, double relative, Wanted &&wanted) {
    std::vector<float> got, want;
    for (int n = 0; n < N; n++)
      for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
          for (int c = 0; c < C; c++) got.push_back((*this)(n, y, x, c)), want.push_back(float(wanted(n, y, x, c)));
    test::near(what, got.data(), want.data(), got.size(), absolute, relative);
    int wrong = 0;
    each_of_halo([&](int n, int y, int x) {
      wrong += std::memcmp(&at(n, y, x, 0), &at(n, source(y, H, repeated), source(x, W, repeated), 0), size_t(C) * 2) != 0;
    });
    if (wrong) test::fail("%s: %d pixels of the halo are not copies", what, wrong);
  }
};

// What the way back makes of a gradient e of an input with its halo: the sum of all pixels that show (y, x).
REFERENCE inline double folded(Batch &e, int n, int y, int x, int c, bool repeated) {
  double sum = 0;
  for (int i = -1; i <= e.H; i++)
    for (int j = -1; j <= e.W; j++)
      if (Batch::source(i, e.H, repeated) == y && Batch::source(j, e.W, repeated) == x) sum += e(n, i, j, c);
  return sum;
}
