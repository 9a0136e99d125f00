// train_update.cu against plain loops.
#include "train_update.cu"
#include "test.h"

#include <vector>

namespace {

int blocks(int values) { return (values + train_threads - 1) / train_threads; }

void fill(test::Buffer<float> &b, uint64_t seed, float low = -1, float high = 1) {
  test::Random random(seed);
  for (auto &v : b) v = random.uniform(low, high);
}

}  // namespace

TEST(train_update_reduce) {
  const int splits = 3, Cin = 32, Cout = 16, in = 20, out = 12;
  test::Buffer<float> partial(size_t(splits) * (9 * Cin * Cout + Cout)), gradient(out * in * 9 + out);
  fill(partial, 1);
  test::launch("train_reduce", dim3(blocks(int(gradient.size()))), static_cast<const float *>(partial.data()), gradient.data(), 0.5f, 2.0f, splits, Cin,
               Cout, in, out);
  std::vector<float> wanted(gradient.size());
  for (int s = 0; s < splits; s++)
    for (int o = 0; o < out; o++) {
      wanted[out * in * 9 + o] += 2 * partial[size_t(splits) * 9 * Cin * Cout + s * Cout + o];
      for (int i = 0; i < in; i++)
        for (int t = 0; t < 9; t++) wanted[(o * in + i) * 9 + t] += 0.5f * partial[((size_t(s) * 9 + t) * Cout + o) * Cin + i];
    }
  test::near("train_reduce", gradient.data(), wanted.data(), wanted.size(), 1e-6, 1e-6);
}

// Folding is linear, and unfolding its transposed: <unfold(g), p> = <g, fold(p)> less the colour layer's share of the bias, which is in both.
TEST(train_update_colour) {
  const int out = 20, count = out * 28;
  test::Buffer<float> p(count), colour(12), f(count), g(count), back(count);
  fill(p, 1), fill(colour, 2), fill(g, 3);
  test::launch("train_fold_colour", dim3(blocks(count)), static_cast<const float *>(p.data()), static_cast<const float *>(colour.data()), f.data(), out);
  test::launch("train_unfold_colour", dim3(blocks(count)), static_cast<const float *>(g.data()), static_cast<const float *>(colour.data()), back.data(),
               out);
  std::vector<float> wanted(count);
  double left = 0, right = 0;
  for (int o = 0; o < out; o++) {
    double bias = p[out * 27 + o];
    for (int t = 0; t < 9; t++)
      for (int m = 0; m < 3; m++) {
        bias += double(p[(o * 3 + m) * 9 + t]) * colour[9 + m];
        for (int i = 0; i < 3; i++) wanted[(o * 3 + i) * 9 + t] += p[(o * 3 + m) * 9 + t] * colour[m * 3 + i];
      }
    wanted[out * 27 + o] = float(bias);
  }
  test::near("train_fold_colour", f.data(), wanted.data(), count, 1e-5, 1e-5);
  for (int k = 0; k < count; k++) left += double(back[k]) * p[k], right += double(g[k]) * f[k];
  CHECK(std::fabs(left - right) < 1e-4);
}

TEST(train_update_norm) {
  test::Buffer<float> g(9000);
  test::Buffer<double> partial(3);
  fill(g, 1);
  test::launch("train_norm", dim3(3), static_cast<const float *>(g.data()), partial.data(), int(g.size()));
  double wanted = 0;
  for (float v : g) wanted += double(v) * v;
  CHECK(std::fabs(partial[0] + partial[1] + partial[2] - wanted) < 1e-9 * wanted);
}

TEST(train_update_adam) {
  const int n = 700, first = 100, encoder = 300;
  const float clip = 0.5f, rates[3] = {1e-3f, 2e-3f, 3e-3f}, second = 1 / (1 - 0.999f);
  test::Buffer<float> g(n), old(4 * n), now(4 * n);
  fill(g, 1), fill(old, 2, 0.1f, 1);
  for (const float average : {0.9f, 0.0f}) {
    test::launch("train_adam", dim3(blocks(n)), static_cast<const float *>(g.data()), static_cast<const float *>(old.data()), now.data(), clip,
                 rates[0], rates[1], rates[2], second, average, first, encoder, n);
    std::vector<float> wanted(4 * n);
    for (int k = 0; k < n; k++) {
      const double d = g[k] * clip, m = 0.9 * old[n + k] + 0.1 * d, v = 0.999 * old[2 * n + k] + 0.001 * d * d;
      const double p = old[k] - rates[k < first ? 0 : k < encoder ? 1 : 2] * m / (std::sqrt(v * second) + 1e-8);
      wanted[k] = float(p), wanted[n + k] = float(m), wanted[2 * n + k] = float(v), wanted[3 * n + k] = float(average * old[3 * n + k] + (1 - average) * p);
    }
    test::near("train_adam", now.data(), wanted.data(), wanted.size(), 1e-6, 2e-6);
  }
}

TEST(train_update_pack) {
  const int in = 20, out = 12, Cin = 32, Cout = 16;
  test::Buffer<float> p(out * in * 9 + out), bias(Cout);
  test::Buffer<__half> w(9 * Cin * Cout), turned(9 * Cin * Cout);
  fill(p, 1);
  test::launch("train_pack", dim3(blocks(9 * Cin * Cout)), static_cast<const float *>(p.data()), w.data(), turned.data(), bias.data(), 2.0f, in, out,
               Cin, Cout);
  for (int o = 0; o < Cout; o++) {
    CHECK(bias[o] == (o < out ? p[out * in * 9 + o] : 0));
    for (int i = 0; i < Cin; i++)
      for (int t = 0; t < 9; t++) {
        const __half v = __float2half_rn(o < out && i < in ? 2 * p[(o * in + i) * 9 + t] : 0);
        CHECK(v.bits == w[(size_t(t) * Cout + o) * Cin + i].bits);
        CHECK(v.bits == turned[(size_t(8 - t) * Cin + i) * Cout + o].bits);
      }
  }
}
