#include "kernels.h"

namespace adain {

namespace base {
extern const Kernels kFloat, kHalf;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kFloat, kHalf;
}
namespace avx512 {
extern const Kernels kFloat, kHalf;
}
#endif

namespace {

struct Choice {
  const char *name;
  const Kernels *with_float, *with_half;
};

Choice choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return {"AVX-512", &avx512::kFloat, &avx512::kHalf};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"AVX2", &avx2::kFloat, &avx2::kHalf};
  return {"SSE2", &base::kFloat, &base::kHalf};
#else
  return {"128-bit vectors", &base::kFloat, &base::kHalf};
#endif
}

const Choice &chosen() {
  static const Choice c = choose();
  return c;
}

}  // namespace

const Kernels &kernels(bool half) { return half ? *chosen().with_half : *chosen().with_float; }
const char *kernels_name() { return chosen().name; }

}  // namespace adain
