#include <cmath>

#include "layer_convolution.h"
#include "kernel_network.h"
#include "frame_map.h"

namespace adain {

namespace {

using dnnl::memory;

constexpr int kPoints = Winograd::kPoints;

// Tiles of one product, of whole in all: its inputs and outputs should stay in the second-level cache, yet each load of the weights must
// serve many tiles. An odd number, since the 36 points of a tile lie a power of 2 apart otherwise and push each other out of the
// first-level cache.
int tiles_of_product(const Parameters &layer, int whole) {
  constexpr int kBytes = 640 << 10;
  const adain_cpu_layer &s = layer.shape;
  int least = 32, most = 64;
  // Products of bfloat16 take half as long, in which as many weights have to come.
  if (layer.half_products) least = most = s.in * s.out > 1 << 15 ? 128 : 64;
  most = std::clamp(kBytes / (4 * kPoints * (s.in + s.out)) / 8 * 8, least, most);
  const int products = (whole + most - 1) / most;
  return (whole + products - 1) / products | 1;
}

memory::data_type factor(const Parameters &p) { return p.half_products ? memory::data_type::bf16 : memory::data_type::f32; }
size_t factor_bytes(const Parameters &p) { return p.half_products ? 2 : 4; }

struct Tiles {
  Tiles(const adain_cpu_layer &s, int rows, int cols) : side(Winograd::side(s)), across((cols + side - 1) / side), down((rows + side - 1) / side) {}
  const int side, across, down;
  int count() const { return across * down; }
};

}  // namespace

bool Winograd::suits(const Parameters &p) { return !p.half && !p.bytes && suits(p.shape, p.own_product ? Product::own : Product::onednn); }

bool Winograd::suits(const adain_cpu_layer &s, Product product) {
  const int least = product == Product::own ? 16 : 32;
  return (s.kernel == 3 || (s.kernel == 2 && product == Product::own)) && s.in >= least && s.out >= least && s.in % 16 == 0 && s.out % 16 == 0;
}

memory Parameters::transformed() {
  if (transformed_) return transformed_;
  transformed_ = memory({{kPoints, shape.in, shape.out}, factor(*this), memory::format_tag::abc}, processor());
  for (int i = 0; i < shape.in; i++) transform(i);
  return transformed_;
}

memory Parameters::paired() {
  if (paired_) return paired_;
  const memory made(transformed().get_desc(), processor());
  const auto from = static_cast<const uint16_t *>(transformed_.get_data_handle());
  const auto to = static_cast<uint16_t *>(made.get_data_handle());
  for (size_t row = 0; row < size_t(kPoints) * shape.in; row++)
    for (int o = 0; o < shape.out; o++) to[(row / 2 * shape.out + o) * 2 + row % 2] = from[row * shape.out + o];
  transformed_ = memory();
  return paired_ = made;
}

void Parameters::transform(int input) {
  auto to = static_cast<char *>(transformed_.get_data_handle()) + factor_bytes(*this) * input * shape.out;
  const float *from = &weight[size_t(input) * shape.kernel * shape.kernel];
  kernels(half_products).winograd_weights(from, shape.kernel, shape.in, shape.out, to, size_t(shape.in) * shape.out);
}

Winograd::Winograd(Parameters &layer, int rows, int cols, int threads, int maps)
    : layer_(layer),
      cols_(cols),
      tiles_(tiles_of_product(layer, maps * Tiles(layer.shape, rows, cols).count())),
      weight_(layer.own_product && layer.half_products ? layer.paired() : layer.transformed()) {
  result_ = size_t(rows) * cols * layer.shape.out;
  if (layer.own_product) {
    implementation_ = std::string("winograd:") + (layer.half_products ? "bf16" : "f32") + " own";
    return;
  }
  expect_memory();
  const OneThread one;
  const adain_cpu_layer &s = layer.shape;
  const auto abc = memory::format_tag::abc;
  const memory::desc inputs({kPoints, tiles_, s.in}, factor(layer), abc);
  const memory::desc outputs({kPoints, tiles_, s.out}, memory::data_type::f32, abc);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc pd(processor(), inputs, weight_.get_desc(), outputs, attr);
#else
  const dnnl::matmul::primitive_desc pd({inputs, weight_.get_desc(), outputs}, attr, processor());
#endif
  product_ = dnnl::matmul(pd);
  implementation_ = "winograd:" + implementation_of(pd);
  for (int i = 0; i < threads; i++)
    calls_.push_back({memory(inputs, processor(), nullptr), memory(outputs, processor(), nullptr), memory(pd.scratchpad_desc(), processor()),
                      dnnl::stream(processor())});
}

void Winograd::multiply(int thread, char *inputs, int tiles, float *outputs) {
  const adain_cpu_layer &s = layer_.shape;
  if (layer_.own_product) {
    const auto weight = static_cast<const char *>(weight_.get_data_handle());
    const size_t bytes = factor_bytes(layer_);
    for (size_t p = 0; p < kPoints; p++)
      kernels(layer_.half_products)
          .product(inputs + bytes * p * tiles_ * s.in, tiles, s.in, weight + bytes * p * s.in * s.out, s.out, outputs + p * tiles_ * s.out);
    return;
  }
  Call &call = calls_[thread];
  call.inputs.set_data_handle(inputs);
  call.outputs.set_data_handle(outputs);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, call.inputs.get()},
                                       {DNNL_ARG_WEIGHTS, weight_.get()},
                                       {DNNL_ARG_DST, call.outputs.get()},
                                       {DNNL_ARG_SCRATCHPAD, call.scratchpad.get()}};
  dnnl::error::wrap_c_api(dnnl_primitive_execute(product_.get(), call.stream.get(), 4, arguments), "oneDNN could not multiply matrices");
}

void Winograd::tiles(int thread, const float *src, size_t src_step, int maps, int rows, float *dst, size_t dst_step, int pitch) {
  const Kernels &k = kernels(layer_.half_products);
  const adain_cpu_layer &s = layer_.shape;
  const size_t bytes = factor_bytes(layer_);
  const int border = s.kernel - 1;
  const Tiles of(s, rows, cols_);
  const int one = of.count(), all = maps * one;
  char *inputs = scratch(Scratch::inputs, bytes * kPoints * tiles_ * s.in);
  float *outputs = scratch_floats(Scratch::outputs, size_t(kPoints) * tiles_ * s.out);
  for (int first = 0; first < all; first += tiles_) {
    const int n = std::min(tiles_, all - first);
    for (int t = 0; t < n; t++) {
      const int map = (first + t) / one, tile = (first + t) % one, y = tile / of.across * of.side, x = tile % of.across * of.side;
      k.winograd_in(src + map * src_step + (size_t(y) * (cols_ + border) + x) * s.in, cols_ + border, rows + border - y, cols_ + border - x, s.in,
                    inputs + bytes * t * s.in, size_t(tiles_) * s.in);
    }
    multiply(thread, inputs, n, outputs);
    for (int t = 0; t < n; t++) {
      const int map = (first + t) / one, tile = (first + t) % one, y = tile / of.across * of.side, x = tile % of.across * of.side;
      k.winograd_out(outputs + size_t(t) * s.out, size_t(tiles_) * s.out, layer_.bias.data(), s.relu, s.out, of.side, rows - y, cols_ - x, pitch,
                     dst + map * dst_step + (size_t(y) * pitch + x) * s.out);
    }
  }
}

}  // namespace adain
