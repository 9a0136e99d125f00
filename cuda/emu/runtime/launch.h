// The emulator as its hosts see it: kernel tests, and the libcuda.so.1 that the engine's tests run on.
//
// One block runs after the other, in one OS thread, with a fiber for each CUDA thread. Which fiber runs next is chosen by a schedule, and
// when an asynchronous copy lands by another, so that a missing barrier shows as a wrong value under some of them. Shared memory is
// filled with NaN before each block. What cannot work on a GPU (a barrier that not all threads reach, lanes of a warp in different
// instructions, misaligned rows) ends in an error that names the kernel's line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "vectors.h"

namespace emu {

// What the host must know to launch a kernel: the struct of kernels/launch.cuh, in ints.
struct Launch {
  int tile_w, tile_h, tile_c, threads, smem;
};

// A kernel that can be found by its name. Kernels register themselves: a Kernel is a static object beside the function.
class Kernel {
 public:
  template <class L, class... A>
  Kernel(const char *name, void (*function)(A...), const L &l)
      : name(name),
        launch{l.tile_w, l.tile_h, l.tile_c, l.threads, l.smem},
        argument_bytes{sizeof(A)...},
        call([function](void **arguments) { apply(function, arguments, std::index_sequence_for<A...>()); }) {
    next_ = first_;
    first_ = this;
  }
  Kernel(const Kernel &) = delete;

  // Null if there is none of this name.
  static const Kernel *find(const char *name);
  static const Kernel *first() { return first_; }
  const Kernel *next() const { return next_; }

  const char *const name;
  const Launch launch;
  const std::vector<size_t> argument_bytes;
  // One CUDA thread's work. arguments[i] points at argument i, as in cuLaunchKernel.
  const std::function<void(void **arguments)> call;

 private:
  template <class... A, size_t... I>
  static void apply(void (*function)(A...), void **arguments, std::index_sequence<I...>) {
    (void)arguments;
    function(*static_cast<A *>(arguments[I])...);
  }

  static inline const Kernel *first_ = nullptr;
  const Kernel *next_;
};

// Runs body once per CUDA thread and returns when all blocks are done. smem: bytes of dynamic shared memory. Any OS thread may call.
void launch(dim3 grid, dim3 block, size_t smem, const std::function<void()> &body);
void launch(const Kernel &kernel, dim3 grid, dim3 block, size_t smem, void **arguments);

// The order of threads: "fwd", "rev", "lock" (lockstep: one lane of each warp in turn), "skew:N" and "rand:N" with a seed.
// Until one of these three is called, the environment decides: EMU_SCHED (else fwd), EMU_CP (else late), EMU_SWZ (else abs).
// False: the text is none of these.
bool schedule(const char *order);
// When an asynchronous copy or wgmma lands: "now" (at once), "late" (when it is waited for), "mix" (by chance).
bool copies(const char *when);
// How the 128-byte swizzle of a wgmma operand is read: "abs" (bits 7-9 of the address), "strict" (the same, and operands must start on the
// 1024-byte pattern), "rel" (the row inside the operand).
bool swizzle(const char *reading);

// Called with a text of one or more lines when a kernel does what a GPU could not, or would do wrong. It must not return. By default the
// text goes to stderr and the process aborts.
void on_error(void (*handler)(const char *text));

struct Counters {
  uint64_t blocks, switches, barriers, shuffles, mma, ldmatrix, copies, wgmma;
  uint64_t bank_conflicts;  // further passes that ldmatrix and stmatrix need, counted in rows of 16 bytes
};
extern Counters counters;

}  // namespace emu
