#include "kernel_gradients.h"
#include "kernel_lookup.h"
#include "kernel_motion.h"
#include "kernel_network.h"
#include "kernel_samples.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

namespace adain {

namespace base {
extern const LookupKernels kLookup;
extern const Kernels kFloat, kHalf, kByte;
extern const Gradients kGradients, kHalfGradients;
extern const SampleKernels<uint8_t> kSamples;
extern const SampleKernels<uint16_t> kDeepSamples;
extern const RowKernels kRows;
extern const MotionKernels kMotion;
extern const FollowKernels<uint8_t> kFollow;
extern const FollowKernels<uint16_t> kDeepFollow;
}
#if defined(__x86_64__)
namespace avx2 {
extern const LookupKernels kLookup;
extern const Kernels kFloat, kHalf, kByte;
extern const Gradients kGradients, kHalfGradients;
extern const SampleKernels<uint8_t> kSamples;
extern const SampleKernels<uint16_t> kDeepSamples;
extern const RowKernels kRows;
extern const MotionKernels kMotion;
extern const FollowKernels<uint8_t> kFollow;
extern const FollowKernels<uint16_t> kDeepFollow;
}
namespace avx512 {
extern const LookupKernels kLookup;
extern const Kernels kFloat, kHalf, kByte;
extern const Gradients kGradients, kHalfGradients;
extern const SampleKernels<uint8_t> kSamples;
extern const SampleKernels<uint16_t> kDeepSamples;
extern const RowKernels kRows;
extern const MotionKernels kMotion;
extern const FollowKernels<uint8_t> kFollow;
extern const FollowKernels<uint16_t> kDeepFollow;
}
namespace avx512bf16 {
extern const Kernels kHalf;
}
#endif

namespace {

struct Choice {
  const char *name;
  bool usable;
  const Kernels *with_float, *with_half, *with_byte;
  const Gradients *training, *training_half;
  const SampleKernels<uint8_t> *samples;
  const SampleKernels<uint16_t> *deep_samples;
  const RowKernels *rows;
  const LookupKernels *lookup;
  const MotionKernels *motion;
  const FollowKernels<uint8_t> *follow;
  const FollowKernels<uint16_t> *deep_follow;
};

// Best first; the last one runs everywhere.
std::span<const Choice> choices() {
  static const Choice all[] = {
#if defined(__x86_64__)
      {"AVX-512",
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl"),
       &avx512::kFloat, __builtin_cpu_supports("avx512bf16") ? &avx512bf16::kHalf : &avx512::kHalf, &avx512::kByte, &avx512::kGradients, &avx512::kHalfGradients, &avx512::kSamples, &avx512::kDeepSamples,
       &avx512::kRows, &avx512::kLookup, &avx512::kMotion, &avx512::kFollow, &avx512::kDeepFollow},
      {"AVX2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), &avx2::kFloat, &avx2::kHalf, &avx2::kByte, &avx2::kGradients, &avx2::kHalfGradients, &avx2::kSamples, &avx2::kDeepSamples,
       &avx2::kRows, &avx2::kLookup, &avx2::kMotion, &avx2::kFollow, &avx2::kDeepFollow},
#endif
      {"128-bit vectors", true, &base::kFloat, &base::kHalf, &base::kByte, &base::kGradients, &base::kHalfGradients, &base::kSamples, &base::kDeepSamples,
       &base::kRows, &base::kLookup, &base::kMotion, &base::kFollow, &base::kDeepFollow},
  };
  return all;
}

const Choice *&chosen() {
  static const Choice *c = [] {
    for (const Choice &c : choices())
      if (c.usable) return &c;
    return &choices().back();
  }();
  return c;
}

// weight(y) is that of row y.
template <class Weight>
bool merge(const float *moments, int rows, int channels, Weight weight, double *merged, float *mean, float *std) {
  double *m = merged, *distances = m + channels, all = 0;
  std::fill_n(merged, 2 * channels, 0.);
  for (int y = 0; y < rows; y++) {
    const float *r = moments + size_t(y) * 2 * channels;
    if (weight(y) == 0) continue;
    const double share = weight(y) / (all + weight(y)), between = all * share;
    for (int i = 0; i < channels; i++) {
      const double d = r[i] - m[i];
      m[i] += d * share;
      distances[i] += r[channels + i] + d * d * between;
    }
    all += weight(y);
  }
  if (all == 0) return false;
  for (int i = 0; i < channels; i++) {
    mean[i] = float(m[i]);
    std[i] = float(std::sqrt(distances[i] / all + 1e-5));
  }
  return true;
}

}  // namespace

void merge_moments(const float *moments, int rows, int cols, int channels, double *merged, float *mean, float *std) {
  merge(moments, rows, channels, [&](int) { return double(cols); }, merged, mean, std);
}

bool merge_weighted_moments(const float *moments, const float *weights, int rows, int channels, double *merged, float *mean, float *std) {
  return merge(moments, rows, channels, [&](int y) { return double(weights[y]); }, merged, mean, std);
}

const Kernels &kernels(bool half) { return half ? *chosen()->with_half : *chosen()->with_float; }
const Kernels &kernels(Number feature) { return feature == Number::uint8 ? *chosen()->with_byte : kernels(feature == Number::bfloat16); }
const Gradients &gradients(bool half) { return half ? *chosen()->training_half : *chosen()->training; }
template <>
const SampleKernels<uint8_t> &sample_kernels() {
  return *chosen()->samples;
}
template <>
const SampleKernels<uint16_t> &sample_kernels() {
  return *chosen()->deep_samples;
}
const RowKernels &row_kernels() { return *chosen()->rows; }
const MotionKernels &motion_kernels() { return *chosen()->motion; }
template <>
const FollowKernels<uint8_t> &follow_kernels() {
  return *chosen()->follow;
}
template <>
const FollowKernels<uint16_t> &follow_kernels() {
  return *chosen()->deep_follow;
}

void look_up(const Lookup &table, float *rgb, size_t area) {
  if (table.form.size == 0) return;
  const LookupKernels &k = *chosen()->lookup;
  (table.form.cube ? k.cube : k.curves)(table, rgb, rgb + area, rgb + 2 * area, area);
}

const char *kernels_name() { return chosen()->name; }

bool use_kernels(const char *name) {
  for (const Choice &c : choices())
    if (c.usable && std::strcmp(c.name, name) == 0) {
      chosen() = &c;
      return true;
    }
  return false;
}

}  // namespace adain
