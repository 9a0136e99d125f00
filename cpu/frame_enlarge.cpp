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
    sample_kernels().guide_slopes(of_i, of_q, n, cols_, scale_.data(), sums, row(y));
  }
}

GuideCoefficients::GuideCoefficients(const FrameBuffer &frame, const FrameBuffer &result, const GuideSlopes &slopes)
    : frame_(frame),
      result_(result),
      slopes_(slopes),
      pixel_(is_yuv(frame.form) ? 2 : 4),
      down_(slopes.rows(), slopes.rows() / kRows),
      memory_(allocate(4 * size_t(slopes.rows()) * slopes.cols() * pixel_)) {}

void GuideCoefficients::run(int chunk, int) {
  const size_t cols = slopes_.cols();
  float *i = scratch_floats(Scratch::lines, 3 * cols + 2 * kReach), *a = i + cols, *sums = a + cols;
  const Picture frame = frame_.picture();
  const SampleKernels &k = sample_kernels();
  for (int y = down_.begin(chunk), end = y + down_.size(chunk); y < end; y++) {
    const float *rows[2 * kReach + 1];
    const int n = around(y, slopes_.rows(), [&](int k) { return slopes_.row(k); }, rows);
    k.box(rows, n, int(cols), slopes_.scale(), sums, a);
    frame.luminance(y, i);
    k.guide_coefficients(result_.row(0, y), int(cols), plane(frame.form, 0).pixel_bytes, a, i, row(y));
  }
}

Enlarge::Between::Between(int n, int m) {
  for (int x = 0; x < n; x++) {
    const double place = std::clamp((x + .5) * m / n - .5, 0., m - 1.);
    at.push_back(std::min(int(place), m - 2));
    share.push_back(float(place - at.back()));
  }
}

Enlarge::Enlarge(const adain_cpu_image &form, const FrameBuffer &result, const GuideCoefficients &coefficients)
    : result_(result), coefficients_(coefficients), down_((form.height + 1) / 2, form.height / (2 * kRows)) {
  for (int i = 0; i < std::min(planes(form), 2); i++) {
    const Plane to = plane(form, i), from = plane(result.form, i);
    across_[i] = Between(to.cols, from.cols);
    along_[i] = Between(to.rows, from.rows);
  }
}

void Enlarge::run(int chunk, int) {
  const int begin = 2 * down_.begin(chunk), end = std::min(begin + 2 * down_.size(chunk), src.form.height);
  for (int y = begin; y < end; y++) {
    luminance_row(y);
    for (int i = 1; i < planes(src.form) && y % 2 == 0 && !dst.preserve_color; i++) chroma_row(i, y / 2);
    if (dst.preserve_color) dst.recolour(y, {dst.form, {dst.plane[0], dst.plane[1], dst.plane[2]}}, src);
  }
}

void Enlarge::luminance_row(int y) const {
  const SampleKernels &k = sample_kernels();
  const size_t n = size_t(result_.form.width) * coefficients_.pixel();
  const int at = along_[0].at[y];
  float *line = scratch_floats(Scratch::lines, n + src.form.width), *light = line + n;
  k.mix(coefficients_.row(at), coefficients_.row(at + 1), along_[0].share[y], n, line);
  src.luminance(y, light);
  k.guided(line, across_[0].at.data(), across_[0].share.data(), light, src.form.width, plane(src.form, 0).pixel_bytes, src.row(0, y), dst.row(0, y));
}

void Enlarge::chroma_row(int i, int y) const {
  const SampleKernels &k = sample_kernels();
  const Plane to = plane(src.form, i), from = plane(result_.form, i);
  float *line = scratch_floats(Scratch::lines, from.bytes());
  const int at = along_[1].at[y];
  k.mix_samples(result_.row(i, at), result_.row(i, at + 1), along_[1].share[y], from.bytes(), line);
  k.interpolated(line, across_[1].at.data(), across_[1].share.data(), to.cols, to.pixel_bytes, dst.row(i, y));
}

}  // namespace adain
