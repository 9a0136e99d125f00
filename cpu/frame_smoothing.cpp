#include "frame_smoothing.h"

#include <cmath>

namespace adain {

namespace {

// model.StatsDistance.
template <class Value>
double distance(const std::vector<float> &mean, const std::vector<float> &std, const std::vector<Value> &mean_before,
                const std::vector<Value> &std_before) {
  double sum = 0;
  for (size_t i = 0; i < mean.size(); i++) {
    const double s = std[i], before = std_before[i];
    sum += (std::abs(double(mean[i]) - mean_before[i]) + std::abs(s - before)) / (s + before + 0.1);
  }
  return sum / double(mean.size());
}

}  // namespace

void Smoothing::forget() {
  for (Before &b : before_) b.known = false;
}

void Smoothing::apply(int region, float share, double scene_cut, std::vector<float> &mean, std::vector<float> &std) {
  Before &b = before_[region];
  const bool known = b.known && distance(mean, std, b.mean, b.std) <= scene_cut;
  b.mean.assign(mean.begin(), mean.end());
  b.std.assign(std.begin(), std.end());
  if (!known) {
    b.known = true;
    continues_ = false;
    b.mean_in_force.assign(mean.begin(), mean.end());
    b.std_in_force.assign(std.begin(), std.end());
    return;
  }
  const double lag = distance(mean, std, b.mean_in_force, b.std_in_force), most = scene_cut / 4;
  const double s = lag > most ? share * most / lag : share;  // model.StatsShare
  for (size_t i = 0; i < mean.size(); i++) {
    mean[i] = float(b.mean_in_force[i] = s * b.mean_in_force[i] + (1 - s) * mean[i]);
    std[i] = float(b.std_in_force[i] = s * b.std_in_force[i] + (1 - s) * std[i]);
  }
}

}  // namespace adain
