#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel_bytes.h"
#include "kernel_gradients.h"
#include "kernel_lookup.h"
#include "kernel_motion.h"
#include "kernel_network.h"
#include "kernel_samples.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace adain::avx2 {

constexpr int LANES = 8;
#define ADAIN_AVX2
#include "kernel_bodies.h"

extern const ByteKernels kBytes = {"AVX2", byte_row<uint8_t>, byte_row<float>};

}  // namespace adain::avx2

#pragma GCC pop_options
#endif
