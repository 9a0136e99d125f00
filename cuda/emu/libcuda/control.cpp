#include "control.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libcuda.h"

namespace gpu {
namespace {

std::recursive_mutex lock;
std::map<std::string, long> calls;
long all_calls, failed;
unsigned long long copy_calls[3], copy_bytes[3];
struct {
  std::string function;
  long n;
  CUresult code;
} ordered;
bool initialised;

}  // namespace

Call::Call(const char *function, bool before_init) : code(CUDA_SUCCESS), lock_(lock) {
  if (!function) return;
  calls[function]++;
  all_calls++;
  if (ordered.n && (ordered.function.empty() || ordered.function == function) && --ordered.n == 0) {
    failed++;
    code = ordered.code;
  } else if (!initialised && !before_init) {
    code = CUDA_ERROR_NOT_INITIALIZED;
  }
}

void count_copy(Direction direction, size_t bytes) {
  copy_calls[direction]++;
  copy_bytes[direction] += bytes;
}

long long setting(const char *name, long long otherwise) {
  const char *text = getenv(name);
  return text && *text ? atoll(text) : otherwise;
}

void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("libcuda (emulated): ", stderr);
  vfprintf(stderr, format, arguments);
  fputs("\n", stderr);
  va_end(arguments);
}

}  // namespace gpu

using namespace gpu;

CUresult cuInit(unsigned flags) {
  Call call(__func__, true);
  if (call.code != CUDA_SUCCESS) return call.code;
  if (flags) return CUDA_ERROR_INVALID_VALUE;
  if (setting("EMU_DEVICES", 1) <= 0) return CUDA_ERROR_NO_DEVICE;
  initialised = true;
  return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
  Call call(__func__, true);
  if (call.code != CUDA_SUCCESS) return call.code;
  *version = int(setting("EMU_DRIVER_VERSION", 12080));
  return CUDA_SUCCESS;
}

void emu_fail(const char *function, long n, int code) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  ordered = {function ? function : "", n, CUresult(code)};
}

long emu_failed(void) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return failed;
}

long emu_calls(const char *function) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  if (!function || !*function) return all_calls;
  auto i = calls.find(function);
  return i == calls.end() ? 0 : i->second;
}

size_t emu_call_list(char *text, size_t room) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  std::string list;
  for (auto &c : calls) list += c.first + " " + std::to_string(c.second) + "\n";
  snprintf(text, room, "%s", list.c_str());
  return list.size() + 1;
}

void emu_copies(unsigned long long *n, unsigned long long *bytes) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  memcpy(n, copy_calls, sizeof copy_calls);
  memcpy(bytes, copy_bytes, sizeof copy_bytes);
}

void emu_reset(void) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  calls.clear();
  all_calls = failed = 0;
  ordered = {};
  memset(copy_calls, 0, sizeof copy_calls);
  memset(copy_bytes, 0, sizeof copy_bytes);
}

void emu_live(emu_objects *o) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  *o = {};
  o->contexts = long(contexts.all().size());
  o->modules = long(modules.all().size());
  o->streams = long(streams.all().size()) - o->contexts;  // the default ones
  o->events = long(events.all().size());
  o->graphs = long(graphs.all().size());
  o->executables = long(executables.all().size());
  for (auto &i : allocations) {
    if (i.second.host) o->pinned++;
    if (i.second.host || i.second.of_module) continue;
    o->allocations++;
    o->bytes += i.second.bytes;
  }
}

int emu_destroy_context(void *context) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return destroy_context(CUcontext(context));
}
