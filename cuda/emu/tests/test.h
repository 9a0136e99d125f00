// What the kernel tests share. A test file is named after the kernel file it tests, includes it, and holds its cases:
//
//   #include "conv.cu"
//   #include "test.h"
//
//   TEST(conv_odd_sizes) {
//     test::Random random(1);
//     test::Buffer<__half> x(n), y(m);
//     for (auto &v : x) v = __float2half_rn(random.uniform(-1, 1));
//     test::launch("conv_n64", dim3(tiles, Cout / 64), x.data(), w.data(), bias.data(), y.data(), H, W, Cin, Cout, rep);
//     test::near("conv_n64 17x33", y.data(), wanted.data(), y.size(), 2e-3, 1e-3);
//   }
//
// A case's name begins with what it tests. What the cases must find is tried with seeded bugs (bugs_test.go). Keep a file's
// cases under about two seconds together: they run in eight orders and under two sanitizers.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../emu.h"

namespace test {

struct Case {
  Case(const char *name, void (*run)());
  const char *name;
  void (*run)();
  Case *next;
};

#define TEST(name)                               \
  static void name();                            \
  static test::Case case_of_##name(#name, name); \
  static void name()

// Stands before a function of plain loops that a kernel is held against: a sanitizer takes longer over it than over the kernel.
#define REFERENCE __attribute__((no_sanitize("address", "thread", "undefined")))

// Says what is wrong, printf-like; the case goes on and has failed. Equal texts are printed once, with their number.
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition) \
  ((condition) ? void() : test::fail("%s:%d: %s does not hold", __FILE__, __LINE__, #condition))

// The same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {
    for (int i = 0; i < 8; i++) bits();
  }
  uint32_t bits() {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return uint32_t(state_ >> 16);
  }
  int below(int n) { return int(bits() % unsigned(n)); }
  float uniform(float low, float high) { return low + (high - low) * float(bits() >> 8) * 0x1p-24f; }

 private:
  uint64_t state_;
};

// GPU memory of exactly n elements, filled with 0xFF (NaN), aligned to 256 bytes like the driver's. Writing before or behind it fails:
// AddressSanitizer names the line, without it the guards are looked at when the buffer goes.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable<T>::value, "GPU memory holds plain values");

 public:
  explicit Buffer(size_t n) : n_(n) {
    void *p = nullptr;
    if (posix_memalign(&p, 256, bytes() + 2 * kGuard)) std::abort();
    whole_ = static_cast<unsigned char *>(p);
    std::memset(whole_, kMark, kGuard);
    std::memset(whole_ + kGuard, 0xFF, bytes());
    std::memset(whole_ + kGuard + bytes(), kMark, kGuard);
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() {
    for (size_t i = 0; i < kGuard; i++)
      if (whole_[i] != kMark || whole_[kGuard + bytes() + i] != kMark) {
        fail("a kernel wrote outside a buffer of %zu bytes", bytes());
        break;
      }
    std::free(whole_);
  }
  T *data() { return reinterpret_cast<T *>(whole_ + kGuard); }
  size_t size() const { return n_; }
  size_t bytes() const { return n_ * sizeof(T); }
  T &operator[](size_t i) { return data()[i]; }
  T *begin() { return data(); }
  T *end() { return data() + n_; }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr size_t kGuard = 0;
#else
  static constexpr size_t kGuard = 256;
#endif
  static constexpr unsigned char kMark = 0xA5;
  size_t n_;
  unsigned char *whole_;
};

inline float value(float v) { return v; }
inline float value(__half v) { return __half2float(v); }
inline float value(unsigned char v) { return v; }

// Fails unless |got - want| <= absolute + relative * |want| for every element. A NaN fails.
template <class Got, class Want>
void near(const char *what, const Got *got, const Want *want, size_t n, double absolute, double relative) {
  size_t bad = 0, first = 0;
  double worst = 0;
  for (size_t i = 0; i < n; i++) {
    const double w = value(want[i]), difference = std::fabs(value(got[i]) - w);
    if (!(difference <= absolute + relative * std::fabs(w))) {
      if (!bad++) first = i;
    }
    if (!(difference <= worst)) worst = difference;
  }
  if (bad) fail("%s: %zu of %zu values are wrong, by up to %g; element %zu is %g, wanted %g", what, bad, n, worst, first,
                double(value(got[first])), double(value(want[first])));
}

// The kernel of this name, or the test program ends.
const emu::Kernel &kernel(const char *name);
void check_arguments(const emu::Kernel &kernel, const size_t *bytes, size_t n);

// Fails unless body, in a process of its own, ends in an error of the emulator that has this text.
void dies(const char *text, const std::function<void()> &body);

// Launches a registered kernel the way the driver does: threads and shared memory from its description, arguments by address. An
// argument's type must have the size of the parameter's.
template <class... A>
void launch(const char *name, dim3 grid, A... arguments) {
  const emu::Kernel &k = kernel(name);
  const size_t bytes[] = {sizeof(A)..., 0};
  check_arguments(k, bytes, sizeof...(A));
  void *addresses[] = {static_cast<void *>(&arguments)..., nullptr};
  emu::launch(k, grid, dim3(unsigned(k.launch.threads)), size_t(k.launch.smem), addresses);
}

}  // namespace test
