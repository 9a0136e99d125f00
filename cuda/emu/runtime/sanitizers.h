// What AddressSanitizer and ThreadSanitizer are told by hand. Without a sanitizer all of it is nothing.
//
// The runtime is compiled without -fsanitize=thread (but with EMU_TSAN): its own memory is touched by all fibers and would only be noise.
// Kernels are compiled with it. The edges between CUDA threads are those that CUDA guarantees: barriers, __syncwarp, mbarriers, waits for
// wgmma; not shuffles, mma or ldmatrix, which do not order memory.
#pragma once

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif
#ifdef EMU_TSAN
#include <sanitizer/tsan_interface.h>
extern "C" {
void __tsan_read16(void *);
void __tsan_write16(void *);
void __tsan_func_entry(void *);
void __tsan_func_exit();
void AnnotateIgnoreReadsBegin(const char *, int);
void AnnotateIgnoreReadsEnd(const char *, int);
void AnnotateIgnoreWritesBegin(const char *, int);
void AnnotateIgnoreWritesEnd(const char *, int);
}
#endif

#define EMU_INLINE inline __attribute__((always_inline))

namespace emu {

#ifdef EMU_TSAN
inline void release(void *sync) { __tsan_release(sync); }
inline void acquire(void *sync) { __tsan_acquire(sync); }

// While it lives, reports show the line of the kernel that issued the instruction.
struct KernelFrame {
  explicit KernelFrame(void *return_address) { __tsan_func_entry(return_address); }
  ~KernelFrame() { __tsan_func_exit(); }
};
#define EMU_KERNEL_FRAME() ::emu::KernelFrame emu_kernel_frame(__builtin_return_address(0))

// While it lives, memcpy, new and the like, which the sanitizer sees although the runtime is not compiled with it, are not this thread's
// accesses: the runtime's own queues, and what hardware moves on its own. The thread must not yield meanwhile.
struct Unobserved {
  Unobserved() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unobserved() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
};
#define EMU_RETURN_TO(address) ::emu::KernelFrame emu_return_to(address)
#else
#define EMU_RETURN_TO(address) ((void)(address))
inline void release(void *) {}
inline void acquire(void *) {}
struct Unobserved {
  Unobserved() {}  // not trivial: a variable that only guards is then no unused one
};
#define EMU_KERNEL_FRAME() ((void)0)
#endif

// An access of 16 bytes as both sanitizers see it. Asynchronous instructions touch when they are issued, so that a report has the line
// of the instruction and not of the wait, and again when they land.
EMU_INLINE void touch_read(const void *p) {
#ifdef EMU_TSAN
  __tsan_read16(const_cast<void *>(p));
#elif defined(__SANITIZE_ADDRESS__)
  (void)static_cast<const volatile char *>(p)[0];
  (void)static_cast<const volatile char *>(p)[15];
#else
  (void)p;
#endif
}
EMU_INLINE void touch_write(const void *p) {
#ifdef EMU_TSAN
  __tsan_write16(const_cast<void *>(p));
#else
  touch_read(p);
#endif
}

#if defined(EMU_TSAN) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace emu
