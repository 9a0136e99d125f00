// Keeps the compiler from computing ahead, in registers that are wanted for else: what depends on the value is computed behind this, and
// memory that is read behind the last one is not read before it.
#pragma once

#ifdef CUDA_EMU
inline int at_hand(int v) { return v; }
template <class T> inline const T *at_hand(const T *p) { return p; }
inline void at_hand() {}
#else
__device__ __forceinline__ int at_hand(int v) {
  asm volatile("" : "+r"(v));
  return v;
}
template <class T> __device__ __forceinline__ const T *at_hand(const T *p) {
  asm volatile("" : "+l"(p));
  return p;
}
__device__ __forceinline__ void at_hand() { asm volatile("" ::: "memory"); }
#endif
