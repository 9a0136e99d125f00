// What the loss network sees of pictures, and statistics of maps.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "train_stack.h"

namespace adain {

constexpr int kLevels = 4;                         // relu1_1, relu2_1, relu3_1, relu4_1
constexpr int kLevelLayer[kLevels] = {0, 2, 4, 8};  // their layers in the encoder

// (N,C) mean and sqrt(biased variance + 1e-5) of each map's channels.
struct Statistics {
  std::vector<float> mean, std;
};

// Statistics of the first count maps; see merge_moments.
void statistics(Threads &threads, const Maps &maps, int count, Workspace &workspace, Statistics &to);

// The loss network's view of one picture.
struct Extract {
  Statistics level[kLevels];    // N is 1
  std::vector<float> features;  // (rows,cols,C) of relu4_1; empty where only statistics are wanted
};

// Extracts of pictures with a key, up to a number of bytes; further ones are not kept. A key of 0 is never kept.
class FeatureCache {
 public:
  explicit FeatureCache(size_t bytes) : left_(bytes) {}
  std::shared_ptr<const Extract> find(uint64_t key) const;
  void keep(uint64_t key, const std::shared_ptr<const Extract> &extract);

 private:
  size_t left_;
  std::unordered_map<uint64_t, std::shared_ptr<const Extract>> extracts_;
};

// n pictures (3,H,W) become maps with a reflected border, from map `at` on.
void fill(Threads &threads, const float *pictures, int n, const Maps &to, int at);

// What the loss network's output and levels hold of the first count maps.
std::vector<std::shared_ptr<Extract>> extract(Threads &threads, const Stack &loss, int count, bool features, Workspace &workspace);

}  // namespace adain
