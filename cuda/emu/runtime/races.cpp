#ifdef EMU_RACES
#include "races.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <unordered_map>

#include "block.h"

extern "C" char __executable_start;  // the linker's

namespace emu {

namespace {

typedef std::vector<uint32_t> Clock;  // by thread: up to which of its epochs what it did is ordered before

// Bytes of a granule that a thread accessed in one of its epochs.
struct Access {
  uint8_t bytes;
  bool write;
  uint16_t thread;
  uint32_t epoch;
  void *pc;
};

constexpr uintptr_t kGranule = 8;
struct Granule {
  uint64_t block = 0;  // that the accesses are of
  std::vector<Access> writes, reads;
  size_t compressed = 0;  // reads that there were when the list was last made shorter
};

// Granules of 4096 bytes of memory: neighbours are mostly accessed together.
constexpr uintptr_t kPage = 4096 / kGranule;
struct Page {
  Granule granule[kPage];
};

uint64_t blocks;
std::unordered_map<uintptr_t, Page> memory;
std::unordered_map<void *, Clock> released;
std::vector<Clock> clocks;

int me() { return int(&self() - fibers); }

// Function and line of an address, functions that are inlined there first, as "  #0 name file:line".
std::string place(void *pc) {
  char command[200], line[500];
  std::snprintf(command, sizeof command, "addr2line -Cfpi -e /proc/%d/exe %#zx 2>&1", int(getpid()),
                size_t(pc) - 1 - size_t(&__executable_start));
  std::string text;
  FILE *said = popen(command, "r");
  while (said && std::fgets(line, sizeof line, said)) text += std::string("    ") + line;
  if (said) pclose(said);
  return text;
}

[[noreturn]] void report(const Access &before, const Access &now, uintptr_t granule) {
  const auto words = [](const Access &a) { return a.write ? "write" : "read"; };
  std::fprintf(stderr, "data race: %s by thread %d\n%s  after %s by thread %d, with nothing that orders them\n%s", words(now), now.thread,
               place(now.pc).c_str(), words(before), before.thread, place(before.pc).c_str());
  const uintptr_t first = granule * kGranule + uintptr_t(__builtin_ctz(unsigned(before.bytes & now.bytes)));
  const uintptr_t shared = uintptr_t(dyn);
  if (dyn && first >= shared && first < shared + block.shared_bytes)
    fail(0, "data race: byte %zu of dynamic shared memory", size_t(first - shared));
  fail(0, "data race: memory at %#zx", size_t(first));
}

void hold_against(const std::vector<Access> &list, const Access &now, const Clock &clock, uintptr_t granule) {
  for (const Access &a : list)
    if ((a.bytes & now.bytes) && a.thread != now.thread && clock[a.thread] < a.epoch) report(a, now, granule);
}

// Of a thread's reads of the same bytes only the last matters: what it is ordered before, so are the others.
void compress(Granule &g) {
  std::sort(g.reads.begin(), g.reads.end(),
            [](const Access &a, const Access &b) { return a.thread != b.thread ? a.thread < b.thread : a.epoch > b.epoch; });
  size_t kept = 0, first = 0;  // of this thread
  for (const Access &a : g.reads) {
    if (!kept || g.reads[kept - 1].thread != a.thread) first = kept;
    bool later = false;
    for (size_t i = first; i < kept; i++) later = later || !(a.bytes & ~g.reads[i].bytes);
    if (!later) g.reads[kept++] = a;
  }
  g.reads.resize(kept);
  g.compressed = kept;
}

Granule &granule_of(uintptr_t number) {
  static struct {
    uintptr_t page = ~uintptr_t(0);
    Page *at;
  } recent[64];
  const uintptr_t page = number / kPage;
  auto &r = recent[page % 64];
  if (r.page != page) {
    r.page = page;
    r.at = &memory[page];
  }
  return r.at->granule[number % kPage];
}

// A write stands for everything before it on the same bytes: it was ordered behind that, or there was a report.
void remember(Granule &g, const Access &now) {
  const auto covered = [&](const Access &a) { return !(a.bytes & ~now.bytes); };
  if (now.write) {
    g.reads.erase(std::remove_if(g.reads.begin(), g.reads.end(), covered), g.reads.end());
    g.writes.erase(std::remove_if(g.writes.begin(), g.writes.end(), covered), g.writes.end());
    g.writes.push_back(now);
    return;
  }
  if (!g.reads.empty() && g.reads.back().thread == now.thread && covered(g.reads.back())) g.reads.pop_back();
  g.reads.push_back(now);
  if (g.reads.size() > 2 * g.compressed + 64) compress(g);
}

void access_granule(uintptr_t granule, const Access &now, const Clock &clock) {
  Granule &g = granule_of(granule);
  if (g.block != blocks) {
    g.reads.clear();
    g.writes.clear();
    g.block = blocks;
    g.compressed = 0;
  }
  hold_against(g.writes, now, clock, granule);
  if (now.write) hold_against(g.reads, now, clock, granule);
  remember(g, now);
}

}  // namespace

void forget_accesses() {
  const Unobserved here;
  blocks++;
  released.clear();
  clocks.assign(size_t(block.threads), Clock(size_t(block.threads), 0));
  for (size_t i = 0; i < clocks.size(); i++) clocks[i][i] = 1;
}

void release(void *sync) {
  if (!current) return;
  const Unobserved here;
  Clock &mine = clocks[size_t(me())], &to = released[sync];
  to.resize(mine.size(), 0);
  for (size_t i = 0; i < mine.size(); i++) to[i] = std::max(to[i], mine[i]);
  mine[size_t(me())]++;
}

void acquire(void *sync) {
  const Unobserved here;
  const auto from = released.find(sync);
  if (!current || from == released.end()) return;
  Clock &mine = clocks[size_t(me())];
  for (size_t i = 0; i < mine.size(); i++) mine[i] = std::max(mine[i], from->second[i]);
}

void access(const void *p, size_t bytes, bool write, void *pc) {
  if (!current || !bytes || Unobserved::lives) return;  // no thread: the host, while nothing runs
  const Unobserved here;
  const int thread = me();
  const Clock &clock = clocks[size_t(thread)];
  const uintptr_t first = uintptr_t(p), end = first + bytes;
  for (uintptr_t granule = first / kGranule; granule * kGranule < end; granule++) {
    const uintptr_t from = std::max(first, granule * kGranule) % kGranule, to = std::min(end - granule * kGranule, kGranule);
    const auto mask = uint8_t((0xffu << from) & (0xffu >> (kGranule - to)));
    access_granule(granule, {mask, write, uint16_t(thread), clock[size_t(thread)], pc}, clock);
  }
}

}  // namespace emu

// What the compiler calls. Atomic accesses order nothing here, and are not held against others.
#define PC __builtin_return_address(0)
#define ACCESSES(n)                                                                  \
  void __tsan_read##n(void *p) { emu::access(p, n, false, PC); }                     \
  void __tsan_write##n(void *p) { emu::access(p, n, true, PC); }                     \
  void __tsan_unaligned_read##n(void *p) { emu::access(p, n, false, PC); }           \
  void __tsan_unaligned_write##n(void *p) { emu::access(p, n, true, PC); }           \
  void __tsan_volatile_read##n(void *p) { emu::access(p, n, false, PC); }            \
  void __tsan_volatile_write##n(void *p) { emu::access(p, n, true, PC); }
#define ATOMICS(bits, T)                                                                                                          \
  T __tsan_atomic##bits##_load(const volatile T *p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }                         \
  void __tsan_atomic##bits##_store(volatile T *p, T v, int) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }                         \
  T __tsan_atomic##bits##_exchange(volatile T *p, T v, int) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); }               \
  T __tsan_atomic##bits##_fetch_add(volatile T *p, T v, int) { return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); }               \
  T __tsan_atomic##bits##_fetch_sub(volatile T *p, T v, int) { return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST); }               \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *wanted, T v, int, int) {                                   \
    return __atomic_compare_exchange_n(p, wanted, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                                  \
  }                                                                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile T *p, T *wanted, T v, int, int) {                                     \
    return __atomic_compare_exchange_n(p, wanted, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                                   \
  }

extern "C" {
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
void __tsan_read_range(void *p, size_t n) { emu::access(p, n, false, PC); }
void __tsan_write_range(void *p, size_t n) { emu::access(p, n, true, PC); }
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}
#endif
