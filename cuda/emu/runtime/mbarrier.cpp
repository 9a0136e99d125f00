// mbarriers, which count arrivals and bytes and have phases, and named barriers (bar.sync with an id).
#include "mbarrier.h"

#include "block.h"
#include "instructions.h"

namespace emu {

namespace {

MBarrier &initialised(void *p) {
  MBarrier &b = *static_cast<MBarrier *>(p);
  if (reinterpret_cast<uintptr_t>(p) % 8) fail(0, "an mbarrier is not aligned to 8 bytes");
  if (b.count == 0 || b.count > kMaxThreads) fail(0, "an mbarrier is used that was not initialised");
  return b;
}

void count_arrival(MBarrier &b) {
  if (!b.pending) fail(0, "mbarrier: more arrivals in a phase than its count of %d", b.count);
  release(b.synced(b.phase));
  b.pending--;
}

}  // namespace

void complete_if_done(MBarrier &b) {
  if (b.pending || b.bytes) return;
  b.phase ^= 1;
  b.pending = b.count;
  wake(&b);
}

void deliver(MBarrier &b, int bytes) {
  b.bytes -= bytes;
  complete_if_done(b);
}

}  // namespace emu

using namespace emu;

uint32_t smem_u32(const void *p) { return uint32_t(static_cast<const unsigned char *>(p) - dyn); }

void mbar_init(void *bar, int count) {
  if (count < 1 || count > kMaxThreads) fail(0, "mbarrier: a count of %d", count);
  if (reinterpret_cast<uintptr_t>(bar) % 8) fail(0, "an mbarrier is not aligned to 8 bytes");
  MBarrier b = {};
  b.count = uint16_t(count);
  b.pending = uint16_t(count) & 0x7fff;
  std::memcpy(bar, &b, sizeof b);
}

void mbar_expect_tx(void *bar, int bytes) {
  MBarrier &b = initialised(bar);
  if (bytes < 0 || b.bytes + bytes >= 1 << 20)
    fail(0, "mbarrier: %d bytes in one phase; it can count below 2^20", b.bytes + bytes);
  count_arrival(b);
  b.bytes += bytes;
  complete_if_done(b);
}

void mbar_arrive(void *bar) {
  MBarrier &b = initialised(bar);
  const int phase = b.phase;
  count_arrival(b);
  complete_if_done(b);
  if (b.phase != phase && options.adversarial()) {  // who waited runs at once
    block.hand_over = true;
    yield();
  }
}

// Until the phase of this parity is over.
void mbar_wait(void *bar, int parity) {
  MBarrier &b = initialised(bar);
  if (options.landing == Landing::mixed && coin()) land_tensor_copy();
  while (int(b.phase) == (parity & 1)) sleep_on(&b);
  acquire(b.synced(parity & 1));
}

void named_bar(int id, int threads, int line) {
  Fiber &f = self();
  if (id < 1 || id >= kNamedBarriers)
    fail(line, "named barrier %d: there are 1 to %d, and 0 is that of __syncthreads", id, kNamedBarriers - 1);
  if (threads < kLanes || threads % kLanes) fail(line, "named barrier %d for %d threads: it wants whole warps", id, threads);
  NamedBarrier &b = block.named[id];
  if (warp_of(f).arrived)
    fail(line, "a named barrier while lanes of the same warp wait in the instruction of line %d", warp_of(f).line);
  if (b.arrived && b.wanted != threads) fail(line, "named barrier %d for %d threads and for %d", id, b.wanted, threads);
  b.wanted = threads;
  char *synced = &b.synced[b.phase & 1];
  release(synced);
  if (++b.arrived < threads) {
    sleep_on(&b);
  } else {
    b.arrived = 0;
    b.phase++;
    wake(&b);
    if (options.order != Order::forward && options.order != Order::lockstep) yield();
  }
  acquire(synced);
}
