// What a warp does with tensor cores and asynchronous copies on sm_80 and later. On the device inline PTX, the only one besides that of
// hopper.cuh; on the host calls into the emulator. Instructions: PTX ISA 8.7, chapters 9.7.9 (cp.async, cvt) and 9.7.14 (mma, ldmatrix).
#pragma once

#ifdef CUDA_EMU

void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int line = __builtin_LINE());
void ldmatrix_x4(uint32_t (&r)[4], const void *row, int line = __builtin_LINE());
void cp_async16(void *dst, const void *src, int line = __builtin_LINE());
void cp_async16_zfill(void *dst, const void *src, bool valid, int line = __builtin_LINE());
void cp_async_commit();
void cp_async_wait_n(int n);
template <int N> inline void cp_async_wait() { cp_async_wait_n(N); }
inline uint32_t relu_pair(float low, float high) {
  const float most = 65504;
  const __half2 v = __floats2half2_rn(low < 0 ? 0 : low > most ? most : low, high < 0 ? 0 : high > most ? most : high);
  uint32_t bits;
  memcpy(&bits, &v, 4);
  return bits;
}

#else

#include <cuda_fp16.h>

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;

#define DYN_SMEM(name) extern __shared__ __align__(128) unsigned char name[]

__device__ __forceinline__ uint32_t smem_u32(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }

// D[16][8] += A[16][16] * B[16][8], halves times halves, sums in float. With g = lane/4 and t = lane%4:
//   a[0..3] = A[g][2t, 2t+1], A[g+8][2t, 2t+1], A[g][2t+8, 2t+9], A[g+8][2t+8, 2t+9]
//   b[0..1] = B[2t, 2t+1][g], B[2t+8, 2t+9][g]
//   d[0..3] = D[g][2t], D[g][2t+1], D[g+8][2t], D[g+8][2t+1]
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Loads four 8x8 matrices of halves from shared memory: lane 8*m + i gives the address of row i of matrix m, 16 bytes, and r[m] becomes
// elements 2t and 2t+1 of row g of matrix m.
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(smem_u32(row)) : "memory");
}

// Copies 16 bytes from global to shared memory, both aligned to 16, past L1, at a time of the hardware's choosing.
__device__ __forceinline__ void cp_async16(void *dst, const void *src) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(smem_u32(dst)), "l"(src) : "memory");
}

// The same, or 16 zeros where not valid; src is then not read but must be an address all the same.
__device__ __forceinline__ void cp_async16_zfill(void *dst, const void *src, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(smem_u32(dst)), "l"(src), "r"(valid ? 16 : 0) : "memory");
}

// Closes a group of this thread's copies; cp_async_wait<N> waits until at most the N newest groups are under way. Other threads see
// the bytes behind a barrier after it.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> __device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

// Two halves max(v, 0), rounded to nearest, at most 65504: infinity would become NaN in the next layer. A NaN stays one.
__device__ __forceinline__ uint32_t relu_pair(float low, float high) {
  uint32_t bits;
  asm("{.reg .b32 v;\n"
      "cvt.rn.relu.f16x2.f32 v, %1, %2;\n"
      "min.NaN.f16x2 %0, v, %3;}" : "=r"(bits) : "f"(high), "f"(low), "r"(0x7bff7bff));
  return bits;
}

#endif
