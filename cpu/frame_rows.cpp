#include <algorithm>
#include <cmath>

#include "frame_stages.h"

namespace adain {

Rows::Rows(Parameters &layer, Map src, Map dst, PostOp post_op, int threads)
    : layer_(layer),
      src_(src),
      dst_(dst),
      post_op_(post_op),
      windows_(post_op == PostOp::interleave && layer.shape.kernel == 2),
      cols_(src.cols + windows_),
      chunks_(layer, post_op == PostOp::pool ? dst.rows : src.rows + windows_, cols_, post_op == PostOp::pool ? 2 : 1, threads,
              threads) {}

void Rows::run(int chunk, int thread) {
  const int begin = chunks_.begin(chunk);
  const char *src = src_.at((post_op_ == PostOp::pool ? 2 * begin : begin) - 1, -1);
  if (post_op_ == PostOp::store && dst_.number == Number::float32 && chunks_.run_apart(chunk, thread, src, reinterpret_cast<float *>(dst_.at(begin, 0)), dst_.cols + 2)) {
    for (int y = begin; y < begin + chunks_.size(chunk); y++) dst_.finish_row(y);
    return;
  }
  float *result = scratch_floats(Scratch::result, chunks_.result_floats());
  chunks_.run(chunk, thread, src, result);
  finish(result, begin, chunks_.size(chunk));
}

void Rows::finish(const float *result, int begin, int size) {
  const Kernels &k = kernels(dst_.number);
  const int channels = layer_.shape.out;
  const size_t row = size_t(cols_) * channels;
  for (int i = 0; i < size; i++) {
    const int y = begin + i;
    switch (post_op_) {
      case PostOp::store:
        k.store(result + i * row, row, dst_.at(y, 0));
        dst_.finish_row(y);
        break;
      case PostOp::pool: {
        const float *above = result + 2 * i * row;
        k.pool(above, 2 * y + 1 < src_.rows ? above + row : above, src_.cols, channels, dst_.at(y, 0));
        dst_.finish_row(y);
        break;
      }
      case PostOp::interleave:
        // Row y of windows holds the lower phases of row 2y-1 and the upper ones of row 2y; of other positions, of rows 2y+1 and 2y.
        for (int lower = 1; lower >= 0; lower--) {
          const int to = 2 * y + (windows_ ? -lower : lower);
          if (to < 0 || to >= dst_.rows) continue;
          k.interleave(result + i * row + lower * channels / 2, (windows_ ? 5 : 1) * channels / 4, src_.cols, channels / 4, dst_.at(to, 0));
          dst_.finish_row(to);
        }
    }
  }
}

Features::Features(Parameters &layer, Map src, int threads)
    : layer_(layer),
      src_(src),
      chunks_(layer, src.rows, src.cols, 1, threads, threads),
      features_(allocate(4 * size_t(src.rows) * src.cols * layer.shape.out)) {
  moments_.resize(size_t(2) * src.rows * 2 * layer.shape.out);
  weights_.resize(size_t(2) * src.rows);
  merged_.resize(size_t(2) * layer.shape.out);
}

void Features::run(int chunk, int thread) {
  const int begin = chunks_.begin(chunk), size = chunks_.size(chunk), c = channels();
  chunks_.run(chunk, thread, src_.at(begin - 1, -1), const_cast<float *>(row(begin)));
  for (int y = begin; y < begin + size; y++) {
    float *m = &moments_[size_t(y) * 2 * c];
    if (!shares) {
      kernels(false).moments(row(y), cols(), c, m, m + c);
      continue;
    }
    for (int region = 0, i = y; region < 2; region++, i += rows(), m += moments_.size() / 2)
      weights_[i] = kernels(false).weighted_moments(row(y), shares + size_t(i) * cols(), cols(), c, m, m + c);
  }
}

bool Features::statistics(int region, float *mean, float *std) {
  if (!shares) return merge_moments(moments_.data(), rows(), cols(), channels(), merged_.data(), mean, std), true;
  return merge_weighted_moments(&moments_[region * moments_.size() / 2], &weights_[size_t(region) * rows()], rows(), channels(), merged_.data(),
                                mean, std);
}

Adapt::Adapt(Features &features)
    : features_(features), mean_(features.channels()), std_(mean_.size()), scale_(2 * mean_.size()), shift_(scale_.size()) {}

void Adapt::run(int, int) {
  const size_t channels = mean_.size();
  for (int region = 0; region < target.regions(); region++) {
    float *scale = &scale_[region * channels], *shift = &shift_[region * channels];
    if (!features_.statistics(region, mean_.data(), std_.data())) {
      std::fill_n(scale, channels, 0.f);
      std::fill_n(shift, channels, 0.f);
      continue;
    }
    target.before->apply(region, target.smoothing, target.scene_cut, mean_, std_);
    const Target::Style &style = target.style[region];
    const float alpha = target.alpha;
    for (size_t i = 0; i < channels; i++) {
      const float a = style.std[i] / std_[i];
      scale[i] = alpha * a + (1 - alpha);
      shift[i] = alpha * (style.mean[i] - a * mean_[i]);
    }
  }
}

void Apply::run(int y, int) {
  const int cols = features_.cols(), channels = features_.channels();
  if (const float *shares = features_.shares)
    kernels(dst_.number).affine_regions(features_.row(y), cols, channels, shares + size_t(y) * cols, adapt_.scale(), adapt_.shift(), dst_.at(y, 0));
  else
    kernels(dst_.number).affine(features_.row(y), cols, channels, adapt_.scale(), adapt_.shift(), dst_.at(y, 0));
  dst_.finish_row(y);
}

}  // namespace adain
