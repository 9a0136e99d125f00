// cp.async: each thread has a queue of copies, divided into groups. A copy lands when it is issued, when it is waited for, or by chance at
// either (launch.h): what reads too early, and what overwrites too early, each shows in one of them.
#include "block.h"
#include "instructions.h"

namespace emu {

namespace {

EMU_INLINE void land(Copies::Copy &c) {
  if (c.from) touch_read(c.from);
  touch_write(c.to);
  if (c.landed) return;
  c.landed = true;
  if (c.from) std::memcpy(c.to, c.from, 16);
  else std::memset(c.to, 0, 16);
}

EMU_INLINE void issue(void *to, const void *from, bool valid, int line) {
  Copies &queue = self().copies;
  counters.copies++;
  if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % 16)
    fail(line, "cp.async: an address is not aligned to 16 bytes");
  if (queue.count == Copies::kMaxCopies) fail(line, "more than %d cp.async of one thread in flight", Copies::kMaxCopies);
  Copies::Copy &c = queue.copy[queue.count++];
  c = {static_cast<unsigned char *>(to), valid ? static_cast<const unsigned char *>(from) : nullptr, false};
  if (c.from) touch_read(c.from);
  touch_write(c.to);
  if (options.landing == Landing::now || (options.landing == Landing::mixed && coin())) land(c);
}

}  // namespace

void land_copies(Fiber &f, int count) {
  Copies &queue = f.copies;
  for (int i = 0; i < count; i++) land(queue.copy[i]);
  for (int i = count; i < queue.count; i++) queue.copy[i - count] = queue.copy[i];
  queue.count -= count;
}

}  // namespace emu

using namespace emu;

void cp_async16(void *dst, const void *src, int line) {
  EMU_KERNEL_FRAME();
  issue(dst, src, true, line);
}

void cp_async16_zfill(void *dst, const void *src, bool valid, int line) {
  EMU_KERNEL_FRAME();
  issue(dst, src, valid, line);
}

void cp_async_commit() {
  Copies &queue = self().copies;
  if (queue.groups == Copies::kMaxGroups) fail(0, "more than %d groups of cp.async in one thread", Copies::kMaxGroups);
  queue.group_end[queue.groups++] = queue.count;
}

// The newest n groups may stay in flight.
void cp_async_wait_n(int n) {
  EMU_KERNEL_FRAME();
  Fiber &f = self();
  Copies &queue = f.copies;
  const int ended = queue.groups - n;
  if (ended <= 0) return;
  const int landed = queue.group_end[ended - 1];
  land_copies(f, landed);
  queue.groups -= ended;
  for (int i = 0; i < queue.groups; i++) queue.group_end[i] = queue.group_end[i + ended] - landed;
}
