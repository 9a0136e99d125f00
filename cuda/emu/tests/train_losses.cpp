// train_losses.cu against plain loops, and its gradients against those that differences of its losses give.
#include "train_losses.cu"
#include "batch.h"

namespace {

int blocks(int values) { return (values + train_threads - 1) / train_threads; }

void fill(test::Buffer<float> &b, uint64_t seed, float low, float high) {
  test::Random random(seed);
  for (auto &v : b) v = random.uniform(low, high);
}

// Statistics of N results and M looks, of four levels one behind the other.
struct Style {
  const int N = 3, M = 9, H = 16, W = 24, real[4] = {4, 16, 20, 32};
  test::Buffer<float> seen, looks, alpha, taps, target;
  test::Buffer<double> loss;

  Style() : seen(size(3)), looks(size(9)), alpha(3), taps(size(3)), target(3 * 2 * 32), loss(3) {
    fill(seen, 1, 0.5f, 2), fill(looks, 2, 0.5f, 2), fill(alpha, 3, 0, 1);
    // Channels that the network does not have are equal everywhere.
    for (test::Buffer<float> *b : {&seen, &looks})
      for (int level = 0; level < 4; level++)
        for (int n = 0; n < (b == &seen ? N : M); n++)
          for (int c = 0; c < channels(level); c++)
            if (c >= real[level]) (*b)[at(level, b == &seen ? N : M, n) + c] = 0, (*b)[at(level, b == &seen ? N : M, n) + channels(level) + c] = 0.003f;
  }
  int channels(int level) const { return (real[level] + 15) / 16 * 16; }
  size_t at(int level, int pictures, int n) const {
    size_t k = 0;
    for (int i = 0; i < level; i++) k += size_t(pictures) * 2 * channels(i);
    return k + size_t(n) * 2 * channels(level);
  }
  size_t size(int pictures) const { return at(3, pictures, pictures); }

  void run(float factor, float floor) {
    test::launch("train_style", dim3(N), static_cast<const float *>(seen.data()), static_cast<const float *>(looks.data()),
                 static_cast<const float *>(alpha.data()), taps.data(), target.data(), loss.data(), factor, floor, N, M, H, W, real[0], real[1],
                 real[2], real[3]);
  }
  REFERENCE double wanted(int n, float floor, int level_of, int c_of, double *mean_off, double *std_off) {
    double own = 0, sum = 0;
    for (int level = 0; level < 4; level++)
      for (int c = 0; c < real[level]; c++) {
        const int C = channels(level);
        const float *y = &seen[at(level, N, n) + c], *x = &looks[at(level, M, n) + c], *s = &looks[at(level, M, N + n) + c];
        own += (std::pow(double(x[0]) - s[0], 2) + std::pow(double(x[C]) - s[C], 2)) / real[level];
        const double mean = y[0] - (alpha[n] * double(s[0]) + (1 - double(alpha[n])) * x[0]);
        const double std = y[C] - (alpha[n] * double(s[C]) + (1 - double(alpha[n])) * x[C]);
        sum += (mean * mean + std * std) / (double(N) * real[level]);
        if (level == level_of && c == c_of) *mean_off = mean, *std_off = std;
      }
    const double share = floor < 0 ? 1 : 1 / (own + floor);
    *mean_off *= share, *std_off *= share;
    return share * sum;
  }
};

}  // namespace

TEST(train_losses_style) {
  for (const float floor : {-1.0f, 0.5f}) {
    Style s;
    const float factor = 7;
    s.run(factor, floor);
    for (int n = 0; n < s.N; n++)
      for (int level = 0; level < 4; level++)
        for (int c = 0; c < s.channels(level); c++) {
          double mean = 0, std = 0;
          const double loss = s.wanted(n, floor, level, c, &mean, &std);
          CHECK(std::fabs(s.loss[n] - loss) < 1e-6 * loss);
          const int C = s.channels(level);
          const float *y = &s.seen[s.at(level, s.N, n) + c], *tap = &s.taps[s.at(level, s.N, n) + c];
          const double pixels = double(s.H >> level) * (s.W >> level), each = factor * 2 / (s.N * double(s.real[level]));
          const double slope = each * std / (pixels * y[C]);
          CHECK(std::fabs(tap[C] - slope) < 1e-7 && std::fabs(tap[0] - (each * mean / pixels - slope * y[0])) < 1e-7);
        }
    for (int n = 0; n < s.N; n++)
      for (int c = 0; c < 32; c++) {
        const float *x = &s.looks[s.at(3, s.M, n) + c], *t = &s.looks[s.at(3, s.M, s.N + n) + c], *target = &s.target[size_t(n) * 64 + c];
        const double v = 1.7, a = s.alpha[n];
        CHECK(std::fabs(target[0] * v + target[32] - (a * ((v - x[0]) / x[32] * t[32] + t[0]) + (1 - a) * v)) < 1e-5);
      }
  }
}

TEST(train_losses_content) {
  const int N = 2, H = 5, W = 9, C = 32;
  Batch seen(N, H, W, C), content(N, H, W, C);
  seen.random(1), content.random(2);
  test::Buffer<float> target(size_t(N) * 2 * C);
  fill(target, 3, -1, 1);
  const int parts = blocks(H * W * C / 8);
  test::Buffer<double> partial(size_t(N) * parts);
  test::launch("train_content", dim3(parts, N), seen.data(), content.data(), static_cast<const float *>(target.data()), partial.data(), H, W, C);
  double got = 0, wanted = 0;
  for (double v : partial) got += v;
  for (int n = 0; n < N; n++)
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++)
        for (int c = 0; c < C; c++)
          wanted += std::pow(seen(n, y, x, c) - (target[size_t(n) * 2 * C + c] * content(n, y, x, c) + target[size_t(n) * 2 * C + C + c]), 2);
  CHECK(std::fabs(got - wanted) < 1e-5 * wanted);
}

TEST(train_losses_lattice) {
  const int N = 2;
  for (const auto &[H, W] : {std::pair{8, 8}, {24, 40}}) {
    test::Buffer<float> results(size_t(N) * 3 * H * W), phases(N * 3 * 64);
    test::Buffer<double> partial(N * 3);
    fill(results, 1, 0, 1);
    test::launch("train_lattice", dim3(3, N), static_cast<const float *>(results.data()), phases.data(), partial.data(), H, W);
    for (int plane = 0; plane < 3 * N; plane++) {
      std::vector<double> mean(64);
      double all = 0, squares = 0;
      for (int i = 0; i < H * W; i++) {
        const double v = results[size_t(plane) * H * W + i];
        all += v / (H * W), mean[i / W % 8 * 8 + i % W % 8] += v * 64 / (H * W);
      }
      for (int k = 0; k < 64; k++) {
        CHECK(std::fabs(phases[plane * 64 + k] - (mean[k] - all)) < 1e-6);
        squares += (mean[k] - all) * (mean[k] - all);
      }
      CHECK(std::fabs(partial[plane] - squares) < 1e-9);
    }
  }
}

TEST(train_losses_seeds) {
  const int N = 2, H = 5, W = 9, moved = 2, same = 4, R = 6;
  const float judged = 3, identity = 2, consistency = 5, lattice = 7;
  // Whole pixels; fractions, turned and zoomed; as far as may be, smaller and larger; along the edge.
  const float motions[4][12] = {{1, 0, 2, 0, 1, -1, 1, 0, -3, 0, 1, 4},
                                {0.97f, 0.05f, 0.3f, -0.04f, 1.06f, -0.45f, 1.1f, -0.03f, -1.7f, 0.02f, 0.93f, 0.6f},
                                {0.75f, 0, 1.1f, 0, 0.75f, 0.4f, 1.125f, 0.125f, -1, -0.125f, 1.125f, 0.25f},
                                {1, 0, 0, 0, 1, 0, 0.875f, -0.125f, 0.5f, 0.125f, 0.875f, 0.125f}};
  for (const auto &motion_of : motions) {
    test::Buffer<float> results(size_t(R) * 3 * H * W), content(size_t(N) * 3 * H * W), motion(12), phases(N * 3 * 64);
    fill(results, 1, 0, 1), fill(content, 2, 0, 1), fill(phases, 4, -1, 1);
    std::memcpy(motion.data(), motion_of, sizeof motion_of);
    Batch e(N, H, W, 16), g(R, H, W, 16);
    e.random(3);
    const int parts = blocks((H + 2) * (W + 2));
    test::Buffer<double> partial(size_t(R) * parts);
    const auto result = [&](int k, int c, int y, int x) -> double { return results[(size_t(k * 3 + c) * H + y) * W + x]; };
    test::launch("train_seeds", dim3(parts, R), static_cast<const float *>(results.data()), static_cast<const float *>(content.data()), e.data(),
                 static_cast<const float *>(motion.data()), static_cast<const float *>(phases.data()), g.values.data(), partial.data(), judged, identity,
                 consistency, lattice, N, H, W, moved, same);
    std::vector<double> squares(R);
    std::vector<float> wanted(g.values.size());
    const auto at = [&](int k, int c, int y, int x) -> float & { return wanted[((size_t(k) * (H + 2) + y + 1) * (W + 2) + x + 1) * 16 + c]; };
    for (int n = 0; n < N; n++)
      for (int c = 0; c < 3; c++)
        for (int y = 0; y < H; y++)
          for (int x = 0; x < W; x++) {
            at(n, c, y, x) += judged * folded(e, n, y, x, c, false) + lattice * phases[(n * 3 + c) * 64 + y % 8 * 8 + x % 8];
            const double d = result(same + n, c, y, x) - content[(size_t(n * 3 + c) * H + y) * W + x];
            squares[same + n] += d * d;
            at(same + n, c, y, x) = identity * d;
            const float *m = motion_of + 6 * n;
            const double px = double(m[0]) * x + double(m[1]) * y + m[2], py = double(m[3]) * x + double(m[4]) * y + m[5];
            if (px < 0 || py < 0 || px > W - 1 || py > H - 1) continue;
            // Every pixel has the share that a hat function of width 1 gives it.
            const auto share = [&](int i, int j) { return std::fmax(0, 1 - std::fabs(px - j)) * std::fmax(0, 1 - std::fabs(py - i)); };
            double difference = result(moved + n, c, y, x);
            for (int i = 0; i < H; i++)
              for (int j = 0; j < W; j++) difference -= share(i, j) * result(n, c, i, j);
            squares[moved + n] += difference * difference;
            at(moved + n, c, y, x) = consistency * difference;
            for (int i = 0; i < H; i++)
              for (int j = 0; j < W; j++) at(n, c, i, j) -= consistency * share(i, j) * difference;
          }
    test::near("train_seeds", g.data(), wanted.data(), wanted.size(), 1e-4, 0x1p-11);
    for (int k = 0; k < R; k++) {
      double sum = 0;
      for (int i = 0; i < parts; i++) sum += partial[size_t(k) * parts + i];
      CHECK(std::fabs(sum - squares[k]) < 1e-6);
    }
  }
}

namespace {

// A loss that weighs AdaIN's results, and its gradient by the kernels.
struct Back {
  const int N = 1, H = 3, W = 5, C = 16, moved = 1, same = 2;
  Batch x{3, H, W, C}, e{3, H, W, C}, g{3, H, W, C};
  test::Buffer<float> stats{size_t(3) * 2 * C}, alpha{1}, sums{size_t(2) * 2 * C};

  REFERENCE void moments(int k, int c, double &mean, double &std) {
    double sum = 0, square = 0;
    for (int i = 0; i < H * W; i++) sum += x(k, i / W, i % W, c);
    mean = sum / (H * W);
    for (int i = 0; i < H * W; i++) square += std::pow(x(k, i / W, i % W, c) - mean, 2);
    std = std::sqrt(square / (H * W) + 1e-5);
  }
  REFERENCE double loss(int c) {
    double mean[3], std[3], sum = 0;
    for (int k = 0; k < 3; k++) moments(k, c, mean[k], std[k]);
    for (int i = 0; i < H * W; i++)
      for (int k = 0; k < 3; k++) {
        const int picture = k == 1 ? 2 : 0;  // results: styled, moved, the content itself
        const double v = x(picture, i / W, i % W, c);
        const double adapted = alpha[0] * ((v - mean[picture]) / std[picture] * std[1] + mean[1]) + (1 - alpha[0]) * v;
        sum += folded(e, k, i / W, i % W, c, false) * (k == 2 ? v : adapted);
      }
    return sum;
  }
};

}  // namespace

TEST(train_losses_adain) {
  Back b;
  b.x.random(1, 0.25f, 1);
  b.e.random(2);
  b.alpha[0] = 0.7f;
  b.x.at(0, 1, 1, 3) = __float2half_rn(0);  // behind ReLU: no gradient comes through
  for (int k = 0; k < 3; k++)
    for (int c = 0; c < b.C; c++) {
      double mean, std;
      b.moments(k, c, mean, std);
      b.stats[size_t(k) * 2 * b.C + c] = float(mean), b.stats[size_t(k) * 2 * b.C + b.C + c] = float(std);
    }
  const float *stats = b.stats.data(), *alpha = b.alpha.data();
  test::launch("train_adain_sums", dim3(b.C / 16, 1, 2), b.x.data(), stats, b.e.data(), b.sums.data(), 1, b.H, b.W, b.C);
  test::launch("train_adain_back", dim3(blocks((b.H + 2) * (b.W + 2) * b.C / 8), 3), b.x.data(), stats, alpha, b.e.data(),
               static_cast<const float *>(b.sums.data()), b.g.values.data(), 1, b.H, b.W, b.C, 0, b.moved, b.same);
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < b.H * b.W; i++)
      for (int c = 0; c < b.C; c += 3) {
        __half &v = b.x.at(k, i / b.W, i % b.W, c);
        const __half before = v;
        const float middle = __half2float(v), step = 0x1p-6f;
        v = __float2half_rn(middle + step);
        const double up = b.loss(c), high = __half2float(v);
        v = __float2half_rn(middle - step);
        const double down = b.loss(c), low = __half2float(v);
        v = before;
        const double wanted = middle > 0 ? (up - down) / (high - low) : 0;
        const double got = b.g(k, i / b.W, i % b.W, c);
        if (!(std::fabs(got - wanted) < 0.02 + 0.02 * std::fabs(wanted)))
          test::fail("train_adain_back: picture %d, pixel %d, channel %d: %g, wanted %g", k, i, c, got, wanted);
      }
  b.g.each_of_halo([&](int n, int y, int x) {
    for (int c = 0; c < b.C; c++) CHECK(b.g(n, y, x, c) == 0);
  });
}
