// Streams and events. Work is done when it is ordered or, with EMU_LAZY, when it is waited for.
#include <chrono>

#include "libcuda.h"

namespace gpu {

Table<CUstream, Stream> streams;
Table<CUevent, Event> events;

namespace {

bool lazy() { return setting("EMU_LAZY", 0) != 0; }

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

CUresult step(Stream *s) {
  auto work = std::move(s->work.front());
  s->work.pop_front();
  return work();
}

// Does what a stream has to do until it has come to a record of an event.
CUresult reach(const std::shared_ptr<bool> &record, CUstream on) {
  for (;;) {
    Stream *s = streams.find(on);
    if (!record || *record || !s || s->work.empty()) return CUDA_SUCCESS;
    if (CUresult r = step(s)) return r;
  }
}

CUresult find_event(CUevent handle, Event **event) {
  *event = events.find(handle);
  return *event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

}  // namespace

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
  return order(stream, [record = e->recorded, on = e->stream] { return reach(record, on); });
}

// ---- events

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *event = events.add({c, flags, nullptr, 0, nullptr});
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
  e->recorded = std::make_shared<bool>(false);
  e->stream = stream;
  return order(stream, [event, record = e->recorded] {
    *record = true;
    Event *e = events.find(event);
    if (e && e->recorded == record) e->milliseconds = milliseconds();
    return CUDA_SUCCESS;
  });
}

CUresult cuEventSynchronize(CUevent event) {
  CALL();
  Event *e;
  if (CUresult r = find_event(event, &e)) return r;
  return reach(e->recorded, e->stream);
}

CUresult cuEventQuery(CUevent event) {
  CALL();
  Event *e;
  if (CUresult r = find_event(event, &e)) return r;
  if (!e->recorded || *e->recorded) return CUDA_SUCCESS;
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
  if (!*a->recorded || !*b->recorded) return CUDA_ERROR_NOT_READY;
  *ms = float(b->milliseconds - a->milliseconds);
  return CUDA_SUCCESS;
}
