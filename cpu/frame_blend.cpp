#include "frame_blend.h"

#include <algorithm>

#include "kernel_samples.h"

namespace adain {

namespace {

constexpr int kPairs = 16;   // of rows, in a chunk
constexpr size_t kEdge = 64;  // zeros on either side of a line

// The longest row of a picture, in bytes.
size_t longest(const adain_cpu_image &form) {
  size_t bytes = 0;
  for (int i = 0; i < planes(form); i++) bytes = std::max(bytes, plane(form, i).bytes());
  return bytes;
}

}  // namespace

// Rows that a chunk works on, in the cache.
struct TemporalBlend::Lines {
  explicit Lines(size_t longest) : pitch(longest + 2 * kEdge) {
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
  uint8_t *chroma, *other, *covering;  // c of a chroma row, of a second plane, and of the pixels that it covers
  int chroma_of = -1;                  // which row that is
  uint8_t *tallest, *d[2], *w;
};

TemporalBlend::TemporalBlend(const adain_cpu_image &form)
    : frames_{FrameBuffer(form, form.width, form.height), FrameBuffer(form, form.width, form.height)},
      result_(form, form.width, form.height),
      down_((form.height + 1) / 2, form.height / (2 * kPairs)),
      first_(longest(form)),
      all_(longest(form), 255) {
  const int pixel_bytes = is_yuv(form) ? 2 : plane(form, 0).pixel_bytes;
  for (size_t i = 0; i < first_.size(); i += pixel_bytes) first_[i] = 255;
}

void TemporalBlend::next(const Canvas &dst, const Picture &src, int weight, bool blended, const Smoothing &before) {
  now_ = 1 - now_;
  dst_ = dst;
  src_ = src;
  weight_ = weight;
  blended_ = blended;
  before_ = &before;
}

void TemporalBlend::run(int chunk, int) {
  const int begin = 2 * down_.begin(chunk), end = std::min(begin + 2 * down_.size(chunk), src_.form.height);
  const bool blended = blended_ && before_->continues();
  Lines l(longest(src_.form));
  if (blended && begin > 0) change(l, begin - 1);
  if (blended) change(l, begin);
  for (int y = begin; y < end; y += 2) {
    const int below = std::min(y + 2, end);
    for (int k = y; blended && k < below; k++) {
      if (k + 1 < src_.form.height) change(l, k + 1);
      blend(l, k);
    }
    for (int k = y; k < below; k++) remember(k, blended);
  }
}

// c of row y.
void TemporalBlend::change(Lines &l, int y) const {
  const SampleKernels &k = sample_kernels();
  const Plane p = plane(src_.form, 0);
  const int n = int(p.bytes());
  k.apart(src_.row(0, y), frames_[1 - now_].row(0, y), n, std::min(p.pixel_bytes, 3), l.change(y));
  if (!is_yuv(src_.form)) return;
  if (l.chroma_of != y / 2) spread_chroma(l, l.chroma_of = y / 2);
  k.most(l.change(y), l.covering, l.covering, n, l.change(y));
}

void TemporalBlend::spread_chroma(const Lines &l, int y) const {
  const SampleKernels &k = sample_kernels();
  const Plane p = plane(src_.form, 1);
  const FrameBuffer &before = frames_[1 - now_];
  const int n = int(p.bytes());
  k.apart(src_.row(1, y), before.row(1, y), n, p.pixel_bytes, l.chroma);
  if (p.pixel_bytes == 1) {
    k.apart(src_.row(2, y), before.row(2, y), n, 1, l.other);
    k.most(l.chroma, l.other, l.other, n, l.chroma);
  }
  k.spread(l.chroma, p.pixel_bytes, src_.form.width, l.covering);
}

// d of row y.
void TemporalBlend::moved(const Lines &l, int y, uint8_t *d) const {
  const SampleKernels &k = sample_kernels();
  const Plane p = plane(src_.form, 0);
  const int n = int(p.bytes());
  k.most(y > 0 ? l.change(y - 1) : l.none, l.change(y), y + 1 < p.rows ? l.change(y + 1) : l.none, n, l.tallest);
  k.most(l.tallest - p.pixel_bytes, l.tallest, l.tallest + p.pixel_bytes, n, d);
}

void TemporalBlend::blend(const Lines &l, int y) const {
  const SampleKernels &k = sample_kernels();
  const Plane p = plane(src_.form, 0);
  const int n = int(p.bytes()), span = std::min(p.pixel_bytes, 3);
  uint8_t *now = dst_.row(0, y), *before = result_.row(0, y), *d = l.d[y % 2];
  moved(l, y, d);
  k.apart(now, before, n, span, l.other);
  k.weights(d, l.other, span > 1 ? first_.data() : all_.data(), n, weight_, l.w);
  k.blend(now, before, l.w, n, span);
  if (is_yuv(src_.form) && (y % 2 == 1 || y + 1 == p.rows)) blend_chroma(l, y / 2);
}

// Row y of chroma, after all rows that it covers.
void TemporalBlend::blend_chroma(const Lines &l, int y) const {
  const SampleKernels &k = sample_kernels();
  const Plane p = plane(src_.form, 1);
  const int n = int(p.bytes()), width = src_.form.width;
  const uint8_t *below = 2 * y + 1 < src_.form.height ? l.d[1] : l.d[0];
  k.most(l.d[0], below, below, width, l.tallest);
  uint8_t *d = l.d[0];
  k.gather(l.tallest, p.pixel_bytes, width, d);
  k.apart(dst_.row(1, y), result_.row(1, y), n, p.pixel_bytes, l.other);
  if (p.pixel_bytes == 1) {
    k.apart(dst_.row(2, y), result_.row(2, y), n, 1, l.w);
    k.most(l.other, l.w, l.w, n, l.other);
  }
  k.weights(d, l.other, p.pixel_bytes == 1 ? all_.data() : first_.data(), n, weight_, l.w);
  for (int i = 1; i < planes(src_.form); i++) k.blend(dst_.row(i, y), result_.row(i, y), l.w, n, p.pixel_bytes);
}

// Row y of the frame and, unless it was blended there, of the result, with the chroma that goes with it; and the frame's colours for dst.
void TemporalBlend::remember(int y, bool blended) const {
  for (int i = 0; i < planes(src_.form) && (i == 0 || y % 2 == 0); i++) {
    const int from = i == 0 ? y : y / 2;
    const size_t bytes = plane(src_.form, i).bytes();
    std::memcpy(frames_[now_].row(i, from), src_.row(i, from), bytes);
    if (!blended) std::memcpy(result_.row(i, from), dst_.row(i, from), bytes);
  }
  if (dst_.preserve_color) dst_.recolour(y, result_.picture(), src_);
}

}  // namespace adain
