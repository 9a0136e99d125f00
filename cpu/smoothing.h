// Content statistics that follow a film's frames slowly.
#pragma once

#include <vector>

namespace adain {

// What model.Look.Smoothing goes on from: the statistics in force at the frame before, of each region.
class Smoothing {
 public:
  void forget();

  // Puts the statistics in force in place of mean and std (C) of the content in a region, and remembers them. share is that of the frame
  // before; it counts only where the distance is not above scene_cut. Takes memory at its first call only.
  void apply(int region, float share, double scene_cut, std::vector<float> &mean, std::vector<float> &std);

 private:
  struct Before {
    bool known = false;
    std::vector<double> mean, std;  // float would stand still where share is close to 1
  } before_[2];
};

}  // namespace adain
