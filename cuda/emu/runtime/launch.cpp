#include "launch.h"

#include <cstdlib>
#include <mutex>
#include <numeric>

#include "block.h"

// The linker's names for the ends of the section of static __shared__ variables, if there are any.
extern "C" {
extern unsigned char __start_emu_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_emu_shared[] __attribute__((weak, visibility("hidden")));
}

namespace emu {

Thread *current;
uint3 block_index;
dim3 block_size, grid_size;
unsigned char *dyn;
Counters counters;
Block block;
Fiber *fibers;
const char *kernel_name;
Context host;

void start_first();  // scheduler.cpp

namespace {

const std::function<void()> *thread_body;

void thread_main() {
  entered(host);
  (*thread_body)();
  leave_block();
}

// 0xFF: NaN in half and float, and an mbarrier that was not initialised. AddressSanitizer keeps the gaps in the section to itself.
__attribute__((no_sanitize("address"))) void poison_static() {
  for (volatile unsigned char *p = __start_emu_shared; p < __stop_emu_shared; p++) *p = 0xFF;
}

void make_fibers() {
  if (fibers) return;
  fibers = static_cast<Fiber *>(std::calloc(kMaxThreads, sizeof(Fiber)));
  if (!fibers) std::abort();
  unsigned char *stacks = map_stacks(kMaxThreads);
  for (int i = 0; i < kMaxThreads; i++) {
    fibers[i].context.stack = stack_of(stacks, i);
    fibers[i].warp = i / kLanes;
    fibers[i].lane = i % kLanes;
  }
}

void begin_warps() {
  for (int i = 0; i < block.warps; i++) {
    Warp &w = block.warp[i];
    const int lanes = std::min(block.threads - i * kLanes, kLanes);
    w.live = w.runnable = lanes == kLanes ? kFullMask : (1u << lanes) - 1;
    w.arrived = w.at_barrier = 0;
    w.wgmma.clear();
    w.wgmma_group_end.clear();
  }
}

// Everything that a block could have left behind is set anew.
void begin_block(dim3 threads, size_t smem) {
  poison_static();
  if (smem) std::memset(dyn, 0xFF, smem);
  block.threads = block.live = int(threads.x * threads.y * threads.z);
  block.warps = (block.threads + kLanes - 1) / kLanes;
  block.at_barrier = 0;
  block.hand_over = false;
  block.shared_bytes = smem;
  for (NamedBarrier &b : block.named) b.arrived = b.wanted = 0;
  begin_warps();
  forget_accesses();
  for (int i = 0; i < block.threads; i++) {
    Fiber &f = fibers[i];
    const unsigned t = unsigned(i);
    f.index = {t % threads.x, t / threads.x % threads.y, t / threads.x / threads.y};
    f.done = false;
    f.waits_for = nullptr;
    f.copies.count = f.copies.groups = 0;
    prepare(f.context, const_cast<unsigned char *>(f.context.stack), thread_main);
  }
}

// Dynamic shared memory is exactly as large as wanted. AddressSanitizer sees the byte behind it; without it there are guards.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kGuard = 0;
#else
constexpr size_t kGuard = 4096;
#endif
constexpr unsigned char kMark = 0xA5;

void take_shared_memory(size_t smem) {
  void *p = nullptr;
  if (smem && posix_memalign(&p, 1024, smem + kGuard)) std::abort();
  dyn = static_cast<unsigned char *>(p);
  if (smem) std::memset(dyn + smem, kMark, kGuard);
}

void check_guard(size_t smem) {
  const unsigned char *guard = dyn + smem;
  if (!smem || !kGuard || (*guard == kMark && !std::memcmp(guard, guard + 1, kGuard - 1))) return;
  size_t i = 0;
  while (guard[i] == kMark) i++;
  fail(0, "a block wrote %zu bytes behind its %zu bytes of shared memory", i, smem);
}

void run_block(dim3 threads, size_t smem) {
  counters.blocks++;
  begin_block(threads, smem);
  start_first();
  check_guard(smem);
  if (tensor_copies_in_flight()) fail(0, "a block ends with %d tensor copies in flight", tensor_copies_in_flight());
}

// The i-th block to run, of n: from either end or, in random order, in steps without a common divisor with n from anywhere.
struct BlockOrder {
  uint64_t n, start = 0, step = 1;
  explicit BlockOrder(uint64_t n) : n(n) {
    if (options.order == Order::reverse) start = step = n - 1;
    if (options.order != Order::random) return;
    start = random_bits() % n;
    for (step = random_bits() % n; std::gcd(step, n) != 1;) step = (step + 1) % n;
  }
  uint64_t operator()(uint64_t i) const { return (start + i * step) % n; }
};

void check_shape(dim3 grid, dim3 threads, size_t smem) {
  const uint64_t count = uint64_t(threads.x) * threads.y * threads.z;
  if (count < 1 || count > kMaxThreads)
    fail(0, "a block of %llu threads; it can have 1 to %d", (unsigned long long)count, kMaxThreads);
  if (!grid.x || !grid.y || !grid.z) fail(0, "a grid of %u x %u x %u blocks", grid.x, grid.y, grid.z);
  if (smem > kMaxSharedMemory) fail(0, "%zu bytes of shared memory; a block can have %zu", smem, kMaxSharedMemory);
}

std::mutex launching;

void launch_named(const char *name, dim3 grid, dim3 threads, size_t smem, const std::function<void()> &body) {
  const std::lock_guard<std::mutex> lock(launching);
  read_environment();
  kernel_name = name;
  check_shape(grid, threads, smem);
  make_fibers();
  adopt_host(host);
  forget_tensor_copies();
  take_shared_memory(smem);
  thread_body = &body;
  block_size = threads;
  grid_size = grid;
  const BlockOrder order(uint64_t(grid.x) * grid.y * grid.z);
  for (uint64_t i = 0; i < order.n; i++) {
    const uint64_t b = order(i);
    block_index = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
    run_block(threads, smem);
  }
  std::free(dyn);
  dyn = nullptr;
  thread_body = nullptr;
  kernel_name = nullptr;
}

}  // namespace

const Kernel *Kernel::find(const char *name) {
  for (const Kernel *k = first_; k; k = k->next_)
    if (!std::strcmp(k->name, name)) return k;
  return nullptr;
}

void launch(dim3 grid, dim3 threads, size_t smem, const std::function<void()> &body) {
  launch_named(nullptr, grid, threads, smem, body);
}

void launch(const Kernel &kernel, dim3 grid, dim3 threads, size_t smem, void **arguments) {
  launch_named(kernel.name, grid, threads, smem, [&] { kernel.call(arguments); });
}

}  // namespace emu
