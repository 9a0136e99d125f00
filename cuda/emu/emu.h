// CUDA's language for a C++ compiler, so that the kernels run on the CPU: a .cu file compiles as C++ behind `-include emu.h`.
// Only what the kernels use is here, and a warp's votes and shuffles in full. The instructions of kernels/warp.cuh and kernels/hopper.cuh are functions of the runtime,
// declared in those two headers. README of the whole: runtime/launch.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/half.h"
#include "runtime/launch.h"
#include "runtime/vectors.h"

#define CUDA_EMU 1

#define __global__ __attribute__((noinline))  // a kernel keeps a frame of its own in a sanitizer's report
#define __device__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __grid_constant__
// The section is what the runtime fills with NaN before each block. In a template the compiler ignores it: use DYN_SMEM there.
#define __shared__ static __attribute__((section("emu_shared")))

#define DYN_SMEM(name) unsigned char *name = ::emu::dyn

#define threadIdx (::emu::current->index)
#define blockIdx (::emu::block_index)
#define blockDim (::emu::block_size)
#define gridDim (::emu::grid_size)

namespace emu {

struct Thread {
  uint3 index;
};

extern Thread *current;  // the CUDA thread that runs
extern uint3 block_index;
extern dim3 block_size, grid_size;
extern unsigned char *dyn;  // dynamic shared memory

enum class Shuffle { exclusive_or, down, up, index };

void block_sync(int line);
void warp_sync(unsigned mask, int line);
unsigned ballot(unsigned mask, bool predicate, int line);
unsigned shuffle(Shuffle kind, unsigned mask, unsigned value, int argument, int width, int line);
[[noreturn]] void trap(int line);

template <class T>
inline T shuffle_any(Shuffle kind, unsigned mask, T value, int argument, int width, int line) {
  static_assert(sizeof(T) == 4, "values of 4 bytes can be exchanged");
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  bits = shuffle(kind, mask, bits, argument, width, line);
  std::memcpy(&value, &bits, 4);
  return value;
}

}  // namespace emu

__forceinline__ void __syncthreads(int line = __builtin_LINE()) { emu::block_sync(line); }
__forceinline__ void __syncwarp(unsigned mask = 0xffffffffu, int line = __builtin_LINE()) { emu::warp_sync(mask, line); }
__forceinline__ void __trap(int line = __builtin_LINE()) { emu::trap(line); }

inline unsigned __ballot_sync(unsigned mask, bool p, int line = __builtin_LINE()) { return emu::ballot(mask, p, line); }
inline int __any_sync(unsigned mask, bool p, int line = __builtin_LINE()) { return emu::ballot(mask, p, line) != 0; }
inline int __all_sync(unsigned mask, bool p, int line = __builtin_LINE()) { return emu::ballot(mask, p, line) == 0xffffffffu; }

template <class T>
inline T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32, int line = __builtin_LINE()) {
  return emu::shuffle_any(emu::Shuffle::exclusive_or, mask, v, lanes, width, line);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T v, int by, int width = 32, int line = __builtin_LINE()) {
  return emu::shuffle_any(emu::Shuffle::down, mask, v, by, width, line);
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T v, int by, int width = 32, int line = __builtin_LINE()) {
  return emu::shuffle_any(emu::Shuffle::up, mask, v, by, width, line);
}
template <class T>
inline T __shfl_sync(unsigned mask, T v, int lane, int width = 32, int line = __builtin_LINE()) {
  return emu::shuffle_any(emu::Shuffle::index, mask, v, lane, width, line);
}

using std::max;
using std::min;

template <class T>
inline T __ldg(const T *p) {
  return *p;
}
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }  // NaN gives 0, as on the device

// One thread runs at a time, so this would be atomic by construction; the race detector must see it too.
template <class T>
inline T atomicAdd(T *p, T v) {
  T old, sum;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  do sum = old + v;
  while (!__atomic_compare_exchange(p, &old, &sum, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}
