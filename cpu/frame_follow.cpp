// What of the temporal blend belongs to motion.
#include <algorithm>

#include "frame_blend.h"
#include "kernel_motion.h"

namespace adain {

namespace {

constexpr int kGain = 36, kMostGain = 32;

}  // namespace

// The ways of row y of a channel.
const Way &TemporalBlend::way(Lines &l, int c, int y) const {
  const adain_cpu_image &form = next_.src.form;
  const int i = shared(form, c) ? 2 : y % 2;
  if (l.way_of[i] != y) {
    l.ways[i].find(Grid(form, c, *motion_), *motion_, y);
    l.way_of[i] = y;
  }
  return l.ways[i];
}

// c of row y is larger where that is doubtful.
void TemporalBlend::doubt(Lines &l, int y) const {
  const Grid grid(next_.src.form, 0, *motion_);
  const int cells = motion_->cells_across(), above = grid.row_above(y);
  motion_kernels().doubt(l.change(y), spread_row(grid, motion_->cells(above).doubt, motion_->cells(above + 1).doubt, y, cells), next_.src.form.width);
}

// e of row y.
template <class Sample>
void TemporalBlend::find_still(Lines &l, int y) const {
  for (int k = std::max(y - 1, 0); k < std::min(y + 2, next_.src.form.height); k++) {
    if (l.still_of[k % 3] == k) continue;
    change<Sample>(l, k, false, l.still_covering, l.still_chroma_of, l.stills[k % 3]);
    l.still_of[k % 3] = k;
  }
  moved(l, l.stills, y, l.e[y % 2]);
}

// Row y of channels of the result moves towards what was at the same place, where d is not trusted and e is little.
template <class Sample>
void TemporalBlend::follow_in_place(Lines &l, int first, int end, int y, const uint8_t *e, const uint8_t *d) const {
  const Picture now = next_.dst.picture, before = result_.picture();
  const int n = cols(next_.src.form, first);
  apart<Sample>(l, now, before, first, end, y, false, l.w, l.other);
  motion_kernels().weights_in_place(e, l.other, d, n, next_.weight, l.w);
  for (int c = first; c < end; c++) {
    Sample *line = reinterpret_cast<Sample *>(l.before);
    std::memcpy(line, before.row<Sample>(c, y), size_t(n) * sizeof(Sample));
    sample_kernels<Sample>().blend(now.row<Sample>(c, y), line, l.w, n);
  }
}

// Row y of channels of the result moves towards those of the one before. d is that of its samples, e where some of d is not trusted.
template <class Sample>
void TemporalBlend::follow(Lines &l, int first, int end, int y, const uint8_t *e, const uint8_t *d) const {
  const int n = cols(next_.src.form, first);
  const Picture now = next_.dst.picture;
  if (e) follow_in_place<Sample>(l, first, end, y, e, d);
  motion_kernels().weights(d, n, next_.weight, l.w);
  for (int c = first; c < end; c++) {
    Sample *line = reinterpret_cast<Sample *>(l.before);
    way(l, c, y).take(result_.picture(), c, true, line);
    sample_kernels<Sample>().blend(now.row<Sample>(c, y), line, l.w, n);
  }
}

// Row y, of which d is known, with the chroma of which it is the last.
template <class Sample>
void TemporalBlend::follow_row(Lines &l, int y) const {
  const RowKernels &k = row_kernels();
  const adain_cpu_image &form = next_.src.form;
  uint8_t *d = l.d[y % 2];
  const bool doubts = !trusted(d, form.width);
  if (doubts) find_still<Sample>(l, y);
  l.found_still[y % 2] = doubts;
  follow<Sample>(l, 0, alike(), y, doubts ? l.e[y % 2] : nullptr, d);
  if (alike() == form.channels || ((y + 1) % (1 << form.sub_y) != 0 && y + 1 < form.height)) return;
  const int chroma = y >> form.sub_y, first = chroma << form.sub_y;
  k.most(l.d[first % 2], d, d, form.width, l.tallest);
  k.gather(l.tallest, form.sub_x, form.width, l.chroma_d);
  const bool doubts_there = !trusted(l.tallest, form.width);
  for (int row = first; doubts_there && row <= y; row++)
    if (!l.found_still[row % 2]) find_still<Sample>(l, row);
  if (doubts_there) {
    k.most(l.e[first % 2], l.e[y % 2], l.e[y % 2], form.width, l.tallest);
    k.gather(l.tallest, form.sub_x, form.width, l.chroma_e);
  }
  follow<Sample>(l, 1, 3, chroma, doubts_there ? l.chroma_e : nullptr, l.chroma_d);
}

// Whether the motion is trusted wholly in a row.
bool TemporalBlend::trusted(const uint8_t *d, int n) { return motion_kernels().largest(d, n) <= 24; }

template void TemporalBlend::follow_row<uint8_t>(Lines &, int) const;
template void TemporalBlend::follow_row<uint16_t>(Lines &, int) const;

// The steps of a row of cells of what dst holds.
void TemporalBlend::measure(int row, std::vector<uint32_t> &steps) const {
  const adain_cpu_image &form = next_.src.form;
  const int side = motion_->side(), across = motion_->cells_across(), end = std::min((row + 1) * side, form.height);
  auto sums = reinterpret_cast<uint16_t *>(scratch(Scratch::inputs, 2 * size_t(form.width)));
  uint32_t *to = &steps[size_t(row) * across];
  std::fill_n(to, across, 0);
  // Sums of 16 bits have room for 257 rows.
  for (int c = 0; c < luminous(); c++)
    for (int begin = row * side; begin < end; begin += 256) {
      std::fill_n(sums, form.width, 0);
      with_samples(form, [&](auto sample) {
        typedef decltype(sample) Sample;
        for (int y = begin; y < std::min(begin + 256, end); y++)
          follow_kernels<Sample>().steps(next_.dst.picture.row<Sample>(c, y), form.width - 1, form.depth - 8, sums);
      });
      for (int x = 0; x + 1 < form.width; x++) to[x / side] += sums[x];
    }
}

// G of a cell.
int TemporalBlend::gain(int x, int y) const {
  int64_t plain = 0, blended = 0;
  const int across = motion_->cells_across();
  for (int v = std::max(y - 1, 0); v < std::min(y + 2, motion_->cells_down()); v++)
    for (int u = std::max(x - 1, 0); u < std::min(x + 2, across); u++) {
      plain += steps_[0][size_t(v) * across + u];
      blended += steps_[1][size_t(v) * across + u];
    }
  if (blended == 0 || plain <= blended) return 0;
  return int(std::min<int64_t>(kGain * (plain - blended) / blended, kMostGain));
}

void TemporalBlend::Show::run(int chunk, int) {
  const TemporalBlend &b = blend_;
  const Next &next = b.next_;
  const bool blended = next.blended && next.before->continues();
  const int across = b.motion_->cells_across(), side = b.motion_->side(), height = next.src.form.height, cells = across + 2;
  // Of the row of cells and those above and below.
  auto gains = reinterpret_cast<int32_t *>(scratch(Scratch::outputs, sizeof(int32_t) * 3 * size_t(cells)));
  for (int row = b.down_.begin(chunk); row < b.down_.begin(chunk) + b.down_.size(chunk); row++) {
    for (int k = 0; blended && k < 3; k++) {
      int32_t *of = gains + k * cells + 1;
      for (int x = 0; x < across; x++) of[x] = b.gain(x, std::clamp(row + k - 1, 0, b.motion_->cells_down() - 1));
      of[-1] = of[0];
      of[across] = of[across - 1];
    }
    for (int y = row * side; y < std::min((row + 1) * side, height); y++) {
      const int32_t *above = gains + (2 * (y - row * side) < side ? 0 : cells) + 1;
      if (blended) with_samples(next.src.form, [&](auto sample) { b.show<decltype(sample)>(y, above, above + cells); });
      if (next.dst.preserve_color) next.dst.recolour(y, next.dst.picture, next.src);
    }
  }
}

// Row y of the result. Gains are those of the rows of cells above and below.
template <class Sample>
void TemporalBlend::show(int y, const int32_t *above, const int32_t *below) const {
  const Picture result = result_.picture(), &dst = next_.dst.picture;
  const int width = result.form.width, height = result.form.height, cells = motion_->cells_across();
  const bool plain = std::all_of(above, above + cells, [](int32_t g) { return g == 0; }) &&
                     std::all_of(below, below + cells, [](int32_t g) { return g == 0; });
  if (plain) return;  // dst holds it
  const int32_t *gains = spread_row(Grid(result.form, 0, *motion_), above, below, y, cells);
  const size_t pitch = size_t(width) + 2;
  Sample *lines = reinterpret_cast<Sample *>(scratch(Scratch::lines, 3 * pitch * sizeof(Sample)));
  for (int c = 0; c < luminous(); c++) {
    for (int j = 0; j < 3; j++) {
      const Sample *from = result.row<Sample>(c, std::clamp(y + j - 1, 0, height - 1));
      Sample *line = lines + j * pitch;
      line[0] = from[0];
      std::memcpy(line + 1, from, size_t(width) * sizeof(Sample));
      line[width + 1] = from[width - 1];
    }
    const Sample *at = lines + pitch + 1;
    follow_kernels<Sample>().sharpen(at - pitch, at, at + pitch, gains, width, (1 << result.form.depth) - 1, dst.row<Sample>(c, y));
  }
}

}  // namespace adain
