#if defined(__x86_64__)
#include "gradients.h"
#include "kernels.h"
#include "samples.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace adain::avx2 {

constexpr int LANES = 8;
#include "kernels_body.h"
#include "gradients_body.h"
#include "samples_body.h"

extern const Kernels kFloat = table<Float>;
extern const Kernels kHalf = table<BFloat16>;
extern const SampleKernels kSamples = samples_table;

}  // namespace adain::avx2

#pragma GCC pop_options
#endif
