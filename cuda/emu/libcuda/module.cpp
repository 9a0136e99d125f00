// Modules and their functions: PTX is searched for what it declares, the kernels themselves are the emulator's.
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libcuda.h"

namespace gpu {

Table<CUmodule, Module> modules;
Table<CUfunction, Function> functions;

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

// An address is aligned as itself, whatever it points at; else what .align says, or the size.
size_t parameter_alignment(const std::string &p) {
  const size_t align = p.find(".align ");
  if (p.find(".ptr") != std::string::npos || align == std::string::npos) return parameter_bytes(p);
  return size_t(atoll(p.c_str() + align + 7));
}

std::vector<Entry> parse_entries(const std::string &ptx) {
  static const std::string word = ".entry ";
  std::vector<Entry> entries;
  for (size_t i = ptx.find(word); i != std::string::npos; i = ptx.find(word, i)) {
    i += word.size();
    Entry e = {name_at(ptx, i), {}, {}};
    size_t at = 0;
    const size_t open = i + e.name.size(), body = ptx.find('{', i), close = std::min(ptx.find(')', i), body);
    if (open < ptx.size() && ptx[open] == '(' && close != std::string::npos) {
      for (size_t p = ptx.find(".param", open); p < close; p = ptx.find(".param", p + 1)) {
        const size_t end = std::min(ptx.find(',', p), close);
        const std::string parameter = ptx.substr(p, end - p);
        const size_t alignment = parameter_alignment(parameter);
        at = (at + alignment - 1) / alignment * alignment;
        e.argument_bytes.push_back(parameter_bytes(parameter));
        e.argument_offset.push_back(at);
        at += e.argument_bytes.back();
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
  for (size_t i = 0; i < bytes.size() && p < end; i++) {
    bytes[i] = static_cast<unsigned char>(atoi(ptx.c_str() + p + 1));
    p = std::min(ptx.find(',', p + 1), end);
  }
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
  *function = functions.add({m->context, handle, kernel, entry->argument_offset, free_shared});
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

// Only tells what the module declares: it does not count as a call, and cannot be made to fail.
CUresult cuFuncGetParamInfo(CUfunction handle, size_t i, size_t *offset, size_t *bytes) {
  Call call(nullptr);
  Function *f = functions.find(handle);
  if (!f) return CUDA_ERROR_INVALID_HANDLE;
  if (i >= f->argument_offset.size()) return CUDA_ERROR_INVALID_VALUE;
  *offset = f->argument_offset[i];
  if (bytes) *bytes = f->kernel->argument_bytes[i];
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
