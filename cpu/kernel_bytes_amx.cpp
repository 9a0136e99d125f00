#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cpuid.h>

#include "kernel_bytes.h"
#include "kernel_network.h"

namespace adain::amx {

// Whether the processor has the instructions and the system keeps their registers for us: Linux wants to be asked once per process.
bool usable() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA: arch/x86/include/uapi/asm/prctl.h
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 24 & 1) || !(d >> 25 & 1)) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,amx-tile,amx-int8,prefer-vector-width=512")

constexpr int LANES = 16;
#define ADAIN_VNNI 512
#include "kernel_network_body.h"
#include "kernel_bytes_body.h"

namespace {

// Registers of 16 rows of 64 bytes. 0 to 3 are sums of 16 pixels and 16 columns each, 4 and 5 pixels of the source, 6 and 7 weights.
class Tiles {
 public:
  Tiles(int pixels, int block) {
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t bytes[16] = {};
      uint8_t rows[16] = {};
    } shape;
    for (int i = 0; i < 4; i++) shape.bytes[i] = 64, shape.rows[i] = uint8_t(pixels);
    for (int i = 4; i < 6; i++) shape.bytes[i] = uint16_t(block), shape.rows[i] = uint8_t(pixels);
    for (int i = 6; i < 8; i++) shape.bytes[i] = 64, shape.rows[i] = uint8_t(block / 4);
    _tile_loadconfig(&shape);
  }
  ~Tiles() { _tile_release(); }
};

template <class T>
class Row {
 public:
  Row(const ByteLayer &layer, const uint8_t *src, size_t pitch, int cols, T *dst)
      : l_(layer), src_(src), pitch_(pitch), cols_(cols), pixels_(std::min(cols, 16)), dst_(dst) {}

  void run() {
    const Tiles tiles(pixels_, l_.block);
    int column = 0;
    for (; l_.columns() - column >= 32; column += 32)
      for (int x = 0; x < cols_; x += 32) two_by_two(x, column);
    if (column < l_.columns())
      for (int x = 0; x < cols_; x += 64) four(x, column);
  }

 private:
  // Where the i-th group of pixels from x on begins: the last one begins earlier and computes some results again.
  int group(int x, int i) const { return std::min(x + 16 * i, cols_ - pixels_); }
  template <class Multiply>
  void blocks(int column, Multiply multiply) const {
    const int row = l_.kernel * l_.inputs, columns = l_.columns();
    const int8_t *weight = l_.weight + 4 * column;
    for (int y = 0; y < l_.kernel; y++)
      for (int k = 0; k < row; k += l_.block, weight += size_t(l_.block) * columns) multiply(y * pitch_ + k, weight);
  }

  void two_by_two(int x, int column) {
    const uint8_t *first = src_ + size_t(group(x, 0)) * l_.inputs, *second = src_ + size_t(group(x, 1)) * l_.inputs;
    const int distance = 4 * l_.columns();
    clear();
    blocks(column, [&](size_t from, const int8_t *weight) {
      _tile_loadd(4, first + from, l_.inputs);
      _tile_loadd(6, weight, distance);
      _tile_loadd(7, weight + 64, distance);
      _tile_loadd(5, second + from, l_.inputs);
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(1, 4, 7);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    });
    store();
    for (int i = 0; i < 4; i++) put(i, group(x, i / 2), column + 16 * (i % 2));
  }

  // Rows of source and weights come and go in turns, so that a load need not wait for the product before.
  void four(int x, int column) {
    const uint8_t *at[4];
    for (int i = 0; i < 4; i++) at[i] = src_ + size_t(group(x, i)) * l_.inputs;
    clear();
    blocks(column, [&](size_t from, const int8_t *weight) {
      _tile_loadd(6, weight, 4 * l_.columns());
      _tile_loadd(4, at[0] + from, l_.inputs);
      _tile_loadd(5, at[1] + from, l_.inputs);
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(1, 5, 6);
      _tile_loadd(4, at[2] + from, l_.inputs);
      _tile_loadd(5, at[3] + from, l_.inputs);
      _tile_dpbusd(2, 4, 6);
      _tile_dpbusd(3, 5, 6);
    });
    store();
    for (int i = 0; i < 4; i++) put(i, group(x, i), column);
  }

  static void clear() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  void store() {
    _tile_stored(0, sums_[0], 64);
    _tile_stored(1, sums_[1], 64);
    _tile_stored(2, sums_[2], 64);
    _tile_stored(3, sums_[3], 64);
  }
  void put(int tile, int x, int column) {
    if (column >= l_.outputs) return;
    const Columns to(l_, column);
    const int pixels = pixels_, outputs = l_.outputs;
    T *dst = dst_ + size_t(x) * outputs + column;
    for (int p = 0; p < pixels; p++, dst += outputs) to.put(*(const Sums *)(sums_[tile] + 16 * p), dst);
  }

  const ByteLayer &l_;
  const uint8_t *src_;
  const size_t pitch_;
  const int cols_, pixels_;
  T *dst_;
  alignas(64) int32_t sums_[4][256];
};

template <class T>
void row(const ByteLayer &l, const uint8_t *src, size_t pitch, int cols, T *dst) {
  Row<T>(l, src, pitch, cols, dst).run();
}

}  // namespace

extern const ByteKernels kBytes = {"AMX", row<uint8_t>, row<float>};

#pragma GCC pop_options

}  // namespace adain::amx
#endif
