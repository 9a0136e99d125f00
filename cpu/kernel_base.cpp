#include "kernel_gradients.h"
#include "kernel_network.h"
#include "kernel_samples.h"

namespace adain::base {

constexpr int LANES = 4;
#include "kernel_network_body.h"
#include "kernel_gradients_body.h"
#include "kernel_samples_body.h"

extern const Kernels kFloat = table<Float>;
extern const Kernels kHalf = table<BFloat16>;
extern const SampleKernels kSamples = samples_table;

}  // namespace adain::base
