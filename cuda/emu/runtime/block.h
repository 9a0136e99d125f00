// The block that runs: its threads, what each waits for, and the calls by which instructions wait and wake. Internal.
#pragma once

#include <vector>

#include "../emu.h"
#include "fibers.h"
#include "options.h"
#include "sanitizers.h"

namespace emu {

constexpr int kLanes = 32;
constexpr int kMaxThreads = 1024;
constexpr int kMaxWarps = kMaxThreads / kLanes;
constexpr int kNamedBarriers = 16;
constexpr uint32_t kFullMask = 0xffffffffu;
constexpr size_t kMaxSharedMemory = 227 << 10;

// Instructions that a warp executes together.
enum class Instruction { none, shuffle, vote, warp_sync, mma, ldmatrix, ldmatrix_trans, stmatrix, wgmma, wgmma_commit, wgmma_wait };

// What a lane gives to an instruction of its warp, and takes from it.
struct Operands {
  uint32_t a[4], b[2];
  float c[4];
  uint32_t result[4];
  unsigned char *row;        // ldmatrix, stmatrix
  float *accumulators;       // wgmma
  uint64_t descriptor[2];    // wgmma
  int number, second;        // small arguments
};

// One thread's cp.async: copies in order of issue, and where each committed group ends.
struct Copies {
  struct Copy {
    unsigned char *to;
    const unsigned char *from;  // null: fill with zero
    bool landed;
  };
  static constexpr int kMaxCopies = 256, kMaxGroups = 32;
  Copy copy[kMaxCopies];
  int group_end[kMaxGroups];
  int count, groups;
};

struct Fiber : Thread {
  Context context;
  int warp, lane;
  bool done;
  const void *waits_for;  // an mbarrier or a named barrier
  Operands operands;
  Copies copies;
};

// A matrix product that a warp has issued.
struct Wgmma {
  uint64_t a, b;  // descriptors
  int columns;
  bool accumulate, computed;
  void *return_address;  // into the kernel, for reports
  float *accumulators[kLanes];
};

struct Warp {
  uint32_t live, runnable, arrived, at_barrier;  // lanes
  Instruction instruction;                       // that arrived lanes are in
  int line;
  char synced[2], wgmma_done;  // addresses stand for what orders threads (races.h)
  unsigned syncs;
  std::vector<Wgmma> wgmma;
  std::vector<size_t> wgmma_group_end;
};

struct NamedBarrier {
  int arrived, wanted;
  unsigned phase;
  char synced[2];
};

struct Block {
  int threads, warps, live, at_barrier;
  int barrier_line;
  unsigned barriers;  // passed so far
  bool hand_over;     // let another warp run next, although this one could
  size_t shared_bytes;
  Warp warp[kMaxWarps];
  NamedBarrier named[kNamedBarriers];
};
extern Block block;
extern Fiber *fibers;            // kMaxThreads of them
extern const char *kernel_name;  // null where a body of no name was launched

inline Fiber &self() { return *static_cast<Fiber *>(current); }
inline Warp &warp_of(const Fiber &f) { return block.warp[f.warp]; }
inline Fiber *lanes_of(const Fiber &f) { return fibers + f.warp * kLanes; }

// Lets another thread run; returns when this one is chosen again. If none can run and no tensor copy can land, that is a deadlock.
void yield();
// This thread cannot run until someone sets its bit.
inline void sleep() {
  Fiber &f = self();
  warp_of(f).runnable &= ~(1u << f.lane);
  yield();
}
void sleep_on(const void *what);
void wake(const void *what);
void leave_block();  // at the end of a thread

// True in the lane that arrives last: it does the work of the whole warp, then calls finish_together. The others return false when that
// has happened.
void check_together(Instruction instruction, int line);
inline bool last_to_arrive(Instruction instruction, int line) {
  Fiber &f = self();
  Warp &w = warp_of(f);
  if (w.live != kFullMask || (w.arrived && (w.instruction != instruction || w.line != line))) check_together(instruction, line);
  w.instruction = instruction;
  w.line = line;
  w.arrived |= 1u << f.lane;
  if (w.arrived == kFullMask) return true;
  sleep();
  return false;
}
void finish_together();

void land_copies(Fiber &f, int count);  // the first count of its cp.async
bool land_tensor_copy();                // one of those in flight; false if there is none
int tensor_copies_in_flight();
void forget_tensor_copies();

#ifdef __F16C__
inline float widen(uint16_t half) { return __half2float({half}); }
#else
extern const std::vector<float> widened;  // every half; converting by hand takes far longer
inline float widen(uint16_t half) { return widened[half]; }
#endif
// Shared memory by its 32-bit address; bytes beyond its end are an error.
unsigned char *shared_memory(uint32_t address, size_t bytes, const char *what);

// Ends the run: "kernel, block, thread, line: text", and what each warp waits for.
[[noreturn]] void fail(int line, const char *format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace emu
