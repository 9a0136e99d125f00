// Copies and fills.
#include <algorithm>
#include <cstring>

#include "libcuda.h"

namespace gpu {
namespace {

// n bytes from an address on, which must be memory of the current context.
CUresult check(CUdeviceptr p, size_t n, const char *what) {
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  const Allocation *a = allocation_of(p);
  if (!a || p + n > a->start + a->bytes) {
    say("%s: %zu bytes at %#llx are not device memory%s", what, n, p, a ? ", but run over the end of some" : "");
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (a->host || a->context == c) return CUDA_SUCCESS;
  say("%s: memory of one context is used while another one is current", what);
  return CUDA_ERROR_INVALID_CONTEXT;
}

// n bytes of host memory, which must not be the device's.
CUresult check_host(const void *p, const char *what) {
  const Allocation *a = allocation_of(uintptr_t(p));
  if (p && (!a || a->host)) return CUDA_SUCCESS;
  say("%s: %p is not host memory", what, p);
  return CUDA_ERROR_INVALID_VALUE;
}

// Whether the device reaches memory without a copy by the host.
bool pinned(const void *p) {
  if (setting("EMU_PAGEABLE", 0)) return true;
  const Allocation *a = allocation_of(uintptr_t(p));
  return a && a->host;
}

// Does work on the stream, and waits where a real driver does: if the call is not asynchronous, or the host memory is not pinned.
CUresult move(CUstream stream, bool wait, Direction direction, size_t bytes, std::function<void()> work) {
  if (CUresult r = find_stream(stream, &stream)) return r;
  CUresult r = order(stream, [work] {
    work();
    return CUDA_SUCCESS;
  });
  if (r == CUDA_SUCCESS && wait) r = finish(stream);
  if (r == CUDA_SUCCESS) count_copy(direction, bytes);
  return r;
}

void *host(CUdeviceptr p) { return reinterpret_cast<void *>(p); }

CUresult copy_in(CUdeviceptr to, const void *from, size_t n, CUstream stream, bool wait, const char *what) {
  if (CUresult r = check(to, n, what)) return r;
  if (CUresult r = check_host(from, what)) return r;
  return move(stream, wait || !pinned(from), host_to_device, n, [=] { memcpy(host(to), from, n); });
}

CUresult copy_out(void *to, CUdeviceptr from, size_t n, CUstream stream, bool wait, const char *what) {
  if (CUresult r = check(from, n, what)) return r;
  if (CUresult r = check_host(to, what)) return r;
  return move(stream, wait || !pinned(to), device_to_host, n, [=] { memcpy(to, host(from), n); });
}

CUresult copy_over(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream stream, const char *what) {
  if (CUresult r = check(to, n, what)) return r;
  if (CUresult r = check(from, n, what)) return r;
  return move(stream, false, device_to_device, n, [=] { memmove(host(to), host(from), n); });
}

struct Side {
  CUmemorytype type;
  uintptr_t base;
  size_t x, y, pitch;
  bool host() const { return type == CU_MEMORYTYPE_HOST; }
  uintptr_t first() const { return base + y * pitch + x; }
};

CUresult check_side(Side *s, size_t width, size_t height, const char *what) {
  if (s->type == CU_MEMORYTYPE_UNIFIED) s->type = allocation_of(s->base) ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
  if (s->pitch == 0) s->pitch = width + s->x;
  if (s->type == CU_MEMORYTYPE_ARRAY) return CUDA_ERROR_NOT_SUPPORTED;
  if (s->pitch < width + s->x) {
    say("%s: rows of %zu bytes from byte %zu on do not fit a pitch of %zu", what, width, s->x, s->pitch);
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (s->host()) return check_host(reinterpret_cast<void *>(s->base), what);
  return check(s->first(), (height - 1) * s->pitch + width, what);
}

CUresult copy_2d(const CUDA_MEMCPY2D *c, CUstream stream, bool wait, const char *what) {
  const size_t width = c->WidthInBytes, height = c->Height;
  if (!width || !height) return CUDA_SUCCESS;
  Side from = {c->srcMemoryType, c->srcMemoryType == CU_MEMORYTYPE_HOST ? uintptr_t(c->srcHost) : uintptr_t(c->srcDevice), c->srcXInBytes,
               c->srcY, c->srcPitch};
  Side to = {c->dstMemoryType, c->dstMemoryType == CU_MEMORYTYPE_HOST ? uintptr_t(c->dstHost) : uintptr_t(c->dstDevice), c->dstXInBytes,
             c->dstY, c->dstPitch};
  if (CUresult r = check_side(&from, width, height, what)) return r;
  if (CUresult r = check_side(&to, width, height, what)) return r;
  const void *on_host = from.host() ? reinterpret_cast<void *>(from.base) : to.host() ? reinterpret_cast<void *>(to.base) : nullptr;
  wait = wait || (on_host && !pinned(on_host));
  return move(stream, wait, from.host() ? host_to_device : to.host() ? device_to_host : device_to_device, width * height, [=] {
    for (size_t y = 0; y < height; y++) memcpy(host(to.first() + y * to.pitch), host(from.first() + y * from.pitch), width);
  });
}

template <class T>
CUresult fill(CUdeviceptr to, size_t pitch, T value, size_t width, size_t height, CUstream stream, const char *what) {
  if (!width || !height) return CUDA_SUCCESS;
  if (to % sizeof(T) || (height > 1 && pitch < width * sizeof(T))) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult r = check(to, (height - 1) * pitch + width * sizeof(T), what)) return r;
  if (CUresult r = find_stream(stream, &stream)) return r;
  return order(stream, [=] {
    for (size_t y = 0; y < height; y++) std::fill_n(reinterpret_cast<T *>(to + y * pitch), width, value);
    return CUDA_SUCCESS;
  });
}

}  // namespace
}  // namespace gpu

using namespace gpu;

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t n) {
  CALL();
  return copy_in(to, from, n, nullptr, true, __func__);
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) {
  CALL();
  return copy_in(to, from, n, s, false, __func__);
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t n) {
  CALL();
  return copy_out(to, from, n, nullptr, true, __func__);
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) {
  CALL();
  return copy_out(to, from, n, s, false, __func__);
}

CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t n) {
  CALL();
  return copy_over(to, from, n, nullptr, __func__);
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) {
  CALL();
  return copy_over(to, from, n, s, __func__);
}

CUresult cuMemcpy2D(const CUDA_MEMCPY2D *c) {
  CALL();
  return copy_2d(c, nullptr, true, __func__);
}

CUresult cuMemcpy2DUnaligned(const CUDA_MEMCPY2D *c) {
  CALL();
  return copy_2d(c, nullptr, true, __func__);
}

CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *c, CUstream s) {
  CALL();
  return copy_2d(c, s, false, __func__);
}

CUresult cuMemsetD8(CUdeviceptr p, unsigned char v, size_t n) {
  CALL();
  return fill(p, n, v, n, 1, nullptr, __func__);
}

CUresult cuMemsetD16(CUdeviceptr p, unsigned short v, size_t n) {
  CALL();
  return fill(p, n, v, n, 1, nullptr, __func__);
}

CUresult cuMemsetD32(CUdeviceptr p, unsigned v, size_t n) {
  CALL();
  return fill(p, n, v, n, 1, nullptr, __func__);
}

CUresult cuMemsetD8Async(CUdeviceptr p, unsigned char v, size_t n, CUstream s) {
  CALL();
  return fill(p, n, v, n, 1, s, __func__);
}

CUresult cuMemsetD16Async(CUdeviceptr p, unsigned short v, size_t n, CUstream s) {
  CALL();
  return fill(p, n, v, n, 1, s, __func__);
}

CUresult cuMemsetD32Async(CUdeviceptr p, unsigned v, size_t n, CUstream s) {
  CALL();
  return fill(p, n, v, n, 1, s, __func__);
}

CUresult cuMemsetD2D8(CUdeviceptr p, size_t pitch, unsigned char v, size_t w, size_t h) {
  CALL();
  return fill(p, pitch, v, w, h, nullptr, __func__);
}

CUresult cuMemsetD2D16(CUdeviceptr p, size_t pitch, unsigned short v, size_t w, size_t h) {
  CALL();
  return fill(p, pitch, v, w, h, nullptr, __func__);
}

CUresult cuMemsetD2D32(CUdeviceptr p, size_t pitch, unsigned v, size_t w, size_t h) {
  CALL();
  return fill(p, pitch, v, w, h, nullptr, __func__);
}

CUresult cuMemsetD2D8Async(CUdeviceptr p, size_t pitch, unsigned char v, size_t w, size_t h, CUstream s) {
  CALL();
  return fill(p, pitch, v, w, h, s, __func__);
}

CUresult cuMemsetD2D16Async(CUdeviceptr p, size_t pitch, unsigned short v, size_t w, size_t h, CUstream s) {
  CALL();
  return fill(p, pitch, v, w, h, s, __func__);
}

CUresult cuMemsetD2D32Async(CUdeviceptr p, size_t pitch, unsigned v, size_t w, size_t h, CUstream s) {
  CALL();
  return fill(p, pitch, v, w, h, s, __func__);
}
