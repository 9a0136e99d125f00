// Launches: what a GPU would refuse or fault on is refused when the launch is ordered. Tensor maps.
#include <cstddef>
#include <cstring>

#include "libcuda.h"
#include "../runtime/instructions.h"

namespace gpu {
namespace {

CUresult check_shape(const Work &w, const Function &f) {
  const uint64_t threads = uint64_t(w.block.x) * w.block.y * w.block.z;
  const bool grid = w.grid.x && w.grid.y && w.grid.z && w.grid.x <= 0x7fffffff && w.grid.y <= 65535 && w.grid.z <= 65535;
  const uint64_t most = w.kernel->launch.threads ? uint64_t(w.kernel->launch.threads) : 1024;
  if (grid && threads && threads <= most && int(w.shared) <= f.shared_limit) return CUDA_SUCCESS;
  say("kernel %s cannot be launched with grid %ux%ux%u, block %ux%ux%u, %u bytes of shared memory (allowed: %d bytes, %d threads)",
      w.kernel->name, w.grid.x, w.grid.y, w.grid.z, w.block.x, w.block.y, w.block.z, w.shared, f.shared_limit, w.kernel->launch.threads);
  return CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

// Addresses on which the device would fault: of another context's memory, anywhere among the arguments (structs are searched in steps of 8
// bytes); and, where an argument is nothing but an address, of memory that is not the device's. A null may be meant to be set later.
CUresult check_addresses(const Work &w, CUcontext context) {
  for (size_t i = 0; i < w.arguments.size(); i++) {
    for (uint64_t word : w.arguments[i]) {
      const Allocation *a = allocation_of(word);
      if (!a && word && w.kernel->argument_bytes[i] == 8) {
        say("kernel %s: argument %zu, %#lx, is no address in device memory%s", w.kernel->name, i, long(word),
            was_freed(word) ? ": it was freed" : "");
        return CUDA_ERROR_ILLEGAL_ADDRESS;
      }
      if (!a || a->host || a->context == context) continue;
      say("kernel %s: argument %zu is memory of another context", w.kernel->name, i);
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
  }
  return CUDA_SUCCESS;
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
  if (setting("EMU_IDLE", 0)) return CUDA_SUCCESS;
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

}  // namespace gpu

using namespace gpu;

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
    say("tensor map at %p is refused: only rank 4 in half precision, addresses and strides that are multiples of 16, boxes of 1 to 256",
        address);
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
