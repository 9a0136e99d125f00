#include "layer_convolution.h"

#include <omp.h>

#include "engine_memory.h"
#include "kernel_network.h"

namespace adain {

using dnnl::memory;

dnnl::engine &processor() {
  static dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(before_); }

std::string implementation_of(const dnnl::primitive_desc &chosen) {
  const memory::desc src = chosen.query_md(dnnl::query::src_md);
#if DNNL_VERSION_MAJOR >= 3
  const bool half = src.get_data_type() == memory::data_type::bf16;
#else
  const bool half = src.data_type() == memory::data_type::bf16;
#endif
  return std::string(half ? "bf16 " : "f32 ") + chosen.impl_info_str();
}

namespace {

dnnl::convolution_forward::primitive_desc describe(const adain_cpu_layer &s, bool half, int rows, int cols) {
  const auto type = half ? memory::data_type::bf16 : memory::data_type::f32;
  const auto f32 = memory::data_type::f32;
  const memory::desc src({1, s.in, rows + s.kernel - 1, cols + s.kernel - 1}, type, memory::format_tag::nhwc);
  const memory::desc weight({s.out, s.in, s.kernel, s.kernel}, type, memory::format_tag::any);
  const memory::desc bias({s.out}, f32, memory::format_tag::x);
  const memory::desc dst({1, s.out, rows, cols}, f32, memory::format_tag::nhwc);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (s.relu) {
    dnnl::post_ops relu;
#if DNNL_VERSION_MAJOR >= 3
    relu.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
#else
    relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
#endif
    attr.set_post_ops(relu);
  }
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto method = dnnl::algorithm::convolution_direct;
  const memory::dims one{1, 1}, none{0, 0};
#if DNNL_VERSION_MAJOR >= 3
  return {processor(), kind, method, src, weight, bias, dst, one, none, none, attr};
#else
  return {{kind, method, src, weight, bias, dst, one, none, none}, attr, processor()};
#endif
}

}  // namespace

Parameters::Parameters(const adain_cpu_layer &s, const float *values, Factors factors, Product product, const float *step)
    : shape(s),
      step(step, step ? step + s.in : step),
      weight(values, values + size_t(s.out) * s.in * s.kernel * s.kernel),
      bias(values + weight.size(), values + weight.size() + s.out),
      bias_memory_({{s.out}, memory::data_type::f32, memory::format_tag::x}, processor(), bias.data()) {
  use(factors, product);
}

void Parameters::use(Factors factors, Product product) {
  half = factors == Factors::bfloat16;
  bytes = factors == Factors::int8;
  half_products = factors == Factors::mixed;
  own_product = product == Product::own && kernels(half_products).product;
  arrangements_.clear();
  transformed_ = paired_ = memory();
}

memory Parameters::arranged(const memory::desc &wanted) {
  for (const memory &m : arrangements_)
    if (m.get_desc() == wanted) return m;
  expect_memory();
  const memory made(wanted, processor());
  arrange(made);
  arrangements_.push_back(made);  // only what is complete is found again
  return made;
}

void Parameters::arrange(memory to) {
  const memory::desc plain({shape.out, shape.in, shape.kernel, shape.kernel}, memory::data_type::f32, memory::format_tag::oihw);
  memory from(plain, processor(), weight.data());
  dnnl::stream stream(processor());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

void Parameters::refresh(int piece) {
  if (piece > 0) return transform(piece - 1);
  for (const memory &m : arrangements_) arrange(m);
}

Direct::Direct(Parameters &layer, int rows, int cols, int threads) {
  expect_memory();
  const OneThread one;
  const auto pd = describe(layer.shape, layer.half, rows, cols);
  primitive_ = dnnl::convolution_forward(pd);
  implementation_ = implementation_of(pd);
  weight_ = layer.arranged(pd.weights_desc());
  bias_ = layer.bias_memory();
  result_ = size_t(rows) * cols * layer.shape.out;
  for (int i = 0; i < threads; i++)
    calls_.push_back({memory(pd.src_desc(), processor(), nullptr), memory(pd.dst_desc(), processor(), nullptr),
                      memory(pd.scratchpad_desc(), processor()), dnnl::stream(processor())});
}

void Direct::run(int thread, const void *src, int, float *dst) {
  Call &call = calls_[thread];
  call.src.set_data_handle(const_cast<void *>(src));
  call.dst.set_data_handle(dst);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, call.src.get()},
                                       {DNNL_ARG_WEIGHTS, weight_.get()},
                                       {DNNL_ARG_BIAS, bias_.get()},
                                       {DNNL_ARG_DST, call.dst.get()},
                                       {DNNL_ARG_SCRATCHPAD, call.scratchpad.get()}};
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_.get(), call.stream.get(), 5, arguments), "oneDNN could not run a convolution");
}

}  // namespace adain
