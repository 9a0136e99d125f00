// What sm_90a has beyond sm_80, as far as conv90.cu needs it: mbarriers, tensor copies (TMA), wgmma, stmatrix, named barriers,
// setmaxnreg. On the device inline PTX, on the host calls into the emulator. Instructions: PTX ISA 8.7, chapters 9.7.8, 9.7.9,
// 9.7.13, 9.7.15.
#pragma once
#include "at_hand.cuh"
#include "warp.cuh"

#ifdef CUDA_EMU

// The emulator's stand-in for the driver's CUtensorMap: four dimensions, the innermost first. 128 bytes, like the original.
struct alignas(64) TMap {
  const unsigned char *base;
  uint64_t dim[4];     // elements
  uint64_t stride[3];  // bytes from one index to the next, of dimensions 1 to 3
  uint32_t box[4];     // elements
  uint32_t elt;        // bytes of an element
  uint32_t swz;        // 1: 128-byte swizzle, 0: none
};
static_assert(sizeof(TMap) == 128, "kernel parameters must have the same size on both sides");
#define DYN_SMEM_SWIZZLED(name) DYN_SMEM(name)

uint32_t smem_u32(const void *p);
void mbar_init(void *bar, int count);
void mbar_expect_tx(void *bar, int bytes);
void mbar_arrive(void *bar);
void mbar_wait(void *bar, int parity);
void tma_load_4d(void *dst, const TMap *m, void *bar, int c0, int c1, int c2, int c3);
void wgmma_any(float *d, int n, uint64_t da, uint64_t db, int acc, int line);
void wgmma_commit();
void wgmma_wait_n(int n);
void stmatrix_x4_trans(void *row, const uint32_t (&r)[4], int line = __builtin_LINE());
void stmatrix_x4(void *row, const uint32_t (&r)[4], int line = __builtin_LINE());
void named_bar(int id, int threads, int line = __builtin_LINE());

template <int R> inline void wgmma(float (&d)[R], uint64_t da, uint64_t db, int line = __builtin_LINE()) {
  wgmma_any(d, R * 2, da, db, 1, line);
}
template <int N> inline void wgmma_wait() { wgmma_wait_n(N); }
template <int R> inline void acc_fence(float (&)[R]) {}
template <int R> inline void reg_inc() {}
template <int R> inline void reg_dec() {}
inline void wgmma_fence() {}
inline void fence_barrier_init() {}
inline void fence_async_proxy() {}
inline void tma_prefetch(const TMap *) {}

#else

typedef unsigned long long uint64_t;
struct __align__(64) TMap { unsigned long long opaque[16]; };  // CUtensorMap

// The 128-byte swizzle repeats every 1024 bytes of shared memory, so what it is laid over must start at such a multiple. The
// base of dynamic shared memory follows the alignment declared here as long as there is no static shared memory.
#define DYN_SMEM_SWIZZLED(name) extern __shared__ __align__(1024) unsigned char name[]

// ---- mbarrier: counts arrivals and bytes; a phase ends when both are complete, and waiters ask for its parity

__device__ __forceinline__ void mbar_init(void *bar, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(smem_u32(bar)), "r"(count) : "memory");
}

// Makes initialised barriers visible to tensor copies, which see memory through another proxy.
__device__ __forceinline__ void fence_barrier_init() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// One arrival that also announces bytes, which must be done before the copy that brings them.
__device__ __forceinline__ void mbar_expect_tx(void *bar, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(smem_u32(bar)), "r"(bytes) : "memory");
}

__device__ __forceinline__ void mbar_arrive(void *bar) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(smem_u32(bar)) : "memory");
}

// Whether the phase of this parity has ended. Parity 1 of a fresh barrier counts as ended. With a hint a try may sleep so many
// nanoseconds before it answers.
__device__ __forceinline__ bool mbar_try(uint32_t at, int parity) {
  uint32_t done;
  asm volatile(
      "{.reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;}"
      : "=r"(done) : "r"(at), "r"(parity) : "memory");
  return done;
}

template <int HINT> __device__ __forceinline__ bool mbar_try_for(uint32_t at, int parity) {
  uint32_t done;
  asm volatile(
      "{.reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2, %3;\n"
      "selp.u32 %0, 1, 0, p;}"
      : "=r"(done) : "r"(at), "r"(parity), "n"(HINT) : "memory");
  return done;
}

// Waits until the phase of this parity has ended. The first try does without a hint, which costs a sleep even where the bytes are
// nearly there. A wait that no copy and no warp will ever end becomes a launch failure, not a GPU that hangs.
constexpr int mbar_hint = 1000;          // nanoseconds of a try, at least
constexpr uint32_t mbar_tries = 1 << 21;
static_assert((double)mbar_hint * mbar_tries >= 1e9 && (double)mbar_hint * mbar_tries <= 5e9, "a wait in vain ends after seconds");

__device__ __forceinline__ void mbar_wait(void *bar, int parity) {
  const uint32_t at = smem_u32(bar);
  if (mbar_try(at, parity)) return;
  for (uint32_t tries = 0; !mbar_try_for<mbar_hint>(at, parity);)
    if (++tries == mbar_tries) __trap();
}

// Ordinary writes to shared memory before this come before the tensor copies and wgmma that follow a barrier behind it.
__device__ __forceinline__ void fence_async_proxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// ---- tensor copies

__device__ __forceinline__ void tma_prefetch(const TMap *m) { asm volatile("prefetch.tensormap [%0];" ::"l"(m) : "memory"); }

// Copies the map's box at element (c0, c1, c2, c3) to dst. Elements outside the tensor become zero and count as bytes of bar
// too.
__device__ __forceinline__ void tma_load_4d(void *dst, const TMap *m, void *bar, int c0, int c1, int c2, int c3) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];"
      ::"r"(smem_u32(dst)), "l"(m), "r"(smem_u32(bar)), "r"(c0), "r"(c1), "r"(c2), "r"(c3) : "memory");
}

// ---- the rest

// Gives registers of this warpgroup back, or takes some more; all four warps must call it.
template <int R> __device__ __forceinline__ void reg_inc() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(R)); }
template <int R> __device__ __forceinline__ void reg_dec() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(R)); }

// Stores four transposed 8x8 matrices of halves: lane 8*m + i gives the address of row i of matrix m, and r[m] holds the
// elements (row 2*(lane%4) and the next one, column lane/4) of what is stored.
__device__ __forceinline__ void stmatrix_x4_trans(void *row, const uint32_t (&r)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};"
               ::"r"(smem_u32(row)), "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]) : "memory");
}

// Not transposed: r[m] holds the elements (row lane/4, columns 2*(lane%4) and the next one), as mma has its results.
__device__ __forceinline__ void stmatrix_x4(void *row, const uint32_t (&r)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};"
               ::"r"(smem_u32(row)), "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]) : "memory");
}

__device__ __forceinline__ void named_bar(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

#include "wgmma.cuh"

#endif

// A base of shared memory that is not at a multiple of 1024 would give wrong results silently.
__device__ __forceinline__ void require_swizzle_base(const void *p) {
  if (smem_u32(p) & 1023) __trap();
}

// A wgmma operand in shared memory: rows of 64 halves along K with the 128-byte swizzle, in groups of 8 rows that are `group`
// bytes apart. Bits 0-13: start/16; 16-29: 1, unused with this swizzle; 32-45: group/16; 49-51: base offset 0; 62-63: 1 = this
// swizzle.
__device__ __forceinline__ uint64_t operand(uint32_t start, int group) {
  return (uint64_t)((start & 0x3ffff) >> 4) | 1ull << 16 | (uint64_t)(group >> 4) << 32 | 1ull << 62;
}
