// ldmatrix with the matrices transposed, for products over pixels: channels lie innermost, so both operands are turned.
#pragma once
#include "warp.cuh"

#ifdef CUDA_EMU

void ldmatrix_x4_trans(uint32_t (&r)[4], const void *row, int line = __builtin_LINE());

#else

// As ldmatrix_x4, but r[m] becomes elements 2t and 2t+1 of column g of matrix m.
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&r)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(smem_u32(row)) : "memory");
}

#endif
