// Gradients of a convolution's weights and bias.
#include <algorithm>
#include <cstring>

#include "kernel_network.h"
#include "train_stack.h"

namespace adain {

namespace {

// Transformed inputs and gradients of one product at most, so that they stay in the last cache.
constexpr size_t kProductFloats = size_t(12) << 20;
// Partial sums of narrow layers: a fixed number, so that the number of threads does not show in the result.
constexpr int kParts = 32;

// sum (C) = the pixels of rows of map n. Whoever computes the gradient of weights has them in the cache.
void add_rows(const Maps &gradient, int n, int y, int rows, float *sum) {
  std::fill_n(sum, gradient.channels, 0.f);
  for (int i = 0; i < rows; i++) gradients().accumulate(gradient.at(n, y + i, 0), gradient.cols, gradient.channels, sum);
}

// to (C) = the sum of sums (count,C).
void add_up(const float *sums, int count, std::vector<float> &to) {
  std::vector<double> total(to.size());
  for (int i = 0; i < count; i++)
    for (size_t c = 0; c < to.size(); c++) total[c] += sums[i * to.size() + c];
  std::copy(total.begin(), total.end(), to.begin());
}

}  // namespace

void Stack::weight_gradient(Threads &threads, const Layer &layer, const Maps &gradient) {
  Winograd::suits(layer.trained->forward) ? wide_gradient(threads, layer, gradient) : narrow_gradient(threads, layer, gradient);
}

// Through Winograd's algorithm: with Y = A'[(G g G') * (B' d B)]A for each tile, the gradient of g is G'[sum over the tiles of
// (A dY A') * (B' d B)]G. At each of the 36 points the sum is a matrix product over all tiles.
void Stack::wide_gradient(Threads &threads, const Layer &layer, const Maps &gradient) {
  TrainedLayer &t = *layer.trained;
  const int I = t.shape.in, O = t.shape.out, side = Winograd::kSide, points = Winograd::kPoints;
  const Maps &x = layer.x;
  const int down = (x.rows + side - 1) / side, across = (x.cols + side - 1) / side;
  const bool half = t.forward.half_products;
  const size_t bytes = half ? 2 : 4, one = size_t(points) * down * across * (I + O);
  const int most = std::clamp(int(kProductFloats / one), 1, gradient.count);
  float *sums = workspaces_.points.floats(size_t(points) * I * O);
  float *biases = workspaces_.biases.floats(size_t(gradient.count) * down * O);
  expect_memory();
  for (int first = 0; first < gradient.count; first += most) {
    const int count = std::min(most, gradient.count - first);
    // An odd number keeps the points of a tile from pushing each other out of the cache; what is too much holds zeros.
    const size_t whole = size_t(count) * down * across, tiles = whole | 1;
    char *inputs = workspaces_.inputs.bytes(bytes * points * tiles * I), *outputs = workspaces_.products.bytes(bytes * points * tiles * O);
    TileProduct *product = half ? &t.product(tiles, first > 0, threads.size()) : nullptr;
    each(threads, count * down, [&](int i, int) {
      const int n = first + i / down, y = i % down * side;
      add_rows(gradient, n, y, std::min(side, x.rows - y), biases + (size_t(first) * down + i) * O);
      for (int j = 0; j < across; j++) {
        const int x0 = j * side;
        const size_t tile = size_t(i) * across + j;
        kernels(half).winograd_in(x.at(n, y - 1, x0 - 1), x.cols + 2, x.rows + 2 - y, x.cols + 2 - x0, I, inputs + bytes * tile * I, tiles * I);
        gradients(half).winograd_spread(gradient.at(n, y, x0), gradient.cols + 4, x.rows - y, x.cols - x0, O, outputs + bytes * tile * O, tiles * O);
      }
    });
    each(threads, points, [&](int p, int thread) {
      char *in = inputs + bytes * p * tiles * I, *out = outputs + bytes * p * tiles * O;
      std::memset(in + bytes * whole * I, 0, bytes * (tiles - whole) * I);
      std::memset(out + bytes * whole * O, 0, bytes * (tiles - whole) * O);
      float *sum = sums + size_t(p) * I * O;
      if (product) return product->run(thread, in, out, sum);
      dnnl::error::wrap_c_api(dnnl_sgemm('T', 'N', I, O, dnnl_dim_t(tiles), 1, reinterpret_cast<float *>(in), I, reinterpret_cast<float *>(out), O,
                                         first ? 1.f : 0.f, sum, O),
                              "oneDNN could not multiply matrices");
    });
  }
  each(threads, I, [&](int i, int) {
    gradients().winograd_gather(sums + size_t(i) * O, size_t(I) * O, I, O, &t.weight_gradient[size_t(i) * 9]);
  });
  add_up(biases, gradient.count * down, t.bias_gradient);
}

// Directly, row by row: three neighbouring pixels of the input lie together, so a row of the kernel is one outer product.
void Stack::narrow_gradient(Threads &threads, const Layer &layer, const Maps &gradient) {
  TrainedLayer &t = *layer.trained;
  const int I = t.shape.in, O = t.shape.out, K = 3 * I;
  const Maps &x = layer.x;
  const int rows = gradient.count * x.rows, parts = std::min(kParts, rows);
  const bool inner = O % 4 == 0;  // what the vectors run along: the outputs, or the inputs of the last layer with its 3 outputs
  const size_t size = size_t(3) * K * O;
  float *sums = workspaces_.products.floats(parts * size), *biases = workspaces_.biases.floats(size_t(rows) * O);
  each(threads, parts, [&](int part, int) {
    float *sum = sums + part * size;
    std::fill_n(sum, size, 0.f);
    for (int r = int(int64_t(rows) * part / parts); r < int(int64_t(rows) * (part + 1) / parts); r++) {
      const int n = r / x.rows, y = r % x.rows;
      const float *g = gradient.at(n, y, 0);
      add_rows(gradient, n, y, 1, biases + size_t(r) * O);
      for (int k = 0; k < 3; k++) {
        const float *in = x.at(n, y + k - 1, -1);
        if (inner)
          gradients().outer(in, I, K, g, O, O, x.cols, sum + k * size / 3);
        else
          gradients().outer(g, O, O, in, I, K, x.cols, sum + k * size / 3);
      }
    }
  });
  each(threads, O, [&](int o, int) {
    for (int i = 0; i < I; i++)
      for (int k = 0; k < 9; k++) {
        const int j = k % 3 * I + i;
        const size_t at = k / 3 * size / 3 + (inner ? size_t(j) * O + o : size_t(o) * K + j);
        double sum = 0;
        for (int part = 0; part < parts; part++) sum += sums[part * size + at];
        t.weight_gradient[(size_t(o) * I + i) * 9 + k] = float(sum);
      }
  });
  add_up(biases, rows, t.bias_gradient);
}

}  // namespace adain
