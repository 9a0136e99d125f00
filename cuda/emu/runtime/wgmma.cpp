// wgmma m64nNk16: half precision, both operands K-major in shared memory with the 128-byte swizzle. Each warp of a warpgroup computes its
// 16 rows; a product is done when it is issued, when its group is waited for, or by chance at either.
#include "block.h"
#include "instructions.h"

namespace emu {

namespace {

constexpr size_t kMaxInFlight = 256, kMaxGroups = 32;
constexpr int kMaxColumns = 256;

// Descriptor of an operand (PTX ISA 9.7.15.5.1.2.2): start in bits 0-13, distance of 8-row groups in 32-45, both in 16 bytes; base
// offset in 49-51, swizzle in 62-63.
struct Operand {
  uint32_t start, group_stride;
  explicit Operand(uint64_t descriptor)
      : start(uint32_t(descriptor & 0x3fff) * 16), group_stride(uint32_t(descriptor >> 32 & 0x3fff) * 16) {
    if (descriptor >> 62 != 1 || (descriptor >> 49 & 7)) fail(0, "wgmma: only the 128-byte swizzle with base offset 0 is emulated");
    if (options.swizzle == Swizzle::strict && (start & 0x380 || group_stride % 1024))
      fail(0, "wgmma, strict: an operand at byte %u with a stride of %u is off the 1024-byte swizzle pattern", start, group_stride);
  }

  // Elements 8*half to 8*half+7 of a row.
  const unsigned char *piece(int row, int half) const {
    const uint32_t plain = start + uint32_t(row / 8) * group_stride + uint32_t(row % 8) * 128 + uint32_t(half) * 16;
    const uint32_t by = options.swizzle == Swizzle::relative ? uint32_t(row % 8) : plain >> 7 & 7;
    return shared_memory(plain ^ by << 4, 16, "wgmma operand");
  }
};

void read_row(const Operand &operand, int row, float *to, int step) {
  for (int half = 0; half < 2; half++) {
    uint16_t values[8];
    std::memcpy(values, operand.piece(row, half), 16);
    for (int i = 0; i < 8; i++) to[(half * 8 + i) * step] = widen(values[i]);
  }
}

// All in local memory and in the lanes' accumulators.
__attribute__((no_sanitize("address", "undefined")))
void multiply(const float (&a)[16][16], const float (&b)[16][kMaxColumns], const Wgmma &w) {
  for (int m = 0; m < 16; m++)
    for (int from = 0; from < w.columns; from += 8) {
      float sum[8] = {};  // so many that the compiler keeps them in registers
      for (int k = 0; k < 16; k++)
        for (int n = 0; n < 8; n++) sum[n] += a[m][k] * b[k][from + n];
      for (int n = 0; n < 8; n++) {
        float &d = w.accumulators[m % 8 * 4 + n / 2][from / 2 + m / 8 * 2 + n % 2];
        d = (w.accumulate ? d : 0.0f) + sum[n];
      }
    }
}

// For the race detector the lane that arrives last reads the operands: when the product is issued, and again when it is waited for,
// whenever it was computed. Every lane that waits is then ordered behind these reads.
void touch_operands(const Wgmma &w, int warp) {
  if (!kSanitized) return;
  EMU_RETURN_TO(w.return_address);
  const Operand a(w.a), b(w.b);
  for (int i = 0; i < 16 * 2; i++) touch_read(a.piece(warp % 4 * 16 + i / 2, i % 2));
  for (int i = 0; i < w.columns * 2; i++) touch_read(b.piece(i / 2, i % 2));
}

void compute(Wgmma &w, int warp) {
  if (w.computed) return;
  w.computed = true;
  const Unobserved here;
  static float a[16][16], b[16][kMaxColumns];
  counters.wgmma++;
  const Operand left(w.a), right(w.b);
  for (int m = 0; m < 16; m++) read_row(left, warp % 4 * 16 + m, a[m], 1);
  for (int n = 0; n < w.columns; n++) read_row(right, n, &b[0][n], kMaxColumns);
  multiply(a, b, w);
  if (broken(w.columns == 64 ? "wgmma64" : w.columns == 128 ? "wgmma128" : "wgmma256")) w.accumulators[0][0] += 1;
}

Wgmma gathered(const Fiber *lane, void *return_address, int line) {
  const Unobserved here;
  const Operands &first = lane[0].operands;
  Wgmma w = {first.descriptor[0], first.descriptor[1], first.number, first.second != 0, false, return_address, {}};
  if (w.columns < 8 || w.columns > kMaxColumns || w.columns % 8) fail(line, "wgmma of %d columns", w.columns);
  for (int i = 0; i < kLanes; i++) {
    const Operands &o = lane[i].operands;
    if (o.descriptor[0] != w.a || o.descriptor[1] != w.b || o.number != first.number || o.second != first.second)
      fail(line, "wgmma: lanes of a warp have different operands");
    w.accumulators[i] = o.accumulators;
  }
  return w;
}

void finish_groups(Warp &w, int warp, int may_stay) {
  if (w.wgmma_group_end.size() <= size_t(may_stay)) return;
  const size_t groups = w.wgmma_group_end.size() - size_t(may_stay), end = w.wgmma_group_end[groups - 1];
  for (size_t i = 0; i < end; i++) {
    touch_operands(w.wgmma[i], warp);
    compute(w.wgmma[i], warp);
  }
  const Unobserved here;
  w.wgmma.erase(w.wgmma.begin(), w.wgmma.begin() + ptrdiff_t(end));
  w.wgmma_group_end.erase(w.wgmma_group_end.begin(), w.wgmma_group_end.begin() + ptrdiff_t(groups));
  for (size_t &e : w.wgmma_group_end) e -= end;
}

}  // namespace
}  // namespace emu

using namespace emu;

void wgmma_any(float *d, int n, uint64_t a, uint64_t b, int accumulate, int line) {
  Fiber &f = self();
  f.operands.accumulators = d;
  f.operands.descriptor[0] = a;
  f.operands.descriptor[1] = b;
  f.operands.number = n;
  f.operands.second = accumulate;
  if (!last_to_arrive(Instruction::wgmma, line)) return;
  Warp &w = warp_of(f);
  if (w.wgmma.size() == kMaxInFlight) fail(line, "more than %zu wgmma of a warp in flight", kMaxInFlight);
  Wgmma product = gathered(lanes_of(f), __builtin_return_address(0), line);
  touch_operands(product, f.warp);
  release(&w.wgmma_done);
  // One that is computed at once must not overtake those before it: they share accumulators.
  const bool next = w.wgmma.empty() || w.wgmma.back().computed;
  if (next && (options.landing == Landing::now || (options.landing == Landing::mixed && coin()))) compute(product, f.warp);
  {
    const Unobserved here;
    w.wgmma.push_back(product);
  }
  finish_together();
}

void wgmma_commit() {
  Fiber &f = self();
  if (!last_to_arrive(Instruction::wgmma_commit, 0)) return;
  Warp &w = warp_of(f);
  if (w.wgmma_group_end.size() == kMaxGroups) fail(0, "more than %zu groups of wgmma in a warp", kMaxGroups);
  {
    const Unobserved here;
    w.wgmma_group_end.push_back(w.wgmma.size());
  }
  finish_together();
}

// The newest n groups may stay in flight. Behind it every lane is ordered after the reads of those that are done.
void wgmma_wait_n(int n) {
  Fiber &f = self();
  Warp &w = warp_of(f);
  f.operands.number = n;
  if (last_to_arrive(Instruction::wgmma_wait, 0)) {
    finish_groups(w, f.warp, n);
    release(&w.wgmma_done);
    finish_together();
  }
  acquire(&w.wgmma_done);
}
