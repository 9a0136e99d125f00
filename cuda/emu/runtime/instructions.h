// The instructions of kernels/warp.cuh and kernels/hopper.cuh as the runtime defines them.
#pragma once

#include <cstdint>

// Stand-in for CUtensorMap, rank 4. dim, box in elements, stride in bytes of dimensions 1 to 3; swz: 1 = 128-byte swizzle.
struct alignas(64) TMap {
  const unsigned char *base;
  uint64_t dim[4], stride[3];
  uint32_t box[4], elt, swz;
};

void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int line);
void ldmatrix_x4(uint32_t (&r)[4], const void *row, int line);
void cp_async16(void *dst, const void *src, int line);
void cp_async16_zfill(void *dst, const void *src, bool valid, int line);
void cp_async_commit();
void cp_async_wait_n(int n);

uint32_t smem_u32(const void *p);
void mbar_init(void *bar, int count);
void mbar_expect_tx(void *bar, int bytes);
void mbar_arrive(void *bar);
void mbar_wait(void *bar, int parity);
void tma_load_4d(void *dst, const TMap *map, void *bar, int c0, int c1, int c2, int c3);
void wgmma_any(float *d, int n, uint64_t a, uint64_t b, int accumulate, int line);
void wgmma_commit();
void wgmma_wait_n(int n);
void stmatrix_x4_trans(void *row, const uint32_t (&r)[4], int line);
void named_bar(int id, int threads, int line);
