// adapt.cu against sums in double precision.
#include "adapt.cu"
#include "test.h"

#include <string>
#include <vector>

namespace {

struct Layer {
  int Cin, Cout;
  test::Buffer<float> w, bias, content, style, bias_out;
  test::Buffer<__half> w_out;

  Layer(int Cin, int Cout)
      : Cin(Cin), Cout(Cout), w(size_t(9) * Cout * Cin), bias(Cout), content(2 * Cin), style(2 * Cin), bias_out(Cout), w_out(w.size()) {
    test::Random random(Cin + Cout);
    for (auto &v : w) v = random.uniform(-0.1f, 0.1f);
    for (auto &v : bias) v = random.uniform(-1, 1);
    for (int i = 0; i < 2 * Cin; i++) {
      content[i] = random.uniform(0.2f, 3);
      style[i] = random.uniform(0.2f, 3);
    }
  }

  void launch(float alpha) {
    test::launch("adapt", dim3(Cout), static_cast<const float *>(w.data()), static_cast<const float *>(bias.data()),
                 static_cast<const float *>(content.data()), static_cast<const float *>(style.data()), alpha, w_out.data(), bias_out.data(), Cin,
                 Cout);
  }
};

void run(int Cin, int Cout, float alpha) {
  Layer l(Cin, Cout);
  l.launch(alpha);
  std::vector<float> weights(l.w.size()), bias(Cout);
  std::vector<double> sums(l.bias.begin(), l.bias.end());
  for (int tap = 0; tap < 9; tap++)
    for (int o = 0; o < Cout; o++)
      for (int i = 0; i < Cin; i++) {
        const size_t at = (size_t(tap) * Cout + o) * Cin + i;
        const double ratio = double(l.style[Cin + i]) / l.content[Cin + i];
        weights[at] = float(l.w[at] * (alpha * ratio + 1 - alpha));
        sums[o] += l.w[at] * (alpha * l.style[i] + (1 - alpha) * double(l.content[i])) - __half2float(l.w_out[at]) * double(l.content[i]);
      }
  std::copy(sums.begin(), sums.end(), bias.begin());
  const std::string what = "adapt " + std::to_string(Cin) + " -> " + std::to_string(Cout);
  test::near((what + " weights").c_str(), l.w_out.data(), weights.data(), weights.size(), 3e-8, 0x1p-11 + 1e-6);
  test::near((what + " bias").c_str(), l.bias_out.data(), bias.data(), bias.size(), 2e-4, 1e-5);
}

}  // namespace

TEST(adapt_sizes) {
  run(16, 16, 1);
  run(48, 32, 0.6f);
  run(512, 5, 0.3f);
  run(528, 3, 1);
}

// A channel whose mean is far larger than its deviation must arrive at the style's mean: weights times the mean must not be wrong by the
// rounding of the weights.
TEST(adapt_means) {
  Layer l(32, 16);
  for (int i = 0; i < 32; i++) l.content[32 + i] = 0.00316f;
  l.launch(1);
  for (int o = 0; o < l.Cout; o++) {
    double got = l.bias_out[o], want = l.bias[o];
    for (int tap = 0; tap < 9; tap++)
      for (int i = 0; i < 32; i++) {
        const size_t at = (size_t(tap) * l.Cout + o) * 32 + i;
        got += __half2float(l.w_out[at]) * double(l.content[i]);
        want += double(l.w[at]) * l.style[i];
      }
    CHECK(std::fabs(got - want) < 0.01);
  }
}

// Without style the layer is what it was, if float16 holds its weights.
TEST(adapt_alpha_zero) {
  Layer l(64, 16);
  for (auto &v : l.w) v = __half2float(__float2half_rn(v));
  l.launch(0);
  for (size_t i = 0; i < l.w.size(); i++)
    if (l.w_out[i].bits != __float2half_rn(l.w[i]).bits) return test::fail("weight %zu has changed", i);
  for (int o = 0; o < l.Cout; o++) CHECK(std::fabs(l.bias_out[o] - l.bias[o]) < 1e-5f);  // rounding of 576 products
}

// A flat content under a style of high contrast must not make infinite weights.
TEST(adapt_large) {
  Layer l(16, 16);
  for (int i = 0; i < 16; i++) l.content[16 + i] = 1e-8f, l.style[16 + i] = 100;
  l.launch(1);
  for (size_t i = 0; i < l.w.size(); i++) CHECK(std::fabs(__half2float(l.w_out[i])) <= 65504);
}
