// Stacks and the switch between them: by hand on x86-64 (a tenth of the time), by ucontext elsewhere or with EMU_UCONTEXT.
#pragma once

#include <cstddef>

#if defined(EMU_UCONTEXT) || !defined(__x86_64__)
#define EMU_USE_UCONTEXT 1
#include <ucontext.h>
#endif

namespace emu {

// Where a CUDA thread, or the host that launched, stands while others run.
struct Context {
#ifdef EMU_USE_UCONTEXT
  ucontext_t saved;
#else
  void *stack_pointer;
#endif
  const unsigned char *stack;  // lowest byte
  size_t stack_bytes;
  void *fake_stack;  // AddressSanitizer's
};

// The stacks of all fibers, mapped once; each has a page without access below it.
unsigned char *map_stacks(int count);
unsigned char *stack_of(unsigned char *stacks, int fiber);

// The next switch to this context calls entry, which must not return, on the stack.
void prepare(Context &context, unsigned char *stack, void (*entry)());
// The calling OS thread becomes the host's context.
void adopt_host(Context &host);
// First thing in an entry. The host is the one that switches to the first fiber.
void entered(Context &host);
void switch_context(Context &from, Context &to, bool from_ends);

}  // namespace emu
