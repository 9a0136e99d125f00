// Tensor copies (TMA): boxes of up to four dimensions from global to shared memory, in pieces of 16 bytes. Elements outside the tensor are
// zero, and their bytes count.
#include "block.h"
#include "instructions.h"
#include "mbarrier.h"

namespace emu {

namespace {

struct TensorCopy {
  uint32_t to;  // in shared memory
  TMap map;     // by value: the thread that issued may end before the copy lands
  MBarrier *barrier;
  int64_t corner[4];

  uint32_t row_bytes() const { return map.box[0] * map.elt; }
  uint32_t bytes() const { return row_bytes() * map.box[1] * map.box[2] * map.box[3]; }
};

constexpr size_t kMaxInFlight = 256;
std::vector<TensorCopy> in_flight;

// The 128-byte swizzle: the 16-byte column is changed by the row of 128 bytes, as the address counts them.
uint32_t swizzled(uint32_t address) { return address ^ (address >> 7 & 7) << 4; }

// The row of a box's innermost dimension in global memory; null outside the tensor.
const unsigned char *row_of(const TensorCopy &c, const uint32_t (&i)[4]) {
  const unsigned char *p = c.map.base;
  for (int d = 1; d < 4; d++) {
    const int64_t at = c.corner[d] + i[d];
    if (at < 0 || at >= int64_t(c.map.dim[d])) return nullptr;
    p += at * int64_t(c.map.stride[d - 1]);
  }
  return p;
}

// visit(to, from, first element, elements): for each 16 bytes; from is null where the row lies outside.
template <class Visit>
void for_each_piece(const TensorCopy &c, Visit visit) {
  const uint32_t elements = 16 / c.map.elt;
  uint32_t to = c.to, i[4] = {};
  for (i[3] = 0; i[3] < c.map.box[3]; i[3]++)
    for (i[2] = 0; i[2] < c.map.box[2]; i[2]++)
      for (i[1] = 0; i[1] < c.map.box[1]; i[1]++) {
        const unsigned char *row = row_of(c, i);
        for (uint32_t e = 0; e < c.map.box[0]; e += elements, to += 16)
          visit(dyn + (c.map.swz ? swizzled(to) : to), row, c.corner[0] + e, int64_t(elements));
      }
}

void land(const TensorCopy &c) {
  const int64_t width = int64_t(c.map.dim[0]), size = c.map.elt;
  for_each_piece(c, [&](unsigned char *to, const unsigned char *row, int64_t x, int64_t n) {
    if (row && x >= 0 && x + n <= width) {
      std::memcpy(to, row + x * size, 16);
      return;
    }
    std::memset(to, 0, 16);
    for (int64_t e = 0; row && e < n; e++)
      if (x + e >= 0 && x + e < width) std::memcpy(to + e * size, row + (x + e) * size, size_t(size));
  });
  deliver(*c.barrier, int(c.bytes()));
}

// For the race detector the issuing thread writes now; what waits for the barrier is ordered behind that.
EMU_INLINE void touch(const TensorCopy &c) {
  if (!kSanitized) return;
  const int64_t width = int64_t(c.map.dim[0]), size = c.map.elt;
  for_each_piece(c, [&](unsigned char *to, const unsigned char *row, int64_t x, int64_t n) __attribute__((always_inline)) {
    if (row && x >= 0 && x + n <= width) touch_read(row + x * size);
    touch_write(to);
  });
  release(c.barrier->synced(c.barrier->phase));
}

void check(const TensorCopy &c) {
  const TMap &m = c.map;
  if (m.elt != 1 && m.elt != 2 && m.elt != 4 && m.elt != 8) fail(0, "tensor map: elements of %u bytes", m.elt);
  if (reinterpret_cast<uintptr_t>(m.base) % 16) fail(0, "tensor map: the tensor is not aligned to 16 bytes");
  for (uint32_t n : m.box)
    if (n < 1 || n > 256) fail(0, "tensor map: %u elements in a dimension of the box; there can be 1 to 256", n);
  for (uint64_t n : m.dim)
    if (n < 1 || n > uint64_t(1) << 32) fail(0, "tensor map: a dimension of %llu elements", (unsigned long long)n);
  for (uint64_t n : m.stride)
    if (n % 16 || n >= uint64_t(1) << 40)
      fail(0, "tensor map: a stride of %llu bytes is not a multiple of 16 below 2^40", (unsigned long long)n);
  if (c.row_bytes() % 16) fail(0, "tensor map: rows of %u bytes in the box are not a multiple of 16", c.row_bytes());
  if (m.swz && c.row_bytes() != 128)
    fail(0, "tensor map: 128-byte swizzle with rows of %u bytes; 128 are emulated", c.row_bytes());
  const uint32_t alignment = m.swz ? 1024 : 128;
  if (c.to % alignment) fail(0, "tensor copy to byte %u of shared memory: not aligned to %u", c.to, alignment);
  shared_memory(c.to, c.bytes(), "tensor copy");
}

}  // namespace

bool land_tensor_copy() {
  if (in_flight.empty()) return false;
  const Unobserved here;
  const size_t i = random_bits() % in_flight.size();
  const TensorCopy c = in_flight[i];
  in_flight[i] = in_flight.back();
  in_flight.pop_back();
  land(c);
  return true;
}

int tensor_copies_in_flight() { return int(in_flight.size()); }
void forget_tensor_copies() { in_flight.clear(); }

}  // namespace emu

using namespace emu;

void tma_load_4d(void *dst, const TMap *map, void *bar, int c0, int c1, int c2, int c3) {
  EMU_KERNEL_FRAME();
  const TensorCopy c = {smem_u32(dst), *map, static_cast<MBarrier *>(bar), {c0, c1, c2, c3}};
  check(c);
  if (in_flight.size() == kMaxInFlight) fail(0, "more than %zu tensor copies in flight", kMaxInFlight);
  counters.copies++;
  touch(c);
  {
    const Unobserved here;
    in_flight.push_back(c);
  }
  if (options.landing == Landing::now) land_tensor_copy();
}
