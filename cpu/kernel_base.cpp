#include "kernel_bytes.h"
#include "kernel_gradients.h"
#include "kernel_lookup.h"
#include "kernel_motion.h"
#include "kernel_network.h"
#include "kernel_samples.h"

namespace adain::base {

constexpr int LANES = 4;
#include "kernel_bodies.h"

extern const ByteKernels kBytes = {"128-bit vectors", byte_row<uint8_t>, byte_row<float>};

}  // namespace adain::base
