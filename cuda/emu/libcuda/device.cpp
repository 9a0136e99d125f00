// Devices, contexts, streams, events. libcuda.h says what this library is.
#include "libcuda.h"

#include <chrono>
#include <cstdio>
#include <cstring>

namespace gpu {

uintptr_t next_handle() {
  static uintptr_t last = 0x1000;  // in a page that no program can read
  return last += 1;
}

Table<CUcontext, Context> contexts;
Table<CUstream, Stream> streams;
Table<CUevent, Event> events;

namespace {

thread_local std::vector<CUcontext> stack;
std::map<int, std::pair<CUcontext, int>> primaries;  // context and users, by device
std::map<int, unsigned> primary_flags;

int devices() { return int(setting("EMU_DEVICES", 1)); }
bool lazy() { return setting("EMU_LAZY", 0) != 0; }

CUresult check_device(CUdevice d) { return d >= 0 && d < devices() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE; }

CUcontext make_context(int device, unsigned flags, bool primary) {
  CUcontext c = contexts.add({device, primary, flags, nullptr});
  contexts.find(c)->stream = streams.add({c, 0, {}});
  return c;
}

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

CUresult step(Stream *s) {
  auto work = std::move(s->work.front());
  s->work.pop_front();
  return work();
}

CUresult find_event(CUevent handle, Event **event) {
  *event = events.find(handle);
  return *event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

}  // namespace

int compute_capability() { return int(setting("EMU_CC", 80)); }

size_t largest_shared() {
  switch (compute_capability()) {
    case 80: return 163 << 10;
    case 86: case 89: return 99 << 10;
    default: return 227 << 10;
  }
}

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

CUresult find_stream(CUstream handle, CUstream *stream) {
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *stream = !handle || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD ? contexts.find(c)->stream : handle;
  Stream *s = streams.find(*stream);
  if (!s) return CUDA_ERROR_INVALID_HANDLE;
  if (s->context == c) return CUDA_SUCCESS;
  say("a stream of one context is used while another one is current");
  return CUDA_ERROR_INVALID_HANDLE;
}

CUresult order(CUstream handle, std::function<CUresult()> work) {
  Stream *s = streams.find(handle);
  if (!lazy()) return work();
  // The default stream and those that are not CU_STREAM_NON_BLOCKING wait for each other.
  CUstream main = contexts.find(s->context)->stream;
  if (handle != main && !(s->flags & CU_STREAM_NON_BLOCKING)) finish(main);
  if (handle == main) {
    for (auto &other : streams.all()) {
      if (other.second.context == s->context && other.first != main && !(other.second.flags & CU_STREAM_NON_BLOCKING)) finish(other.first);
    }
  }
  s->work.push_back(std::move(work));
  return CUDA_SUCCESS;
}

CUresult finish(CUstream handle) {
  CUresult first = CUDA_SUCCESS;
  for (Stream *s = streams.find(handle); s && !s->work.empty(); s = streams.find(handle)) {
    CUresult r = step(s);
    if (first == CUDA_SUCCESS) first = r;
  }
  return first;
}

CUresult finish_context(CUcontext c) {
  CUresult first = CUDA_SUCCESS;
  for (auto &s : streams.all()) {
    if (s.second.context != c) continue;
    CUresult r = finish(s.first);
    if (first == CUDA_SUCCESS) first = r;
  }
  return first;
}

}  // namespace gpu

using namespace gpu;

// ---- errors

CUresult cuGetErrorName(CUresult error, const char **text) {
  switch (error) {
#define NAME(e) case e: *text = #e; return CUDA_SUCCESS;
    NAME(CUDA_SUCCESS) NAME(CUDA_ERROR_INVALID_VALUE) NAME(CUDA_ERROR_OUT_OF_MEMORY) NAME(CUDA_ERROR_NOT_INITIALIZED)
    NAME(CUDA_ERROR_NO_DEVICE) NAME(CUDA_ERROR_INVALID_DEVICE) NAME(CUDA_ERROR_INVALID_IMAGE) NAME(CUDA_ERROR_INVALID_CONTEXT)
    NAME(CUDA_ERROR_NO_BINARY_FOR_GPU) NAME(CUDA_ERROR_INVALID_PTX) NAME(CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    NAME(CUDA_ERROR_INVALID_HANDLE) NAME(CUDA_ERROR_NOT_FOUND) NAME(CUDA_ERROR_NOT_READY) NAME(CUDA_ERROR_ILLEGAL_ADDRESS)
    NAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES) NAME(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED) NAME(CUDA_ERROR_CONTEXT_IS_DESTROYED)
    NAME(CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE) NAME(CUDA_ERROR_LAUNCH_FAILED) NAME(CUDA_ERROR_NOT_SUPPORTED) NAME(CUDA_ERROR_UNKNOWN)
    default: *text = nullptr; return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  const char *name;
  if (CUresult r = cuGetErrorName(error, &name)) {
    *text = nullptr;
    return r;
  }
  switch (error) {
    case CUDA_ERROR_OUT_OF_MEMORY: *text = "out of memory"; break;
    case CUDA_ERROR_INVALID_VALUE: *text = "invalid argument"; break;
    case CUDA_ERROR_NO_DEVICE: *text = "no CUDA-capable device is detected"; break;
    case CUDA_ERROR_CONTEXT_IS_DESTROYED: *text = "context is destroyed"; break;
    default: *text = "an error of the emulated driver";
  }
  return CUDA_SUCCESS;
}

// ---- devices

CUresult cuDeviceGetCount(int *count) {
  CALL();
  *count = devices();
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  CALL();
  *device = ordinal;
  return check_device(ordinal);
}

CUresult cuDeviceGetName(char *name, int room, CUdevice d) {
  CALL();
  if (CUresult r = check_device(d)) return r;
  snprintf(name, size_t(room), "Emulated GPU %d (compute capability %d.%d)", d, compute_capability() / 10, compute_capability() % 10);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice d) {
  CALL();
  if (CUresult r = check_device(d)) return r;
  memset(uuid, 0, sizeof *uuid);
  uuid->bytes[15] = char(d + 1);
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice d) {
  CALL();
  *bytes = memory_of(d);
  return check_device(d);
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice d) {
  CALL();
  if (CUresult r = check_device(d)) return r;
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = compute_capability() / 10; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = compute_capability() % 10; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = int(setting("EMU_SMS", 3)); break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK: *value = 48 << 10; break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *value = int(largest_shared()); break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR: *value = int(largest_shared()) + 1024; break;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y: *value = 1024; break;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z: *value = 64; break;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X: *value = 0x7fffffff; break;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z: *value = 65535; break;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE: *value = 32; break;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK: *value = 65536; break;
    case CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT: *value = 512; break;
    case CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT: *value = 32; break;
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: *value = 1; break;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: *value = 1000000; break;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *value = 40 << 20; break;
    default: *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice, CUdevice) {
  CALL();
  *can = 0;
  return CUDA_SUCCESS;
}

// ---- contexts

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

// ---- streams

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  if (flags & ~unsigned(CU_STREAM_NON_BLOCKING)) return CUDA_ERROR_INVALID_VALUE;
  *stream = streams.add({c, flags, {}});
  return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  if (flags & ~unsigned(CU_STREAM_NON_BLOCKING)) return CUDA_ERROR_INVALID_VALUE;
  *stream = streams.add({c, flags, {}});
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  Call call(__func__);
  Stream *s = streams.find(stream);
  if (!s || contexts.find(s->context)->stream == stream) return CUDA_ERROR_INVALID_HANDLE;
  CUresult r = finish(stream);
  streams.remove(stream);
  return call.after(r);
}

#undef cuStreamDestroy  // the name of long ago, which GStreamer asks for
extern "C" CUresult cuStreamDestroy(CUstream stream) { return cuStreamDestroy_v2(stream); }

CUresult cuStreamSynchronize(CUstream stream) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  return finish(stream);
}

CUresult cuStreamQuery(CUstream stream) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  Stream *s = streams.find(stream);
  if (s->work.empty()) return CUDA_SUCCESS;
  CUresult r = step(s);
  return r != CUDA_SUCCESS ? r : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamGetFlags(CUstream stream, unsigned *flags) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  *flags = streams.find(stream)->flags;
  return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  Event *e;
  if (CUresult r = find_event(event, &e)) return r;
  if (!e->recorded) return CUDA_SUCCESS;
  return order(stream, [event] {
    Event *e = events.find(event);
    return e && !e->done ? finish(e->stream) : CUDA_SUCCESS;
  });
}

// ---- events

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *event = events.add({c, flags, false, false, 0, nullptr});
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
  Call call(__func__);
  return call.after(events.remove(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE);
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  Event *e;
  if (CUresult r = find_event(event, &e)) return r;
  if (e->context != streams.find(stream)->context) return CUDA_ERROR_INVALID_HANDLE;
  e->recorded = true;
  e->done = false;
  e->stream = stream;
  return order(stream, [event] {
    if (Event *e = events.find(event)) {
      e->done = true;
      e->milliseconds = milliseconds();
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuEventSynchronize(CUevent event) {
  CALL();
  Event *e;
  if (CUresult r = find_event(event, &e)) return r;
  return e->recorded && !e->done ? finish(e->stream) : CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event) {
  CALL();
  Event *e;
  if (CUresult r = find_event(event, &e)) return r;
  if (!e->recorded || e->done) return CUDA_SUCCESS;
  Stream *s = streams.find(e->stream);
  CUresult r = s && !s->work.empty() ? step(s) : CUDA_SUCCESS;
  return r != CUDA_SUCCESS ? r : CUDA_ERROR_NOT_READY;
}

CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to) {
  CALL();
  Event *a, *b;
  if (find_event(from, &a) || find_event(to, &b) || !a->recorded || !b->recorded || (a->flags | b->flags) & CU_EVENT_DISABLE_TIMING) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (!a->done || !b->done) return CUDA_ERROR_NOT_READY;
  *ms = float(b->milliseconds - a->milliseconds);
  return CUDA_SUCCESS;
}
