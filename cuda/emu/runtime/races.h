// Finds data races: two accesses of threads of a block, one of them a write, that nothing orders. Whatever the schedule, every pair of
// accesses of a run is looked at, with one exception: what memcpy and memset do inside of a kernel.
//
// Kernels are compiled with -fsanitize=thread for the calls that the compiler puts before each access, but not linked with
// ThreadSanitizer's library: that holds 255 threads at most apart, which a block of 256 is too many for, and keeps silent about a race
// whose first access it can no longer name. The runtime calls by hand for what instructions read and write, and for the edges that CUDA
// guarantees: barriers, __syncwarp, mbarriers, waits for wgmma; not shuffles, mma or ldmatrix, which do not order memory.
#pragma once

#include <cstddef>

namespace emu {

#ifdef EMU_RACES
void forget_accesses();  // before each block: blocks are not held against each other
// What this thread did up to now is ordered before what a thread does that acquires the same object later.
void release(void *sync);
void acquire(void *sync);
// An access by the current thread; pc: behind the instruction that makes it, for the report. A race ends the run.
void access(const void *p, size_t bytes, bool write, void *pc);
#endif

}  // namespace emu
