// An mbarrier as it lies in the 8 bytes of shared memory. Internal.
#pragma once

#include <cstdint>

namespace emu {

struct MBarrier {
  uint16_t count;         // arrivals that a phase wants
  uint16_t pending : 15;  // arrivals that are still to come
  uint16_t phase : 1;     // parity of the phase that is under way
  int32_t bytes;          // that copies still have to bring

  // What orders threads, for phases of one parity.
  void *synced(int parity) { return reinterpret_cast<char *>(this) + parity; }
};
static_assert(sizeof(MBarrier) == 8, "shared memory has 8 bytes for it");

// A copy has brought bytes.
void deliver(MBarrier &barrier, int bytes);

}  // namespace emu
