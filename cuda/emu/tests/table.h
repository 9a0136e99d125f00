// Look-up tables in GPU memory for the tests of the kernels that take some, and what they mean, in double precision.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "lookup.cuh"
#include "picture.h"

namespace test {

class Table {
 public:
  Table() : lookup_() {}
  // Values spread around the identity; the domain is another one in each channel.
  Table(bool cube, int size, float low, float high, uint64_t seed) : lookup_() {
    lookup_.size = size, lookup_.cube = cube;
    const size_t count = cube ? size_t(size) * size * size : size;
    values_ = std::make_shared<Buffer<float>>(4 * count);
    Random random(seed);
    for (size_t i = 0; i < count; i++)
      for (int c = 0; c < 4; c++) {
        const size_t at = !cube || c == 0 ? i % size : c == 1 ? i / size % size : i / size / size;
        (*values_)[4 * i + c] = c < 3 ? float(at) / float(size - 1) + random.uniform(-0.2f, 0.2f) : 0;
      }
    for (int c = 0; c < 3; c++) {
      lookup_.low[c] = low - 0.1f * c;
      lookup_.scale[c] = float(size - 1) / (high + 0.1f * c - lookup_.low[c]);
    }
    lookup_.values = values_->data();
  }

  bool exists() const { return lookup_.values != nullptr; }
  const Lookup &lookup() const { return lookup_; }

  Rgb at(const Rgb &p) const {
    if (!exists()) return p;
    int below[3];
    double share[3];
    for (int c = 0; c < 3; c++) {
      const double at = std::min(std::max((p.v[c] - lookup_.low[c]) * lookup_.scale[c], 0.0), double(lookup_.size - 1));
      below[c] = std::min(int(at), lookup_.size - 2);
      share[c] = at - below[c];
    }
    Rgb out = {};
    if (!lookup_.cube) {
      for (int c = 0; c < 3; c++) out.v[c] = clamp(value(below[c], c) * (1 - share[c]) + value(below[c] + 1, c) * share[c]);
      return out;
    }
    int order[3] = {0, 1, 2};
    std::stable_sort(order, order + 3, [&](int a, int b) { return share[a] > share[b]; });
    double rest = 1;
    for (int i = 0; i < 4; i++) {
      const double next = i < 3 ? share[order[i]] : 0;
      const size_t corner = below[0] + size_t(lookup_.size) * (below[1] + size_t(lookup_.size) * below[2]);
      for (int c = 0; c < 3; c++) out.v[c] += (rest - next) * value(corner, c);
      rest = next;
      if (i < 3) below[order[i]]++;
    }
    for (double &v : out.v) v = clamp(v);
    return out;
  }

 private:
  double value(size_t sample, int channel) const { return (*values_)[4 * sample + channel]; }

  Lookup lookup_;
  std::shared_ptr<Buffer<float>> values_;
};

inline std::vector<Table> tables() {
  return {{true, 9, 0, 1, 1}, {true, 2, -0.5f, 1.5f, 2}, {true, 5, 0.3f, 0.8f, 3}, {false, 17, 0, 1, 4}, {false, 2, 0.3f, 0.7f, 5}};
}

}  // namespace test
