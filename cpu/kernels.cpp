#include "kernels.h"

#include <cstring>
#include <vector>

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
  bool usable;
  const Kernels *with_float, *with_half;
};

// Best first; the last one runs everywhere.
const std::vector<Choice> &choices() {
  static const std::vector<Choice> all = {
#if defined(__x86_64__)
      {"AVX-512",
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl"),
       &avx512::kFloat, &avx512::kHalf},
      {"AVX2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), &avx2::kFloat, &avx2::kHalf},
#endif
      {"128-bit vectors", true, &base::kFloat, &base::kHalf},
  };
  return all;
}

const Choice *&chosen() {
  static const Choice *c = [] {
    for (const Choice &c : choices())
      if (c.usable) return &c;
    return &choices().back();
  }();
  return c;
}

}  // namespace

const Kernels &kernels(bool half) { return half ? *chosen()->with_half : *chosen()->with_float; }
const char *kernels_name() { return chosen()->name; }

bool use_kernels(const char *name) {
  for (const Choice &c : choices())
    if (c.usable && std::strcmp(c.name, name) == 0) {
      chosen() = &c;
      return true;
    }
  return false;
}

}  // namespace adain
