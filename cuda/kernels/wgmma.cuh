// wgmma m64nNk16, N = 64, 128 or 256: D[64][N] += A[64][16] * B[16][N], halves times halves, sums in float, A and B in shared
// memory, both with K running fastest. Register e + 2*h + 4*j of a thread is D[16*warp + lane/4 + 8*h][8*j + 2*(lane%4) + e].
// The registers are named one by one, so the macros below write the lists: "%0, ... %127" and "+f"(d[0]), ... "+f"(d[127]).
#pragma once

#define NAMES10(t) "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t "8, %" #t "9"
#define NAMES32 NAMES10() ", " NAMES10(1) ", " NAMES10(2) ", %30, %31"
#define NAMES64 NAMES10() ", " NAMES10(1) ", " NAMES10(2) ", " NAMES10(3) ", " NAMES10(4) ", " NAMES10(5) ", %60, %61, %62, %63"
#define NAMES100 NAMES10() ", " NAMES10(1) ", " NAMES10(2) ", " NAMES10(3) ", " NAMES10(4) ", " NAMES10(5) ", " NAMES10(6) ", " \
                 NAMES10(7) ", " NAMES10(8) ", " NAMES10(9)
#define NAMES128 NAMES100 ", " NAMES10(10) ", " NAMES10(11) ", %120, %121, %122, %123, %124, %125, %126, %127"
#define SUMS4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define SUMS16(i) SUMS4(i), SUMS4(i + 4), SUMS4(i + 8), SUMS4(i + 12)
#define SUMS32(i) SUMS16(i), SUMS16(i + 16)

// scale-d, scale-a and scale-b are 1 (accumulate, as it is), tnsp-a and tnsp-b 0 (K fastest). scale-d stays constant: as a
// run-time predicate over registers not yet defined it made ptxas put a wait behind every wgmma (C7515).
#define WGMMA(n, names, a, b, ...) \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #n "k16.f32.f16.f16 {" names "}, %" #a ", %" #b ", 1, 1, 1, 0, 0;" \
               : __VA_ARGS__ : "l"(da), "l"(db))

__device__ __forceinline__ void wgmma(float (&d)[32], uint64_t da, uint64_t db) { WGMMA(64, NAMES32, 32, 33, SUMS32(0)); }
__device__ __forceinline__ void wgmma(float (&d)[64], uint64_t da, uint64_t db) {
  WGMMA(128, NAMES64, 64, 65, SUMS32(0), SUMS32(32));
}
__device__ __forceinline__ void wgmma(float (&d)[128], uint64_t da, uint64_t db) {
  WGMMA(256, NAMES128, 128, 129, SUMS32(0), SUMS32(32), SUMS32(64), SUMS32(96));
}

// Orders accumulators and shared memory before the next wgmma.
__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Closes a group of wgmma; wgmma_wait<N> waits until at most the N newest groups are unfinished.
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> __device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}

// Keeps the compiler from moving accumulators over this point: an instruction that defines one while a wgmma is under way makes
// ptxas put waits everywhere (C7514, C7515).
template <int R> __device__ __forceinline__ void acc_fence(float (&d)[R]) {
#pragma unroll
  for (int i = 0; i < R; i++) asm volatile("" : "+f"(d[i])::"memory");
}

#undef NAMES10
#undef NAMES32
#undef NAMES64
#undef NAMES100
#undef NAMES128
#undef SUMS4
#undef SUMS16
#undef SUMS32
#undef WGMMA
