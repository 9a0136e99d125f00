// A frame made smaller for the network.
#pragma once

#include <vector>

#include "frame_buffer.h"
#include "frame_stages.h"

namespace adain {

// Frame -> small frame, as model/processing.go defines it, in groups of rows of one channel.
class Reduce : public Stage {
 public:
  // from is the shape of the frames to come; to outlives this.
  Reduce(const adain_cpu_image &from, const FrameBuffer &to);
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
    int channel, begin, size;
  };
  template <class Sample>
  void row(int channel, int y) const;

  const FrameBuffer &to_;
  Across across_[2];  // of the first channel and of the others
  std::vector<Group> groups_;
};

}  // namespace adain
