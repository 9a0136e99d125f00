// Contexts: a stack of them for each thread, and the primary ones.
#include "libcuda.h"

namespace gpu {

Table<CUcontext, Context> contexts;

namespace {

thread_local std::vector<CUcontext> stack;
std::map<int, std::pair<CUcontext, int>> primaries;  // context and users, by device
std::map<int, unsigned> primary_flags;

// Those of a GPU of compute capability 8.0. Nothing here goes by them.
const std::map<CUlimit, size_t> initial_limits = {
    {CU_LIMIT_STACK_SIZE, 1 << 10},
    {CU_LIMIT_PRINTF_FIFO_SIZE, 1 << 20},
    {CU_LIMIT_MALLOC_HEAP_SIZE, 8 << 20},
    {CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH, 2},
    {CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 2048},
    {CU_LIMIT_MAX_L2_FETCH_GRANULARITY, 64},
    {CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0},
};

// The current context's limit of this kind.
CUresult find_limit(CUlimit kind, size_t **limit) {
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  auto &limits = contexts.find(c)->limits;
  auto i = limits.find(kind);
  if (i == limits.end()) return CUDA_ERROR_UNSUPPORTED_LIMIT;
  *limit = &i->second;
  return CUDA_SUCCESS;
}

CUcontext make_context(int device, unsigned flags, bool primary) {
  CUcontext c = contexts.add({device, primary, flags, nullptr, initial_limits});
  contexts.find(c)->stream = streams.add({c, 0, {}});
  return c;
}

}  // namespace

CUresult current(CUcontext *context) {
  if (stack.empty() || !stack.back()) return CUDA_ERROR_INVALID_CONTEXT;
  *context = stack.back();
  return contexts.find(*context) ? CUDA_SUCCESS : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

CUresult destroy_context(CUcontext c) {
  Context *context = contexts.find(c);
  if (!context) return CUDA_ERROR_INVALID_CONTEXT;
  auto of_context = [c](auto &o) { return o.context == c; };
  streams.remove_if(of_context);
  events.remove_if(of_context);
  modules.remove_if(of_context);
  functions.remove_if(of_context);
  executables.remove_if(of_context);
  release_context(c);
  contexts.remove(c);
  if (!stack.empty() && stack.back() == c) stack.pop_back();
  return CUDA_SUCCESS;
}

}  // namespace gpu

using namespace gpu;

CUresult cuCtxCreate(CUcontext *context, unsigned flags, CUdevice d) {
  CALL();
  if (CUresult r = check_device(d)) return r;
  stack.push_back(*context = make_context(d, flags, false));
  return CUDA_SUCCESS;
}

CUresult cuCtxDestroy(CUcontext context) {
  Call call(__func__);
  Context *c = contexts.find(context);
  if (!c || c->primary) return CUDA_ERROR_INVALID_CONTEXT;
  return call.after(destroy_context(context));
}

CUresult cuCtxPushCurrent(CUcontext context) {
  CALL();
  if (!contexts.find(context)) return CUDA_ERROR_INVALID_CONTEXT;
  stack.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext *context) {
  Call call(__func__);
  if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (context) *context = stack.back();
  stack.pop_back();
  return call.after(CUDA_SUCCESS);
}

CUresult cuCtxSetCurrent(CUcontext context) {
  CALL();
  if (context && !contexts.find(context)) return CUDA_ERROR_INVALID_CONTEXT;
  if (!stack.empty()) stack.pop_back();
  if (context) stack.push_back(context);
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
  CALL();
  *context = stack.empty() ? nullptr : stack.back();
  return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *d) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *d = contexts.find(c)->device;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetFlags(unsigned *flags) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *flags = contexts.find(c)->flags;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetApiVersion(CUcontext c, unsigned *version) {
  CALL();
  *version = 3020;
  return !c || contexts.find(c) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *least = 0;
  *greatest = -5;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetLimit(size_t *value, CUlimit kind) {
  CALL();
  size_t *limit;
  if (CUresult r = find_limit(kind, &limit)) return r;
  *value = *limit;
  return CUDA_SUCCESS;
}

CUresult cuCtxSetLimit(CUlimit kind, size_t value) {
  CALL();
  size_t *limit;
  if (CUresult r = find_limit(kind, &limit)) return r;
  *limit = value;
  return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  return finish_context(c);
}

CUresult cuCtxEnablePeerAccess(CUcontext, unsigned) {
  CALL();
  return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
}

CUresult cuCtxDisablePeerAccess(CUcontext) {
  CALL();
  return CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice d) {
  CALL();
  if (CUresult r = check_device(d)) return r;
  auto &p = primaries[d];
  if (!contexts.find(p.first)) p = {make_context(d, primary_flags[d], true), 0};
  p.second++;
  *context = p.first;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice d) {
  Call call(__func__);
  if (CUresult r = check_device(d)) return r;
  auto &p = primaries[d];
  if (p.second <= 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (--p.second == 0) destroy_context(p.first);
  return call.after(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice d, unsigned *flags, int *active) {
  CALL();
  *flags = primary_flags[d];
  *active = contexts.find(primaries[d].first) != nullptr;
  return check_device(d);
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice d, unsigned flags) {
  CALL();
  primary_flags[d] = flags;
  return check_device(d);
}

CUresult cuDevicePrimaryCtxReset(CUdevice d) {
  CALL();
  if (CUresult r = check_device(d)) return r;
  destroy_context(primaries[d].first);
  return CUDA_SUCCESS;
}
