// The last two layers by plain loops: convolution behind a nearest upsampling, bias, ReLU, and the convolution to R'G'B'.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "last.h"

namespace test {

class Upsampled {
 public:
  // A plane of H x W pixels with random features and weights. Results lie from below 0 to above 1. Sums of the first layer are exact, so that
  // what is rounded behind it does not depend on their order.
  Upsampled(int H, int W, int C) : H_(H), W_(W), C_(C), x_(size_t(H + 2) * (W + 2) * C), w1_(size_t(16) * C * C), w_(size_t(32) * C), bias1_(C), bias_(3) {
    Random random(uint64_t(H) * 100 + W + C);
    const float first = 1.5f / std::sqrt(4.0f * C), second = 3 / std::sqrt(9.0f * C);
    for (int y = 0; y < H + 2; y++)
      for (int x = 0; x < W + 2; x++)
        for (int c = 0; c < C; c++) {
          const bool halo = y == 0 || x == 0 || y > H || x > W;
          __half &v = at(y, x, c);
          if (!halo) v = exact(random.uniform(0, 1), 8);
        }
    for (int y = 0; y < H + 2; y++)
      for (int x = 0; x < W + 2; x++)
        for (int c = 0; c < C; c++) at(y, x, c) = at(std::min(std::max(y, 1), H), std::min(std::max(x, 1), W), c);
    for (auto &v : w1_) v = exact(random.uniform(-first, first), 64);
    for (size_t i = 0; i < w_.size(); i++) w_[i] = __float2half_rn(i < size_t(27) * C ? random.uniform(-second, second) : 0);
    for (auto &b : bias1_) b = __half2float(exact(random.uniform(-0.2f, 0.4f), 256));
    for (auto &b : bias_) b = random.uniform(0.3f, 0.7f);
  }

  const __half *x() { return x_.data(); }
  const __half *w1() { return w1_.data(); }
  const __half *w() { return w_.data(); }
  const float *bias1() { return bias1_.data(); }
  const float *bias() { return bias_.data(); }

  // Launches and compares. dst and src may be the same.
  template <class Run>
  void check(const char *kernel, Picture &dst, const Picture &src, bool preserve, const Table &table, Run launch) {
    std::vector<Rgb> rgb = convolve();
    for (auto &p : rgb) p = table.at(p);
    const auto before = dst.all();
    const auto rest = src.rest();
    launch();
    check_result(std::string(kernel) + " " + std::to_string(W_) + "x" + std::to_string(H_) + " -> " + dst.text(), dst, src, rgb, 2 * W_, preserve, rest, before);
  }

 private:
  static __half exact(float v, float parts) { return __float2half_rn(std::round(v * parts) / parts); }
  __half &at(int y, int x, int c) { return x_[(size_t(y) * (W_ + 2) + x) * C_ + c]; }

  // The plane behind the first of the two layers, [2H][2W][C], rounded as it is kept.
  REFERENCE std::vector<float> upsampled() {
    std::vector<float> in(x_.size()), weights(w1_.size()), out(size_t(4) * H_ * W_ * C_);
    for (size_t i = 0; i < in.size(); i++) in[i] = __half2float(x_[i]);
    for (size_t i = 0; i < weights.size(); i++) weights[i] = __half2float(w1_[i]);
    for (int y = 0; y < 2 * H_; y++)
      for (int x = 0; x < 2 * W_; x++)
        for (int o = 0; o < C_; o++) {
          float sum = bias1_[o];
          for (int tap = 0; tap < 4; tap++) {
            const int py = y & 1, px = x & 1;
            const float *a = &in[(size_t(y / 2 + py + tap / 2) * (W_ + 2) + x / 2 + px + tap % 2) * C_];
            const float *b = &weights[size_t(((2 * py + px) * 4 + tap) * C_ + o) * C_];
            for (int c = 0; c < C_; c++) sum += a[c] * b[c];
          }
          out[(size_t(y) * 2 * W_ + x) * C_ + o] = __half2float(__float2half_rn(std::max(sum, 0.0f)));
        }
    return out;
  }

  // R'G'B', clamped.
  REFERENCE std::vector<Rgb> convolve() {
    const std::vector<float> plane = upsampled();
    std::vector<float> weights(w_.size());
    for (size_t i = 0; i < weights.size(); i++) weights[i] = __half2float(w_[i]);
    const auto reflect = [](int i, int n) { return i < 0 ? -i : i < n ? i : 2 * n - 2 - i; };
    std::vector<Rgb> out(size_t(4) * H_ * W_);
    for (int y = 0; y < 2 * H_; y++)
      for (int x = 0; x < 2 * W_; x++)
        for (int colour = 0; colour < 3; colour++) {
          double sum = bias_[colour];
          for (int tap = 0; tap < 9; tap++) {
            const float *a = &plane[(size_t(reflect(y + tap / 3 - 1, 2 * H_)) * 2 * W_ + reflect(x + tap % 3 - 1, 2 * W_)) * C_];
            for (int c = 0; c < C_; c++) sum += double(a[c]) * weights[(tap * 3 + colour) * C_ + c];
          }
          out[size_t(y) * 2 * W_ + x].v[colour] = clamp(sum);
        }
    return out;
  }

  int H_, W_, C_;
  Buffer<__half> x_, w1_, w_;
  Buffer<float> bias1_, bias_;
};

}  // namespace test
