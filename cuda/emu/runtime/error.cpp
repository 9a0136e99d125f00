#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "block.h"
#include "instructions.h"

namespace emu {

namespace {

void (*handler)(const char *) = nullptr;

void append(std::string &to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void append(std::string &to, const char *format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  to += text;
}

bool is_named_barrier(const void *p) { return p >= block.named && p < block.named + kNamedBarriers; }

// What the sleeping threads of a warp wait for.
void append_warp(std::string &to, int i) {
  const Warp &w = block.warp[i];
  append(to, "\n  warp %d: live %08x", i, w.live);
  if (w.arrived) append(to, ", in the instruction of line %d %08x", w.line, w.arrived);
  if (w.at_barrier) append(to, ", at __syncthreads of line %d %08x", block.barrier_line, w.at_barrier);
  for (int lane = 0; lane < kLanes; lane++) {
    const Fiber &f = fibers[i * kLanes + lane];
    if (!(w.live >> lane & 1) || !f.waits_for) continue;
    if (is_named_barrier(f.waits_for))
      append(to, ", lane %d at named barrier %d", lane, int(static_cast<const NamedBarrier *>(f.waits_for) - block.named));
    else
      append(to, ", lane %d at the mbarrier in byte %u of shared memory", lane, smem_u32(f.waits_for));
    if (lane + 1 < kLanes && fibers[i * kLanes + lane + 1].waits_for == f.waits_for) {
      append(to, " (and others)");
      break;
    }
  }
}

}  // namespace

void on_error(void (*new_handler)(const char *text)) { handler = new_handler; }

void fail(int line, const char *format, ...) {
  char message[400];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);

  std::string text = "emulator: ";
  text += message;
  if (line > 0) append(text, " (line %d)", line);
  if (kernel_name) append(text, "; kernel %s", kernel_name);
  if (current) {
    const uint3 b = block_index, t = current->index;
    append(text, "; block %u,%u,%u thread %u,%u,%u", b.x, b.y, b.z, t.x, t.y, t.z);
    for (int i = 0; i < block.warps; i++)
      if (block.warp[i].live) append_warp(text, i);
  }
  if (handler) handler(text.c_str());
  else std::fprintf(stderr, "%s\n", text.c_str());
  std::abort();
}

void trap(int line) { fail(line, "the kernel traps"); }

}  // namespace emu
