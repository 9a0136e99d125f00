// What of the temporal blend belongs to motion. Samples have 8 bits.
#include <algorithm>

#include "frame_blend.h"
#include "kernel_motion.h"

namespace adain {

namespace {

// The squares of pixels that cells are, in a channel.
struct Squares {
  Squares(const adain_cpu_image &form, int c, int side)
      : sub_x(adain::sub_x(form, c)), sub_y(adain::sub_y(form, c)), cols(adain::cols(form, c)), rows(adain::rows(form, c)), side(side) {}
  int row(int y) const { return (y << sub_y) / side; }
  int begin(int x) const { return x * side >> sub_x; }
  int size(int x) const { return std::min(side >> sub_x, cols - begin(x)); }
  const int sub_x, sub_y, cols, rows, side;
};

// Samples around a square, as many as kernels read; beyond the edge that is repeated.
const uint8_t *surroundings(const Picture &from, int c, const Squares &s, int x, int y, int n, size_t &pitch) {
  pitch = size_t(n) + 3 + 64;
  uint8_t *out = reinterpret_cast<uint8_t *>(scratch(Scratch::source, 4 * pitch));
  for (int j = 0; j < 4; j++) {
    const uint8_t *line = from.bytes(c, std::clamp(y + j - 1, 0, s.rows - 1));
    for (int i = 0; i < n + 3; i++) out[j * pitch + i] = line[std::clamp(x + i - 1, 0, s.cols - 1)];
  }
  return out + pitch + 1;
}

}  // namespace

// Row y of a channel of the frame before, or of its result, as it comes along. out has room for 32 more.
void TemporalBlend::along(const Picture &from, int c, int y, bool cubic, uint8_t *out) const {
  const Squares s(from.form, c, motion_->side());
  const Motion::Cell *cells = motion_->cells(s.row(y));
  const MotionKernels &k = motion_kernels();
  for (int x = 0; x < motion_->cells_across(); x++) {
    const int begin = s.begin(x), n = s.size(x);
    if (n <= 0) break;
    if (cells[x].x == 0 && cells[x].y == 0) {
      std::memcpy(out + begin, from.bytes(c, y) + begin, size_t(n));
      continue;
    }
    const int px = 16 * begin + cells[x].x / (1 << s.sub_x), py = 16 * y + cells[x].y / (1 << s.sub_y), u = px >> 4, v = py >> 4;
    size_t pitch = from.pitch[c];
    const bool inside = u >= 1 && v >= 1 && u + n + 2 <= s.cols && v + 3 <= s.rows;
    const uint8_t *at = inside ? from.bytes(c, v) + u : surroundings(from, c, s, u, v, n, pitch);
    (cubic ? k.cubic : k.bilinear)(at, ptrdiff_t(pitch), n, px & 15, py & 15, out + begin);
  }
}

// What changed in doubtful cells of row y counts for more.
void TemporalBlend::doubt(uint8_t *change, int y) const {
  const Squares s(next_.src.form, 0, motion_->side());
  const Motion::Cell *cells = motion_->cells(s.row(y));
  for (int x = 0; x < motion_->cells_across(); x++)
    if (cells[x].doubtful) motion_kernels().doubt(change + s.begin(x), s.size(x));
}

// Row y of a channel of the result moves by l.w towards what comes along of the one before.
void TemporalBlend::follow_row(const Lines &l, int c, int y) const {
  const int n = cols(next_.src.form, c);
  along(results_[1 - now_].picture(), c, y, true, l.before);
  uint8_t *now = results_[now_].picture().bytes(c, y);
  std::memcpy(now, next_.dst.picture.bytes(c, y), size_t(n));
  sample_kernels<uint8_t>().blend(now, l.before, l.w, n);
}

// The steps of a row of cells.
void TemporalBlend::measure(int row) {
  const adain_cpu_image &form = next_.src.form;
  const int side = motion_->side(), across = motion_->cells_across(), end = std::min((row + 1) * side, form.height);
  auto sums = reinterpret_cast<uint16_t *>(scratch(Scratch::inputs, 2 * size_t(form.width)));
  for (int which = 0; which < 2; which++) {
    const Picture of = which == 0 ? next_.dst.picture : results_[now_].picture();
    uint32_t *to = &steps_[which][size_t(row) * across];
    std::fill_n(to, across, 0);
    // Sums of 16 bits have room for 257 rows.
    for (int c = 0; c < luminous(); c++)
      for (int begin = row * side; begin < end; begin += 256) {
        std::fill_n(sums, form.width, 0);
        for (int y = begin; y < std::min(begin + 256, end); y++) motion_kernels().steps(of.bytes(c, y), form.width - 1, sums);
        for (int x = 0; x + 1 < form.width; x++) to[x / side] += sums[x];
      }
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
  return int(std::min<int64_t>(64 * (plain - blended) / blended, 32));
}

void TemporalBlend::Show::run(int chunk, int) {
  const TemporalBlend &b = blend_;
  const Next &next = b.next_;
  const bool blended = next.blended && next.before->continues();
  const int across = b.motion_->cells_across(), side = b.motion_->side();
  auto gains = reinterpret_cast<int *>(scratch(Scratch::outputs, sizeof(int) * across));
  for (int row = b.down_.begin(chunk); row < b.down_.begin(chunk) + b.down_.size(chunk); row++) {
    for (int x = 0; blended && x < across; x++) gains[x] = b.gain(x, row);
    for (int y = row * side; y < std::min((row + 1) * side, next.src.form.height); y++) {
      if (blended) b.show(y, gains);
      if (next.dst.preserve_color) next.dst.recolour(y, next.dst.picture, next.src);
    }
  }
}

// Row y of the result, with the chroma that goes with it.
void TemporalBlend::show(int y, const int *gains) const {
  const Picture result = results_[now_].picture(), &dst = next_.dst.picture;
  const int side = motion_->side(), width = result.form.width, height = result.form.height;
  const size_t pitch = size_t(width) + 2;
  uint8_t *lines = reinterpret_cast<uint8_t *>(scratch(Scratch::lines, 3 * pitch));
  for (int c = 0; c < luminous(); c++) {
    for (int j = 0; j < 3; j++) {
      const uint8_t *from = result.bytes(c, std::clamp(y + j - 1, 0, height - 1));
      uint8_t *line = lines + j * pitch;
      line[0] = from[0];
      std::memcpy(line + 1, from, size_t(width));
      line[width + 1] = from[width - 1];
    }
    for (int x = 0; x < motion_->cells_across(); x++) {
      const int begin = x * side, n = std::min(side, width - begin);
      const uint8_t *at = lines + pitch + 1 + begin;
      if (gains[x] == 0)
        std::memcpy(dst.bytes(c, y) + begin, at, size_t(n));
      else
        motion_kernels().sharpen(at - pitch, at, at + pitch, n, gains[x], dst.bytes(c, y) + begin);
    }
  }
  for (int c = luminous(); c < result.form.channels; c++) dst.copy_row(c, y, result);
}

}  // namespace adain
