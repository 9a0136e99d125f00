// Device memory and pinned host memory between guard pages.
//
// An allocation ends at a page that cannot be accessed, as closely as its start at a multiple of 256 allows; what is left over on both
// sides holds a pattern that is looked at when the memory is freed. Device memory begins as NaN, in every number format. Addresses of
// freed memory are never given again, so using them ends in the same message as running over an end.
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "libcuda.h"

namespace gpu {

std::map<uintptr_t, Allocation> allocations;

namespace {

constexpr size_t page = 4096, start_alignment = 256;
std::map<uintptr_t, Allocation> freed;  // by map
struct sigaction before;

// NaN in half precision, and, unlike the 0xff of fresh memory, not what a kernel would write.
unsigned char pattern(uintptr_t address) { return address & 1 ? 0xff : 0xfd; }

const Allocation *around(std::map<uintptr_t, Allocation> &all, uintptr_t address) {
  for (auto &i : all) {
    const Allocation &a = i.second;
    if (address >= a.map && address < a.map + a.mapped) return &a;
  }
  return nullptr;
}

// Says whose guard page was touched, and leaves the rest to the handler that was there before. No lock: the thread may hold it.
void on_fault(int number, siginfo_t *info, void *) {
  const uintptr_t address = uintptr_t(info->si_addr);
  char text[300] = "";
  if (const Allocation *a = around(allocations, address)) {
    const long from_end = long(address - (a->start + a->bytes)), to_start = long(a->start - address);
    snprintf(text, sizeof text, "libcuda (emulated): access %ld bytes %s %zu bytes of %s memory at %#lx\n", from_end >= 0 ? from_end : to_start,
             from_end >= 0 ? "behind the end of" : "before the start of", a->bytes, a->host ? "pinned host" : "device", long(a->start));
  } else if (const Allocation *f = around(freed, address)) {
    snprintf(text, sizeof text, "libcuda (emulated): access to %zu bytes of %s memory at %#lx, which are freed\n", f->bytes,
             f->host ? "pinned host" : "device", long(f->start));
  }
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(3);
  sigaction(number, &before, nullptr);  // the access is tried again, and reported by who reports others
}

void watch_faults() {
  static const bool done = [] {
    struct sigaction s = {};
    s.sa_sigaction = on_fault;
    s.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &s, &before);
    return true;
  }();
  (void)done;
}

bool patterns_hold(const Allocation &a) {
  for (uintptr_t p = a.map + page; p < a.map + a.mapped - page; p++) {
    if (p == a.start) p += a.bytes;
    if (p >= a.map + a.mapped - page) break;
    if (*reinterpret_cast<unsigned char *>(p) == pattern(p)) continue;
    say("%zu bytes of %s memory at %#lx: the byte %ld %s was written", a.bytes, a.host ? "pinned host" : "device", long(a.start),
        p < a.start ? long(a.start - p) : long(p - a.start - a.bytes), p < a.start ? "before the start" : "behind the end");
    return false;
  }
  return true;
}

// A write beside an allocation cannot be reported to who made it any more, only as loudly as possible.
void give_back(Allocation a) {
  if (!patterns_hold(a)) abort();
  mmap(reinterpret_cast<void *>(a.map), a.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  freed[a.map] = a;
}

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

bool pinned(const void *p) {
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

size_t memory_of(int) { return size_t(setting("EMU_MEMORY", 4ll << 30)); }

size_t memory_used(int device) {
  size_t sum = 0;
  for (auto &i : allocations) {
    Context *c = i.second.host ? nullptr : contexts.find(i.second.context);
    if (c && c->device == device) sum += i.second.bytes;
  }
  return sum;
}

CUresult allocate(CUcontext context, size_t bytes, bool host, uintptr_t *start) {
  watch_faults();
  const size_t room = (bytes + start_alignment - 1) / start_alignment * start_alignment;
  const size_t mapped = (room + page - 1) / page * page + 2 * page;
  void *map = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  Allocation a = {context, uintptr_t(map) + mapped - page - room, uintptr_t(map), bytes, mapped, host, false};
  mprotect(reinterpret_cast<void *>(a.map + page), mapped - 2 * page, PROT_READ | PROT_WRITE);
  for (uintptr_t p = a.map + page; p < a.start; p++) *reinterpret_cast<unsigned char *>(p) = pattern(p);
  for (uintptr_t p = a.start + bytes; p < a.map + mapped - page; p++) *reinterpret_cast<unsigned char *>(p) = pattern(p);
  memset(reinterpret_cast<void *>(a.start), 0xff, bytes);
  allocations[a.start] = a;
  *start = a.start;
  return CUDA_SUCCESS;
}

CUresult release(uintptr_t start) {
  auto i = allocations.find(start);
  if (i == allocations.end()) return CUDA_ERROR_INVALID_VALUE;
  Allocation a = i->second;
  allocations.erase(i);
  give_back(a);
  return CUDA_SUCCESS;
}

void release_context(CUcontext context) {
  for (auto i = allocations.begin(); i != allocations.end();) {
    if (i->second.host || i->second.context != context) {
      ++i;
      continue;
    }
    give_back(i->second);
    i = allocations.erase(i);
  }
}

Allocation *allocation_of(uintptr_t address) {
  auto i = allocations.upper_bound(address);
  if (i == allocations.begin()) return nullptr;
  Allocation &a = (--i)->second;
  return address < a.start + a.bytes ? &a : nullptr;
}

}  // namespace gpu

using namespace gpu;

CUresult cuMemAlloc(CUdeviceptr *p, size_t bytes) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  if (!bytes) return CUDA_ERROR_INVALID_VALUE;
  const int device = contexts.find(c)->device;
  if (memory_used(device) + bytes > memory_of(device)) return CUDA_ERROR_OUT_OF_MEMORY;
  uintptr_t start;
  if (CUresult r = allocate(c, bytes, false, &start)) return r;
  *p = start;
  return CUDA_SUCCESS;
}

CUresult cuMemAllocPitch(CUdeviceptr *p, size_t *pitch, size_t width, size_t height, unsigned) {
  *pitch = (width + 511) / 512 * 512;
  return cuMemAlloc(p, *pitch * height);
}

CUresult cuMemFree(CUdeviceptr p) {
  Call call(__func__);
  if (!p) return call.after(CUDA_SUCCESS);
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  const Allocation *a = allocation_of(p);
  if (!a || a->start != p || a->host || a->of_module) return CUDA_ERROR_INVALID_VALUE;
  if (a->context != c) {
    say("cuMemFree: memory of one context is freed while another one is current");
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  CUresult r = finish_context(c);
  release(p);
  return call.after(r);
}

CUresult cuMemHostAlloc(void **p, size_t bytes, unsigned) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  if (!bytes) return CUDA_ERROR_INVALID_VALUE;
  uintptr_t start;
  if (CUresult r = allocate(c, bytes, true, &start)) return r;
  *p = reinterpret_cast<void *>(start);
  return CUDA_SUCCESS;
}

CUresult cuMemAllocHost(void **p, size_t bytes) { return cuMemHostAlloc(p, bytes, 0); }

CUresult cuMemFreeHost(void *p) {
  Call call(__func__);
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  const Allocation *a = allocation_of(uintptr_t(p));
  if (!a || !a->host || a->start != uintptr_t(p)) return CUDA_ERROR_INVALID_VALUE;
  CUresult r = finish_context(c);
  release(uintptr_t(p));
  return call.after(r);
}

CUresult cuMemGetInfo(size_t *available, size_t *total) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  const int device = contexts.find(c)->device;
  *total = memory_of(device);
  *available = *total - memory_used(device);
  return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange(CUdeviceptr *base, size_t *bytes, CUdeviceptr p) {
  CALL();
  const Allocation *a = allocation_of(p);
  if (!a) return CUDA_ERROR_NOT_FOUND;
  if (base) *base = a->start;
  if (bytes) *bytes = a->bytes;
  return CUDA_SUCCESS;
}

CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr p) {
  CALL();
  const Allocation *a = allocation_of(p);
  if (!a) return CUDA_ERROR_INVALID_VALUE;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: *static_cast<CUcontext *>(value) = a->context; break;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: *static_cast<unsigned *>(value) = a->host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE; break;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: *static_cast<CUdeviceptr *>(value) = p; break;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: {
      Context *c = contexts.find(a->context);
      *static_cast<int *>(value) = c ? c->device : -1;
      break;
    }
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

// ---- copies

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t n) { CALL(); return copy_in(to, from, n, nullptr, true, __func__); }
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream s) { CALL(); return copy_in(to, from, n, s, false, __func__); }
CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t n) { CALL(); return copy_out(to, from, n, nullptr, true, __func__); }
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream s) { CALL(); return copy_out(to, from, n, s, false, __func__); }
CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t n) { CALL(); return copy_over(to, from, n, nullptr, __func__); }
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { CALL(); return copy_over(to, from, n, s, __func__); }
CUresult cuMemcpy2D(const CUDA_MEMCPY2D *c) { CALL(); return copy_2d(c, nullptr, true, __func__); }
CUresult cuMemcpy2DUnaligned(const CUDA_MEMCPY2D *c) { CALL(); return copy_2d(c, nullptr, true, __func__); }
CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *c, CUstream s) { CALL(); return copy_2d(c, s, false, __func__); }

CUresult cuMemsetD8(CUdeviceptr p, unsigned char v, size_t n) { CALL(); return fill(p, n, v, n, 1, nullptr, __func__); }
CUresult cuMemsetD16(CUdeviceptr p, unsigned short v, size_t n) { CALL(); return fill(p, n, v, n, 1, nullptr, __func__); }
CUresult cuMemsetD32(CUdeviceptr p, unsigned v, size_t n) { CALL(); return fill(p, n, v, n, 1, nullptr, __func__); }
CUresult cuMemsetD8Async(CUdeviceptr p, unsigned char v, size_t n, CUstream s) { CALL(); return fill(p, n, v, n, 1, s, __func__); }
CUresult cuMemsetD16Async(CUdeviceptr p, unsigned short v, size_t n, CUstream s) { CALL(); return fill(p, n, v, n, 1, s, __func__); }
CUresult cuMemsetD32Async(CUdeviceptr p, unsigned v, size_t n, CUstream s) { CALL(); return fill(p, n, v, n, 1, s, __func__); }
CUresult cuMemsetD2D8(CUdeviceptr p, size_t pitch, unsigned char v, size_t w, size_t h) { CALL(); return fill(p, pitch, v, w, h, nullptr, __func__); }
CUresult cuMemsetD2D16(CUdeviceptr p, size_t pitch, unsigned short v, size_t w, size_t h) { CALL(); return fill(p, pitch, v, w, h, nullptr, __func__); }
CUresult cuMemsetD2D32(CUdeviceptr p, size_t pitch, unsigned v, size_t w, size_t h) { CALL(); return fill(p, pitch, v, w, h, nullptr, __func__); }
