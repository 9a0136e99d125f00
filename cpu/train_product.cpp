#include "train_product.h"

#include "engine_memory.h"
#include "layer_convolution.h"

namespace adain {

using dnnl::memory;

TileProduct::TileProduct(int inputs, int outputs, size_t tiles, bool add, int threads) : tiles_(tiles), add_(add) {
  expect_memory();
  const OneThread one;
  const auto half = memory::data_type::bf16;
  const auto K = memory::dim(tiles);
  const memory::desc turned({1, inputs, K}, half, memory::format_tag::acb);
  const memory::desc gradients({1, K, outputs}, half, memory::format_tag::abc);
  const memory::desc sums({1, inputs, outputs}, memory::data_type::f32, memory::format_tag::abc);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum();
    attr.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc pd(processor(), turned, gradients, sums, attr);
#else
  const dnnl::matmul::primitive_desc pd({turned, gradients, sums}, attr, processor());
#endif
  product_ = dnnl::matmul(pd);
  implementation_ = implementation_of(pd);
  for (int i = 0; i < threads; i++)
    calls_.push_back({memory(turned, processor(), nullptr), memory(gradients, processor(), nullptr), memory(sums, processor(), nullptr),
                      memory(pd.scratchpad_desc(), processor()), dnnl::stream(processor())});
}

void TileProduct::run(int thread, const void *inputs, const void *gradients, float *sums) {
  Call &call = calls_[thread];
  call.inputs.set_data_handle(const_cast<void *>(inputs));
  call.gradients.set_data_handle(const_cast<void *>(gradients));
  call.sums.set_data_handle(sums);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, call.inputs.get()},
                                       {DNNL_ARG_WEIGHTS, call.gradients.get()},
                                       {DNNL_ARG_DST, call.sums.get()},
                                       {DNNL_ARG_SCRATCHPAD, call.scratchpad.get()}};
  dnnl::error::wrap_c_api(dnnl_primitive_execute(product_.get(), call.stream.get(), 4, arguments), "oneDNN could not multiply matrices");
}

}  // namespace adain
