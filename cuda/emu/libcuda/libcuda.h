// A libcuda.so.1 for tests: NVIDIA's driver interface on the CPU, as far as the engine, gorgonia.org/cu and GStreamer's CUDA library
// use it. Device memory is host memory between guard pages, kernels run on the emulator (runtime/launch.h), and whatever a real driver
// would refuse, or would silently do wrong, is refused. Tests steer it through control.h.
//
// Environment, read whenever it matters, so that a test can set it:
//   EMU_CC=80             compute capability: 80, 86, 90, 100
//   EMU_DEVICES=1         GPUs; 0 makes cuInit answer CUDA_ERROR_NO_DEVICE
//   EMU_MEMORY=4294967296 bytes of device memory of each
//   EMU_SMS=3             multiprocessors of each: few, so that persistent kernels have several tiles per block
//   EMU_DRIVER_VERSION=12080
//   EMU_LAZY=0            1: a stream's work is done when somebody waits for it and not before, so that a missing wait shows
//   EMU_PAGEABLE=0        1: the GPU reads and writes pageable memory itself, as on systems that share page tables with it: copies of it are
//                         asynchronous too
//   EMU_IDLE=0            1: kernels that are launched compute nothing, for tests of the calls alone
#pragma once

#include <cuda.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "../runtime/launch.h"

namespace gpu {

// Handles are numbers that are never used twice, so that one of an object that is gone is always found out.
uintptr_t next_handle();

template <class Handle, class Object>
class Table {
 public:
  Handle add(Object o) {
    Handle h = reinterpret_cast<Handle>(next_handle());
    objects_.emplace(h, std::move(o));
    return h;
  }
  Object *find(Handle h) {
    auto i = objects_.find(h);
    return i == objects_.end() ? nullptr : &i->second;
  }
  bool remove(Handle h) { return objects_.erase(h) > 0; }
  template <class Predicate>
  void remove_if(Predicate p) {
    for (auto i = objects_.begin(); i != objects_.end();) i = p(i->second) ? objects_.erase(i) : std::next(i);
  }
  std::unordered_map<Handle, Object> &all() { return objects_; }

 private:
  std::unordered_map<Handle, Object> objects_;
};

struct Context {
  int device;
  bool primary;
  unsigned flags;
  CUstream stream;  // the default one
  std::map<CUlimit, size_t> limits;
};

struct Stream {
  CUcontext context;
  unsigned flags;
  std::deque<std::function<CUresult()>> work;
};

struct Event {
  CUcontext context;
  unsigned flags;
  std::shared_ptr<bool> recorded;  // whether its stream has come to the newest record, null before the first
  double milliseconds;
  CUstream stream;
};

struct Entry {
  std::string name;
  std::vector<size_t> argument_bytes, argument_offset;
};

struct Module {
  CUcontext context;
  std::vector<Entry> entries;
  std::map<std::string, std::vector<unsigned char>> constants;  // NAME_launch
  std::map<std::string, CUdeviceptr> globals;
};

struct Function {
  CUcontext context;
  CUmodule module;
  const emu::Kernel *kernel;
  std::vector<size_t> argument_offset;
  int shared_limit;
};

// Device memory, or pinned host memory: bytes from start on. Mapped are the pages around, the first and the last of which are guards.
struct Allocation {
  CUcontext context;
  uintptr_t start, map;
  size_t bytes, mapped;
  bool host;
  bool of_module;     // a global of a module: nobody's to free
  CUmemoryPool pool;  // that it was taken from, null: none
  bool leaving;       // its release was ordered on a stream: no later call may use it
};

// Where stream-ordered allocations come from. The null pool stands for every device's default one, without attributes.
struct Pool {
  int device;
  uint64_t used, most_used;  // bytes
  uint64_t release_threshold;
  int reuse_event, reuse_opportunistic, reuse_internal;
};

// Fills in entries and constants of PTX text or a cubin; where the GPU cannot run it says why. EMU_CUBINS=0: it runs no cubin, EMU_PTX=0: it
// compiles nothing.
CUresult read_image(const void *image, Module *module, std::string *log);

// A kernel with its arguments, copied when the launch is ordered.
struct Work {
  CUfunction function;
  const emu::Kernel *kernel;
  dim3 grid, block;
  unsigned shared;
  std::vector<std::vector<uint64_t>> arguments;
};

struct Node {
  CUgraph graph;
  std::vector<CUgraphNode> after;
  Work work;
  bool kernel;
};

struct Graph {
  std::vector<CUgraphNode> nodes;
};

struct Executable {
  CUcontext context;
  std::vector<CUgraphNode> nodes;  // as the graph was, in an order that respects its edges
  std::map<CUgraphNode, Work> work;
};

extern Table<CUcontext, Context> contexts;
extern Table<CUstream, Stream> streams;  // each context's default stream too
extern Table<CUevent, Event> events;
extern Table<CUmodule, Module> modules;
extern Table<CUfunction, Function> functions;
extern Table<CUmemoryPool, Pool> pools;
extern Table<CUgraph, Graph> graphs;
extern Table<CUgraphNode, Node> nodes;
extern Table<CUgraphExec, Executable> executables;
extern std::map<uintptr_t, Allocation> allocations;  // by start

long long setting(const char *name, long long otherwise);
int devices();
CUresult check_device(CUdevice device);
int compute_capability();
size_t largest_shared();  // dynamic shared memory per block that a function can be allowed
// A line for whoever reads the test's output: why a call is refused.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// One call of the driver: holds the lock over everything here, counts, and fails if a test ordered so (code). Of no function: only the
// lock.
class Call {
 public:
  explicit Call(const char *function, bool before_init = false);
  // For functions that release: they release even where a test lets them fail, as a driver that reports an earlier error does.
  CUresult after(CUresult r) const { return code != CUDA_SUCCESS ? code : r; }
  CUresult code;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};
#define CALL() \
  ::gpu::Call call(__func__); \
  if (call.code != CUDA_SUCCESS) return call.code

// The calling thread's context; an error where it has none or one that was destroyed.
CUresult current(CUcontext *context);
CUresult destroy_context(CUcontext context);
// A stream that may be used now: null is the current context's default stream.
CUresult find_stream(CUstream handle, CUstream *stream);
CUresult order(CUstream stream, std::function<CUresult()> work);
CUresult finish(CUstream stream);
CUresult finish_context(CUcontext context);

// Checks a launch and copies its arguments. check_addresses is part of that, and is done again before a graph runs.
CUresult make_work(const CUDA_KERNEL_NODE_PARAMS &p, Work *work);
CUresult check_addresses(const Work &work, CUcontext context);
CUresult run(const Work &work);

CUresult allocate(CUcontext context, size_t bytes, bool host, uintptr_t *start);
CUresult allocate_device(CUcontext context, size_t bytes, uintptr_t *start);  // as long as its device has so much left
CUresult release(uintptr_t start);
void release_context(CUcontext context);
Allocation *allocation_of(uintptr_t address);  // null for one that is leaving
bool was_freed(uintptr_t address);
size_t memory_of(int device);
size_t memory_used(int device);

enum Direction { host_to_device, device_to_host, device_to_device };
void count_copy(Direction direction, size_t bytes);

}  // namespace gpu
