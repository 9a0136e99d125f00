#include "frame_blend.h"

#include <algorithm>

#include "kernel_motion.h"
#include "kernel_samples.h"

namespace adain {

namespace {

constexpr int kPairs = 16;   // of rows, in a chunk

}  // namespace

// The pitch is even, since the last line is of words of two bytes.
TemporalBlend::Lines::Lines(size_t width) : pitch((width + 1) / 2 * 2 + 2 * kEdge) {
  thread_local Way kept[3];
  ways = kept;
  uint8_t *p = reinterpret_cast<uint8_t *>(scratch(Scratch::lines, 21 * pitch));
  std::memset(p, 0, 21 * pitch);
  p += kEdge;
  for (uint8_t **line : {&none, &changes[0], &changes[1], &changes[2], &chroma, &other, &covering, &tallest, &d[0], &d[1], &w, &stills[0], &stills[1], &stills[2],
                         &still_covering, &e[0], &e[1], &chroma_d, &chroma_e, &before}) {
    *line = p;
    p += pitch;
  }
}

TemporalBlend::TemporalBlend(const adain_cpu_image &form, int motion_shift)
    : frame_(form, form.width, form.height), result_(form, form.width, form.height), down_(1, 1) {
  follow(motion_shift);
}

void TemporalBlend::divide() {
  const int height = result_.form.height;
  if (motion_)
    down_ = Division(motion_->cells_down(), std::max(1, height / (2 * kPairs)));
  else
    down_ = Division((height + 1) / 2, height / (2 * kPairs));
}

void TemporalBlend::follow(int motion_shift) {
  if (motion_shift == 0) {
    motion_.reset();
  } else if (!motion_ || !motion_->fits(motion_shift)) {
    auto motion = std::make_unique<Motion>(result_.form, motion_shift);
    const size_t cells = size_t(motion->cells_across()) * motion->cells_down();
    std::vector<uint32_t> plain(cells), blended(cells);
    motion_ = std::move(motion);
    steps_[0] = std::move(plain);
    steps_[1] = std::move(blended);
  }
  divide();
}

void TemporalBlend::add(std::vector<Stage *> &stages, const Next &next) {
  next_ = next;
  frame_.form = result_.form = next.src.form;
  if (motion_) motion_->add(stages, next.src, next.blended && next.moves, *next.before);
  stages.push_back(this);
  stages.push_back(&keep_);
  if (motion_) stages.push_back(&show_);
}

std::pair<int, int> TemporalBlend::rows(int chunk) const {
  return {rows() * down_.begin(chunk), std::min(rows() * (down_.begin(chunk) + down_.size(chunk)), next_.src.form.height)};
}

void TemporalBlend::run(int chunk, int) {
  if (!next_.blended || !next_.before->continues()) return;
  const auto [begin, end] = rows(chunk);
  auto measured = [&](std::vector<uint32_t> &steps) {
    for (int row = down_.begin(chunk); motion_ && row < down_.begin(chunk) + down_.size(chunk); row++) measure(row, steps);
  };
  measured(steps_[0]);
  with_samples(next_.src.form, [&, begin = begin, end = end](auto sample) { run_rows<decltype(sample)>(begin, end); });
  measured(steps_[1]);
}

template <class Sample>
void TemporalBlend::run_rows(int begin, int end) const {
  Lines l(next_.src.form.width);
  if (begin > 0) change<Sample>(l, begin - 1);
  change<Sample>(l, begin);
  for (int y = begin; y < end; y++) {
    if (y + 1 < next_.src.form.height) change<Sample>(l, y + 1);
    blend<Sample>(l, y);
  }
}

void TemporalBlend::Keep::run(int chunk, int) {
  const Next &next = blend_.next_;
  const Picture frame = blend_.frame_.picture(), result = blend_.result_.picture();
  const bool in_place = !blend_.motion_ && next.blended && next.before->continues();  // the blend has left its result there
  const auto [begin, end] = blend_.rows(chunk);
  for (int y = begin; y < end; y++) {
    for (int c = 0; c < frame.form.channels; c++) {
      frame.copy_row(c, y, next.src);
      if (!in_place) result.copy_row(c, y, next.dst.picture);
    }
    if (next.dst.preserve_color && !blend_.motion_) next.dst.recolour(y, result, next.src);
  }
}

// The largest difference of the channels from first to end in a row of theirs, to b as it lies there or as it comes along.
template <class Sample>
void TemporalBlend::apart(Lines &l, const Picture &a, const Picture &b, int first, int end, int y, bool along, uint8_t *other, uint8_t *out) const {
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const int n = cols(a.form, first), shift = a.form.depth - 8;
  for (int c = first; c < end; c++) {
    Sample *before = b.row<Sample>(c, y);
    if (along) {
      before = reinterpret_cast<Sample *>(l.before);
      way(l, c, y).take(b, c, false, before);
    }
    k.apart(a.row<Sample>(c, y), before, n, shift, c == first ? out : other);
    if (c > first) row_kernels().most(out, other, other, n, out);
  }
}

// c of row y, along the motion or in place. covering is that of the chroma of the last row that had some of its own, number `covers`.
template <class Sample>
void TemporalBlend::change(Lines &l, int y, bool along, uint8_t *covering, int &covers, uint8_t *out) const {
  const adain_cpu_image &form = next_.src.form;
  const Picture before = frame_.picture();
  apart<Sample>(l, next_.src, before, 0, alike(), y, along, l.other, out);
  if (alike() == form.channels) return;
  const int chroma = shared(form, 1) ? y >> form.sub_y : y;
  if (covers != chroma) {
    covers = chroma;
    apart<Sample>(l, next_.src, before, 1, 3, chroma, along, l.other, l.chroma);
    row_kernels().spread(l.chroma, form.sub_x, form.width, covering);
  }
  row_kernels().most(out, covering, covering, form.width, out);
}

template void TemporalBlend::change<uint8_t>(Lines &, int, bool, uint8_t *, int &, uint8_t *) const;
template void TemporalBlend::change<uint16_t>(Lines &, int, bool, uint8_t *, int &, uint8_t *) const;
template void TemporalBlend::apart<uint8_t>(Lines &, const Picture &, const Picture &, int, int, int, bool, uint8_t *, uint8_t *) const;
template void TemporalBlend::apart<uint16_t>(Lines &, const Picture &, const Picture &, int, int, int, bool, uint8_t *, uint8_t *) const;

template <class Sample>
void TemporalBlend::change(Lines &l, int y) const {
  change<Sample>(l, y, motion_ != nullptr, l.covering, l.chroma_of, l.change(y));
  if (motion_) doubt(l, y);
}

// d of row y.
void TemporalBlend::moved(Lines &l, uint8_t *const *changes, int y, uint8_t *d) const {
  const RowKernels &k = row_kernels();
  const int n = next_.src.form.width;
  k.most(y > 0 ? changes[(y + 2) % 3] : l.none, changes[y % 3], y + 1 < next_.src.form.height ? changes[(y + 1) % 3] : l.none, n, l.tallest);
  k.most(l.tallest - 1, l.tallest, l.tallest + 1, n, d);
}

template <class Sample>
void TemporalBlend::blend(Lines &l, int y) const {
  const adain_cpu_image &form = next_.src.form;
  uint8_t *d = l.d[y % 2];
  moved(l, l.changes, y, d);
  if (motion_) {
    follow_row<Sample>(l, y);
    return;
  }
  const Picture now = next_.dst.picture, before = result_.picture();
  apart<Sample>(l, now, before, 0, alike(), y, false, l.w, l.other);
  row_kernels().weights(d, l.other, form.width, next_.weight, l.w);
  for (int c = 0; c < alike(); c++) sample_kernels<Sample>().blend(now.row<Sample>(c, y), before.row<Sample>(c, y), l.w, form.width);
  if (alike() < form.channels && ((y + 1) % (1 << form.sub_y) == 0 || y + 1 == form.height)) blend_chroma<Sample>(l, y >> form.sub_y);
}

// Row y of chroma, after all rows that it covers.
template <class Sample>
void TemporalBlend::blend_chroma(Lines &l, int y) const {
  const RowKernels &k = row_kernels();
  const adain_cpu_image &form = next_.src.form;
  const int n = cols(form, 1), first = y << form.sub_y, last = std::min(first + (1 << form.sub_y), form.height) - 1;
  uint8_t *d = l.d[first % 2];
  k.most(d, l.d[last % 2], d, form.width, l.tallest);
  k.gather(l.tallest, form.sub_x, form.width, d);
  const Picture now = next_.dst.picture, before = result_.picture();
  apart<Sample>(l, now, before, 1, 3, y, false, l.w, l.other);
  k.weights(d, l.other, n, next_.weight, l.w);
  for (int c = 1; c < 3; c++) sample_kernels<Sample>().blend(now.row<Sample>(c, y), before.row<Sample>(c, y), l.w, n);
}

}  // namespace adain
