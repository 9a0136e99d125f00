#include "layer_bytes.h"

#include <algorithm>
#include <cmath>

namespace adain {

namespace {

// What one output's weights count in: the smallest step with which each fits into 127 and neighbours of one sign together into 127 too, so that
// rounded they stay within the 128 of ByteLayer. weight (I,K*K), in the steps of the source.
double step_of(const std::vector<double> &weight, int inputs, int taps) {
  double most = 0;
  for (int i = 0; i < inputs; i += 2)
    for (int t = 0; t < taps; t++) {
      const double a = weight[i * taps + t], b = weight[(i + 1) * taps + t];
      most = std::max({most, std::abs(a), std::abs(b), a * b > 0 ? std::abs(a + b) : 0});
    }
  return most > 0 ? most / 127 : 1;
}

}  // namespace

Bytes::Bytes(const Parameters &layer, int rows, int cols, const std::vector<float> *to)
    : kernels_(byte_kernels()), cols_(cols), pitch_(size_t(cols + layer.shape.kernel - 1) * layer.shape.in) {
  const adain_cpu_layer &s = layer.shape;
  layer_ = {s.kernel, s.in, s.out, byte_block(s.kernel * s.in), nullptr, nullptr, nullptr, s.relu != 0};
  const int columns = layer_.columns(), taps = s.kernel * s.kernel;
  weight_ = allocate(size_t(taps) * s.in * columns);
  bias_.resize(columns);
  scale_.resize(columns);
  std::vector<double> scaled(size_t(s.in) * taps);
  for (int o = 0; o < s.out; o++) {
    for (int i = 0; i < s.in * taps; i++) scaled[i] = double(layer.weight[size_t(o) * s.in * taps + i]) * layer.step[i / taps];
    // Beside a bias that counts, weights of nothing need no steps so small that the bias were infinite in them.
    const double step = std::max(step_of(scaled, s.in, taps), std::abs(double(layer.bias[o])) * 0x1p-60);
    bias_[o] = float(layer.bias[o] / step);
    scale_[o] = float(step / (to ? (*to)[o % to->size()] : 1));
    for (int i = 0; i < s.in; i++)
      for (int y = 0; y < s.kernel; y++)
        for (int x = 0; x < s.kernel; x++) {
          const int place = x * s.in + i;  // in a row of the kernel
          weight_[((size_t(y) * s.kernel * s.in + place) / 4 * columns + o) * 4 + place % 4] =
              char(int8_t(std::nearbyint(scaled[i * taps + y * s.kernel + x] / step)));
        }
  }
  layer_.weight = reinterpret_cast<const int8_t *>(weight_.get());
  layer_.bias = bias_.data();
  layer_.scale = scale_.data();
  result_ = size_t(rows) * cols * s.out;
  implementation_ = std::string("int8 own:") + kernels_.name;
}

void Bytes::run(int, const void *src, int rows, float *dst) {
  const auto from = static_cast<const uint8_t *>(src);
  for (int y = 0; y < rows; y++) kernels_.floats(layer_, from + y * pitch_, pitch_, cols_, dst + size_t(y) * cols_ * layer_.outputs);
}

}  // namespace adain
