// A frame made smaller for the network.
#pragma once

#include <vector>

#include "kept.h"
#include "steps.h"

namespace adain {

// Frame -> small frame, as model/processing.go defines it, in groups of rows of one plane.
class Reduce : public Step {
 public:
  // from is the shape of the frames to come; to outlives this.
  Reduce(const adain_cpu_image &from, const Kept &to);
  int chunks() const override { return int(groups_.size()); }
  void run(int chunk, int) override;
  Picture src{};  // of the next frame

 private:
  // Which pixels make one of the small plane's, along x: `taps` from begin on, some of weight 0.
  struct Across {
    std::vector<int> begin;
    std::vector<double> weight;  // (pixels,taps)
    int taps = 0;
    Across() = default;
    Across(int from, int to);
  };
  struct Group {
    int plane, begin, size;
  };
  void row(int plane, int y, uint32_t *sums) const;

  const Kept &to_;
  Across across_[3];
  std::vector<Group> groups_;
};

}  // namespace adain
