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
  for (int c = 0; c < from.channels; c++) {
    if (c < 2) across_[c] = Across(cols(from, c), cols(to.form, c));
    const Division down(rows(to.form, c), rows(to.form, c) / kRows);
    for (int k = 0; k < down.count; k++) groups_.push_back({c, down.begin(k), down.size(k)});
  }
}

void Reduce::run(int chunk, int) {
  const Group &g = groups_[chunk];
  with_samples(src.form, [&](auto sample) {
    for (int y = g.begin; y < g.begin + g.size; y++) row<decltype(sample)>(g.channel, y);
  });
}

// Columns first: sums of samples of 8 bits stay below 2^32, as weights add up to the frame's height, at most 2^24. Sums of the whole are
// whole numbers below 2^53, for 16 bits in pictures of up to 2^37 pixels, so that a double holds them. It is multiplied instead of divided:
// quotients are whole numbers of 1/(2*area), half of that is added, and rounding comes to less in any area below 2^42, or 2^34.
template <class Sample>
void Reduce::row(int c, int y) const {
  typedef typename SampleKernels<Sample>::Sum Sum;
  const int width = cols(src.form, c), from = rows(src.form, c), to = rows(to_.form, c);
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const Across &a = across_[std::min(c, 1)];
  // What the last taps of weight 0 read beyond the row only has to be a number.
  auto sums = reinterpret_cast<Sum *>(scratch(Scratch::lines, sizeof(Sum) * (size_t(width) + a.taps)));
  std::fill_n(sums, width, 0);
  for (int j = first(y, from, to); j < end(y, from, to); j++) k.add(src.row<Sample>(c, j), width, uint32_t(overlap(y, j, from, to)), sums);
  const double area = double(width) * from;
  k.narrow(sums, a.begin.data(), a.weight.data(), a.taps, cols(to_.form, c), (area + .5) / 2, 1 / area, to_.picture().row<Sample>(c, y));
}

}  // namespace adain
