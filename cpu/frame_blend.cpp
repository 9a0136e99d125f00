#include "frame_blend.h"

#include <algorithm>

#include "kernel_samples.h"

namespace adain {

namespace {

constexpr int kPairs = 16;   // of rows, in a chunk
constexpr size_t kEdge = 64;  // zeros on either side of a line

}  // namespace

// Rows that a chunk works on, in the cache: 8 bits of each pixel or chroma sample.
struct TemporalBlend::Lines {
  explicit Lines(size_t width) : pitch(width + 2 * kEdge) {
    uint8_t *p = reinterpret_cast<uint8_t *>(scratch(Scratch::lines, 11 * pitch));
    std::memset(p, 0, 11 * pitch);
    p += kEdge;
    for (uint8_t **line : {&none, &changes[0], &changes[1], &changes[2], &chroma, &other, &covering, &tallest, &d[0], &d[1], &w}) {
      *line = p;
      p += pitch;
    }
  }
  // c of row y, of which three are kept.
  uint8_t *change(int y) const { return changes[(y + 3) % 3]; }

  size_t pitch;
  uint8_t *none, *changes[3];
  uint8_t *chroma, *other, *covering;  // c of a chroma row, of one more channel, and of the pixels that the row covers
  int chroma_of = -1;                  // which row that is
  uint8_t *tallest, *d[2], *w;
};

TemporalBlend::TemporalBlend(const adain_cpu_image &form)
    : frames_{FrameBuffer(form, form.width, form.height), FrameBuffer(form, form.width, form.height)},
      result_(form, form.width, form.height),
      down_((form.height + 1) / 2, form.height / (2 * kPairs)) {}

void TemporalBlend::next(const Canvas &dst, const Picture &src, int weight, bool blended, const Smoothing &before) {
  now_ = 1 - now_;
  dst_ = dst;
  src_ = src;
  frames_[0].form = frames_[1].form = result_.form = src.form;
  weight_ = weight;
  blended_ = blended;
  before_ = &before;
}

void TemporalBlend::run(int chunk, int) {
  const int begin = 2 * down_.begin(chunk), end = std::min(begin + 2 * down_.size(chunk), src_.form.height);
  with_samples(src_.form, [&](auto sample) { run_rows<decltype(sample)>(begin, end, blended_ && before_->continues()); });
}

template <class Sample>
void TemporalBlend::run_rows(int begin, int end, bool blended) const {
  Lines l(src_.form.width);
  if (blended && begin > 0) change<Sample>(l, begin - 1);
  if (blended) change<Sample>(l, begin);
  for (int y = begin; y < end; y += 2) {
    const int below = std::min(y + 2, end);
    for (int k = y; blended && k < below; k++) {
      if (k + 1 < src_.form.height) change<Sample>(l, k + 1);
      blend<Sample>(l, k);
    }
    for (int k = y; k < below; k++) remember(k, blended);
  }
}

// The largest difference of the channels from first to end in a row of theirs.
template <class Sample>
void TemporalBlend::apart(const Picture &a, const Picture &b, int first, int end, int y, uint8_t *other, uint8_t *out) const {
  const SampleKernels<Sample> &k = sample_kernels<Sample>();
  const int n = cols(a.form, first), shift = a.form.depth - 8;
  for (int c = first; c < end; c++) {
    k.apart(a.row<Sample>(c, y), b.row<Sample>(c, y), n, shift, c == first ? out : other);
    if (c > first) row_kernels().most(out, other, other, n, out);
  }
}

// c of row y.
template <class Sample>
void TemporalBlend::change(Lines &l, int y) const {
  const adain_cpu_image &form = src_.form;
  const Picture before = frames_[1 - now_].picture();
  apart<Sample>(src_, before, 0, alike(), y, l.other, l.change(y));
  if (alike() == form.channels) return;
  const int chroma = shared(form, 1) ? y >> form.sub_y : y;
  if (l.chroma_of != chroma) {
    l.chroma_of = chroma;
    apart<Sample>(src_, before, 1, 3, chroma, l.other, l.chroma);
    row_kernels().spread(l.chroma, form.sub_x, form.width, l.covering);
  }
  row_kernels().most(l.change(y), l.covering, l.covering, form.width, l.change(y));
}

// d of row y.
void TemporalBlend::moved(const Lines &l, int y, uint8_t *d) const {
  const RowKernels &k = row_kernels();
  const int n = src_.form.width;
  k.most(y > 0 ? l.change(y - 1) : l.none, l.change(y), y + 1 < src_.form.height ? l.change(y + 1) : l.none, n, l.tallest);
  k.most(l.tallest - 1, l.tallest, l.tallest + 1, n, d);
}

template <class Sample>
void TemporalBlend::blend(const Lines &l, int y) const {
  const adain_cpu_image &form = src_.form;
  const Picture now = dst_.picture, before = result_.picture();
  uint8_t *d = l.d[y % 2];
  moved(l, y, d);
  apart<Sample>(now, before, 0, alike(), y, l.w, l.other);
  row_kernels().weights(d, l.other, form.width, weight_, l.w);
  for (int c = 0; c < alike(); c++) sample_kernels<Sample>().blend(now.row<Sample>(c, y), before.row<Sample>(c, y), l.w, form.width);
  if (alike() < form.channels && ((y + 1) % (1 << form.sub_y) == 0 || y + 1 == form.height)) blend_chroma<Sample>(l, y >> form.sub_y);
}

// Row y of chroma, after all rows that it covers.
template <class Sample>
void TemporalBlend::blend_chroma(const Lines &l, int y) const {
  const RowKernels &k = row_kernels();
  const adain_cpu_image &form = src_.form;
  const Picture now = dst_.picture, before = result_.picture();
  const int n = cols(form, 1), first = y << form.sub_y, last = std::min(first + (1 << form.sub_y), form.height) - 1;
  uint8_t *d = l.d[first % 2];
  k.most(d, l.d[last % 2], d, form.width, l.tallest);
  k.gather(l.tallest, form.sub_x, form.width, d);
  apart<Sample>(now, before, 1, 3, y, l.w, l.other);
  k.weights(d, l.other, n, weight_, l.w);
  for (int c = 1; c < 3; c++) sample_kernels<Sample>().blend(now.row<Sample>(c, y), before.row<Sample>(c, y), l.w, n);
}

// Row y of the frame and, unless it was blended there, of the result, with the chroma that goes with it; and the frame's colours for dst.
void TemporalBlend::remember(int y, bool blended) const {
  const Picture frame = frames_[now_].picture(), result = result_.picture();
  for (int c = 0; c < src_.form.channels; c++) {
    const int sub = shared(src_.form, c) ? src_.form.sub_y : 0;
    if (y % (1 << sub) != 0) continue;
    std::memcpy(frame.bytes(c, y >> sub), src_.bytes(c, y >> sub), src_.row_bytes(c));
    if (!blended) std::memcpy(result.bytes(c, y >> sub), dst_.picture.bytes(c, y >> sub), src_.row_bytes(c));
  }
  if (dst_.preserve_color) dst_.recolour(y, result, src_);
}

}  // namespace adain
