// train_planes.cu against plain loops.
#include "train_planes.cu"
#include "batch.h"

#include <array>

namespace {

const double kHalf = 0x1p-11;  // half a step of float16, relative

int blocks(int values) { return (values + train_threads - 1) / train_threads; }

double share(int Y, int y, int n, bool bilinear) {
  if (!bilinear) return Y / 2 == y;
  const int near = std::min(std::max(Y / 2 + 2 * (Y % 2) - 1, 0), n - 1);
  return (Y / 2 == y ? 0.75 : 0) + (near == y ? 0.25 : 0);
}

struct Back {
  Batch relu, e, content, g;
  test::Buffer<float> tap, target;
  const float weight = 0.3f;
  const int follows;

  Back(int N, int H, int W, int C, int follows)
      : relu(N, H, W, C), e(N, size(H, follows), size(W, follows), C), content(N, H, W, C), g(N, H, W, C), tap(size_t(N) * 2 * C),
        target(size_t(N) * 2 * C), follows(follows) {
    relu.random(H + W);
    // A third of the values is 0, as behind ReLU, and equal maxima occur.
    for (auto &v : relu.values) v = __float2half_rn(std::max(0.0f, std::round(__half2float(v) * 3) / 3));
    e.random(N + H);
    content.random(C + W);
    test::Random random(9);
    for (auto &v : tap) v = random.uniform(-1, 1);
    for (auto &v : target) v = random.uniform(-1, 1);
  }

  static int size(int n, int follows) { return follows == TRAIN_POOL ? n / 2 : follows == TRAIN_NOTHING ? n : 2 * n; }

  REFERENCE bool won(int n, int y, int x, int c) {
    for (int t = 0; t < 4; t++) {
      const int i = (y & ~1) + t / 2, j = (x & ~1) + t % 2;
      const float d = relu(n, i, j, c) - relu(n, y, x, c);
      if (d > 0 || (d == 0 && t < (y & 1) * 2 + (x & 1))) return false;
    }
    return true;
  }

  REFERENCE double next(int n, int y, int x, int c) {
    if (follows == TRAIN_NOTHING) return folded(e, n, y, x, c, false);
    if (follows == TRAIN_POOL) return won(n, y, x, c) ? folded(e, n, y / 2, x / 2, c, false) : 0;
    double sum = 0;
    for (int Y = 0; Y < e.H; Y++)
      for (int X = 0; X < e.W; X++) {
        const double s = share(Y, y, relu.H, follows == TRAIN_BILINEAR) * share(X, x, relu.W, follows == TRAIN_BILINEAR);
        if (s > 0) sum += s * folded(e, n, Y, X, c, true);
      }
    return sum;
  }

  void run(bool all) {
    const int C = relu.C;
    test::launch("train_back", dim3(blocks((relu.H + 2) * (relu.W + 2) * C / 8), relu.N), relu.data(), e.data(),
                 static_cast<const float *>(all ? tap.data() : nullptr), all ? content.data() : nullptr,
                 static_cast<const float *>(all ? target.data() : nullptr), g.values.data(), weight, relu.H, relu.W, C, follows);
    std::vector<float> got, wanted;
    for (int n = 0; n < relu.N; n++)
      for (int y = -1; y <= relu.H; y++)
        for (int x = -1; x <= relu.W; x++)
          for (int c = 0; c < C; c++) {
            double want = 0;
            if (y >= 0 && y < relu.H && x >= 0 && x < relu.W && relu(n, y, x, c) > 0) {
              want = next(n, y, x, c);
              const float *a = &tap[size_t(n) * 2 * C + c], *b = &target[size_t(n) * 2 * C + c];
              const double v = relu(n, y, x, c);
              if (all) want += a[0] + a[C] * v + weight * (v - (b[0] * content(n, y, x, c) + b[C]));
            }
            got.push_back(g(n, y, x, c)), wanted.push_back(float(want));
          }
    test::near("train_back", got.data(), wanted.data(), got.size(), 1e-5, kHalf + 1e-5);
  }
};

}  // namespace

TEST(train_planes_picture) {
  const int N = 2, H = 5, W = 9;
  test::Buffer<float> src(size_t(N) * 3 * H * W);
  test::Random random(1);
  for (auto &v : src) v = random.uniform(0, 1);
  Batch y(N, H, W, 16);
  test::launch("train_picture", dim3(blocks(H * W), N), static_cast<const float *>(src.data()), y.values.data(), H, W);
  y.check("train_picture", false, 0, kHalf, [&](int n, int py, int px, int c) { return c < 3 ? 256 * src[((size_t(n) * 3 + c) * H + py) * W + px] : 0; });
}

TEST(train_planes_pool) {
  for (const auto &s : {std::array<int, 3>{2, 2, 1}, {8, 18, 3}, {4, 6, 8}}) {
    Batch x(s[2], s[0], s[1], 32), y(s[2], s[0] / 2, s[1] / 2, 32);
    x.random(4);
    test::launch("train_pool", dim3(blocks(y.H * y.W * 4), s[2]), x.data(), y.values.data(), x.H, x.W, 32);
    y.check("train_pool", false, 0, 0, [&](int n, int py, int px, int c) {
      return std::max({x(n, 2 * py, 2 * px, c), x(n, 2 * py, 2 * px + 1, c), x(n, 2 * py + 1, 2 * px, c), x(n, 2 * py + 1, 2 * px + 1, c)});
    });
  }
}

TEST(train_planes_upsample) {
  for (const int bilinear : {0, 1})
    for (const auto &s : {std::array<int, 3>{1, 1, 1}, {1, 5, 3}, {4, 9, 2}}) {
      Batch x(s[2], s[0], s[1], 16), y(s[2], 2 * s[0], 2 * s[1], 16);
      x.random(4);
      test::launch("train_upsample", dim3(blocks(y.H * y.W * 2), s[2]), x.data(), y.values.data(), x.H, x.W, 16, bilinear);
      y.check("train_upsample", true, 1e-7, kHalf + 1e-6, [&](int n, int py, int px, int c) {
        double sum = 0;
        for (int i = 0; i < x.H; i++)
          for (int j = 0; j < x.W; j++) sum += share(py, i, x.H, bilinear) * share(px, j, x.W, bilinear) * x(n, i, j, c);
        return sum;
      });
    }
}

TEST(train_planes_adain) {
  const int N = 3, H = 5, W = 7, C = 48;
  Batch x(N, H, W, C), y(N, H, W, C), same(N, H, W, C);
  x.random(2);
  test::Buffer<float> content(size_t(N) * 2 * C), style(size_t(N) * 2 * C), alpha(N);
  test::Random random(3);
  for (auto &v : content) v = random.uniform(0.5f, 2);
  for (auto &v : style) v = random.uniform(0.5f, 2);
  for (auto &v : alpha) v = random.uniform(0, 1);
  const float *a = alpha.data(), *from = content.data(), *to = style.data(), *none = nullptr;
  test::launch("train_adain", dim3(blocks(H * W * C / 8), N), x.data(), from, to, a, y.values.data(), H, W, C);
  y.check("train_adain", false, 1e-6, kHalf + 1e-5, [&](int n, int py, int px, int c) {
    const size_t i = size_t(n) * 2 * C + c;
    const double v = x(n, py, px, c);
    return a[n] * ((v - from[i]) / from[i + C] * to[i + C] + to[i]) + (1 - a[n]) * v;
  });
  test::launch("train_adain", dim3(blocks(H * W * C / 8), N), x.data(), from, to, none, same.values.data(), H, W, C);
  same.check("train_adain, none", false, 0, 0, [&](int n, int py, int px, int c) { return x(n, py, px, c); });
}

TEST(train_planes_back) {
  for (const bool all : {false, true}) {
    Back(1, 1, 1, 16, TRAIN_NOTHING).run(all);
    Back(3, 5, 9, 16, TRAIN_NOTHING).run(all);
    Back(8, 2, 4, 16, TRAIN_POOL).run(all);
    Back(1, 6, 10, 32, TRAIN_POOL).run(all);
    Back(2, 3, 5, 16, TRAIN_NEAREST).run(all);
    Back(1, 1, 1, 16, TRAIN_NEAREST).run(all);
    Back(2, 3, 5, 16, TRAIN_BILINEAR).run(all);
    Back(1, 1, 2, 16, TRAIN_BILINEAR).run(all);
  }
}
