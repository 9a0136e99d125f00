// The losses of a step and their gradients; model.TrainingEngine in Go writes them down.
#include <algorithm>
#include <cmath>

#include "kernel_network.h"
#include "train_step.h"

namespace adain {

// The loss network's view of N pictures; those with a known key are not computed again.
Training::Extracts Training::extracts(const float *pictures, const uint64_t *keys, FeatureCache &cache, bool features) {
  Extracts all(N_);
  std::vector<int> unknown;
  Stack &loss = stack(loss_, loss_count_, loss_layers_, N_, H_, W_);
  for (int n = 0; n < N_; n++) {
    if (keys) all[n] = cache.find(keys[n]);
    if (all[n]) continue;
    fill(threads_, pictures + size_t(n) * 3 * H_ * W_, 1, loss.input(), int(unknown.size()));
    unknown.push_back(n);
  }
  if (unknown.empty()) return all;
  loss.forward(threads_, int(unknown.size()), false);
  const auto seen = extract(threads_, loss, int(unknown.size()), features, moments_);
  for (size_t i = 0; i < unknown.size(); i++) {
    all[unknown[i]] = seen[i];
    if (keys) cache.keep(keys[unknown[i]], seen[i]);
  }
  return all;
}

// relu4_1 and its statistics of contents, styles and moved contents, in this order, as far as the results need them.
void Training::encode(const Batch &b, const Results &r) {
  const int C = decoder_layers_.front()->shape.in;
  if (!options_.encoder) {
    // The loss network is the encoder: its extracts are there already.
    if (r.moved >= 0) moved_ = extracts(b.moved, nullptr, content_cache_, true);
    statistics_.mean.resize(size_t(3) * N_ * C);
    statistics_.std.resize(size_t(3) * N_ * C);
    int at = 0;
    for (const Extracts *extracts : {&contents_, &styles_, &moved_})
      for (const auto &v : *extracts) {
        std::copy_n(v->level[3].mean.data(), C, &statistics_.mean[size_t(at) * C]);
        std::copy_n(v->level[3].std.data(), C, &statistics_.std[size_t(at++) * C]);
      }
    return;
  }
  const int count = N_ * (r.styled < 0 ? 1 : r.moved < 0 ? 2 : 3);
  Stack &encoder = stack(encoder_, encoder_count_, encoder_layers_, count, H_, W_);
  fill(threads_, b.content, N_, encoder.input(), 0);
  if (r.styled >= 0) fill(threads_, b.style, N_, encoder.input(), N_);
  if (r.moved >= 0) fill(threads_, b.moved, N_, encoder.input(), 2 * N_);
  encoder.forward(threads_, count, true);
  statistics(threads_, encoder.output(), count, moments_, statistics_);
}

// relu4_1 (H/8,W/8,C) of a picture in the order of encode.
const float *Training::features(int picture) const {
  if (options_.encoder) return encoder_->output().at(picture, 0, 0);
  return (picture < N_ ? contents_[picture] : moved_[picture - 2 * N_])->features.data();
}

// AdaIN of all results: one affine map for each channel of each decoder map.
void Training::adapt(const Batch &b, const Results &r) {
  const Maps &to = decoder_->input();
  const int C = to.channels;
  scale_.resize(size_t(r.count) * C);
  shift_.resize(size_t(r.count) * C);
  pictures_.resize(r.count);
  auto as_it_is = [&](int place, int picture) {
    pictures_[place] = picture;
    std::fill_n(&scale_[size_t(place) * C], C, 1.f);
    std::fill_n(&shift_[size_t(place) * C], C, 0.f);
  };
  auto set = [&](int place, int picture, int n, float alpha) {
    const float *mean = &statistics_.mean[size_t(picture) * C], *std = &statistics_.std[size_t(picture) * C];
    pictures_[place] = picture;
    for (int c = 0; c < C; c++) {
      const size_t style = size_t(N_ + n) * C + c;
      const float a = statistics_.std[style] / std[c];
      scale_[size_t(place) * C + c] = alpha * a + (1 - alpha);
      shift_[size_t(place) * C + c] = alpha * (statistics_.mean[style] - a * mean[c]);
    }
  };
  for (int n = 0; n < N_; n++) {
    if (r.identity >= 0) as_it_is(r.identity + n, n);  // the styles need not have been encoded
    if (r.styled >= 0) set(r.styled + n, n, n, b.alpha[n]);
    if (r.moved >= 0) set(r.moved + n, 2 * N_ + n, n, b.alpha[n]);
  }
  each(threads_, r.count * to.rows, [&](int i, int) {
    const int k = i / to.rows, y = i % to.rows;
    kernels(false).affine(features(pictures_[k]) + y * to.row(), to.cols, C, &scale_[size_t(k) * C], &shift_[size_t(k) * C], to.at(k, y, 0));
    to.finish_row(k, y);
  });
}

// Content and style loss of the stylised results, and the gradient of their samples (N,H,W,3).
Maps Training::judge(const Batch &b, const adain_cpu_update &u, adain_cpu_losses &losses) {
  const Maps &results = decoder_->output(), &in = loss_->input();
  each(threads_, N_ * H_, [&](int i, int) {
    std::copy_n(results.at(i / H_, i % H_, 0), results.row(), in.at(i / H_, i % H_, 0));
    in.finish_row(i / H_, i % H_);
  });
  loss_->forward(threads_, N_, true);
  std::vector<float> shift[kLevels], slope[kLevels];
  std::vector<Tap> taps(loss_layers_.size());
  const std::vector<double> share = shares(u.balance_floor);
  for (int level = 0; level < kLevels; level++) {
    if (!(u.style > 0)) break;
    losses.style += compare_statistics(b, level, u.style, share, shift[level], slope[level]);
    taps[kLevelLayer[level]] = {shift[level].data(), slope[level].data()};
  }
  const Maps seed = loss_->seed(N_);
  losses.content = compare_features(b, u.content, seed, taps.back());
  return loss_->backward(threads_, seed, taps, true);
}

// What the style loss of each pair counts: 1, or 1 / (the style loss of its content + floor).
std::vector<double> Training::shares(double floor) const {
  std::vector<double> all(N_, 1);
  if (floor < 0) return all;
  for (int n = 0; n < N_; n++) {
    double loss = floor;
    for (int level = 0; level < kLevels; level++) {
      const Statistics &content = contents_[n]->level[level], &style = styles_[n]->level[level];
      double sum = 0;
      for (size_t c = 0; c < style.mean.size(); c++) {
        const double mean = double(content.mean[c]) - style.mean[c], std = double(content.std[c]) - style.std[c];
        sum += mean * mean + std * std;
      }
      loss += sum / style.mean.size();
    }
    all[n] = 1 / loss;
  }
  return all;
}

// One level's part of the style loss, and shift and slope (N,C) of its gradient: with m, d mean and std over P pixels x and
// targets M, D, the gradient of (m-M)^2 + (d-D)^2 is 2(m-M)/P + 2(d-D)(x-m)/(P d).
double Training::compare_statistics(const Batch &b, int level, double weight, const std::vector<double> &shares,
                                    std::vector<float> &shift, std::vector<float> &slope) {
  const Maps &maps = loss_->features(kLevelLayer[level]);
  const int C = maps.channels;
  Statistics now;
  statistics(threads_, maps, N_, moments_, now);
  shift.resize(size_t(N_) * C);
  slope.resize(size_t(N_) * C);
  const double pixels = double(maps.rows) * maps.cols;
  double sum = 0;
  for (int n = 0; n < N_; n++) {
    const Statistics &content = contents_[n]->level[level], &style = styles_[n]->level[level];
    const double alpha = b.alpha[n], each_one = weight * 2 * shares[n] / (double(N_) * C);
    for (int c = 0; c < C; c++) {
      const size_t at = size_t(n) * C + c;
      const double mean = now.mean[at] - (alpha * style.mean[c] + (1 - alpha) * content.mean[c]);
      const double std = now.std[at] - (alpha * style.std[c] + (1 - alpha) * content.std[c]);
      sum += shares[n] * (mean * mean + std * std);
      const double k = each_one * std / (pixels * now.std[at]);
      slope[at] = float(k);
      shift[at] = float(each_one * mean / pixels - k * now.mean[at]);
    }
  }
  return sum / (double(N_) * C);
}

// The content loss, and the gradient of the loss network's last convolution: of this loss and of the style loss's tap.
double Training::compare_features(const Batch &b, double weight, const Maps &seed, const Tap &tap) {
  const Maps &now = loss_->output();
  const int C = now.channels;
  std::vector<float> scale(size_t(N_) * C), shift(size_t(N_) * C);  // from the content's features to the target's
  for (int n = 0; n < N_; n++)
    for (int c = 0; c < C; c++) {
      const Statistics &content = contents_[n]->level[3], &style = styles_[n]->level[3];
      const float a = style.std[c] / content.std[c], alpha = b.alpha[n];
      scale[size_t(n) * C + c] = alpha * a + (1 - alpha);
      shift[size_t(n) * C + c] = alpha * (style.mean[c] - a * content.mean[c]);
    }
  const double count = double(N_) * C * now.rows * now.cols;
  const float each_one = float(weight * 2 / count);
  std::vector<double> sums(size_t(N_) * now.rows);
  each(threads_, N_ * now.rows, [&](int i, int) {
    const int n = i / now.rows, y = i % now.rows;
    const float *x = now.at(n, y, 0), *from = contents_[n]->features.data() + y * now.row();
    float *to = seed.at(n, y, 0);
    const size_t at = size_t(n) * C;
    for (size_t k = 0; k < now.row(); k++) {
      const size_t c = at + k % C;
      const float difference = x[k] - (scale[c] * from[k] + shift[c]);
      sums[i] += double(difference) * difference;
      const float g = each_one * difference + (tap.shift ? tap.shift[c] + tap.slope[c] * x[k] : 0);
      to[k] = x[k] > 0 ? g : 0;
    }
    seed.clear(n, y);
  });
  double sum = 0;
  for (double s : sums) sum += s;
  return weight > 0 ? sum / count : 0;
}

// The gradient of all results' samples, as the seed of the decoder.
Maps Training::result_gradients(const Batch &b, const adain_cpu_update &u, const Results &r, adain_cpu_losses &losses) {
  Maps judged;
  if (u.content > 0 || u.style > 0) judged = judge(b, u, losses);
  const Maps seed = decoder_->seed(r.count), &results = decoder_->output();
  const double samples = double(N_) * 3 * H_ * W_;
  const float each_one = float(u.identity * 2 / samples);
  const size_t area = size_t(H_) * W_;
  std::vector<double> sums(size_t(r.count) * H_);
  each(threads_, r.count * H_, [&](int i, int) {
    const int k = i / H_, y = i % H_;
    float *to = seed.at(k, y, 0);
    if (judged.data && k < N_)  // stylised results come first
      std::copy_n(judged.at(k, y, 0), judged.row(), to);
    else
      std::fill_n(to, seed.row(), 0.f);
    if (r.identity >= 0 && k >= r.identity && k < r.identity + N_) {
      const float *now = results.at(k, y, 0), *want = b.content + size_t(k - r.identity) * 3 * area + size_t(y) * W_;
      for (size_t j = 0; j < results.row(); j++) {
        const float difference = now[j] - want[j % 3 * area + j / 3];
        sums[i] += double(difference) * difference;
        to[j] += each_one * difference;
      }
    }
    seed.clear(k, y);
  });
  for (double s : sums) losses.identity += s / samples;
  if (r.moved >= 0) losses.consistency = consistency(b, u.consistency, r, seed);
  if (u.lattice > 0) losses.lattice = lattice(u.lattice, r, seed);
  return seed;
}

namespace {

// A point of a picture, the pixel at or before it in both directions, and its shares of that, the next, the one below and the one beyond;
// where there is none its share is 0.
struct Point {
  int x, y;
  float share[4];
  bool shown;  // it lies between the outermost pixels or on them

  Point(const float *motion, int column, int row, int cols, int rows) {
    const double px = double(motion[0]) * column + double(motion[1]) * row + motion[2], py = double(motion[3]) * column + double(motion[4]) * row + motion[5];
    shown = px >= 0 && py >= 0 && px <= cols - 1 && py <= rows - 1;
    if (!shown) return;
    x = int(px), y = int(py);
    const double right = px - x, down = py - y;
    share[0] = float((1 - right) * (1 - down)), share[1] = float(right * (1 - down));
    share[2] = float((1 - right) * down), share[3] = float(right * down);
  }
};

}  // namespace

// Squared differences of the moved results and the results moved, over what both show.
double Training::consistency(const Batch &b, double weight, const Results &r, const Maps &seed) {
  const Maps &results = decoder_->output();
  std::vector<int> shown(size_t(N_) * H_);
  each(threads_, N_ * H_, [&](int i, int) {
    for (int x = 0; x < W_; x++) shown[i] += Point(b.motion + i / H_ * 6, x, i % H_, W_, H_).shown;
  });
  double samples = 0;
  for (int pixels : shown) samples += 3. * pixels;
  const float each_one = float(weight * 2 / samples);
  std::vector<double> sums(N_);
  each(threads_, N_, [&](int n, int) {
    for (int y = 0; y < H_; y++)
      for (int x = 0; x < W_; x++) {
        const Point p(b.motion + 6 * n, x, y, W_, H_);
        if (!p.shown) continue;
        const float *moved = results.at(r.moved + n, y, x);
        float *to_moved = seed.at(r.moved + n, y, x);
        for (int c = 0; c < 3; c++) {
          float difference = moved[c];
          for (int k = 0; k < 4; k++)
            if (p.share[k] > 0) difference -= p.share[k] * results.at(r.styled + n, p.y + k / 2, p.x + k % 2)[c];
          sums[n] += double(difference) * difference;
          const float g = each_one * difference;
          to_moved[c] += g;
          for (int k = 0; k < 4; k++)
            if (p.share[k] > 0) seed.at(r.styled + n, p.y + k / 2, p.x + k % 2)[c] -= p.share[k] * g;
        }
      }
  });
  double sum = 0;
  for (double s : sums) sum += s / samples;
  return sum;
}

// Squares of what repeats in the stylised results every 8 pixels: how far the mean of each of the 8x8 phases is from that of all.
double Training::lattice(double weight, const Results &r, const Maps &seed) {
  constexpr int kPeriod = 8, kLine = 3 * kPeriod;
  const Maps &results = decoder_->output();
  const double pixels = double(H_ / kPeriod) * (W_ / kPeriod), each_one = weight * 2 / (double(N_) * 3 * H_ * W_);
  std::vector<double> sums(N_);
  each(threads_, N_, [&](int n, int) {
    double phase[kPeriod][kLine] = {}, mean[3] = {};
    for (int y = 0; y < H_; y++) {
      const float *now = results.at(r.styled + n, y, 0);
      for (size_t j = 0; j < results.row(); j++) phase[y % kPeriod][j % kLine] += now[j] / pixels;
    }
    for (auto &line : phase)
      for (int j = 0; j < kLine; j++) mean[j % 3] += line[j] / (kPeriod * kPeriod);
    for (auto &line : phase)
      for (int j = 0; j < kLine; j++) {
        line[j] -= mean[j % 3];
        sums[n] += line[j] * line[j];
      }
    for (int y = 0; y < H_; y++) {
      float *to = seed.at(r.styled + n, y, 0);
      for (size_t j = 0; j < results.row(); j++) to[j] += float(each_one * phase[y % kPeriod][j % kLine]);
    }
  });
  double sum = 0;
  for (double s : sums) sum += s / (N_ * 3. * kPeriod * kPeriod);
  return sum;
}

// The gradient of relu4_1 of all encoded pictures, through AdaIN and ReLU, as the seed of the encoder. With g the gradient of a
// result, X = (x-m)/d and a = alpha*D/d, that of the content's x is (1-alpha)g + a(g - mean g - X mean gX), and those of the style's M
// and D are alpha sum g and alpha sum gX.
Maps Training::feature_gradients(const Batch &b, const Results &r, const Maps &input) {
  const Maps &x = encoder_->output();
  const int C = x.channels, pictures = N_ * (r.styled < 0 ? 1 : r.moved < 0 ? 2 : 3);
  const double pixels = double(x.rows) * x.cols;
  std::vector<double> sum(size_t(r.count) * C), product(size_t(r.count) * C);  // of g and gX
  each(threads_, r.count, [&](int k, int) {
    const float *mean = &statistics_.mean[size_t(pictures_[k]) * C], *std = &statistics_.std[size_t(pictures_[k]) * C];
    double *s = &sum[size_t(k) * C], *p = &product[size_t(k) * C];
    for (int y = 0; y < x.rows; y++) {
      const float *g = input.at(k, y, 0), *from = x.at(pictures_[k], y, 0);
      for (size_t i = 0; i < x.row(); i++) {
        const size_t c = i % C;
        s[c] += g[i];
        p[c] += double(g[i]) * (from[i] - mean[c]) / std[c];
      }
    }
  });
  const Maps seed = encoder_->seed(pictures);
  each(threads_, pictures, [&](int picture, int) {
    const int n = picture % N_;
    const float *mean = &statistics_.mean[size_t(picture) * C], *std = &statistics_.std[size_t(picture) * C];
    std::vector<float> constant(C), slope(C);  // what does not depend on the gradient, per channel: constant + slope * x
    std::vector<std::pair<int, const float *>> direct;  // results of this content, and the factor (C) of their gradient
    for (int k = 0; k < r.count; k++) {
      const bool content = pictures_[k] == picture, identity = r.identity >= 0 && k >= r.identity && k < r.identity + N_;
      const bool style = !identity && picture >= N_ && picture < 2 * N_ && pictures_[k] % N_ == n;
      const float alpha = identity ? 0 : b.alpha[n];
      if (content) direct.emplace_back(k, &scale_[size_t(k) * C]);
      if (!content && !style) continue;
      for (int c = 0; c < C; c++) {
        const double g = sum[size_t(k) * C + c], gx = product[size_t(k) * C + c];
        double flat, steep;
        if (content) {
          const double a = scale_[size_t(k) * C + c] - (1 - alpha);
          flat = -a * g / pixels, steep = -a * gx / (pixels * std[c]);
        } else {
          flat = alpha * g / pixels, steep = alpha * gx / (pixels * std[c]);
        }
        constant[c] += float(flat - steep * mean[c]);
        slope[c] += float(steep);
      }
    }
    for (int y = 0; y < x.rows; y++) {
      const float *from = x.at(picture, y, 0);
      float *to = seed.at(picture, y, 0);
      for (size_t i = 0; i < x.row(); i++) to[i] = constant[i % C] + slope[i % C] * from[i];
      for (auto [k, factor] : direct) {
        const float *g = input.at(k, y, 0);
        for (size_t i = 0; i < x.row(); i++) to[i] += factor[i % C] * g[i];
      }
      for (size_t i = 0; i < x.row(); i++)
        if (!(from[i] > 0)) to[i] = 0;
      seed.clear(picture, y);
    }
  });
  return seed;
}

}  // namespace adain
