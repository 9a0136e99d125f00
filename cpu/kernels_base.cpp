#include "gradients.h"
#include "kernels.h"
#include "samples.h"

namespace adain::base {

constexpr int LANES = 4;
#include "kernels_body.h"
#include "gradients_body.h"
#include "samples_body.h"

extern const Kernels kFloat = table<Float>;
extern const Kernels kHalf = table<BFloat16>;
extern const SampleKernels kSamples = samples_table;

}  // namespace adain::base
