#if defined(__x86_64__)
#include "kernel_gradients.h"
#include "kernel_lookup.h"
#include "kernel_motion.h"
#include "kernel_network.h"
#include "kernel_samples.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace adain::avx2 {

constexpr int LANES = 8;
#include "kernel_bodies.h"

}  // namespace adain::avx2

#pragma GCC pop_options
#endif
