#include "block.h"

namespace emu {

namespace {

int lowest(uint32_t lanes) { return __builtin_ctz(lanes); }
int highest(uint32_t lanes) { return 31 - __builtin_clz(lanes); }

int choose_lane(uint32_t runnable) {
  if (options.order == Order::reverse) return highest(runnable);
  if (options.order != Order::random) return lowest(runnable);
  const int turn = random_bits() & 31;
  const uint32_t turned = runnable >> turn | (turn ? runnable << (32 - turn) : 0);
  return (lowest(turned) + turn) & 31;
}

// A warp goes on as long as it can, except in lockstep, by chance, and where another is to overtake it.
bool stays(const Warp &w) {
  if (!w.runnable || block.hand_over || options.order == Order::lockstep) return false;
  return options.order != Order::random || (random_bits() & 7) != 0;
}

int first_warp_to_try(int warp) {
  switch (options.order) {
    case Order::reverse: return block.warps - 1;
    case Order::lockstep: return (warp + 1) % block.warps;
    case Order::skewed:
    case Order::random: return int(random_bits() % unsigned(block.warps));
    default: return 0;
  }
}

Fiber *choose() {
  int warp = current ? self().warp : 0;
  if (!stays(block.warp[warp])) {
    const int step = options.order == Order::reverse ? block.warps - 1 : 1;
    int left = block.warps;
    for (warp = first_warp_to_try(warp); left && !block.warp[warp].runnable; left--) warp = (warp + step) % block.warps;
    if (!left) return nullptr;
  }
  return &fibers[warp * kLanes + choose_lane(block.warp[warp].runnable)];
}

void open_barrier() {
  for (int i = 0; i < block.warps; i++) {
    block.warp[i].runnable |= block.warp[i].at_barrier;
    block.warp[i].at_barrier = 0;
  }
  block.at_barrier = 0;
  block.barriers++;
}

// Two objects in turn: a thread that is already at the next barrier must not seem ordered before one that still leaves this one.
char barrier_synced[2];

}  // namespace

extern Context host;

void switch_to(Context &from, Fiber *to, bool from_ends) {
  counters.switches++;
  current = to;
  switch_context(from, to ? to->context : host, from_ends);
}

void yield() {
  Fiber &me = self();
  Fiber *next = choose();
  // Whatever is still in flight lands when nothing else can happen.
  while (!next && block.live && land_tensor_copy()) next = choose();
  block.hand_over = false;
  if (!next && block.live) fail(0, "deadlock: no thread can go on");
  if (next != &me) switch_to(me.context, next, me.done);
}

void start_first() { switch_to(host, choose(), false); }

void sleep_on(const void *what) {
  self().waits_for = what;
  sleep();
}

void wake(const void *what) {
  for (int i = 0; i < block.threads; i++) {
    Fiber &f = fibers[i];
    if (f.waits_for != what) continue;
    f.waits_for = nullptr;
    warp_of(f).runnable |= 1u << f.lane;
  }
}

void block_sync(int line) {
  Fiber &f = self();
  Warp &w = warp_of(f);
  counters.barriers++;
  if (block.at_barrier && block.barrier_line != line)
    fail(line, "threads of one block wait at different __syncthreads: lines %d and %d", block.barrier_line, line);
  if (w.arrived) fail(line, "__syncthreads while lanes of the same warp wait in the instruction of line %d", w.line);
  block.barrier_line = line;
  char *synced = &barrier_synced[block.barriers & 1];
  release(synced);
  if (++block.at_barrier == block.live) {
    open_barrier();
    if (options.order != Order::forward && options.order != Order::lockstep) yield();
  } else {
    w.at_barrier |= 1u << f.lane;
    sleep();
  }
  acquire(synced);
}

void leave_block() {
  Fiber &f = self();
  Warp &w = warp_of(f);
  land_copies(f, f.copies.count);
  if (w.arrived) fail(0, "a thread ends while its warp waits in the instruction of line %d", w.line);
  if (!w.wgmma.empty()) fail(0, "a thread ends while a wgmma of its warp is in flight");
  f.done = true;
  w.live &= ~(1u << f.lane);
  w.runnable &= ~(1u << f.lane);
  block.live--;
  if (block.live && block.at_barrier == block.live) open_barrier();  // threads that have ended are not waited for
  yield();
  __builtin_unreachable();
}

void check_together(Instruction instruction, int line) {
  const Warp &w = warp_of(self());
  if (w.arrived && w.line != line) fail(line, "lanes of a warp are in different instructions: lines %d and %d", w.line, line);
  if (w.arrived && w.instruction != instruction) fail(line, "lanes of a warp are in different instructions of one line");
  if (w.live != kFullMask)
    fail(line, "an instruction of the whole warp, but lanes have ended or never were (live: %08x)", w.live);
}

void finish_together() {
  Warp &w = warp_of(self());
  w.runnable = w.arrived;
  w.arrived = 0;
  if (options.order == Order::random || options.order == Order::lockstep) yield();
}

}  // namespace emu
