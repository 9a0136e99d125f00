#include "smoothing.h"

#include <cmath>

namespace adain {

namespace {

// model.StatsDistance.
double distance(const std::vector<float> &mean, const std::vector<float> &std, const std::vector<double> &mean_before,
                const std::vector<double> &std_before) {
  double sum = 0;
  for (size_t i = 0; i < mean.size(); i++) sum += std::abs(mean[i] - mean_before[i]) / (std[i] + std_before[i]);
  return sum / double(mean.size());
}

}  // namespace

void Smoothing::forget() {
  for (Before &b : before_) b.known = false;
}

void Smoothing::apply(int region, float share, double scene_cut, std::vector<float> &mean, std::vector<float> &std) {
  Before &b = before_[region];
  if (b.known && share > 0 && distance(mean, std, b.mean, b.std) <= scene_cut) {
    const double s = share;
    for (size_t i = 0; i < mean.size(); i++) {
      mean[i] = float(b.mean[i] = s * b.mean[i] + (1 - s) * mean[i]);
      std[i] = float(b.std[i] = s * b.std[i] + (1 - s) * std[i]);
    }
    return;
  }
  b.mean.assign(mean.begin(), mean.end());
  b.std.assign(std.begin(), std.end());
  b.known = true;
}

}  // namespace adain
