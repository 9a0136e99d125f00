#include "frame_reduce.h"

#include <algorithm>

#include "kernel_samples.h"

namespace adain {

namespace {

constexpr int kRows = 16;  // of a group

// How much of sample i of n lies inside of sample k of m, in units of 1/m.
int overlap(int k, int i, int n, int m) {
  return int(std::min(int64_t(k + 1) * n, int64_t(i + 1) * m) - std::max(int64_t(k) * n, int64_t(i) * m));
}

// The samples from first to before end touch sample k.
int first(int k, int n, int m) { return int(int64_t(k) * n / m); }
int end(int k, int n, int m) { return int((int64_t(k + 1) * n + m - 1) / m); }

}  // namespace

Reduce::Across::Across(int from, int to) {
  for (int k = 0; k < to; k++) {
    begin.push_back(first(k, from, to));
    taps = std::max(taps, end(k, from, to) - begin[k]);
  }
  for (int k = 0; k < to; k++)
    for (int t = 0; t < taps; t++) weight.push_back(std::max(0, overlap(k, begin[k] + t, from, to)));
}

Reduce::Reduce(const adain_cpu_image &from, const FrameBuffer &to) : to_(to) {
  for (int i = 0; i < planes(from); i++) {
    const Plane p = plane(from, i), small = plane(to.form, i);
    across_[i] = Across(p.cols, small.cols);
    const Division down(small.rows, small.rows / kRows);
    for (int k = 0; k < down.count; k++) groups_.push_back({i, down.begin(k), down.size(k)});
  }
}

void Reduce::run(int chunk, int) {
  const Group &g = groups_[chunk];
  const Plane p = plane(src.form, g.plane);
  // What the last taps of weight 0 read beyond the row only has to be a number.
  auto sums = reinterpret_cast<uint32_t *>(scratch(Scratch::lines, 4 * (p.bytes() + size_t(across_[g.plane].taps) * p.pixel_bytes)));
  for (int y = g.begin; y < g.begin + g.size; y++) row(g.plane, y, sums);
}

// Columns first: their sums stay below 2^32, as weights add up to the frame's height, at most 2^24. Sums of the whole are whole numbers
// below 2^53, so that a double holds them. It is multiplied instead of divided: quotients are whole numbers of 1/(2*area), half of that
// is added, and rounding comes to less in any area below 2^42.
void Reduce::row(int plane, int y, uint32_t *sums) const {
  const Plane from = adain::plane(src.form, plane), to = adain::plane(to_.form, plane);
  const SampleKernels &k = sample_kernels();
  std::fill_n(sums, from.bytes(), 0);
  for (int j = first(y, from.rows, to.rows); j < end(y, from.rows, to.rows); j++)
    k.add(src.row(plane, j), int(from.bytes()), uint32_t(overlap(y, j, from.rows, to.rows)), sums);
  const Across &a = across_[plane];
  const double area = double(from.cols) * from.rows;
  k.narrow(sums, a.begin.data(), a.weight.data(), a.taps, to.cols, to.pixel_bytes, (area + .5) / 2, 1 / area, to_.row(plane, y));
}

}  // namespace adain
