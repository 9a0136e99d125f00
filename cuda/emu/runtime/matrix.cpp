// mma.sync, ldmatrix, stmatrix: how matrices lie in the lanes of a warp is said in the PTX ISA, 9.7.14.
#include "block.h"
#include "options.h"
#include "instructions.h"

namespace emu {

#ifndef __F16C__
const std::vector<float> widened = [] {
  std::vector<float> t(65536);
  for (int i = 0; i < 65536; i++) t[i] = __half2float({uint16_t(i)});
  return t;
}();
#endif

unsigned char *shared_memory(uint32_t address, size_t bytes, const char *what) {
  if (address + bytes > block.shared_bytes)
    fail(0, "%s at bytes %u to %zu of shared memory, of which there are %zu", what, address, address + bytes, block.shared_bytes);
  return dyn + address;
}

namespace {

// One row of the result, as the processor computes it.
typedef float Row __attribute__((vector_size(32), aligned(32)));

// d += a * b, all in local memory: what a sanitizer could say here it says slowly.
__attribute__((no_sanitize("address", "undefined"))) void multiply(Fiber *lane) {
  float a[16][16];
  Row b[16], c[16];
  for (int i = 0; i < kLanes; i++) {
    const Operands &o = lane[i].operands;
    const int group = i / 4, pair = i % 4 * 2;
    for (int r = 0; r < 4; r++) {
      const int row = group + (r & 1) * 8, col = pair + (r >> 1) * 8;
      a[row][col] = widen(uint16_t(o.a[r]));
      a[row][col + 1] = widen(uint16_t(o.a[r] >> 16));
    }
    for (int r = 0; r < 2; r++) {
      b[pair + r * 8][group] = widen(uint16_t(o.b[r]));
      b[pair + r * 8 + 1][group] = widen(uint16_t(o.b[r] >> 16));
      c[group + r * 8][pair] = o.c[r * 2];
      c[group + r * 8][pair + 1] = o.c[r * 2 + 1];
    }
  }
  for (int m = 0; m < 16; m++) {
    Row sum = c[m];
    for (int k = 0; k < 16; k++) sum += a[m][k] * b[k];
    c[m] = sum;
  }
  for (int i = 0; i < kLanes; i++) {
    Operands &o = lane[i].operands;
    for (int r = 0; r < 2; r++) {
      o.c[r * 2] = c[i / 4 + r * 8][i % 4 * 2];
      o.c[r * 2 + 1] = c[i / 4 + r * 8][i % 4 * 2 + 1];
    }
  }
}

// Eight rows of 16 bytes cover all banks once, if no two of them lie in the same sixteenth of 128 bytes.
void count_conflicts(const Fiber *lane) {
  for (int matrix = 0; matrix < 4; matrix++) {
    int rows[8] = {}, most = 1;
    for (int i = 0; i < 8; i++) {
      const auto address = reinterpret_cast<uintptr_t>(lane[matrix * 8 + i].operands.row);
      most = std::max(most, ++rows[address / 16 % 8]);
    }
    counters.bank_conflicts += most - 1;
  }
}

void load(Fiber *lane) {
  counters.ldmatrix++;
  count_conflicts(lane);
  for (int matrix = 0; matrix < 4; matrix++)
    for (int i = 0; i < kLanes; i++)
      std::memcpy(&lane[i].operands.result[matrix], lane[matrix * 8 + i / 4].operands.row + i % 4 * 4, 4);
}

// Element (2*(i%4)+e, i/4) of each matrix goes to lane i.
void load_transposed(Fiber *lane) {
  counters.ldmatrix++;
  count_conflicts(lane);
  for (int matrix = 0; matrix < 4; matrix++)
    for (int i = 0; i < kLanes; i++) {
      uint16_t half[2];
      for (int e = 0; e < 2; e++) std::memcpy(&half[e], lane[matrix * 8 + i % 4 * 2 + e].operands.row + i / 4 * 2, 2);
      std::memcpy(&lane[i].operands.result[matrix], half, 4);
    }
}

// Element (i/4, 2*(i%4)+e) of lane i goes to the memory row of its column.
void store_transposed(const Fiber *lane) {
  count_conflicts(lane);
  for (int matrix = 0; matrix < 4; matrix++)
    for (int i = 0; i < kLanes; i++)
      for (int e = 0; e < 2; e++) {
        const uint16_t half = uint16_t(lane[i].operands.a[matrix] >> 16 * e);
        std::memcpy(lane[matrix * 8 + i % 4 * 2 + e].operands.row + i / 4 * 2, &half, 2);
      }
}

// Register m of lane i is elements 2 * (i % 4) and the next of row i / 4 of matrix m.
void store(const Fiber *lane) {
  count_conflicts(lane);
  for (int matrix = 0; matrix < 4; matrix++)
    for (int i = 0; i < kLanes; i++) std::memcpy(lane[matrix * 8 + i / 4].operands.row + i % 4 * 4, &lane[i].operands.a[matrix], 4);
}

void check_row(const void *row, const char *instruction, int line) {
  if (reinterpret_cast<uintptr_t>(row) % 16) fail(line, "%s: the row is not aligned to 16 bytes", instruction);
}

inline __attribute__((always_inline)) void load_together(Instruction kind, void (*loads)(Fiber *), uint32_t (&r)[4], const void *row, int line) {
  Fiber &f = self();
  check_row(row, "ldmatrix", line);
  touch_read(row);
  f.operands.row = static_cast<unsigned char *>(const_cast<void *>(row));
  if (last_to_arrive(kind, line)) {
    loads(lanes_of(f));
    finish_together();
  }
  std::memcpy(r, f.operands.result, sizeof r);
}

}  // namespace
}  // namespace emu

using namespace emu;

void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int line) {
  Fiber &f = self();
  std::memcpy(f.operands.a, a, sizeof a);
  std::memcpy(f.operands.b, b, sizeof b);
  std::memcpy(f.operands.c, d, sizeof d);
  if (last_to_arrive(Instruction::mma, line)) {
    counters.mma++;
    multiply(lanes_of(f));
    finish_together();
  }
  std::memcpy(d, f.operands.c, sizeof d);
}

void ldmatrix_x4(uint32_t (&r)[4], const void *row, int line) {
  EMU_KERNEL_FRAME();
  load_together(Instruction::ldmatrix, load, r, row, line);
}

void ldmatrix_x4_trans(uint32_t (&r)[4], const void *row, int line) {
  EMU_KERNEL_FRAME();
  load_together(Instruction::ldmatrix_trans, load_transposed, r, row, line);
}

namespace emu {
namespace {

void stmatrix(void *row, const uint32_t (&r)[4], void (*put)(const Fiber *), int line) {
  Fiber &f = self();
  check_row(row, "stmatrix", line);
  touch_write(row);
  std::memcpy(f.operands.a, r, sizeof r);
  f.operands.row = static_cast<unsigned char *>(row);
  if (last_to_arrive(Instruction::stmatrix, line)) {
    put(lanes_of(f));
    if (broken("stmatrix")) std::memset(lanes_of(f)[0].operands.row, 0x11, 2);
    finish_together();
  }
}

}  // namespace
}  // namespace emu

void stmatrix_x4_trans(void *row, const uint32_t (&r)[4], int line) {
  EMU_KERNEL_FRAME();
  emu::stmatrix(row, r, emu::store_transposed, line);
}

void stmatrix_x4(void *row, const uint32_t (&r)[4], int line) {
  EMU_KERNEL_FRAME();
  emu::stmatrix(row, r, emu::store, line);
}
