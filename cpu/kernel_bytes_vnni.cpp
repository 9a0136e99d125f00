#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel_bytes.h"
#include "kernel_network.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,prefer-vector-width=512")

namespace adain::avx512vnni {

constexpr int LANES = 16;
#define ADAIN_VNNI 512
#include "kernel_network_body.h"
#include "kernel_bytes_body.h"

extern const ByteKernels kBytes = {"AVX-512 VNNI", byte_row<uint8_t>, byte_row<float>};

}  // namespace adain::avx512vnni

#undef ADAIN_VNNI
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avxvnni,avx2,fma")

namespace adain::avxvnni {

constexpr int LANES = 8;
#define ADAIN_VNNI 256
#include "kernel_network_body.h"
#include "kernel_bytes_body.h"

extern const ByteKernels kBytes = {"AVX-VNNI", byte_row<uint8_t>, byte_row<float>};

}  // namespace adain::avxvnni

#pragma GCC pop_options
#endif
