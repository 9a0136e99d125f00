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

}  // namespace

bool Winograd::suits(const Parameters &p) {
  const adain_cpu_layer &s = p.shape;
  return s.kernel == 3 && !p.half && s.in >= 32 && s.out >= 32 && s.in % 16 == 0 && s.out % 16 == 0;
}

memory Parameters::transformed() {
  if (transformed_) return transformed_;
  transformed_ = memory({{kPoints, shape.in, shape.out}, factor(*this), memory::format_tag::abc}, processor());
  for (int i = 0; i < shape.in; i++) transform(i);
  return transformed_;
}

void Parameters::transform(int input) {
  auto to = static_cast<char *>(transformed_.get_data_handle()) + factor_bytes(*this) * input * shape.out;
  kernels(half_products).winograd_weights(&weight[size_t(input) * 9], shape.in, shape.out, to, size_t(shape.in) * shape.out);
}

Winograd::Winograd(Parameters &layer, int rows, int cols, int threads, int maps)
    : layer_(layer),
      cols_(cols),
      tiles_(tiles_of_product(layer, maps * ((rows + kSide - 1) / kSide) * ((cols + kSide - 1) / kSide))),
      weight_(layer.transformed()) {
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
  result_ = size_t(rows) * cols * s.out;
  for (int i = 0; i < threads; i++)
    calls_.push_back({memory(inputs, processor(), nullptr), memory(outputs, processor(), nullptr), memory(pd.scratchpad_desc(), processor()),
                      dnnl::stream(processor())});
}

void Winograd::run(int thread, const float *src, size_t src_step, int maps, int rows, float *dst, size_t dst_step) {
  const Kernels &k = kernels(layer_.half_products);
  const adain_cpu_layer &s = layer_.shape;
  const size_t bytes = factor_bytes(layer_);
  const int across = (cols_ + kSide - 1) / kSide, one = (rows + kSide - 1) / kSide * across, all = maps * one;
  char *inputs = scratch(Scratch::inputs, bytes * kPoints * tiles_ * s.in);
  float *outputs = scratch_floats(Scratch::outputs, size_t(kPoints) * tiles_ * s.out);
  Call &call = calls_[thread];
  call.inputs.set_data_handle(inputs);
  call.outputs.set_data_handle(outputs);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, call.inputs.get()},
                                       {DNNL_ARG_WEIGHTS, weight_.get()},
                                       {DNNL_ARG_DST, call.outputs.get()},
                                       {DNNL_ARG_SCRATCHPAD, call.scratchpad.get()}};
  for (int first = 0; first < all; first += tiles_) {
    const int n = std::min(tiles_, all - first);
    for (int t = 0; t < n; t++) {
      const int map = (first + t) / one, tile = (first + t) % one, y = tile / across * kSide, x = tile % across * kSide;
      k.winograd_in(src + map * src_step + (size_t(y) * (cols_ + 2) + x) * s.in, cols_ + 2, rows + 2 - y, cols_ + 2 - x, s.in,
                    inputs + bytes * t * s.in, size_t(tiles_) * s.in);
    }
    dnnl::error::wrap_c_api(dnnl_primitive_execute(product_.get(), call.stream.get(), 4, arguments), "oneDNN could not multiply matrices");
    for (int t = 0; t < n; t++) {
      const int map = (first + t) / one, tile = (first + t) % one, y = tile / across * kSide, x = tile % across * kSide;
      k.winograd_out(outputs + size_t(t) * s.out, size_t(tiles_) * s.out, layer_.bias.data(), s.relu, s.out, rows - y, cols_ - x, cols_,
                     dst + map * dst_step + (size_t(y) * cols_ + x) * s.out);
    }
  }
}

}  // namespace adain
