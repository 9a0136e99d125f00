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
  // Leaves out of a frame's stages what comes behind those that make a layer's input, and says where that then is.
  const Map &input(int layer, std::vector<Stage *> &stages) const;
  std::string implementations() const;
  // Which convolutions of the network a stage computes, first to last, and how.
  struct Part {
    const Stage *stage;
    int first, last;
    const std::string *implementation;
  };
  // That of a stage, null where it computes none.
  const Part *part(const Stage *stage) const;

 private:
  void add(Stage *stage) { stages_.push_back(stage); }
  void add(std::unique_ptr<Stage> stage);
  template <class Convolving>
  void note(const Convolving &stage, int first, int last) {
    parts_.push_back({&stage, first, last, &stage.implementation()});
  }
  void convolve(Network &network, int layer, Map src, Map dst, int threads);

  const int rows_, cols_;
  const bool decoder_;
  Memory memory_[2];  // maps alternate between the two
  std::vector<Map> maps_;  // of layers from the third on, their inputs
  std::unique_ptr<Head> head_;
  std::unique_ptr<Features> features_;
  std::unique_ptr<Adapt> adapt_;
  std::unique_ptr<Tail> tail_;
  std::vector<std::unique_ptr<Stage>> others_;
  std::vector<Part> parts_;
  std::vector<Stage *> encoder_stages_, stages_;
};

}  // namespace adain
