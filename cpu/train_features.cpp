#include "train_features.h"

#include <cmath>

#include "kernel_network.h"

namespace adain {

void statistics(Threads &threads, const Maps &maps, int count, Workspace &workspace, Statistics &to) {
  const int C = maps.channels, rows = maps.rows;
  float *moments = workspace.floats(size_t(count) * rows * 2 * C);  // (N,rows,2,C)
  each(threads, count * rows, [&](int i, int) {
    float *m = moments + size_t(i) * 2 * C;
    kernels(false).moments(maps.at(i / rows, i % rows, 0), maps.cols, C, m, m + C);
  });
  to.mean.resize(size_t(count) * C);
  to.std.resize(size_t(count) * C);
  each(threads, count, [&](int n, int) {
    std::vector<double> merged(size_t(2) * C);
    merge_moments(moments + size_t(n) * rows * 2 * C, rows, maps.cols, C, merged.data(), &to.mean[size_t(n) * C], &to.std[size_t(n) * C]);
  });
}

std::shared_ptr<const Extract> FeatureCache::find(uint64_t key) const {
  const auto at = extracts_.find(key);
  return key == 0 || at == extracts_.end() ? nullptr : at->second;
}

void FeatureCache::keep(uint64_t key, const std::shared_ptr<const Extract> &extract) {
  size_t bytes = sizeof(Extract) + 4 * extract->features.size() + 64;
  for (const Statistics &s : extract->level) bytes += 8 * s.mean.size();
  if (key == 0 || bytes > left_ || !extracts_.emplace(key, extract).second) return;
  left_ -= bytes;
}

void fill(Threads &threads, const float *pictures, int n, const Maps &to, int at) {
  const int rows = to.rows, cols = to.cols;
  const size_t area = size_t(rows) * cols;
  each(threads, n * rows, [&](int i, int) {
    const int k = i / rows, y = i % rows;
    const float *from = pictures + k * 3 * area + size_t(y) * cols;
    float *p = to.at(at + k, y, 0);
    for (int x = 0; x < cols; x++)
      for (int c = 0; c < 3; c++) *p++ = from[c * area + x];
    to.finish_row(at + k, y);
  });
}

std::vector<std::shared_ptr<Extract>> extract(Threads &threads, const Stack &loss, int count, bool features, Workspace &workspace) {
  std::vector<std::shared_ptr<Extract>> cache(count);
  for (auto &l : cache) l = std::make_shared<Extract>();
  for (int level = 0; level < kLevels; level++) {
    Statistics all;
    const Maps &maps = loss.features(kLevelLayer[level]);
    statistics(threads, maps, count, workspace, all);
    for (int n = 0; n < count; n++) {
      const size_t at = size_t(n) * maps.channels;
      cache[n]->level[level] = {{&all.mean[at], &all.mean[at] + maps.channels}, {&all.std[at], &all.std[at] + maps.channels}};
    }
  }
  if (features) {
    const Maps &out = loss.output();
    for (int n = 0; n < count; n++) cache[n]->features.assign(out.at(n, 0, 0), out.at(n, 0, 0) + out.one());
  }
  return cache;
}

}  // namespace adain
