#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel_bytes.h"
#include "kernel_gradients.h"
#include "kernel_lookup.h"
#include "kernel_motion.h"
#include "kernel_network.h"
#include "kernel_samples.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")

namespace adain::avx512 {

constexpr int LANES = 16;
#define ADAIN_AVX512
#include "kernel_bodies.h"

extern const ByteKernels kBytes = {"AVX-512", byte_row<uint8_t>, byte_row<float>};

}  // namespace adain::avx512

#pragma GCC pop_options
#endif
