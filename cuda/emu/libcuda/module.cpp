// Modules and their functions: image.cpp finds out what they declare, the kernels themselves are the emulator's.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libcuda.h"

namespace gpu {

Table<CUmodule, Module> modules;
Table<CUfunction, Function> functions;

namespace {

constexpr int free_shared = 48 << 10;  // dynamic shared memory that needs no cuFuncSetAttribute

CUresult load(CUmodule *module, const void *image, std::string *log) {
  CUcontext c;
  if (CUresult r = current(&c)) return r;
  if (!image) return CUDA_ERROR_INVALID_VALUE;
  Module m = {c, {}, {}, {}};
  if (CUresult r = read_image(image, &m, log)) return r;
  *module = modules.add(m);
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
    say("the module has a kernel %s, the emulator none; is it registered with DESCRIBE?", name);
    return CUDA_ERROR_NOT_FOUND;
  }
  if (entry->argument_bytes != kernel->argument_bytes) {
    say("kernel %s has arguments of%s bytes in the module and of%s bytes in its source", name, sizes(entry->argument_bytes).c_str(),
        sizes(kernel->argument_bytes).c_str());
    return CUDA_ERROR_INVALID_IMAGE;
  }
  *function = functions.add({m->context, handle, kernel, entry->argument_offset, free_shared});
  return CUDA_SUCCESS;
}

// The only globals are the constants NAME_launch that describe kernels.
CUresult cuModuleGetGlobal(CUdeviceptr *p, size_t *bytes, CUmodule handle, const char *name) {
  CALL();
  Module *m;
  if (CUresult r = find_module(handle, &m)) return r;
  static const std::string suffix = "_launch";
  const std::string n = name;
  if (n.size() <= suffix.size() || n.compare(n.size() - suffix.size(), suffix.size(), suffix) != 0) return CUDA_ERROR_NOT_FOUND;
  const emu::Kernel *kernel = emu::Kernel::find(n.substr(0, n.size() - suffix.size()).c_str());
  const auto constant = m->constants.find(n);
  if (!kernel || constant == m->constants.end()) return CUDA_ERROR_NOT_FOUND;
  if (constant->second.size() != sizeof kernel->launch || memcmp(constant->second.data(), &kernel->launch, sizeof kernel->launch) != 0) {
    say("%s is not the same in the module and in the source", name);
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
