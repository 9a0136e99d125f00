#if defined(__x86_64__)
#include "kernel_gradients.h"
#include "kernel_network.h"
#include "kernel_samples.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace adain::avx2 {

constexpr int LANES = 8;
#include "kernel_network_body.h"
#include "kernel_gradients_body.h"
#include "kernel_samples_body.h"

extern const Kernels kFloat = table<Float>;
extern const Kernels kHalf = table<BFloat16>;
extern const SampleKernels kSamples = samples_table;

}  // namespace adain::avx2

#pragma GCC pop_options
#endif
