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
    snprintf(text, sizeof text, "libcuda (emulated): access %ld bytes %s %zu bytes of %s memory at %#lx\n",
             from_end >= 0 ? from_end : to_start, from_end >= 0 ? "behind the end of" : "before the start of", a->bytes,
             a->host ? "pinned host" : "device", long(a->start));
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
  if (Pool *pool = pools.find(a.pool)) pool->used -= a.bytes;
  mmap(reinterpret_cast<void *>(a.map), a.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  freed[a.map] = a;
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
  Allocation a = {context, uintptr_t(map) + mapped - page - room, uintptr_t(map), bytes, mapped, host, false, nullptr, false};
  mprotect(reinterpret_cast<void *>(a.map + page), mapped - 2 * page, PROT_READ | PROT_WRITE);
  for (uintptr_t p = a.map + page; p < a.start; p++) *reinterpret_cast<unsigned char *>(p) = pattern(p);
  for (uintptr_t p = a.start + bytes; p < a.map + mapped - page; p++) *reinterpret_cast<unsigned char *>(p) = pattern(p);
  memset(reinterpret_cast<void *>(a.start), 0xff, bytes);
  allocations[a.start] = a;
  *start = a.start;
  return CUDA_SUCCESS;
}

CUresult allocate_device(CUcontext context, size_t bytes, uintptr_t *start) {
  if (!bytes) return CUDA_ERROR_INVALID_VALUE;
  const int device = contexts.find(context)->device;
  if (memory_used(device) + bytes > memory_of(device)) return CUDA_ERROR_OUT_OF_MEMORY;
  return allocate(context, bytes, false, start);
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
    if (i->second.context != context) {
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
  return address < a.start + a.bytes && !a.leaving ? &a : nullptr;
}

bool was_freed(uintptr_t address) { return around(freed, address) != nullptr; }

}  // namespace gpu

using namespace gpu;

CUresult cuMemAlloc(CUdeviceptr *p, size_t bytes) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  uintptr_t start;
  if (CUresult r = allocate_device(c, bytes, &start)) return r;
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
