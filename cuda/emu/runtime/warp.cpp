// Exchange between the lanes of a warp. It does not order memory, except __syncwarp.
#include "block.h"

namespace emu {

namespace {

// The lane that lane i reads in a shuffle; its own where the device leaves the value as it is.
int source_lane(Shuffle kind, int i, int argument, int width) {
  const int first = i & ~(width - 1), last = first + width - 1;
  int from = i;
  switch (kind) {
    case Shuffle::exclusive_or: return (from = i ^ argument) <= last ? from : i;
    case Shuffle::down: return (from = i + argument) <= last ? from : i;
    case Shuffle::up: return (from = i - argument) >= first ? from : i;
    case Shuffle::index: return first + (argument & (width - 1));
  }
  return i;
}

}  // namespace

unsigned shuffle(Shuffle kind, unsigned mask, unsigned value, int argument, int width, int line) {
  if (mask != kFullMask) fail(line, "a shuffle of mask %08x: only the full mask is emulated", mask);
  if (width < 1 || width > kLanes || (width & (width - 1))) fail(line, "a shuffle of width %d", width);
  Fiber &f = self();
  counters.shuffles++;
  f.operands.a[0] = value;
  f.operands.number = argument;
  f.operands.second = int(kind) * 64 + width;
  if (last_to_arrive(Instruction::shuffle, line)) {
    Fiber *lane = lanes_of(f);
    for (int i = 0; i < kLanes; i++) {
      if (lane[i].operands.second != f.operands.second) fail(line, "lanes of a warp are in different shuffles of one line");
      lane[i].operands.result[0] = lane[source_lane(kind, i, lane[i].operands.number, width)].operands.a[0];
    }
    finish_together();
  }
  return f.operands.result[0];
}

unsigned ballot(unsigned mask, bool predicate, int line) {
  if (mask != kFullMask) fail(line, "a vote of mask %08x: only the full mask is emulated", mask);
  Fiber &f = self();
  f.operands.a[0] = predicate;
  if (last_to_arrive(Instruction::vote, line)) {
    Fiber *lane = lanes_of(f);
    uint32_t votes = 0;
    for (int i = 0; i < kLanes; i++) votes |= lane[i].operands.a[0] << i;
    for (int i = 0; i < kLanes; i++) lane[i].operands.result[0] = votes;
    finish_together();
  }
  return f.operands.result[0];
}

void warp_sync(unsigned mask, int line) {
  if (mask != kFullMask) fail(line, "__syncwarp of mask %08x: only the full mask is emulated", mask);
  Warp &w = warp_of(self());
  char *synced = &w.synced[w.syncs & 1];  // two in turn, as for __syncthreads
  release(synced);
  if (last_to_arrive(Instruction::warp_sync, line)) {
    w.syncs++;
    finish_together();
  }
  acquire(synced);
}

}  // namespace emu
