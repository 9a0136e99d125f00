#include <algorithm>
#include <cmath>

#include "steps.h"

namespace adain {

namespace {

// A chunk's result should stay in the second-level cache until it is stored, yet be long enough that oneDNN reuses the
// weights it loads.
constexpr size_t kChunkBytes = 512 << 10;
constexpr int kLeastRows = 4;

int wanted_chunks(int rows, size_t row_bytes, int threads) {
  const int fitting = int(std::clamp<size_t>(kChunkBytes / row_bytes, kLeastRows, 1 << 20));
  const int chunks = (rows + fitting - 1) / fitting;
  return std::max((chunks + threads - 1) / threads * threads, 2 * threads);
}

}  // namespace

Division::Division(int total, int wanted) : count(std::clamp(wanted, 1, total)), length(total / count), longer(total % count) {}

Rows::Rows(Parameters &layer, Map src, Map dst, Then then, int threads)
    : layer_(layer),
      src_(src),
      dst_(dst),
      then_(then),
      division_(then == Then::pool ? dst.rows : then == Then::interleave ? src.rows + 1 : dst.rows,
                wanted_chunks(then == Then::pool ? dst.rows : src.rows, size_t(4) * src.cols * layer.shape.out * (then == Then::pool ? 2 : 1), threads)),
      cols_(src.cols + (then == Then::interleave)) {
  const int per = then == Then::pool ? 2 : 1;
  longer_ = std::make_unique<Convolution>(layer, per * division_.size(0), cols_, threads);
  if (division_.longer) shorter_ = std::make_unique<Convolution>(layer, per * division_.length, cols_, threads);
  for (int i = 0; i < threads; i++) result_.push_back(take(4 * longer_->result_floats()));
}

void Rows::run(int chunk, int thread) {
  const int begin = division_.begin(chunk), size = division_.size(chunk);
  auto result = reinterpret_cast<float *>(result_[thread].get());
  Convolution &convolution = size == division_.size(0) ? *longer_ : *shorter_;
  convolution.run(thread, src_.at((then_ == Then::pool ? 2 * begin : begin) - 1, -1), result);
  finish(result, begin, size);
}

void Rows::finish(const float *result, int begin, int size) {
  const Kernels &k = kernels(layer_.half);
  const int channels = layer_.shape.out;
  const size_t row = size_t(cols_) * channels;
  for (int i = 0; i < size; i++) {
    const int y = begin + i;
    switch (then_) {
      case Then::store:
        k.store(result + i * row, row, dst_.at(y, 0));
        dst_.finish_row(y);
        break;
      case Then::pool: {
        const float *above = result + 2 * i * row;
        k.pool(above, 2 * y + 1 < src_.rows ? above + row : above, src_.cols, channels, dst_.at(y, 0));
        dst_.finish_row(y);
        break;
      }
      case Then::interleave:
        // Row y of windows holds the lower phases of row 2y-1 and the upper ones of row 2y.
        for (int lower = 1; lower >= 0; lower--) {
          const int to = 2 * y - lower;
          if (to < 0 || to >= dst_.rows) continue;
          k.interleave(result + i * row + lower * channels / 2, src_.cols, channels / 4, dst_.at(to, 0));
          dst_.finish_row(to);
        }
    }
  }
}

Features::Features(Parameters &layer, Map src, int threads)
    : layer_(layer), src_(src), division_(src.rows, wanted_chunks(src.rows, size_t(4) * src.cols * layer.shape.out, threads)) {
  longer_ = std::make_unique<Convolution>(layer, division_.size(0), src.cols, threads);
  if (division_.longer) shorter_ = std::make_unique<Convolution>(layer, division_.length, src.cols, threads);
  features_ = take(4 * size_t(src.rows) * src.cols * layer.shape.out);
  moments_.resize(size_t(src.rows) * 2 * layer.shape.out);
}

void Features::run(int chunk, int thread) {
  const int begin = division_.begin(chunk), size = division_.size(chunk), c = channels();
  Convolution &convolution = size == division_.size(0) ? *longer_ : *shorter_;
  convolution.run(thread, src_.at(begin - 1, -1), const_cast<float *>(row(begin)));
  for (int y = begin; y < begin + size; y++) {
    float *m = &moments_[size_t(y) * 2 * c];
    kernels(layer_.half).moments(row(y), cols(), c, m, m + c);
  }
}

void Features::statistics(float *mean, float *std) const {
  const int c = channels();
  for (int i = 0; i < c; i++) {
    double m = 0, distances = 0;
    for (int y = 0; y < rows(); y++) {
      const float *r = &moments_[size_t(y) * 2 * c + i];
      const double d = r[0] - m;
      m += d / (y + 1);
      distances += r[c] + d * d * cols() * y / (y + 1);
    }
    mean[i] = float(m);
    std[i] = float(std::sqrt(distances / (double(rows()) * cols()) + 1e-5));
  }
}

Adapt::Adapt(const Features &features)
    : features_(features), mean_(features.channels()), std_(mean_.size()), scale_(mean_.size()), shift_(mean_.size()) {}

void Adapt::run(int, int) {
  features_.statistics(mean_.data(), std_.data());
  for (size_t i = 0; i < mean_.size(); i++) {
    const float a = style_std[i] / std_[i];
    scale_[i] = alpha * a + (1 - alpha);
    shift_[i] = alpha * (style_mean[i] - a * mean_[i]);
  }
}

void Apply::run(int y, int) {
  kernels(half_).affine(features_.row(y), features_.cols(), features_.channels(), adapt_.scale(), adapt_.shift(), dst_.at(y, 0));
  dst_.finish_row(y);
}

}  // namespace adain
