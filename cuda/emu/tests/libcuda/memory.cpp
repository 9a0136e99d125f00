// Calls of libcuda.so.1 that GStreamer's elements make and the engine does not, found as GStreamer finds them. With names as arguments:
// prints those that the library lacks. Ends with 0 if all is well.
#include <cuda.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../../libcuda/control.h"

namespace {

void *library;
int failures;

#define CHECK(condition) \
  ((condition) ? void() : (void)(failures++, std::printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition)))
#define TEXT(name) #name
#define F(name) reinterpret_cast<decltype(&name)>(dlsym(library, TEXT(name)))
#define GOOD(call) CHECK((call) == CUDA_SUCCESS)

bool lazy() {
  const char *text = getenv("EMU_LAZY");
  return text && atoi(text);
}

emu_objects live() {
  emu_objects o;
  F(emu_live)(&o);
  return o;
}

// Memory on a stream: there from the call on, usable by what is ordered before its release, gone when the stream got there.
void stream_ordered(CUstream stream, CUmemoryPool pool) {
  CUdeviceptr p = 0;
  GOOD(pool ? F(cuMemAllocFromPoolAsync)(&p, 1000, pool, stream) : F(cuMemAllocAsync)(&p, 1000, stream));
  CHECK(live().allocations == 1 && live().bytes == 1000);
  void *host;
  GOOD(F(cuMemAllocHost)(&host, 1000));
  GOOD(F(cuMemsetD8Async)(p, 7, 1000, stream));
  GOOD(F(cuMemcpyDtoHAsync)(host, p, 1000, stream));
  GOOD(F(cuMemFreeAsync)(p, stream));
  CHECK(live().allocations == (lazy() ? 1 : 0));
  CHECK(F(cuMemsetD8Async)(p, 1, 1000, stream) == CUDA_ERROR_INVALID_VALUE);  // it is leaving
  CHECK(F(cuMemFreeAsync)(p, stream) == CUDA_ERROR_INVALID_VALUE);
  GOOD(F(cuStreamSynchronize)(stream));
  CHECK(live().allocations == 0);
  CHECK(std::count(static_cast<char *>(host), static_cast<char *>(host) + 1000, 7) == 1000);
  GOOD(F(cuMemFreeHost)(host));
  CHECK(F(cuMemAllocAsync)(&p, size_t(1) << 50, stream) == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(F(cuMemAllocAsync)(&p, 0, stream) == CUDA_ERROR_INVALID_VALUE);
}

void pools(CUstream stream) {
  CUmemPoolProps properties = {};
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = 9;
  CUmemoryPool pool = nullptr;
  CHECK(F(cuMemPoolCreate)(&pool, &properties) == CUDA_ERROR_INVALID_DEVICE);
  properties.location.id = 0;
  GOOD(F(cuMemPoolCreate)(&pool, &properties));
  cuuint64_t threshold = UINT64_MAX, got = 0;
  GOOD(F(cuMemPoolSetAttribute)(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold));
  GOOD(F(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &got));
  CHECK(got == threshold);
  stream_ordered(stream, pool);
  GOOD(F(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &got));
  CHECK(got == 0);
  GOOD(F(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &got));
  CHECK(got == 1000);
  CHECK(F(cuMemPoolSetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &got) == CUDA_ERROR_INVALID_VALUE);
  got = 0;
  GOOD(F(cuMemPoolSetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &got));
  // What a pool gave may be freed like anything else, and stays when the pool goes.
  CUdeviceptr p = 0;
  GOOD(F(cuMemAllocFromPoolAsync)(&p, 500, pool, stream));
  GOOD(F(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &got));
  CHECK(got == 500);
  GOOD(F(cuMemPoolDestroy)(pool));
  CHECK(F(cuMemPoolDestroy)(pool) == CUDA_ERROR_INVALID_VALUE);
  CHECK(F(cuMemAllocFromPoolAsync)(&p, 500, pool, stream) == CUDA_ERROR_INVALID_VALUE);
  GOOD(F(cuMemFree)(p));
}

// Rows of 3 values, 64 bytes apart: nothing between them is touched.
template <class T, class Set>
void rows(Set set, CUstream stream) {
  CUdeviceptr p = 0;
  GOOD(F(cuMemAlloc)(&p, 64 * 4));
  GOOD(F(cuMemsetD8Async)(p, 0, 64 * 4, stream));
  GOOD(set(p, 64, T(0x0a0b0c0d), 3, 4, stream));
  GOOD(F(cuStreamSynchronize)(stream));
  unsigned char bytes[64 * 4];
  GOOD(F(cuMemcpyDtoH)(bytes, p, sizeof bytes));
  int wrong = 0;
  for (size_t i = 0; i < sizeof bytes; i++) {
    const T value = T(0x0a0b0c0d);
    wrong += bytes[i] != (i % 64 < 3 * sizeof(T) ? reinterpret_cast<const unsigned char *>(&value)[i % sizeof(T)] : 0);
  }
  CHECK(wrong == 0);
  CHECK(set(p, 64, T(0), 64, 4, stream) == CUDA_ERROR_INVALID_VALUE || sizeof(T) == 1);  // wider than a row
  CHECK(set(p, 64, T(0), 3, 5, stream) == CUDA_ERROR_INVALID_VALUE);                     // a row too many
  GOOD(F(cuMemFree)(p));
}

void limits() {
  size_t stack = 0, other = 0;
  GOOD(F(cuCtxGetLimit)(&stack, CU_LIMIT_STACK_SIZE));
  CHECK(stack > 0);
  GOOD(F(cuCtxSetLimit)(CU_LIMIT_STACK_SIZE, 2 * stack));
  GOOD(F(cuCtxGetLimit)(&other, CU_LIMIT_STACK_SIZE));
  CHECK(other == 2 * stack);
  CHECK(F(cuCtxGetLimit)(&other, CU_LIMIT_MAX) == CUDA_ERROR_UNSUPPORTED_LIMIT);
}

void unsupported() {
  CUmemGenericAllocationHandle handle;
  CHECK(F(cuMemCreate)(&handle, 1 << 21, nullptr, 0) == CUDA_ERROR_NOT_SUPPORTED);
  CHECK(F(cuImportExternalMemory)(nullptr, nullptr) == CUDA_ERROR_NOT_SUPPORTED);
}

}  // namespace

int main(int argc, char **argv) {
  library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library) return std::fprintf(stderr, "%s\n", dlerror()), 2;
  for (int i = 1; i < argc; i++)
    if (!dlsym(library, argv[i])) failures++, std::printf("%s\n", argv[i]);
  if (argc > 1) return failures != 0;
  CUcontext context;
  CUstream stream;
  GOOD(F(cuInit)(0));
  GOOD(F(cuCtxCreate)(&context, 0, 0));
  GOOD(F(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  int supported = 0;
  GOOD(F(cuDeviceGetAttribute)(&supported, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 0));
  CHECK(supported == 1);
  stream_ordered(stream, nullptr);
  pools(stream);
  rows<uint8_t>(F(cuMemsetD2D8Async), stream);
  rows<uint16_t>(F(cuMemsetD2D16Async), stream);
  rows<uint32_t>(F(cuMemsetD2D32Async), stream);
  limits();
  unsupported();
  GOOD(F(cuStreamDestroy)(stream));
  GOOD(F(cuCtxDestroy)(context));
  CHECK(live().allocations == 0 && live().contexts == 0);
  return failures != 0;
}
