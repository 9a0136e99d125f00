// Each cuMemcpy* with a count in front. Copies inside of graphs, and those that other libraries order from the driver, do not come by here.
#include "table.h"

static unsigned long long calls[DRIVER_DIRECTIONS], bytes[DRIVER_DIRECTIONS];

void driver_copies(unsigned long long c[DRIVER_DIRECTIONS], unsigned long long b[DRIVER_DIRECTIONS]) {
  for (int i = 0; i < DRIVER_DIRECTIONS; i++) {
    c[i] = __atomic_load_n(&calls[i], __ATOMIC_RELAXED);
    b[i] = __atomic_load_n(&bytes[i], __ATOMIC_RELAXED);
  }
}

static CUresult count(CUresult r, int from_host, int to_host, size_t n) {
  if (r != CUDA_SUCCESS || (from_host && to_host)) return r;
  int direction = from_host ? DRIVER_HTOD : to_host ? DRIVER_DTOH : DRIVER_DTOD;
  __atomic_fetch_add(&calls[direction], 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(&bytes[direction], n, __ATOMIC_RELAXED);
  return r;
}

// Whether an address that may be either is the host's: the driver does not know pageable host memory at all.
static int on_host(CUdeviceptr p) {
  CUmemorytype type = CU_MEMORYTYPE_HOST;
  CUresult (*attribute)(void *, CUpointer_attribute, CUdeviceptr) = driver_real(DRIVER_cuPointerGetAttribute);
  return !attribute || attribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p) != CUDA_SUCCESS || type == CU_MEMORYTYPE_HOST;
}

static int side_on_host(CUmemorytype type, CUdeviceptr unified) {
  return type == CU_MEMORYTYPE_HOST || (type == CU_MEMORYTYPE_UNIFIED && on_host(unified));
}

// COPY(function, its parameters, its arguments, from host memory, to host memory, bytes)
#define UNPACK(...) __VA_ARGS__
#define COPY(name, parameters, arguments, ...) \
  static CUresult counting_##name(UNPACK parameters) { \
    CUresult (*copy)(UNPACK parameters) = driver_real(DRIVER_##name); \
    return count(copy(UNPACK arguments), __VA_ARGS__); \
  }

COPY(cuMemcpyHtoD_v2, (CUdeviceptr d, const void *s, size_t n), (d, s, n), 1, 0, n)
COPY(cuMemcpyHtoDAsync_v2, (CUdeviceptr d, const void *s, size_t n, CUstream q), (d, s, n, q), 1, 0, n)
COPY(cuMemcpyDtoH_v2, (void *d, CUdeviceptr s, size_t n), (d, s, n), 0, 1, n)
COPY(cuMemcpyDtoHAsync_v2, (void *d, CUdeviceptr s, size_t n, CUstream q), (d, s, n, q), 0, 1, n)
COPY(cuMemcpyDtoD_v2, (CUdeviceptr d, CUdeviceptr s, size_t n), (d, s, n), 0, 0, n)
COPY(cuMemcpyDtoDAsync_v2, (CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q), (d, s, n, q), 0, 0, n)
COPY(cuMemcpy, (CUdeviceptr d, CUdeviceptr s, size_t n), (d, s, n), on_host(s), on_host(d), n)
COPY(cuMemcpyAsync, (CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q), (d, s, n, q), on_host(s), on_host(d), n)
COPY(cuMemcpyPeer, (CUdeviceptr d, CUcontext to, CUdeviceptr s, CUcontext from, size_t n), (d, to, s, from, n), 0, 0, n)
COPY(cuMemcpyPeerAsync, (CUdeviceptr d, CUcontext to, CUdeviceptr s, CUcontext from, size_t n, CUstream q), (d, to, s, from, n, q), 0, 0, n)

COPY(cuMemcpyDtoA_v2, (CUarray d, size_t o, CUdeviceptr s, size_t n), (d, o, s, n), 0, 0, n)
COPY(cuMemcpyAtoD_v2, (CUdeviceptr d, CUarray s, size_t o, size_t n), (d, s, o, n), 0, 0, n)
COPY(cuMemcpyAtoA_v2, (CUarray d, size_t p, CUarray s, size_t o, size_t n), (d, p, s, o, n), 0, 0, n)
COPY(cuMemcpyHtoA_v2, (CUarray d, size_t o, const void *s, size_t n), (d, o, s, n), 1, 0, n)
COPY(cuMemcpyHtoAAsync_v2, (CUarray d, size_t o, const void *s, size_t n, CUstream q), (d, o, s, n, q), 1, 0, n)
COPY(cuMemcpyAtoH_v2, (void *d, CUarray s, size_t o, size_t n), (d, s, o, n), 0, 1, n)
COPY(cuMemcpyAtoHAsync_v2, (void *d, CUarray s, size_t o, size_t n, CUstream q), (d, s, o, n, q), 0, 1, n)

#define SIDES side_on_host(c->srcMemoryType, c->srcDevice), side_on_host(c->dstMemoryType, c->dstDevice)
#define AREA c->WidthInBytes *c->Height
#define VOLUME c->WidthInBytes *c->Height *c->Depth
COPY(cuMemcpy2D_v2, (const CUDA_MEMCPY2D *c), (c), SIDES, AREA)
COPY(cuMemcpy2DUnaligned_v2, (const CUDA_MEMCPY2D *c), (c), SIDES, AREA)
COPY(cuMemcpy2DAsync_v2, (const CUDA_MEMCPY2D *c, CUstream q), (c, q), SIDES, AREA)
COPY(cuMemcpy3D_v2, (const CUDA_MEMCPY3D *c), (c), SIDES, VOLUME)
COPY(cuMemcpy3DAsync_v2, (const CUDA_MEMCPY3D *c, CUstream q), (c, q), SIDES, VOLUME)
COPY(cuMemcpy3DPeer, (const CUDA_MEMCPY3D_PEER *c), (c), SIDES, VOLUME)
COPY(cuMemcpy3DPeerAsync, (const CUDA_MEMCPY3D_PEER *c, CUstream q), (c, q), SIDES, VOLUME)

#define ENTRY(name) [DRIVER_##name] = (void *)counting_##name
static void *const counting[DRIVER_FUNCTIONS] = {
    ENTRY(cuMemcpyHtoD_v2),     ENTRY(cuMemcpyHtoDAsync_v2), ENTRY(cuMemcpyDtoH_v2),        ENTRY(cuMemcpyDtoHAsync_v2),
    ENTRY(cuMemcpyDtoD_v2),     ENTRY(cuMemcpyDtoDAsync_v2), ENTRY(cuMemcpy),               ENTRY(cuMemcpyAsync),
    ENTRY(cuMemcpyPeer),        ENTRY(cuMemcpyPeerAsync),    ENTRY(cuMemcpyDtoA_v2),        ENTRY(cuMemcpyAtoD_v2),
    ENTRY(cuMemcpyAtoA_v2),     ENTRY(cuMemcpyHtoA_v2),      ENTRY(cuMemcpyHtoAAsync_v2),   ENTRY(cuMemcpyAtoH_v2),
    ENTRY(cuMemcpyAtoHAsync_v2), ENTRY(cuMemcpy2D_v2),       ENTRY(cuMemcpy2DUnaligned_v2), ENTRY(cuMemcpy2DAsync_v2),
    ENTRY(cuMemcpy3D_v2),       ENTRY(cuMemcpy3DAsync_v2),   ENTRY(cuMemcpy3DPeer),         ENTRY(cuMemcpy3DPeerAsync),
};

void *driver_counting(int function) { return counting[function]; }
