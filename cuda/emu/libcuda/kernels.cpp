// Modules, functions, launches, graphs, tensor maps.
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libcuda.h"
#include "../runtime/instructions.h"

namespace gpu {

Table<CUmodule, Module> modules;
Table<CUfunction, Function> functions;
Table<CUgraph, Graph> graphs;
Table<CUgraphNode, Node> nodes;
Table<CUgraphExec, Executable> executables;

namespace {

constexpr int free_shared = 48 << 10;  // dynamic shared memory that needs no cuFuncSetAttribute

bool in_name(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

std::string name_at(const std::string &text, size_t i) {
  size_t end = i;
  while (end < text.size() && in_name(text[end])) end++;
  return text.substr(i, end - i);
}

// ".param .u64 .ptr .align 1 x" has 8 bytes, ".param .align 64 .b8 x[128]" 128.
size_t parameter_bytes(const std::string &p) {
  if (size_t bracket = p.find('['); bracket != std::string::npos) return size_t(atoll(p.c_str() + bracket + 1));
  for (const char *type : {".u64", ".s64", ".b64", ".f64"}) {
    if (p.find(type) != std::string::npos) return 8;
  }
  for (const char *type : {".u32", ".s32", ".b32", ".f32"}) {
    if (p.find(type) != std::string::npos) return 4;
  }
  return p.find("16") != std::string::npos ? 2 : 1;
}

std::vector<Entry> parse_entries(const std::string &ptx) {
  static const std::string word = ".entry ";
  std::vector<Entry> entries;
  for (size_t i = ptx.find(word); i != std::string::npos; i = ptx.find(word, i)) {
    i += word.size();
    Entry e = {name_at(ptx, i), {}};
    const size_t open = i + e.name.size(), body = ptx.find('{', i), close = std::min(ptx.find(')', i), body);
    if (open < ptx.size() && ptx[open] == '(' && close != std::string::npos) {
      for (size_t p = ptx.find(".param", open); p < close; p = ptx.find(".param", p + 1)) {
        const size_t end = std::min(ptx.find(',', p), close);
        e.argument_bytes.push_back(parameter_bytes(ptx.substr(p, end - p)));
      }
    }
    entries.push_back(e);
  }
  return entries;
}

std::vector<unsigned char> initial_bytes(const std::string &ptx, size_t at) {
  std::vector<unsigned char> bytes(sizeof(emu::Launch), 0);
  const size_t end = ptx.find(';', at);
  size_t p = std::min(ptx.find('{', at), end);
  for (size_t i = 0; i < bytes.size() && p < end; i++, p = std::min(ptx.find(',', p + 1), end)) bytes[i] = static_cast<unsigned char>(atoi(ptx.c_str() + p + 1));
  return bytes;
}

// What the driver's compiler checks first: version and target. An error's text goes where the caller wants it.
CUresult compile(const std::string &ptx, std::string *log) {
  const size_t version = ptx.find(".version "), target = ptx.find(".target sm_");
  if (version == std::string::npos || target == std::string::npos) {
    *log = "ptxas fatal   : no .version or no .target";
    return CUDA_ERROR_INVALID_PTX;
  }
  int major = 0, minor = 0, capability = 0;
  char specific = 0;
  sscanf(ptx.c_str() + version, ".version %d.%d", &major, &minor);
  sscanf(ptx.c_str() + target, ".target sm_%d%c", &capability, &specific);
  // PTX 8.0 came with CUDA 12.0, 8.7 with 12.8, 9.0 with 13.0.
  const int wanted = major < 8 ? 0 : major == 8 ? 12000 + (minor < 6 ? minor : minor + 1) * 10 : 13000 + minor * 10;
  const int have = int(setting("EMU_DRIVER_VERSION", 12080));
  if (wanted > have) {
    *log = "ptxas application ptx input, line 1; fatal   : Unsupported .version " + std::to_string(major) + "." + std::to_string(minor);
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }
  const int cc = compute_capability();
  if (specific == 'a' ? cc != capability : cc < capability) {
    *log = "PTX for sm_" + std::to_string(capability) + (specific == 'a' ? "a" : "") + " cannot run on sm_" + std::to_string(cc);
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  return CUDA_SUCCESS;
}

CUresult load(CUmodule *module, const void *image, std::string *log) {
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  if (!image) return CUDA_ERROR_INVALID_VALUE;
  const std::string ptx = static_cast<const char *>(image);
  if (CUresult r = compile(ptx, log)) return r;
  *module = modules.add({c, ptx, parse_entries(ptx), {}});
  return CUDA_SUCCESS;
}

// A module that may be used now.
CUresult find_module(CUmodule handle, Module **module) {
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  *module = modules.find(handle);
  if (!*module) return CUDA_ERROR_INVALID_HANDLE;
  if ((*module)->context == c) return CUDA_SUCCESS;
  say("a module of one context is used while another one is current");
  return CUDA_ERROR_INVALID_CONTEXT;
}

std::string sizes(const std::vector<size_t> &bytes) {
  std::string s;
  for (size_t n : bytes) s += " " + std::to_string(n);
  return s;
}

// Addresses on which the device would fault: of another context's memory, anywhere among the arguments (structs are searched in steps of 8
// bytes); and, where an argument is nothing but an address, of memory that is not the device's. A null may be meant to be set later.
CUresult check_addresses(const Work &w, CUcontext context) {
  for (size_t i = 0; i < w.arguments.size(); i++) {
    for (uint64_t word : w.arguments[i]) {
      const Allocation *a = allocation_of(word);
      if (!a && word && w.kernel->argument_bytes[i] == 8) {
        say("kernel %s: argument %zu, %#lx, is no address in device memory", w.kernel->name, i, long(word));
        return CUDA_ERROR_ILLEGAL_ADDRESS;
      }
      if (!a || a->host || a->context == context) continue;
      say("kernel %s: argument %zu is memory of another context", w.kernel->name, i);
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
  }
  return CUDA_SUCCESS;
}

CUresult check_shape(const Work &w, const Function &f) {
  const uint64_t threads = uint64_t(w.block.x) * w.block.y * w.block.z;
  const bool grid = w.grid.x && w.grid.y && w.grid.z && w.grid.x <= 0x7fffffff && w.grid.y <= 65535 && w.grid.z <= 65535;
  if (grid && threads && threads <= 1024 && int(w.shared) <= f.shared_limit && (!w.kernel->launch.threads || int(threads) <= w.kernel->launch.threads)) {
    return CUDA_SUCCESS;
  }
  say("kernel %s cannot be launched with grid %ux%ux%u, block %ux%ux%u, %u bytes of shared memory (allowed: %d bytes, %d threads)",
      w.kernel->name, w.grid.x, w.grid.y, w.grid.z, w.block.x, w.block.y, w.block.z, w.shared, f.shared_limit, w.kernel->launch.threads);
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult make_work(const CUDA_KERNEL_NODE_PARAMS &p, Work *w) {
  Function *f = functions.find(p.func);
  if (!f) return CUDA_ERROR_INVALID_HANDLE;
  *w = {p.func, f->kernel, dim3(p.gridDimX, p.gridDimY, p.gridDimZ), dim3(p.blockDimX, p.blockDimY, p.blockDimZ), p.sharedMemBytes, {}};
  if (p.extra || (!p.kernelParams && !f->kernel->argument_bytes.empty())) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < f->kernel->argument_bytes.size(); i++) {
    const size_t n = f->kernel->argument_bytes[i];
    w->arguments.emplace_back((n + 7) / 8, 0);
    memcpy(w->arguments.back().data(), p.kernelParams[i], n);
  }
  if (CUresult r = check_addresses(*w, f->context)) return r;
  return check_shape(*w, *f);
}

// Arguments lie at multiples of 64 bytes, as tensor maps must.
CUresult run(const Work &w) {
  static thread_local std::vector<unsigned char> room;
  std::vector<size_t> offset;
  size_t end = 64;
  for (size_t n : w.kernel->argument_bytes) {
    offset.push_back(end);
    end += (n + 63) / 64 * 64;
  }
  room.resize(end);
  unsigned char *base = room.data() + (64 - uintptr_t(room.data()) % 64) % 64;
  std::vector<void *> arguments;
  for (size_t i = 0; i < w.arguments.size(); i++) {
    arguments.push_back(base + offset[i] - 64);
    memcpy(arguments[i], w.arguments[i].data(), w.kernel->argument_bytes[i]);
  }
  emu::launch(*w.kernel, w.grid, w.block, w.shared, arguments.data());
  return CUDA_SUCCESS;
}

// Among the nodes that may run, the one that was added last runs first: a missing edge shows.
std::vector<CUgraphNode> sorted(const Graph &g) {
  std::vector<CUgraphNode> left = g.nodes, result;
  while (!left.empty()) {
    for (size_t i = left.size(); i-- > 0;) {
      bool ready = true;
      for (CUgraphNode before : nodes.find(left[i])->after) {
        for (CUgraphNode l : left) ready = ready && l != before;
      }
      if (!ready) continue;
      result.push_back(left[i]);
      left.erase(left.begin() + long(i));
      break;
    }
  }
  return result;
}

CUresult add_node(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t n, Work work, bool kernel) {
  Graph *g = graphs.find(graph);
  if (!g) return CUDA_ERROR_INVALID_HANDLE;
  for (size_t i = 0; i < n; i++) {
    Node *before = nodes.find(after[i]);
    if (!before || before->graph != graph) return CUDA_ERROR_INVALID_VALUE;
  }
  *node = nodes.add({graph, std::vector<CUgraphNode>(after, after + n), std::move(work), kernel});
  g->nodes.push_back(*node);
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace gpu

using namespace gpu;

// ---- modules

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned n, CUjit_option *options, void **values) {
  CALL();
  std::string log;
  CUresult r = load(module, image, &log);
  char *room = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < n; i++) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER) room = static_cast<char *>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) bytes = size_t(values[i]);
  }
  if (room && bytes) snprintf(room, bytes, "%s", log.c_str());
  return r;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  CALL();
  std::string log;
  return load(module, image, &log);
}

CUresult cuModuleUnload(CUmodule handle) {
  Call call(__func__);
  Module *m;
  if (CUresult r = find_module(handle, &m)) return r;
  for (auto &global : m->globals) release(global.second);
  functions.remove_if([handle](Function &f) { return f.module == handle; });
  modules.remove(handle);
  return call.after(CUDA_SUCCESS);
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle, const char *name) {
  CALL();
  Module *m;
  if (CUresult r = find_module(handle, &m)) return r;
  const Entry *entry = nullptr;
  for (auto &e : m->entries) {
    if (e.name == name) entry = &e;
  }
  if (!entry) return CUDA_ERROR_NOT_FOUND;
  const emu::Kernel *kernel = emu::Kernel::find(name);
  if (!kernel) {
    say("the PTX has a kernel %s, the emulator none; is it registered with DESCRIBE?", name);
    return CUDA_ERROR_NOT_FOUND;
  }
  if (entry->argument_bytes != kernel->argument_bytes) {
    say("kernel %s has arguments of%s bytes in the PTX and of%s bytes in its source", name, sizes(entry->argument_bytes).c_str(),
        sizes(kernel->argument_bytes).c_str());
    return CUDA_ERROR_INVALID_IMAGE;
  }
  *function = functions.add({m->context, handle, kernel, free_shared});
  return CUDA_SUCCESS;
}

// The only globals are the constants NAME_launch that describe kernels, ".b8 NAME_launch[20] = {16, 0, ...}" in the PTX, where zeros at the
// end may be missing.
CUresult cuModuleGetGlobal(CUdeviceptr *p, size_t *bytes, CUmodule handle, const char *name) {
  CALL();
  Module *m;
  if (CUresult r = find_module(handle, &m)) return r;
  static const std::string suffix = "_launch";
  const std::string n = name;
  if (n.size() <= suffix.size() || n.compare(n.size() - suffix.size(), suffix.size(), suffix) != 0) return CUDA_ERROR_NOT_FOUND;
  const emu::Kernel *kernel = emu::Kernel::find(n.substr(0, n.size() - suffix.size()).c_str());
  const size_t at = m->ptx.find(" " + n + "[");
  if (!kernel || at == std::string::npos) return CUDA_ERROR_NOT_FOUND;
  if (memcmp(initial_bytes(m->ptx, at).data(), &kernel->launch, sizeof kernel->launch) != 0) {
    say("%s is not the same in the PTX and in the source", name);
    return CUDA_ERROR_INVALID_IMAGE;
  }
  CUdeviceptr &global = m->globals[n];
  if (!global) {
    uintptr_t start;
    if (CUresult r = allocate(m->context, sizeof kernel->launch, false, &start)) return r;
    allocation_of(start)->of_module = true;
    memcpy(reinterpret_cast<void *>(start), &kernel->launch, sizeof kernel->launch);
    global = start;
  }
  if (p) *p = global;
  if (bytes) *bytes = sizeof kernel->launch;
  return CUDA_SUCCESS;
}

// ---- functions

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle) {
  CALL();
  Function *f = functions.find(handle);
  if (!f) return CUDA_ERROR_INVALID_HANDLE;
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = f->kernel->launch.threads ? f->kernel->launch.threads : 1024; break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = f->shared_limit; break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = compute_capability(); break;
    default: *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  CALL();
  Function *f = functions.find(handle);
  if (!f) return CUDA_ERROR_INVALID_HANDLE;
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_SUCCESS;
  if (value < 0 || size_t(value) > largest_shared()) return CUDA_ERROR_INVALID_VALUE;
  f->shared_limit = std::max(value, free_shared);
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction handle, int threads, size_t shared) {
  CALL();
  if (!functions.find(handle)) return CUDA_ERROR_INVALID_HANDLE;
  *blocks = std::max(1, std::min(2048 / std::max(threads, 1), int(largest_shared() / (shared + 1024))));
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                        CUstream stream, void **arguments, void **extra) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  Work w;
  if (CUresult r = make_work({f, gx, gy, gz, bx, by, bz, shared, arguments, extra, nullptr, nullptr}, &w)) return r;
  if (functions.find(f)->context != streams.find(stream)->context) {
    say("kernel %s of one context is launched on a stream of another one", w.kernel->name);
    return CUDA_ERROR_INVALID_HANDLE;
  }
  return order(stream, [w] { return run(w); });
}

// ---- graphs

CUresult cuGraphCreate(CUgraph *graph, unsigned) {
  CALL();
  *graph = graphs.add({});
  return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph graph) {
  Call call(__func__);
  if (!graphs.remove(graph)) return CUDA_ERROR_INVALID_VALUE;
  nodes.remove_if([graph](Node &n) { return n.graph == graph; });
  return call.after(CUDA_SUCCESS);
}

CUresult cuGraphAddEmptyNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t n) {
  CALL();
  return add_node(node, graph, after, n, {}, false);
}

CUresult cuGraphAddKernelNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *after, size_t n, const CUDA_KERNEL_NODE_PARAMS *p) {
  CALL();
  Work w;
  if (CUresult r = make_work(*p, &w)) return r;
  return add_node(node, graph, after, n, std::move(w), true);
}

CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t n) {
  CALL();
  for (size_t i = 0; i < n; i++) {
    Node *a = nodes.find(from[i]), *b = nodes.find(to[i]);
    // An edge to an earlier node could close a circle; nobody here needs one.
    if (!a || !b || a->graph != graph || b->graph != graph || from[i] >= to[i]) return CUDA_ERROR_INVALID_VALUE;
    b->after.push_back(from[i]);
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph, unsigned long long) {
  CALL();
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  Graph *g = graphs.find(graph);
  if (!g) return CUDA_ERROR_INVALID_VALUE;
  Executable e = {c, sorted(*g), {}};
  for (CUgraphNode n : e.nodes) {
    if (nodes.find(n)->kernel) e.work[n] = nodes.find(n)->work;
  }
  *exec = executables.add(e);
  return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  Call call(__func__);
  return call.after(executables.remove(exec) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *p) {
  CALL();
  Executable *e = executables.find(exec);
  if (!e || !e->work.count(node)) return CUDA_ERROR_INVALID_VALUE;
  Work w;
  if (CUresult r = make_work(*p, &w)) return r;
  e->work[node] = std::move(w);
  return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  CALL();
  if (CUresult r = find_stream(stream, &stream)) return r;
  Executable *e = executables.find(exec);
  if (!e) return CUDA_ERROR_INVALID_VALUE;
  if (e->context != streams.find(stream)->context) {
    say("a graph of one context is launched on a stream of another one");
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  std::vector<Work> all;
  for (CUgraphNode n : e->nodes) {
    if (!e->work.count(n)) continue;
    all.push_back(e->work[n]);
    if (!functions.find(all.back().function)) return CUDA_ERROR_INVALID_HANDLE;  // its module was unloaded
    if (CUresult r = check_addresses(all.back(), e->context)) return r;
  }
  return order(stream, [all] {
    for (const Work &w : all) {
      if (CUresult r = run(w)) return r;
    }
    return CUDA_SUCCESS;
  });
}

// ---- tensor maps

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *address, const cuuint64_t *size,
                                const cuuint64_t *stride, const cuuint32_t *box, const cuuint32_t *step, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
  CALL();
  static_assert(sizeof(TMap) <= sizeof(CUtensorMap));
  const bool swizzled = swizzle == CU_TENSOR_MAP_SWIZZLE_128B;
  bool good = uintptr_t(map) % 64 == 0 && type == CU_TENSOR_MAP_DATA_TYPE_FLOAT16 && rank == 4 && uintptr_t(address) % 16 == 0 &&
              interleave == CU_TENSOR_MAP_INTERLEAVE_NONE && (swizzled || swizzle == CU_TENSOR_MAP_SWIZZLE_NONE) &&
              fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE && (!swizzled || box[0] * 2 <= 128) && box[0] * 2 % 16 == 0;
  TMap m = {};
  m.base = static_cast<const unsigned char *>(address);
  m.elt = 2;
  m.swz = swizzled;
  for (int i = 0; i < 4 && good; i++) {
    good = size[i] >= 1 && size[i] <= 1ull << 32 && box[i] >= 1 && box[i] <= 256 && step[i] == 1;
    m.dim[i] = size[i];
    m.box[i] = box[i];
  }
  for (int i = 0; i < 3 && good; i++) {
    good = stride[i] % 16 == 0 && stride[i] < 1ull << 40;
    m.stride[i] = stride[i];
  }
  if (!good) {
    say("tensor map at %p is refused: only rank 4 in half precision, addresses and strides that are multiples of 16, boxes of 1 to 256", address);
    return CUDA_ERROR_INVALID_VALUE;
  }
  // Drivers up to 13.1 leave this bit set for small tensors, where it must not be; the caller has to clear it (driver/tensor.go).
  uint64_t bytes = size[0] * 2;
  for (int i = 1; i < 4; i++) bytes += (size[i] - 1) * stride[i - 1];
  if (bytes < 131072 && setting("EMU_DRIVER_VERSION", 12080) <= 13010) m.dim[0] |= 1 << 21;
  static_assert(offsetof(TMap, dim) == 8, "the bit is in the second word of the map");
  memset(static_cast<void *>(map), 0, sizeof *map);
  memcpy(static_cast<void *>(map), &m, sizeof m);
  return CUDA_SUCCESS;
}
