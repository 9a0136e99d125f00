// Stream-ordered memory. It exists from the call on, since its address does, and goes when the stream gets to its release: what was
// ordered before may use it, what is ordered later is refused.
#include <algorithm>

#include "libcuda.h"

namespace gpu {

Table<CUmemoryPool, Pool> pools;

namespace {

CUresult allocate_on(CUdeviceptr *p, size_t bytes, CUmemoryPool handle, CUstream stream) {
  if (CUresult r = find_stream(stream, &stream)) return r;
  CUcontext c = streams.find(stream)->context;
  Pool *pool = pools.find(handle);
  if (pool && pool->device != contexts.find(c)->device) {
    say("memory of device %d's pool is asked for on a stream of device %d", pool->device, contexts.find(c)->device);
    return CUDA_ERROR_INVALID_VALUE;
  }
  uintptr_t start;
  if (CUresult r = allocate_device(c, bytes, &start)) return r;
  allocation_of(start)->pool = handle;
  if (pool) {
    pool->used += bytes;
    pool->most_used = std::max(pool->most_used, pool->used);
  }
  *p = start;
  return CUDA_SUCCESS;
}

// get is called with a reference to the attribute, an int or a cuuint64_t; those that only tell something are copies.
template <class Get>
CUresult attribute_of(CUmemoryPool handle, CUmemPool_attribute attribute, Get get) {
  Pool *pool = pools.find(handle);
  if (!pool) return CUDA_ERROR_INVALID_VALUE;
  switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES: return get(pool->reuse_event, true);
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC: return get(pool->reuse_opportunistic, true);
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: return get(pool->reuse_internal, true);
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: return get(pool->release_threshold, true);
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: return get(pool->used, false);
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH: return get(pool->most_used, false);
    default: return CUDA_ERROR_INVALID_VALUE;
  }
}

}  // namespace
}  // namespace gpu

using namespace gpu;

CUresult cuMemAllocAsync(CUdeviceptr *p, size_t bytes, CUstream stream) {
  CALL();
  return allocate_on(p, bytes, nullptr, stream);
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *p, size_t bytes, CUmemoryPool pool, CUstream stream) {
  CALL();
  if (!pools.find(pool)) return CUDA_ERROR_INVALID_VALUE;
  return allocate_on(p, bytes, pool, stream);
}

CUresult cuMemFreeAsync(CUdeviceptr p, CUstream stream) {
  Call call(__func__);
  if (CUresult r = find_stream(stream, &stream)) return r;
  Allocation *a = allocation_of(p);
  if (!a || a->start != p || a->host || a->of_module) return CUDA_ERROR_INVALID_VALUE;
  if (a->context != streams.find(stream)->context) {
    say("cuMemFreeAsync: memory of one context is freed on a stream of another one");
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  a->leaving = true;
  return call.after(order(stream, [p] { return release(p); }));
}

CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *properties) {
  CALL();
  if (properties->allocType != CU_MEM_ALLOCATION_TYPE_PINNED || properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (properties->handleTypes != CU_MEM_HANDLE_TYPE_NONE) return CUDA_ERROR_NOT_SUPPORTED;
  if (CUresult r = check_device(properties->location.id)) return r;
  *pool = pools.add({properties->location.id, 0, 0, 0, 1, 1, 1});
  return CUDA_SUCCESS;
}

// Memory that was taken from the pool stays until it is freed.
CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  Call call(__func__);
  return call.after(pools.remove(pool) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
  CALL();
  return attribute_of(pool, attribute, [value](auto &field, bool) {
    *static_cast<std::decay_t<decltype(field)> *>(value) = field;
    return CUDA_SUCCESS;
  });
}

// Of what the pool counts, only the highest figures can be set, and only to 0: it counts anew from what is used then.
CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
  CALL();
  const bool high = attribute == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH || attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH;
  return attribute_of(pool, attribute, [&](auto &field, bool settable) {
    const auto wanted = *static_cast<std::decay_t<decltype(field)> *>(value);
    if (!settable && (!high || wanted != 0)) return CUDA_ERROR_INVALID_VALUE;
    field = settable ? wanted : std::decay_t<decltype(field)>(pools.find(pool)->used);
    return CUDA_SUCCESS;
  });
}
