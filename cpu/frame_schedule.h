// The stages and the memory of the network at one size.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frame_stages.h"

namespace adain {

// Layers of a network in order, as adain_cpu_open gets them.
using Network = std::vector<std::unique_ptr<Parameters>>;

class Schedule {
 public:
  // encoder_layers of the network end with conv4_1. A schedule without decoder can only take statistics.
  Schedule(Network &network, int encoder_layers, int rows, int cols, bool decoder, int threads);

  bool fits(int rows, int cols, bool decoder) const { return rows == rows_ && cols == cols_ && (decoder_ || !decoder); }
  // before has the stages in front, and is used up.
  void statistics(Threads &threads, const Picture &src, std::vector<Stage *> &before, float *mean, float *std);
  // Adds the stages of the next frame, which is to be stylised as target says, between two look-up tables.
  void stylize(const Canvas &dst, const Picture &src, const Target &target, const Lookup &before, const Lookup &after,
               std::vector<Stage *> &stages);
  std::string implementations() const;
  // The convolutions that a stage computes, first and last; false where it computes none.
  bool layers_of(const Stage *stage, int &first, int &last, std::string &implementation) const;

 private:
  void add(Stage *stage) { stages_.push_back(stage); }
  void add(std::unique_ptr<Stage> stage);
  void convolve(Network &network, int layer, Map src, Map dst, int threads);

  const int rows_, cols_, encoder_layers_, layers_;
  const bool decoder_;
  Memory memory_[2];  // maps alternate between the two
  std::unique_ptr<Head> head_;
  std::unique_ptr<Features> features_;
  std::unique_ptr<Adapt> adapt_;
  std::unique_ptr<Tail> tail_;
  std::vector<std::unique_ptr<Stage>> others_;
  std::vector<Rows *> convolutions_;
  std::vector<int> convolved_;  // the layer of each
  std::vector<Stage *> encoder_stages_, stages_;
};

}  // namespace adain
