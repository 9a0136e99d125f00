// What AddressSanitizer and the finder of races (races.h) are told by hand. Where neither is built in, all of it is nothing.
#pragma once

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif
#include "races.h"

#define EMU_INLINE inline __attribute__((always_inline))

namespace emu {

#ifdef EMU_RACES
// While it lives, accesses are reported with the line of the kernel that issued the instruction.
struct KernelFrame {
  explicit KernelFrame(void *return_address) : before(issued_at) { issued_at = return_address; }
  ~KernelFrame() { issued_at = before; }
  static inline void *issued_at = nullptr;
  void *before;
};
#define EMU_RETURN_TO(address) ::emu::KernelFrame emu_return_to(address)

// While it lives, no access counts. Templates that kernels' tests instantiate too may be the instrumented ones, also where the runtime
// works on its own queues. The thread must not yield meanwhile.
struct Unobserved {
  Unobserved() { lives++; }
  ~Unobserved() { lives--; }
  static inline int lives = 0;
};
#define EMU_KERNEL_FRAME() EMU_RETURN_TO(__builtin_return_address(0))
#else
#define EMU_RETURN_TO(address) ((void)(address))
#define EMU_KERNEL_FRAME() ((void)0)
inline void forget_accesses() {}
inline void release(void *) {}
inline void acquire(void *) {}
struct Unobserved {
  Unobserved() {}  // not trivial: a variable that only guards is then no unused one
};
#endif

// An access of 16 bytes. Asynchronous instructions touch when they are issued, so that a report has the line of the instruction and not of
// the wait, and again when they land.
EMU_INLINE void touch_read(const void *p) {
#ifdef EMU_RACES
  access(p, 16, false, KernelFrame::issued_at);
#elif defined(__SANITIZE_ADDRESS__)
  (void)static_cast<const volatile char *>(p)[0];
  (void)static_cast<const volatile char *>(p)[15];
#else
  (void)p;
#endif
}
EMU_INLINE void touch_write(const void *p) {
#ifdef EMU_RACES
  access(p, 16, true, KernelFrame::issued_at);
#else
  touch_read(p);
#endif
}

#if defined(EMU_RACES) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace emu
