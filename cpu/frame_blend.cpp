#include "frame_blend.h"

#include <algorithm>

#include "kernel_motion.h"
#include "kernel_samples.h"

namespace adain {

namespace {

constexpr int kPairs = 16;   // of rows, in a chunk

}  // namespace

TemporalBlend::Lines::Lines(size_t width) : pitch(width + 2 * kEdge) {
  uint8_t *p = reinterpret_cast<uint8_t *>(scratch(Scratch::lines, 12 * pitch));
  std::memset(p, 0, 12 * pitch);
  p += kEdge;
  for (uint8_t **line : {&none, &changes[0], &changes[1], &changes[2], &chroma, &other, &covering, &tallest, &d[0], &d[1], &w, &before}) {
    *line = p;
    p += pitch;
  }
}

TemporalBlend::TemporalBlend(const adain_cpu_image &form, int motion_shift)
    : frames_{FrameBuffer(form, form.width, form.height), FrameBuffer(form, form.width, form.height)}, down_(1, 1) {
  results_.reserve(2);
  results_.emplace_back(form, form.width, form.height);
  follow(motion_shift);
}

void TemporalBlend::divide() {
  const int height = results_[0].form.height;
  if (motion_)
    down_ = Division(motion_->cells_down(), std::max(1, height / (2 * kPairs)));
  else
    down_ = Division((height + 1) / 2, height / (2 * kPairs));
}

void TemporalBlend::follow(int motion_shift) {
  const adain_cpu_image form = results_[0].form;
  if (motion_shift == 0) {
    if (results_.size() > 1 && now_ == 1) std::swap(results_[0], results_[1]);
    while (results_.size() > 1) results_.pop_back();
    motion_.reset();
  } else if (!motion_ || !motion_->fits(motion_shift)) {
    auto motion = std::make_unique<Motion>(form, motion_shift);
    const size_t cells = size_t(motion->cells_across()) * motion->cells_down();
    std::vector<uint32_t> plain(cells), blended(cells);
    if (results_.size() < 2) {
      results_.emplace_back(form, form.width, form.height);
      if (now_ == 1) std::swap(results_[0], results_[1]);
    }
    motion_ = std::move(motion);
    steps_[0] = std::move(plain);
    steps_[1] = std::move(blended);
  }
  divide();
}

void TemporalBlend::add(std::vector<Stage *> &stages, const Next &next) {
  now_ = 1 - now_;
  next_ = next;
  for (FrameBuffer &f : frames_) f.form = next.src.form;
  for (FrameBuffer &f : results_) f.form = next.src.form;
  if (motion_) motion_->add(stages, next.src, next.blended && next.moves, *next.before);
  stages.push_back(this);
  if (motion_) stages.push_back(&show_);
}

void TemporalBlend::run(int chunk, int) {
  const int height = next_.src.form.height, unit = motion_ ? motion_->side() : 2;
  const int begin = unit * down_.begin(chunk), end = std::min(begin + unit * down_.size(chunk), height);
  const bool blended = next_.blended && next_.before->continues();
  with_samples(next_.src.form, [&](auto sample) { run_rows<decltype(sample)>(begin, end, blended); });
  for (int row = down_.begin(chunk); motion_ && blended && row < down_.begin(chunk) + down_.size(chunk); row++) measure(row);
}

template <class Sample>
void TemporalBlend::run_rows(int begin, int end, bool blended) const {
  const int height = next_.src.form.height;
  Lines l(next_.src.form.width);
  if (blended && begin > 0) change<Sample>(l, begin - 1);
  if (blended) change<Sample>(l, begin);
  for (int y = begin; y < end; y += 2) {
    const int below = std::min(y + 2, end);
    for (int k = y; blended && k < below; k++) {
      if (k + 1 < height) change<Sample>(l, k + 1);
      blend<Sample>(l, k);
    }
    for (int k = y; k < below; k++) remember(k, blended);
  }
}

// The largest difference of the channels from first to end in a row of theirs; with a line, to b as it comes along.
template <class Sample>
void TemporalBlend::apart(const Picture &a, const Picture &b, int first, int end, int y, uint8_t *line, uint8_t *other, uint8_t *out) const {
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const int n = cols(a.form, first), shift = a.form.depth - 8;
  for (int c = first; c < end; c++) {
    const Sample *before = b.row<Sample>(c, y);
    if (line) {
      along(b, c, y, false, line);
      before = reinterpret_cast<const Sample *>(line);  // of 8 bits
    }
    k.apart(a.row<Sample>(c, y), before, n, shift, c == first ? out : other);
    if (c > first) row_kernels().most(out, other, other, n, out);
  }
}

// c of row y.
template <class Sample>
void TemporalBlend::change(Lines &l, int y) const {
  const adain_cpu_image &form = next_.src.form;
  const Picture before = frames_[1 - now_].picture();
  uint8_t *line = motion_ ? l.before : nullptr;
  apart<Sample>(next_.src, before, 0, alike(), y, line, l.other, l.change(y));
  if (alike() < form.channels) {
    const int chroma = shared(form, 1) ? y >> form.sub_y : y;
    if (l.chroma_of != chroma) {
      l.chroma_of = chroma;
      apart<Sample>(next_.src, before, 1, 3, chroma, line, l.other, l.chroma);
      row_kernels().spread(l.chroma, form.sub_x, form.width, l.covering);
    }
    row_kernels().most(l.change(y), l.covering, l.covering, form.width, l.change(y));
  }
  if (motion_) doubt(l.change(y), y);
}

// d of row y.
void TemporalBlend::moved(const Lines &l, int y, uint8_t *d) const {
  const RowKernels &k = row_kernels();
  const int n = next_.src.form.width;
  k.most(y > 0 ? l.change(y - 1) : l.none, l.change(y), y + 1 < next_.src.form.height ? l.change(y + 1) : l.none, n, l.tallest);
  k.most(l.tallest - 1, l.tallest, l.tallest + 1, n, d);
}

template <class Sample>
void TemporalBlend::blend(const Lines &l, int y) const {
  const adain_cpu_image &form = next_.src.form;
  uint8_t *d = l.d[y % 2];
  moved(l, y, d);
  if (motion_) {
    motion_kernels().weights(d, form.width, next_.weight, l.w);
    for (int c = 0; c < alike(); c++) follow_row(l, c, y);
  } else {
    const Picture now = next_.dst.picture, before = results_[0].picture();
    apart<Sample>(now, before, 0, alike(), y, nullptr, l.w, l.other);
    row_kernels().weights(d, l.other, form.width, next_.weight, l.w);
    for (int c = 0; c < alike(); c++) sample_kernels<Sample>().blend(now.row<Sample>(c, y), before.row<Sample>(c, y), l.w, form.width);
  }
  if (alike() < form.channels && ((y + 1) % (1 << form.sub_y) == 0 || y + 1 == form.height)) blend_chroma<Sample>(l, y >> form.sub_y);
}

// Row y of chroma, after all rows that it covers.
template <class Sample>
void TemporalBlend::blend_chroma(const Lines &l, int y) const {
  const RowKernels &k = row_kernels();
  const adain_cpu_image &form = next_.src.form;
  const int n = cols(form, 1), first = y << form.sub_y, last = std::min(first + (1 << form.sub_y), form.height) - 1;
  uint8_t *d = l.d[first % 2];
  k.most(d, l.d[last % 2], d, form.width, l.tallest);
  k.gather(l.tallest, form.sub_x, form.width, d);
  if (motion_) {
    motion_kernels().weights(d, n, next_.weight, l.w);
    for (int c = 1; c < 3; c++) follow_row(l, c, y);
    return;
  }
  const Picture now = next_.dst.picture, before = results_[0].picture();
  apart<Sample>(now, before, 1, 3, y, nullptr, l.w, l.other);
  k.weights(d, l.other, n, next_.weight, l.w);
  for (int c = 1; c < 3; c++) sample_kernels<Sample>().blend(now.row<Sample>(c, y), before.row<Sample>(c, y), l.w, n);
}

// Row y of the frame and, unless it was blended there, of the result, with the chroma that goes with it; and the frame's colours for dst,
// unless the result is still to be shown.
void TemporalBlend::remember(int y, bool blended) const {
  const Picture &src = next_.src;
  const Picture frame = frames_[now_].picture(), result = results_[motion_ ? now_ : 0].picture();
  for (int c = 0; c < src.form.channels; c++) {
    frame.copy_row(c, y, src);
    if (!blended) result.copy_row(c, y, next_.dst.picture);
  }
  if (next_.dst.preserve_color && !motion_) next_.dst.recolour(y, result, src);
}

}  // namespace adain
