#include "gradients.h"
#include "kernels.h"

namespace adain::base {

constexpr int LANES = 4;
#include "kernels_body.h"
#include "gradients_body.h"

extern const Kernels kFloat = table<Float>;
extern const Kernels kHalf = table<BFloat16>;

}  // namespace adain::base
