#include "kernel_bytes.h"

#include <cstring>
#include <span>

namespace adain {

namespace base {
extern const ByteKernels kBytes;
}
#if defined(__x86_64__)
namespace avx2 {
extern const ByteKernels kBytes;
}
namespace avxvnni {
extern const ByteKernels kBytes;
}
namespace avx512 {
extern const ByteKernels kBytes;
}
namespace avx512vnni {
extern const ByteKernels kBytes;
}
namespace amx {
extern const ByteKernels kBytes;
bool usable();
}
#endif

namespace {

struct Choice {
  bool usable;
  const ByteKernels *kernels;
};

// Best first; the last one runs everywhere.
std::span<const Choice> choices() {
#if defined(__x86_64__)
  static const bool vectors = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                              __builtin_cpu_supports("avx512vl");
  static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  static const Choice all[] = {
#if defined(__x86_64__)
      {vectors && __builtin_cpu_supports("avx512vnni") && amx::usable(), &amx::kBytes},
      {vectors && __builtin_cpu_supports("avx512vnni"), &avx512vnni::kBytes},
      {avx2 && __builtin_cpu_supports("avxvnni"), &avxvnni::kBytes},
      {vectors, &avx512::kBytes},
      {avx2, &avx2::kBytes},
#endif
      {true, &base::kBytes},
  };
  return all;
}

const ByteKernels *&chosen() {
  static const ByteKernels *k = [] {
    for (const Choice &c : choices())
      if (c.usable) return c.kernels;
    return choices().back().kernels;
  }();
  return k;
}

// Sixteen bytes or four.
template <int count>
struct Bytes {
  typedef uint8_t V __attribute__((vector_size(count), aligned(1), may_alias));
  static V load(const uint8_t *p) { return *(const V *)p; }
  static V larger(V a, V b) { return a > b ? a : b; }
};

template <int count>
void pool_of(const uint8_t *above, const uint8_t *below, int cols, int channels, uint8_t *dst) {
  typedef Bytes<count> B;
  for (int x = 0; x < cols; x += 2, above += 2 * channels, below += 2 * channels, dst += channels) {
    const int right = x + 1 < cols ? channels : 0;
    for (int c = 0; c < channels; c += count)
      *(typename B::V *)(dst + c) =
          B::larger(B::larger(B::load(above + c), B::load(above + c + right)), B::larger(B::load(below + c), B::load(below + c + right)));
  }
}

template <int count>
void interleave_of(const uint8_t *position, int right, int cols, int channels, uint8_t *dst) {
  typedef Bytes<count> B;
  for (int x = 0; x < cols; x++, position += 4 * channels, dst += 2 * channels)
    for (int c = 0; c < channels; c += count) {
      *(typename B::V *)(dst + c) = B::load(position + c);
      *(typename B::V *)(dst + channels + c) = B::load(position + right + c);
    }
}

}  // namespace

void pool_bytes(const uint8_t *above, const uint8_t *below, int cols, int channels, uint8_t *dst) {
  channels % 16 == 0 ? pool_of<16>(above, below, cols, channels, dst) : pool_of<4>(above, below, cols, channels, dst);
}

void interleave_bytes(const uint8_t *position, int right, int cols, int channels, uint8_t *dst) {
  channels % 16 == 0 ? interleave_of<16>(position, right, cols, channels, dst) : interleave_of<4>(position, right, cols, channels, dst);
}

const ByteKernels &byte_kernels() { return *chosen(); }

bool use_byte_kernels(const char *name) {
  for (const Choice &c : choices())
    if (c.usable && std::strcmp(c.kernels->name, name) == 0) {
      chosen() = c.kernels;
      return true;
    }
  return false;
}

}  // namespace adain
