#include "kernel_gradients.h"
#include "kernel_lookup.h"
#include "kernel_motion.h"
#include "kernel_network.h"
#include "kernel_samples.h"

namespace adain::base {

constexpr int LANES = 4;
#include "kernel_bodies.h"

}  // namespace adain::base
