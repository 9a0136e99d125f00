// Emulator runtime. Compiled without -fsanitize=thread even in the race-check build (it annotates by hand).
#include "../emu.h"
#include "instructions.h"
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#if defined(EMU_UCONTEXT) || !defined(__x86_64__)
#define USE_UCONTEXT 1
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EMU_TSAN
#include <sanitizer/tsan_interface.h>
extern "C" { void __tsan_read16(void *); void __tsan_write16(void *); void __tsan_func_entry(void *); void __tsan_func_exit(); }
struct TsFrame { TsFrame(void *r) { __tsan_func_entry(r); } ~TsFrame() { __tsan_func_exit(); } };   // kernel line of an emulated instruction
#define TS(x) x
#else
#define TS(x)
#endif
namespace emu {
Thread *current; uint3 block_index; dim3 block_size, grid_size; unsigned char *dyn; Counters counters; const Kernel *Kernel::find(const char *n) { for (auto k = first_; k; k = k->next_) if (!strcmp(k->name, n)) return k; return nullptr; }
void launch(const Kernel &k, dim3 g, dim3 b, size_t s, void **a) { launch(g, b, s, [&] { k.call(a); }); }
enum Kind { K_NONE, K_MMA, K_LDM, K_SHFL, K_SYNCWARP, K_BALLOT, K_WGMMA };
struct Slot { uint32_t a[4], b[2]; float c[4]; uint32_t r[4]; const unsigned char *p; };
struct Cp { void *dst; const void *src; bool done; };
struct F : Thread {
#ifdef USE_UCONTEXT
  ucontext_t uc;
#endif
  void *sp, *fake, *ts; unsigned char *stk; int lane, warp, barline; bool done; Slot s;
  Cp cp[64]; void *waitbar; float *wd; uint64_t wda, wdb; int ncp, committed[16], ngroups;   // cp.async queue: entries, and end index of every committed group
};
struct Warp { uint32_t runnable, live, arrived; int kind, line; };
const size_t STK = 128 << 10; const int MAXT = 1024;
F *fb; Warp wp[32]; int nthreads, nwarps, nlive, nbar, blocked_line, bar_line; uint32_t barmask[32];
const std::function<void()> *body; F *fcur; void *main_sp, *main_fake, *main_ts; const void *main_bot; size_t main_sz;
enum Sched { FWD, REV, RAND, SKEW, LOCKSTEP } sched = FWD; int cpmode = 1; uint64_t rng = 1; char barsync, startsync, endsync, warpsyncv[32];   // one sanitizer sync object per edge: start, barrier, end must not be shared
#ifdef USE_UCONTEXT
ucontext_t main_uc;
#endif
inline uint32_t rnd() { rng ^= rng << 13; rng ^= rng >> 7; rng ^= rng << 17; return (uint32_t)(rng >> 16); }
[[noreturn]] void die(const char *m, int line) {
  fprintf(stderr, "EMU ERROR: %s (line %d, block %u,%u,%u thread %u)\n", m, line, block_index.x, block_index.y, block_index.z, fcur ? fcur->index.x : 0);
  for (int i = 0; i < nwarps; i++) if (wp[i].live) fprintf(stderr, "  warp %d live %08x waiting-collective %08x (line %d) at-barrier %08x\n", i, wp[i].live, wp[i].arrived, wp[i].line, barmask[i]);
  _Exit(3);
}
#ifndef USE_UCONTEXT
extern "C" void emu_switch(void **save, void *to);
asm(".text\n.globl emu_switch\n.type emu_switch,@function\nemu_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n.size emu_switch,.-emu_switch\n");
#endif
void switch_to(F *from, F *to) {            // nullptr is the main context
  counters.switches++; fcur = to; current = to;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(from ? (from->done ? nullptr : &from->fake) : &main_fake, to ? to->stk : main_bot, to ? STK : main_sz);
#endif
  TS(__tsan_switch_to_fiber(to ? to->ts : main_ts, __tsan_switch_to_fiber_no_sync));
#ifdef USE_UCONTEXT
  swapcontext(from ? &from->uc : &main_uc, to ? &to->uc : &main_uc);
#else
  emu_switch(from ? &from->sp : &main_sp, to ? to->sp : main_sp);
#endif
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(from ? from->fake : main_fake, nullptr, nullptr);
#endif
}
int pick_lane(uint32_t m) {
  if (sched == REV) return 31 - __builtin_clz(m);
  if (sched == RAND) { int r = rnd() & 31; uint32_t q = (m >> r) | (r ? m << (32 - r) : 0); return (__builtin_ctz(q) + r) & 31; }
  return __builtin_ctz(m);
}
static bool leave;                          // adversarial: hand over to another warp right after a release
F *pick() {                                 // choose the next runnable fiber
  int w = fcur ? fcur->warp : 0;
  bool stay = wp[w].runnable && !leave && !(sched == RAND && (rnd() & 7) == 0) && sched != LOCKSTEP;
  if (!stay) {
    int n = nwarps, start = sched == RAND || sched == SKEW ? rnd() % n : sched == REV ? n - 1 : sched == LOCKSTEP ? (w + 1) % n : 0, i;
    int step = sched == REV ? n - 1 : 1;
    for (i = 0; i < n && !wp[(start + i * step) % n].runnable; i++);
    if (i == n) return nullptr;
    w = (start + i * step) % n;
  }
  return &fb[w * 32 + pick_lane(wp[w].runnable)];
}
bool tma_progress();
void yield() {
  F *me = fcur, *to;
  while (!(to = pick()) && nlive && tma_progress());   // asynchronous copies land when nothing else can run
  leave = false;
  if (!to && nlive) die("deadlock: not every live thread reached the same barrier/collective", blocked_line);
  if (to != me) switch_to(me, to);
}
void finish_barrier() { for (int i = 0; i < nwarps; i++) { wp[i].runnable |= barmask[i]; barmask[i] = 0; } nbar = 0; }
void fiber_main() {
#ifdef __SANITIZE_ADDRESS__
  const void *b; size_t n; __sanitizer_finish_switch_fiber(nullptr, &b, &n); if (!main_bot) { main_bot = b; main_sz = n; }
#endif
  TS(__tsan_acquire(&startsync));
  (*body)();
  F *f = fcur; TS(__tsan_release(&endsync));
  if (f->ncp) cp_async_wait_n(0);
  f->done = true; wp[f->warp].live &= ~(1u << f->lane); wp[f->warp].runnable &= ~(1u << f->lane); nlive--;
  if (wp[f->warp].arrived) die("thread exits while its warp waits in a full-mask collective", wp[f->warp].line);
  if (nlive && nbar == nlive) finish_barrier();   // exited threads do not count (sm_70+)
  yield(); __builtin_unreachable();
}
void block_sync(int line) {
  F *f = fcur; counters.barriers++;
  if (nbar && bar_line != line) die("divergent __syncthreads: threads wait at different lines", line);
  blocked_line = bar_line = line; TS(__tsan_release(&barsync));
  if (wp[f->warp].arrived) die("__syncthreads while warp mates wait in a collective", line);
  if (++nbar == nlive) { finish_barrier(); if (sched != FWD && sched != LOCKSTEP) yield(); }
  else { wp[f->warp].runnable &= ~(1u << f->lane); barmask[f->warp] |= 1u << f->lane; yield(); }
  TS(__tsan_acquire(&barsync));
}
// every lane stores its operands in its slot; the last to arrive does the work for the whole warp
template <class Op> void collective(Kind k, int line, Op op) {
  F *f = fcur; Warp &w = wp[f->warp];
  if (w.arrived && (w.kind != k || w.line != line)) die("lanes of a warp are in different collectives", line);
  w.kind = k; w.line = line; w.arrived |= 1u << f->lane; blocked_line = line;
  if (w.live != 0xffffffffu) die("collective in a warp with exited lanes", line);
  if (w.arrived == 0xffffffffu) { op(&fb[f->warp * 32]); w.runnable = w.arrived; w.arrived = 0; if (sched == RAND || sched == LOCKSTEP) yield(); }
  else { w.runnable &= ~(1u << f->lane); yield(); }
}
void warp_sync(unsigned, int line) {
  TS(__tsan_release(&warpsyncv[fcur->warp])); collective(K_SYNCWARP, line, [](F *) {}); TS(__tsan_acquire(&warpsyncv[fcur->warp]));
}
unsigned shuffle(Shuffle kd, unsigned mask, unsigned v, int arg, int width, int line) { int kind = kd == Shuffle::exclusive_or ? 0 : kd == Shuffle::down ? 1 : 2; if (width != 32 || kd == Shuffle::up) die("not yet", line);
  if (mask != 0xffffffffu) die("only full-mask shuffles are emulated", line);
  F *f = fcur; counters.shuffles++; f->s.a[0] = v; f->s.a[1] = arg;
  collective(K_SHFL, line, [kind](F *l) { for (int i = 0; i < 32; i++) { int a = (int)l[i].s.a[1], s = kind == 0 ? i ^ a : kind == 1 ? i + a : a & 31;
    l[i].s.r[0] = l[s > 31 ? i : s].s.a[0]; } });
  return f->s.r[0];
}
unsigned ballot(unsigned mask, bool p, int line) {
  if (mask != 0xffffffffu) die("only full-mask votes are emulated", line);
  F *f = fcur; f->s.a[0] = p;
  collective(K_BALLOT, line, [](F *l) { uint32_t b = 0; for (int i = 0; i < 32; i++) b |= l[i].s.a[0] << i; for (int i = 0; i < 32; i++) l[i].s.r[0] = b; });
  return f->s.r[0];
}
extern "C" { extern unsigned char __start_emu_shared[] __attribute__((weak)), __stop_emu_shared[] __attribute__((weak)); }
__attribute__((no_sanitize("address"))) void poison(unsigned char *b, unsigned char *e) { for (; b < e; b++) { *b = 0xFF; asm volatile("" ::: "memory"); } }  // fp16/fp32 NaN
void (*handler)(const char *);
void on_error(void (*h)(const char *)) { handler = h; }
void trap(int line) { die("trap", line); }
int swzmode = -1;
bool schedule(const char *e) { sched = !strncmp(e, "rev", 3) ? REV : !strncmp(e, "rand", 4) ? RAND : !strncmp(e, "skew", 4) ? SKEW : !strncmp(e, "lock", 4) ? LOCKSTEP : FWD;
    const char *c = strchr(e, ':'); if (c) rng = strtoull(c + 1, 0, 10) * 0x9E3779B97F4A7C15ull + 1; for (int i = 0; i < 8; i++) rnd(); return true; }
bool copies(const char *e) { cpmode = !strcmp(e, "now") ? 0 : !strcmp(e, "late") ? 1 : 2; return true; }
bool swizzle(const char *e) { swzmode = !strcmp(e, "strict") ? 1 : !strcmp(e, "rel") ? 2 : 0; return true; }
void init() {
  static_assert(sizeof(Slot) <= 128);
  if (fb) return;
  fb = (F *)calloc(MAXT, sizeof(F));
  unsigned char *s = (unsigned char *)mmap(nullptr, MAXT * (STK + 4096), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (int i = 0; i < MAXT; i++) { mprotect(s + i * (STK + 4096), 4096, PROT_NONE); fb[i].stk = s + i * (STK + 4096) + 4096; TS(fb[i].ts = __tsan_create_fiber(0)); }
  TS(main_ts = __tsan_get_current_fiber());
  const char *e = getenv("EMU_SCHED");
  if (e) schedule(e);
  if ((e = getenv("EMU_CP"))) copies(e);
}
void launch(dim3 grid, dim3 block, size_t smem, const std::function<void()> &fn) {
  init(); body = &fn; block_size = block; grid_size = grid; nthreads = block.x * block.y * block.z; nwarps = (nthreads + 31) / 32;
  if (nthreads > MAXT) die("block too large", 0);
  void *d = nullptr; if (smem && posix_memalign(&d, 1024, smem)) abort();
  dyn = (unsigned char *)d; uint64_t nb = (uint64_t)grid.x * grid.y * grid.z;
  for (uint64_t i = 0; i < nb; i++) {
    uint64_t b = sched == REV || sched == RAND ? nb - 1 - i : i; counters.blocks++;
    block_index = {(unsigned)(b % grid.x), (unsigned)(b / grid.x % grid.y), (unsigned)(b / grid.x / grid.y)};
    poison(__start_emu_shared, __stop_emu_shared); if (smem) poison(dyn, dyn + smem);
    memset(wp, 0, sizeof wp); memset(barmask, 0, sizeof barmask); nlive = nthreads; nbar = 0; fcur = nullptr;
    for (int t = 0; t < nthreads; t++) {
      F &f = fb[t]; f.index = {t % block.x, t / block.x % block.y, t / block.x / block.y}; f.lane = t & 31; f.warp = t >> 5; f.done = false; f.fake = nullptr; f.waitbar = nullptr; f.ncp = f.ngroups = 0;
      wp[f.warp].runnable |= 1u << f.lane;
#ifdef USE_UCONTEXT
      getcontext(&f.uc); f.uc.uc_stack.ss_sp = f.stk; f.uc.uc_stack.ss_size = STK; f.uc.uc_link = nullptr; makecontext(&f.uc, fiber_main, 0);
#else
      void **sp = (void **)(f.stk + STK); *--sp = nullptr; *--sp = (void *)fiber_main; sp -= 6; f.sp = sp;
#endif
    }
    for (int w = 0; w < nwarps; w++) wp[w].live = wp[w].runnable;
    TS(__tsan_release(&startsync));
    switch_to(nullptr, pick());
    TS(__tsan_acquire(&endsync));
  }
  free(d); dyn = nullptr; current = nullptr;
}
// tell the sanitizer about 16-byte accesses at issue time, so reports carry the kernel line that issued them
static inline void probe(const void *p) { ((const volatile char *)p)[0]; ((const volatile char *)p)[15]; }
static inline __attribute__((always_inline)) void touch_r(const void *p) { TS(__tsan_read16((void *)p)); probe(p); }
static inline __attribute__((always_inline)) void touch_w(const void *p) { TS(__tsan_write16((void *)p)); probe(p); }
static void do_cp(Cp &c) { touch_r(c.src); touch_w(c.dst); if (!c.done) { memcpy(c.dst, c.src, 16); c.done = true; } }
static float h2f(uint16_t u) { static float *t; if (!t) { t = (float *)malloc(65536 * 4); for (int i = 0; i < 65536; i++) t[i] = __half2float(__half{(uint16_t)i}); } return t[u]; }
}
using namespace emu;
void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int line) {
  F *f = fcur; memcpy(f->s.a, a, 16); memcpy(f->s.b, b, 8); memcpy(f->s.c, d, 16);
  collective(K_MMA, line, [](F *l) {
    counters.mma++; float A[16][16], B[16][8], C[16][8];
    for (int i = 0; i < 32; i++) { int g = i >> 2, t = (i & 3) * 2; Slot &s = l[i].s;
      for (int r = 0; r < 4; r++) { int m = g + (r & 1) * 8, k = t + (r >> 1) * 8; A[m][k] = h2f(s.a[r] & 0xffff); A[m][k + 1] = h2f(s.a[r] >> 16); }
      for (int r = 0; r < 2; r++) { B[t + r * 8][g] = h2f(s.b[r] & 0xffff); B[t + r * 8 + 1][g] = h2f(s.b[r] >> 16); }
      for (int r = 0; r < 2; r++) { C[g + r * 8][t] = s.c[r * 2]; C[g + r * 8][t + 1] = s.c[r * 2 + 1]; } }
    for (int m = 0; m < 16; m++) for (int k = 0; k < 16; k++) for (int n = 0; n < 8; n++) C[m][n] += A[m][k] * B[k][n];
    for (int i = 0; i < 32; i++) { int g = i >> 2, t = (i & 3) * 2; Slot &s = l[i].s;
      for (int r = 0; r < 2; r++) { s.c[r * 2] = C[g + r * 8][t]; s.c[r * 2 + 1] = C[g + r * 8][t + 1]; } }
  });
  memcpy(d, f->s.c, 16);
}
void ldmatrix_x4(uint32_t (&r)[4], const void *row, int line) {
  TS(TsFrame fr(__builtin_return_address(0)));
  F *f = fcur; f->s.p = (const unsigned char *)row; touch_r(row);
  if ((uintptr_t)row & 15) die("ldmatrix row not 16-byte aligned", line);
  collective(K_LDM, line, [](F *l) {
    counters.ldmatrix++;
    for (int q = 0; q < 4; q++) {
      int cnt[8] = {0}, ways = 1; for (int j = 0; j < 8; j++) ways = std::max(ways, ++cnt[((uintptr_t)l[q * 8 + j].s.p >> 4) & 7]);
      counters.bank_conflicts += ways - 1;             // 8 rows of 16 bytes should cover all 32 banks once
      for (int i = 0; i < 32; i++) memcpy(&l[i].s.r[q], l[q * 8 + (i >> 2)].s.p + (i & 3) * 4, 4);
    }
  });
  memcpy(r, f->s.r, 16);
}
void cp_async16(void *dst, const void *src, int line) {
  TS(TsFrame fr(__builtin_return_address(0)));
  F *f = fcur; counters.copies++;
  if (((uintptr_t)dst | (uintptr_t)src) & 15) die("cp.async address not 16-byte aligned", line);
  if (f->ncp == 64) die("too many cp.async in flight", 0);
  Cp &c = f->cp[f->ncp++]; c = {dst, src, false};
  touch_r(src); touch_w(dst); if (cpmode == 0 || (cpmode == 2 && (rnd() & 1))) do_cp(c);
}
void cp_async_commit() { F *f = fcur; if (f->ngroups == 16) die("too many cp.async groups", 0); f->committed[f->ngroups++] = f->ncp; }
void cp_async_wait_n(int n) {
  TS(TsFrame fr(__builtin_return_address(0)));
  F *f = fcur; int retire = f->ngroups - n; if (n == 0 && f->done) retire = f->ngroups;
  if (retire <= 0) return;
  int end = f->committed[retire - 1];
  for (int i = 0; i < end; i++) do_cp(f->cp[i]);
  memmove(f->cp, f->cp + end, (f->ncp - end) * sizeof(Cp)); f->ncp -= end; f->ngroups -= retire;
  for (int i = 0; i < f->ngroups; i++) f->committed[i] = f->committed[i + retire] - end;
}
// sm_90 additions to emu.cpp: mbarrier, TMA tiles up to 4-D, wgmma m64nNk16 with swizzled descriptors and commit groups, stmatrix, named barriers.
namespace emu {
struct MB { uint16_t cnt, pend; int32_t txph; };                     // lives in the 8 bytes of shared memory
static void wake(void *b) { for (int i = 0; i < nthreads; i++) if (fb[i].waitbar == b) { fb[i].waitbar = nullptr; wp[fb[i].warp].runnable |= 1u << fb[i].lane; } }
static void mb_check(MB *b) { if (b->pend == 0 && (b->txph >> 1) == 0) { b->txph ^= 1; b->pend = b->cnt; wake(b); } }
static uint32_t swz128(uint32_t a) { return a ^ (((a >> 7) & 7) << 4); }
struct Tma { unsigned char *dst; TMap m; MB *bar; int c[4]; };   // map by value: the issuing fiber may exit first
 static Tma tq[64]; static int ntq;
static void tma_run(Tma t) {                                          // copies 16-byte pieces; element coordinates outside the tensor give zero
  uint32_t at = smem_u32(t.dst), rowb = t.m.box[0] * t.m.elt, o = 0; int64_t y[4];
  for (uint32_t d = 0; d < t.m.box[3]; d++) for (uint32_t c = 0; c < t.m.box[2]; c++) for (uint32_t b = 0; b < t.m.box[1]; b++) {
    y[1] = t.c[1] + (int64_t)b; y[2] = t.c[2] + (int64_t)c; y[3] = t.c[3] + (int64_t)d;
    bool in = true; for (int i = 1; i < 4; i++) in = in && y[i] >= 0 && y[i] < (int64_t)t.m.dim[i];
    for (uint32_t e = 0; e < rowb; e += 16, o += 16) { uint32_t a = at + o; if (t.m.swz) a = swz128(a);
      int64_t x = t.c[0] + (int64_t)(e / t.m.elt);
      if (in && x >= 0 && x + 16 / t.m.elt <= (int64_t)t.m.dim[0]) memcpy(dyn + a, t.m.base + y[1] * t.m.stride[0] + y[2] * t.m.stride[1] + y[3] * t.m.stride[2] + x * t.m.elt, 16); else memset(dyn + a, 0, 16); } }
  t.bar->txph -= (int)o * 2; mb_check(t.bar); counters.copies++;
}
bool tma_progress() { if (!ntq) return false; int i = rnd() % ntq; Tma t = tq[i]; tq[i] = tq[--ntq]; tma_run(t); return true; }
struct Wg { uint64_t da, db; int n, acc; float *d[32]; };
static Wg wq[32][64]; static int nwq[32], ngrp[32], grp[32][16]; bool wg_pending(int w) { return nwq[w]; }
// EMU_SWZ: abs = xor with address bits 7-9 (reading of the PTX text); strict = the same, but refuse starts/strides off the 1024-byte pattern; rel = xor with the row number inside the operand

static uint16_t mat(uint64_t desc, int row, int k) {                 // element (row, k) of a K-major operand
  if ((desc >> 62) != 1 || ((desc >> 49) & 7)) die("only 128-byte swizzle, base offset 0 is emulated", 0);
  uint32_t s = (uint32_t)(desc & 0x3fff) * 16, sbo = ((uint32_t)(desc >> 32) & 0x3fff) * 16, a = s + (row >> 3) * sbo + (row & 7) * 128 + k * 2;
  if (swzmode == 1 && ((s & 0x380) || (sbo & 1023))) die("strict: operand start or stride is off the 1024-byte swizzle pattern", 0);
  a = swzmode == 2 ? a ^ ((row & 7) << 4) : swz128(a);
  uint16_t h; memcpy(&h, dyn + a, 2); return h; }
static void wg_run(Wg &q, int w) {
  static float A[16][16], B[16][256]; counters.mma++;
  for (int m = 0; m < 16; m++) for (int k = 0; k < 16; k++) A[m][k] = h2f(mat(q.da, (w & 3) * 16 + m, k));
  for (int n = 0; n < q.n; n++) for (int k = 0; k < 16; k++) B[k][n] = h2f(mat(q.db, n, k));
  for (int m = 0; m < 16; m++) { float C[256] = {0}; for (int k = 0; k < 16; k++) for (int n = 0; n < q.n; n++) C[n] += A[m][k] * B[k][n];
    for (int n = 0; n < q.n; n++) { float *p = &q.d[(m & 7) * 4 + ((n & 7) >> 1)][(n >> 3) * 4 + (m >> 3) * 2 + (n & 1)]; *p = (q.acc ? *p : 0.0f) + C[n]; } }
}
static int nbcnt[16];
}
uint32_t smem_u32(const void *p) { return (uint32_t)((const unsigned char *)p - dyn); }
void mbar_init(void *b, int n) { MB m = {(uint16_t)n, (uint16_t)n, 0}; memcpy(b, &m, 8); }
void mbar_expect_tx(void *b, int n) { MB *m = (MB *)b; if (!m->pend) die("mbarrier: more arrivals than its count", 0); m->txph += n * 2; m->pend--; mb_check(m); }
void mbar_arrive(void *b) { MB *m = (MB *)b; if (!m->pend) die("mbarrier: more arrivals than its count", 0); int ph = m->txph & 1; m->pend--; mb_check(m);
  if ((m->txph & 1) != ph && (sched == RAND || sched == SKEW)) { leave = true; yield(); } }
void mbar_wait(void *b, int parity) { F *f = fcur; MB *m = (MB *)b; if (cpmode == 2 && (rnd() & 1)) tma_progress();
  while ((m->txph & 1) == (parity & 1)) { f->waitbar = m; wp[f->warp].runnable &= ~(1u << f->lane); yield(); } }
void tma_load_4d(void *dst, const TMap *m, void *bar, int c0, int c1, int c2, int c3) {
  if (smem_u32(dst) & (m->swz ? 1023 : 127)) die("TMA destination not aligned (1024 bytes for the 128-byte swizzle)", 0);
  for (int i = 0; i < 4; i++) if (m->box[i] > 256 || !m->box[i]) die("TMA box dimension must be 1..256", 0);
  if (m->swz && m->box[0] * m->elt != 128) die("128-byte swizzle: this emulator wants an inner box of exactly 128 bytes", 0);
  for (int i = 0; i < 3; i++) if (m->stride[i] & 15) die("TMA stride must be a multiple of 16 bytes", 0);
  if (ntq == 64) die("too many TMA loads", 0); tq[ntq++] = {(unsigned char *)dst, *m, (MB *)bar, {c0, c1, c2, c3}}; if (cpmode == 0) tma_progress(); }
void wgmma_any(float *d, int n, uint64_t da, uint64_t db, int acc, int line) {
  F *f = fcur; f->wd = d; f->wda = da; f->wdb = db; f->s.a[0] = n; f->s.a[1] = acc;
  if (swzmode < 0) { const char *e = getenv("EMU_SWZ"); swzmode = !e ? 0 : !strcmp(e, "strict") ? 1 : !strcmp(e, "rel") ? 2 : 0; }
  collective(K_WGMMA, line, [](F *l) { int w = l->warp; Wg q; q.da = l->wda; q.db = l->wdb; q.n = l->s.a[0]; q.acc = l->s.a[1];
    for (int i = 0; i < 32; i++) { if (l[i].wda != q.da || l[i].wdb != q.db || (int)l[i].s.a[1] != q.acc) die("wgmma operands differ between lanes", 0); q.d[i] = l[i].wd; }
    if (cpmode == 0 || (cpmode == 2 && !nwq[w] && (rnd() & 1))) wg_run(q, w); else { if (nwq[w] == 64) die("too many wgmma in flight", 0); wq[w][nwq[w]++] = q; } });
}
void wgmma_commit() { collective(K_WGMMA, -2, [](F *l) { int w = l->warp; if (ngrp[w] == 16) die("too many wgmma groups", 0); grp[w][ngrp[w]++] = nwq[w]; }); }
void wgmma_wait_n(int n) { F *f = fcur; f->s.a[0] = n;
  collective(K_WGMMA, -1, [](F *l) { int w = l->warp, k = ngrp[w] - (int)l->s.a[0]; if (k <= 0) return; int end = grp[w][k - 1];
    for (int i = 0; i < end; i++) wg_run(wq[w][i], w); memmove(wq[w], wq[w] + end, (nwq[w] - end) * sizeof(Wg)); nwq[w] -= end; ngrp[w] -= k;
    for (int i = 0; i < ngrp[w]; i++) grp[w][i] = grp[w][i + k] - end; }); }
void stmatrix_x4_trans(void *row, const uint32_t (&r)[4], int line) {
  F *f = fcur; memcpy(f->s.a, r, 16); f->s.p = (const unsigned char *)row; if ((uintptr_t)row & 15) die("stmatrix row not 16-byte aligned", line);
  collective(K_LDM, line, [](F *l) {
    for (int q = 0; q < 4; q++) { int cnt[8] = {0}, ways = 1; for (int j = 0; j < 8; j++) ways = std::max(ways, ++cnt[((uintptr_t)l[q * 8 + j].s.p >> 4) & 7]); counters.bank_conflicts += ways - 1;
      for (int i = 0; i < 32; i++) for (int e = 0; e < 2; e++) { uint16_t h = (uint16_t)(l[i].s.a[q] >> (16 * e));   // element (i/4, 2*(i%4)+e) goes to memory row = its column
        memcpy((unsigned char *)l[q * 8 + (i & 3) * 2 + e].s.p + (i >> 2) * 2, &h, 2); } } });
}
void named_bar(int id, int threads, int line) { F *f = fcur; blocked_line = line; if (id < 1 || id > 15) die("named barrier id", line);
  if (wp[f->warp].arrived) die("named barrier while warp mates wait in a collective", line);
  if (++nbcnt[id] == threads) { nbcnt[id] = 0; wake(&nbcnt[id]); if (sched != FWD && sched != LOCKSTEP) yield(); }
  else { f->waitbar = &nbcnt[id]; wp[f->warp].runnable &= ~(1u << f->lane); yield(); } }
void cp_async16_zfill(void *dst, const void *src, bool valid, int line) {
  static const uint4 zero = {};
  cp_async16(dst, valid ? src : &zero, line);
}
