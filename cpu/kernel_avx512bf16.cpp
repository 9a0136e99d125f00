#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel_network.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,prefer-vector-width=512")

namespace adain::avx512bf16 {

constexpr int LANES = 16;
#define ADAIN_NATIVE_BFLOAT16
#include "kernel_network_body.h"
#include "kernel_winograd_body.h"
#include "kernel_network_table.h"

extern const Kernels kHalf = table<BFloat16>;

}  // namespace adain::avx512bf16

#pragma GCC pop_options
#endif
