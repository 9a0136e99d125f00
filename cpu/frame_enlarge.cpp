#include "frame_enlarge.h"

#include <algorithm>

#include "kernel_samples.h"

namespace adain {

namespace {

constexpr int kRows = 16;  // of a chunk
constexpr int kReach = 2;  // of a mean

// The rows around y that exist, as pointers from row(y) on; how many.
template <class Row>
int around(int y, int rows, Row row, const float **found) {
  int n = 0;
  for (int k = std::max(y - kReach, 0); k < std::min(y + kReach + 1, rows); k++) found[n++] = row(k);
  return n;
}

}  // namespace

GuideSlopes::GuideSlopes(const FrameBuffer &frame, const FrameBuffer &result)
    : frame_(frame),
      result_(result),
      rows_(frame.form.height),
      cols_(frame.form.width),
      down_(rows_, rows_ / kRows),
      memory_(allocate(4 * size_t(rows_) * cols_)) {
  for (int x = 0; x < cols_; x++) scale_.push_back(1 / float(std::min(x + kReach, cols_ - 1) - std::max(x - kReach, 0) + 1));
}

void GuideSlopes::run(int chunk, int) {
  const int begin = down_.begin(chunk), end = begin + down_.size(chunk);
  const int top = std::max(begin - kReach, 0), bottom = std::min(end + kReach, rows_);
  const size_t area = size_t(bottom - top) * cols_;
  float *i = scratch_floats(Scratch::lines, 2 * area + 4 * size_t(cols_ + 2 * kReach)), *q = i + area, *sums = q + area;
  const Picture frame = frame_.picture(), result = result_.picture();
  for (int y = top; y < bottom; y++) {
    frame.luminance(y, i + size_t(y - top) * cols_);
    result.luminance(y, q + size_t(y - top) * cols_);
  }
  for (int y = begin; y < end; y++) {
    const float *of_i[2 * kReach + 1], *of_q[2 * kReach + 1];
    const int n = around(y, rows_, [&](int k) { return i + size_t(k - top) * cols_; }, of_i);
    around(y, rows_, [&](int k) { return q + size_t(k - top) * cols_; }, of_q);
    row_kernels().guide_slopes(of_i, of_q, n, cols_, scale_.data(), sums, row(y));
  }
}

GuideCoefficients::GuideCoefficients(const FrameBuffer &frame, const FrameBuffer &result, const GuideSlopes &slopes)
    : frame_(frame),
      result_(result),
      slopes_(slopes),
      lit_(is_rgb(frame.form) ? 3 : 1),
      down_(slopes.rows(), slopes.rows() / kRows),
      memory_(allocate(4 * (size_t(slopes.rows()) * (lit_ + 1) * slopes.cols() + 1))) {}

void GuideCoefficients::run(int chunk, int) {
  const size_t cols = slopes_.cols();
  float *i = scratch_floats(Scratch::lines, 2 * cols + 2 * kReach), *sums = i + cols;
  const Picture frame = frame_.picture(), result = result_.picture();
  for (int y = down_.begin(chunk), end = y + down_.size(chunk); y < end; y++) {
    const float *rows[2 * kReach + 1];
    const int n = around(y, slopes_.rows(), [&](int k) { return slopes_.row(k); }, rows);
    float *a = row(y);
    row_kernels().box(rows, n, int(cols), slopes_.scale(), sums, a);
    frame.luminance(y, i);
    with_samples(result.form, [&](auto sample) {
      using Sample = decltype(sample);
      for (int c = 0; c < lit_; c++)
        sample_kernels<Sample>().offsets(result.row<Sample>(c, y), int(cols), unit(result.form), a, i, a + (c + 1) * cols);
    });
  }
}

Enlarge::Between::Between(int n, int m) {
  for (int x = 0; x < n; x++) {
    const double place = std::clamp((x + .5) * m / n - .5, 0., m - 1.);
    at.push_back(std::max(std::min(int(place), m - 2), 0));
    share.push_back(float(place - at.back()));
  }
}

Enlarge::Enlarge(const adain_cpu_image &form, const FrameBuffer &result, const GuideCoefficients &coefficients)
    : result_(result), coefficients_(coefficients), down_((form.height + 1) / 2, form.height / (2 * kRows)) {
  for (int c = 0; c < std::min(form.channels, 2); c++) {
    across_[c] = Between(cols(form, c), cols(result.form, c));
    along_[c] = Between(rows(form, c), rows(result.form, c));
  }
}

void Enlarge::run(int chunk, int) {
  const int begin = 2 * down_.begin(chunk), end = std::min(begin + 2 * down_.size(chunk), src.form.height);
  with_samples(src.form, [&](auto sample) {
    for (int y = begin; y < end; y++) {
      lit_row<decltype(sample)>(y);
      for (int c = coefficients_.lit(); c < src.form.channels && !dst.preserve_color; c++) {
        const int sub = sub_y(src.form, c);
        if (y % (1 << sub) == 0) chroma_row<decltype(sample)>(c, y >> sub);
      }
      if (dst.preserve_color) dst.recolour(y, dst.picture, src);
    }
  });
}

template <class Sample>
void Enlarge::lit_row(int y) const {
  const size_t cols = result_.form.width, n = cols * (coefficients_.lit() + 1);
  const int at = along_[0].at[y];
  float *line = scratch_floats(Scratch::lines, n + 1 + src.form.width), *light = line + n + 1;
  line[n] = 0;
  row_kernels().mix(coefficients_.row(at), coefficients_.row(at + 1), along_[0].share[y], n, line);
  src.luminance(y, light);
  for (int c = 0; c < coefficients_.lit(); c++)
    sample_kernels<Sample>().guided(line + (c + 1) * cols, line, across_[0].at.data(), across_[0].share.data(), light, src.form.width, unit(src.form),
                                    src.form.max, dst.picture.row<Sample>(c, y));
}

template <class Sample>
void Enlarge::chroma_row(int c, int y) const {
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const Picture result = result_.picture();
  const int n = cols(result.form, c), at = along_[1].at[y];
  float *line = scratch_floats(Scratch::lines, size_t(n) + 1);
  line[n] = 0;
  k.mix_samples(result.row<Sample>(c, at), result.row<Sample>(c, std::min(at + 1, rows(result.form, c) - 1)), along_[1].share[y], n, line);
  k.interpolated(line, across_[1].at.data(), across_[1].share.data(), cols(src.form, c), src.form.max, dst.picture.row<Sample>(c, y));
}

}  // namespace adain
