#include "fibers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "sanitizers.h"

namespace emu {

namespace {

constexpr size_t kStackBytes = 128 << 10;
[[maybe_unused]] constexpr size_t kEndingBytes = 8 << 10;  // more than the frames from a thread's entry to its last switch need

size_t guard_bytes() {
  static const size_t page = size_t(sysconf(_SC_PAGESIZE));
  return page;
}

}  // namespace

#ifndef EMU_USE_UCONTEXT
// Saves the registers that a function keeps, and goes on where the other context saved its own.
extern "C" void emu_switch_stack(void **save, void *to) __attribute__((visibility("hidden")));
asm(R"(.text
.hidden emu_switch_stack
.globl emu_switch_stack
.type emu_switch_stack,@function
emu_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emu_switch_stack,.-emu_switch_stack
)");
#endif

unsigned char *map_stacks(int count) {
  const size_t each = kStackBytes + guard_bytes();
  void *p = mmap(nullptr, count * each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) std::abort();
  auto *stacks = static_cast<unsigned char *>(p);
  for (int i = 0; i < count; i++)
    if (mprotect(stacks + i * each, guard_bytes(), PROT_NONE)) std::abort();
  return stacks;
}

unsigned char *stack_of(unsigned char *stacks, int fiber) {
  return stacks + fiber * (kStackBytes + guard_bytes()) + guard_bytes();
}

void prepare(Context &context, unsigned char *stack, void (*entry)()) {
  context.stack = stack;
  context.stack_bytes = kStackBytes;
  context.fake_stack = nullptr;
#ifdef __SANITIZE_ADDRESS__
  // The frames in which the last thread ended never returned; the marks around their variables are still there.
  __asan_unpoison_memory_region(stack + kStackBytes - kEndingBytes, kEndingBytes);
#endif
#ifdef EMU_USE_UCONTEXT
  getcontext(&context.saved);
  context.saved.uc_stack.ss_sp = stack;
  context.saved.uc_stack.ss_size = kStackBytes;
  context.saved.uc_link = nullptr;
  makecontext(&context.saved, entry, 0);
#else
  // What emu_switch_stack pops: six registers, then where to return to. Above it a return address that ends a stack trace, and that
  // aligns the stack as behind a call.
  auto **top = reinterpret_cast<void **>(stack + kStackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(entry);
  for (int i = 0; i < 6; i++) *--top = nullptr;
  context.stack_pointer = top;
#endif
}

void adopt_host(Context &host) {
  host.stack = nullptr;
  host.fake_stack = nullptr;
}

void entered(Context &host) {
#ifdef __SANITIZE_ADDRESS__
  const void *bottom;
  size_t bytes;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (host.stack) return;
  host.stack = static_cast<const unsigned char *>(bottom);
  host.stack_bytes = bytes;
#else
  (void)host;
#endif
}

void switch_context(Context &from, Context &to, bool from_ends) {
  (void)from_ends;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(from_ends ? nullptr : &from.fake_stack, to.stack, to.stack_bytes);
#endif
#ifdef EMU_USE_UCONTEXT
  swapcontext(&from.saved, &to.saved);
#else
  emu_switch_stack(&from.stack_pointer, to.stack_pointer);
#endif
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

}  // namespace emu
