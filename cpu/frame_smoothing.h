// Content statistics that follow a film's frames slowly.
#pragma once

#include <vector>

namespace adain {

// What model.Stylization.Smoothing goes on from: the statistics of the frame before, of each region, as they were and as they were in force.
class Smoothing {
 public:
  void forget();
  // Before the regions of a frame.
  void begin() { continues_ = true; }

  // Puts the statistics in force in place of mean and std (C) of the content in a region, and remembers both. share is that of the frame
  // before; it counts only where the distance is not above scene_cut. Takes memory at its first call only.
  void apply(int region, float share, double scene_cut, std::vector<float> &mean, std::vector<float> &std);

  // Whether all regions since begin went on from the frame before.
  bool continues() const { return continues_; }

 private:
  struct Before {
    bool known = false;
    std::vector<float> mean, std;                   // of the content
    std::vector<double> mean_in_force, std_in_force;  // float would stand still where share is close to 1
  } before_[2];
  bool continues_ = false;
};

}  // namespace adain
