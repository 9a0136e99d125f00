// A libcuda.so.1 whose functions tell whether their arguments came through unharmed.
#include <cuda.h>
#include <unistd.h>

CUresult cuInit(unsigned flags) {
  usleep(20000);  // so that other threads arrive while the driver is loaded
  return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  *count = 7;
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                        CUstream stream, void **arguments, void **extra) {
  int good = f == (CUfunction)1 && gx == 2 && gy == 3 && gz == 4 && bx == 5 && by == 6 && bz == 7 && shared == 8 && stream == (CUstream)9 &&
             arguments == (void **)10 && extra == (void **)11;
  return good ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuTexRefSetMipmapLevelClamp(CUtexref t, float least, float most) {
  return t == (CUtexref)1 && least == 2.5f && most == 3.5f ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

// Of two, so that counts can be told apart. The third direction and host to host follow from the memory types.
CUresult cuMemcpyHtoD_v2(CUdeviceptr d, const void *s, size_t n) { return d == 1 && s == (void *)2 && n == 3 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuMemcpyDtoH_v2(void *d, CUdeviceptr s, size_t n) { return (long)d == 1 && s == 2 && n ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *c) { return c->Height ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuMemcpyAsync(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q) { return d && s && n && q ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }

// Addresses above 1000 are the device's.
CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr p) {
  if (attribute != CU_POINTER_ATTRIBUTE_MEMORY_TYPE || p <= 1000) return CUDA_ERROR_INVALID_VALUE;
  *(unsigned *)value = CU_MEMORYTYPE_DEVICE;
  return CUDA_SUCCESS;
}
